/** A training that goes on from its last segment has the bits of one that was never disturbed. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { objectKey } from '../src/objects/objects.ts'
import { openObjects } from '../src/objects/open.ts'
import { facts } from '../src/plan.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { makeContext } from '../workers/context.ts'
import { trainSegments } from '../workers/tasks/train.ts'
import { flipBit } from './support/rot.ts'

const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-resume-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const optimizers: Record<string, Pick<ExperimentSpec, 'optimizer' | 'layers'>> = {
  sgd: { optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 } },
  rmsprop: { optimizer: { name: 'rmsprop', learningRate: 0.001 } },
  adam: { optimizer: { name: 'adam', learningRate: 0.002, schedule: { name: 'cosine', iterations: 20 } } },
  'sgd-and-adam': {
    optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
    layers: { fc_1: { optimizer: { name: 'adam', learningRate: 0.002 } } },
  },
}

for (const [called, { optimizer, layers }] of Object.entries(optimizers)) {
  test(`${called}: from every segment, and for a lost one in the middle`, async () => {
    const spec = resolveSpec(
      {
        dataset: { name: 'synthetic-digits', trainExamples: 300, validationExamples: 50 },
        architecture: { name: 'fc', hidden: [7] },
        optimizer,
        layers: { ...layers, fc_2: { freeze: { from: 3, until: 9 } } },
        training: { iterations: 17, batchSize: 50, seed: 3 },
        allocation: { segmentIterations: 4 },
      },
      facts,
    )
    const objects = await openObjects({ objectsDir: directory })
    const context = makeContext({ datasetsDir: directory }, await loadEngine({ name: 'wasm' }), objects)
    const names = ['0-4', '4-8', '8-12', '12-16', '16-17'].map(span => `weights/${span}.npy`)
    const bytes = (id: string, name: string) => readFileSync(join(directory, objectKey(id, name)))
    /** Trains these segments; resolves to the iterations that it reported. `stopAt`: aborted there. */
    const run = async (id: string, segments: number[], stopAt = Number.POSITIVE_INFINITY) => {
      const controller = new AbortController()
      const seen: number[] = []
      const report = (done: number) => {
        seen.push(done)
        if (done === stopAt) controller.abort(new Error('killed'))
      }
      const task = { kind: 'train' as const, experimentId: id, spec, segments }
      const result = await trainSegments(context, task, report, controller.signal).catch(() => undefined)
      const trained = result?.kind === 'train' ? result : undefined
      return { seen, stored: trained?.objects.map(({ name }) => name), damaged: trained?.damaged }
    }

    const whole = `${called}-whole`
    await run(whole, [0, 1, 2, 3, 4])
    for (const stopAt of [2, 4, 5, 11, 16]) {
      const id = `${called}-${stopAt}`
      await run(id, [0, 1, 2, 3, 4], stopAt)
      const finished = Math.floor(stopAt / 4)
      const { seen } = await run(id, [0, 1, 2, 3, 4].slice(finished))
      assert.equal(seen[0], 4 * finished, 'goes on where the last segment ended')
      for (const name of names) assert.deepEqual(bytes(id, name), bytes(whole, name), `${stopAt}: ${name}`)
    }

    // A state that is damaged, or of another version, is no state: training goes on from the one before.
    const damaged = `${called}-damaged`
    await run(damaged, [0, 1, 2, 3, 4], 13)
    await flipBit(objects, objectKey(damaged, 'state/12.npy'))
    const again = await run(damaged, [3, 4])
    assert.equal(again.seen[0], 8)
    assert.match(again.damaged!.join(), /state\/12\.npy is damaged: it has SHA-256/)
    for (const name of names) assert.deepEqual(bytes(damaged, name), bytes(whole, name), name)

    // A lost segment: only that is trained again; without the state before it, from the one before that.
    const original = bytes(whole, names[2])
    await objects.remove(objectKey(whole, names[2]))
    assert.deepEqual((await run(whole, [2])).stored, [names[2]])
    assert.deepEqual(bytes(whole, names[2]), original)
    await objects.remove(objectKey(whole, names[2]))
    await objects.remove(objectKey(whole, 'state/8.npy'))
    const before = await run(whole, [2])
    assert.deepEqual([before.seen[0], before.stored], [4, [names[2]]])
    assert.deepEqual(bytes(whole, names[2]), original)
  })
}
