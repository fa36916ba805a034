import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { openFolder } from '../src/objects/folder.ts'
import { objectKey } from '../src/objects/objects.ts'
import type { Known } from '../src/objects/verify.ts'
import { facts } from '../src/plan.ts'
import { SpecError } from '../src/spec/errors.ts'
import { checkInitial } from '../src/spec/initial.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ExperimentSpec, ResolvedSpec } from '../src/spec/schema.ts'
import { makeContext } from '../workers/context.ts'
import type { StoredObject, Task } from '../workers/protocol.ts'
import { readInitialWeights } from '../workers/tasks/initial.ts'
import { openRows, readRows } from '../workers/tasks/rows.ts'
import { trainSegments } from '../workers/tasks/train.ts'
import { flipBit } from './support/rot.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'loss-ledger-initial-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const id = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
const posted: ExperimentSpec = {
  dataset: { name: 'synthetic-digits', trainExamples: 100, validationExamples: 20 },
  architecture: { name: 'fc', hidden: [6] },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  training: { iterations: 5, batchSize: 20, seed: 1 },
  allocation: { segmentIterations: 3 },
}
const startingAt = (iteration: number, change: Partial<ExperimentSpec> = {}): ExperimentSpec => ({
  ...posted,
  ...change,
  training: { ...posted.training, seed: 2, initial: { experiment: id, iteration } },
})
const resolved = (spec: ExperimentSpec) => resolveSpec(spec, facts)
const variablesOf = ({ architecture }: ResolvedSpec) =>
  buildNetwork(architecture, { shape: [28, 28, 1], classes: 10 }).variables

/** An object store that holds an experiment's weights, row t all t, and its manifest, of which `known` is known. */
async function storeOf(spec: ResolvedSpec) {
  const stored: StoredObject[] = []
  const objects = openFolder(mkdtempSync(path.join(directory, 'objects-')))
  const variables = variablesOf(spec)
  const parameters = variables.reduce((sum, { size }) => sum + size, 0)
  for (const [from, to] of [
    [0, 3],
    [3, 5],
  ]) {
    const rows = await openRows(objects, id, `weights/${from}-${to}.npy`, to - from + 1, parameters)
    for (let t = from; t <= to; t++) await rows.append(new Float32Array(parameters).fill(t))
    stored.push(await rows.commit())
  }
  const manifest = await objects.write(objectKey(id, 'manifest.json'), 'application/json')
  await manifest.append(Buffer.from(JSON.stringify({ spec, variables, objects: stored })))
  const known: Known = await manifest.commit()
  return { objects, known, stored }
}

const failsAt = (path: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SpecError, String(error))
  assert.deepEqual(
    error.errors.map(error => error.path),
    [path],
  )
  assert.match(error.message, message)
  return true
}

test('the weights of any iteration, in whichever segment they lie', async () => {
  const earlier = resolved(posted)
  const { objects, known } = await storeOf(earlier)
  for (const t of [0, 2, 3, 4, 5]) {
    const theta = await readInitialWeights(objects, resolved(startingAt(t)), variablesOf(earlier), known)
    assert.ok(theta?.every(value => value === t))
  }
  assert.equal(await readInitialWeights(objects, earlier, variablesOf(earlier), undefined), undefined)
})

test('weights that are not there, or another network’s, are an error that no other attempt mends', async () => {
  const earlier = resolved(posted)
  const { objects, known } = await storeOf(earlier)
  const read = (spec: ExperimentSpec, store = objects) =>
    readInitialWeights(store, resolved(spec), variablesOf(resolved(spec)), known)
  await assert.rejects(read(startingAt(6)), failsAt('$.training.initial.iteration', /≤ 5, got 6/))
  const other = startingAt(1, { architecture: { name: 'fc', hidden: [7] } })
  await assert.rejects(
    read(other),
    failsAt('$.training.initial.experiment', /fc_1\/kernel \[784, 7\], that one has fc_1\/kernel \[784, 6\]/),
  )
  const empty = openFolder(mkdtempSync(path.join(directory, 'objects-')))
  await assert.rejects(
    read(startingAt(1), empty),
    failsAt('$.training.initial.experiment', /no such weights.*manifest/),
  )
})

test('a bit that storage has forgotten, of the weights or of the manifest, is an error that says where', async () => {
  const earlier = resolved(posted)
  for (const name of ['weights/0-3.npy', 'manifest.json']) {
    const { objects, known } = await storeOf(earlier)
    await flipBit(objects, objectKey(id, name))
    await assert.rejects(
      readInitialWeights(objects, resolved(startingAt(1)), variablesOf(earlier), known),
      failsAt(
        '$.training.initial.experiment',
        new RegExp(`${id}/${name} is damaged: .*/${id}/retry makes it again`),
      ),
    )
  }
})

test('a training starts from them', async () => {
  const earlier = resolved(posted)
  const { objects, known } = await storeOf(earlier)
  const context = makeContext({ datasetsDir: directory }, await loadEngine(), objects)
  const spec = resolved(startingAt(4))
  const { signal } = new AbortController()
  const run: Task = { kind: 'train', experimentId: 'x', spec, segments: [0], known }
  const result = await trainSegments(context, run, () => {}, signal)
  if (result.kind !== 'train') return assert.fail()
  const parameters = variablesOf(spec).reduce((sum, { size }) => sum + size, 0)
  const [{ name, ...object }] = result.objects
  const rowAt = await readRows(objects, { ...object, key: objectKey('x', name) }, parameters)
  assert.ok((await rowAt(0)).every(value => value === 4))
  assert.ok((await rowAt(1)).some(value => value !== 4))
})

test('what the API asks of the experiment that weights come from', () => {
  const spec = resolved(startingAt(5))
  const earlier = resolved(posted)
  const errors = (status: string, change: object = {}, own = spec) =>
    checkInitial(own, { status, spec: { ...earlier, ...change }, trainingCost: 0 }, facts)
  assert.deepEqual(errors('succeeded'), [])
  assert.deepEqual(checkInitial(earlier, null, facts), [], 'nothing is asked where weights are drawn')
  const experiment = '$.training.initial.experiment'
  assert.deepEqual(checkInitial(spec, null, facts), [
    { path: experiment, message: 'is not an experiment here' },
  ])
  assert.match(errors('training')[0].message, /must have succeeded, and is training/)
  assert.match(errors('succeeded', { keep: [] })[0].message, /kept its weights/)
  assert.equal(errors('succeeded', {}, resolved(startingAt(6)))[0].path, '$.training.initial.iteration')
  const wide = resolved(startingAt(5, { architecture: { name: 'fc', hidden: [7] } }))
  assert.match(errors('succeeded', {}, wide)[0].message, /\[784, 7\], that one has fc_1\/kernel \[784, 6\]/)
})
