/** A training that goes on with another's has the bits of the one that never stopped. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { leftName, stateName, weightsName } from '../src/objects/names.ts'
import { npyHeaderBytes } from '../src/objects/npy.ts'
import { MissingObjectError, objectKey } from '../src/objects/objects.ts'
import { openObjects } from '../src/objects/open.ts'
import type { Known } from '../src/objects/verify.ts'
import { facts } from '../src/plan.ts'
import { SpecError } from '../src/spec/errors.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ExperimentSpec, ResolvedSpec } from '../src/spec/schema.ts'
import { segmentsOf } from '../src/spec/segments.ts'
import { makeContext } from '../workers/context.ts'
import type { Ancestor, Task } from '../workers/protocol.ts'
import { allocateSegment } from '../workers/tasks/allocate.ts'
import { readTable } from '../workers/tasks/sealed.ts'
import { trainSegments } from '../workers/tasks/train.ts'

const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-branches-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const objects = await openObjects({ objectsDir: directory })
const context = makeContext({ datasetsDir: directory }, await loadEngine({ name: 'wasm' }), objects)

const ids = ['a', 'b', 'c', 'd'].map(letter => `0195d3a0-7c3e-7000-8000-${letter.repeat(12)}`)
type Parts = Pick<ExperimentSpec, 'optimizer'> &
  Partial<Omit<ExperimentSpec, 'training'>> & { training?: Partial<ExperimentSpec['training']> }
const base = (parts: Parts, iterations: number, initial?: ResolvedSpec['training']['initial']) =>
  resolveSpec(
    {
      dataset: { name: 'synthetic-digits', trainExamples: 130, validationExamples: 20 },
      architecture: { name: 'fc', hidden: [6] },
      layers: { fc_2: { freeze: { from: 3, until: 9 } } },
      allocation: { segmentIterations: 4 },
      ...parts,
      training: { batchSize: 30, seed: 3, ...parts.training, iterations, ...(initial && { initial }) },
    },
    facts,
  )

/** Trains an experiment whole, as far as it is not killed, and stores its manifest, as finalize does. */
async function trained(
  id: string,
  spec: ResolvedSpec,
  ancestors: Ancestor[] = [],
  stopAt = Number.POSITIVE_INFINITY,
): Promise<Ancestor> {
  const spans = segmentsOf(spec)
  const controller = new AbortController()
  const [parent] = ancestors
  const known = parent && manifests.get(parent.id)
  const task: Extract<Task, { kind: 'train' }> = {
    ...{ kind: 'train', experimentId: id, spec, segments: spans.map(({ index }) => index) },
    ...{ ancestors, ...(known && { known }) },
  }
  const report = (done: number) => {
    if (done === stopAt) controller.abort(new Error('killed'))
  }
  if (stopAt < spec.training.iterations) {
    await assert.rejects(trainSegments(context, task, report, controller.signal), /killed/)
    const finished = Math.floor(stopAt / 4)
    task.segments.splice(0, finished)
    // What was done before it was killed is recorded.
    const before = await trained(`${id}-again`, spec, ancestors)
    manifests.set(id, manifests.get(before.id)!)
  }
  const result = await trainSegments(context, task, () => {}, new AbortController().signal)
  if (result.kind !== 'train') throw new Error('unreachable')
  for (const { name, ...object } of result.objects)
    weightsOf.set(`${id} ${/(\d+)-/.exec(name)![1]}`, { ...object, key: objectKey(id, name) })
  if (task.segments.length === spans.length) {
    const manifest = await objects.write(objectKey(id, 'manifest.json'), 'application/json')
    const { variables } = buildNetwork(spec.architecture, { shape: [28, 28, 1], classes: 10 })
    await manifest.append(Buffer.from(JSON.stringify({ spec, variables, objects: result.objects })))
    manifests.set(id, await manifest.commit())
  }
  // As finalize leaves it.
  await objects.remove(objectKey(id, 'state'))
  return { id, spec, ...(known && { known }) }
}
const manifests = new Map<string, Known>()
/** Weights, by experiment and the beginning of their segment. */
const weightsOf = new Map<string, Known>()

/** θ_t of an experiment, as bytes. */
async function thetaOf({ id, spec }: Pick<Ancestor, 'id' | 'spec'>, t: number): Promise<string> {
  const span = segmentsOf(spec).find(({ from, to }) => from <= t && t <= to)!
  const bytes = await objects.read(objectKey(id, weightsName(span)))
  const row = (bytes.length - npyHeaderBytes) / (span.to - span.from + 1)
  const start = npyHeaderBytes + (t - span.from) * row
  return Buffer.from(bytes.subarray(start, start + row)).toString('base64')
}

const cases: Record<string, Parts> = {
  'sgd with momentum, and a step down': {
    optimizer: {
      ...{ name: 'sgd', learningRate: 0.1, momentum: 0.9 },
      schedule: { name: 'step', boundaries: [6, 11], factor: 0.5 },
    },
  },
  'adam that cools down': {
    optimizer: { name: 'adam', learningRate: 0.002, schedule: { name: 'cosine', iterations: 14 } },
  },
  'rmsprop, and adamw in one layer': {
    optimizer: { name: 'rmsprop', learningRate: 0.001, momentum: 0.5 },
    layers: {
      fc_1: { optimizer: { name: 'adamw', learningRate: 0.002 }, freeze: { from: 2, until: 4 } },
    },
  },
  'helpers by validation, and a memory of what they saw': {
    optimizer: { name: 'adam', learningRate: 0.002 },
    training: {
      intervention: {
        ...{ update: 'helpers', state: 'masked', from: 2, every: 3 },
        judge: { split: 'validation', examples: 15 },
      },
    },
  },
  'as many at random, one step after the other': {
    optimizer: { name: 'sgdw', learningRate: 0.1 },
    training: { intervention: { update: 'random', by: 'unit', judge: { method: 'left' }, until: 12 } },
  },
  'an average of the weights': {
    optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
    training: { average: { decay: 0.8, from: 2 } },
  },
  'running statistics': {
    optimizer: { name: 'adam', learningRate: 0.002 },
    architecture: {
      name: 'custom',
      layers: [
        { kind: 'flatten' },
        { kind: 'dense', units: 6 },
        { kind: 'batch_norm', statistics: 'running' },
        { kind: 'dense', units: 10 },
      ],
    },
  },
  dropout: {
    optimizer: { name: 'adam', learningRate: 0.002 },
    architecture: {
      name: 'custom',
      layers: [
        { kind: 'flatten' },
        { kind: 'dense', units: 6 },
        { kind: 'dropout', rate: 0.5 },
        { kind: 'dense', units: 10 },
      ],
    },
    layers: {},
  },
}

for (const [called, parts] of Object.entries(cases))
  test(`${called}: goes on, and on from there, bit for bit`, async () => {
    const whole = await trained(ids[0], base(parts, 14))
    // In the middle of a segment, of an epoch and of a freeze; then another from there.
    const first = await trained(ids[1], base(parts, 6))
    const second = await trained(
      ids[2],
      base(parts, 4, { experiment: ids[1], iteration: 5, state: true }),
      [first],
      called === 'dropout' || parts.training ? 2 : undefined,
    )
    const third = await trained(ids[3], base(parts, 6, { experiment: ids[2], iteration: 3, state: true }), [
      second,
      first,
    ])
    for (let t = 0; t <= 4; t++) assert.equal(await thetaOf(second, t), await thetaOf(whole, 5 + t), `${t}`)
    for (let t = 0; t <= 6; t++) assert.equal(await thetaOf(third, t), await thetaOf(whole, 8 + t), `${t}`)
    if (parts.training?.intervention === undefined) return
    // What came of each step, too, whether it was killed or not; and without it its segment cannot be allocated.
    const left = (id: string, from: number, to: number) =>
      readTable(objects, objectKey(id, leftName('interventions', { from, to })))
    assert.deepEqual(await left(ids[2], 0, 4), await left(`${ids[2]}-again`, 0, 4))
    const [iterations, ...columns] = await left(ids[2], 0, 4)
    const those = [...iterations.keys()].filter(row => iterations[row] === 3)
    const [, ...same] = await left(ids[0], 8, 12)
    if (those.length > 0)
      assert.deepEqual(
        columns.map(column => those.map(row => column[row])),
        same.map(column => [...column.subarray(0, those.length)]),
      )
    await objects.remove(objectKey(ids[2], 'training'))
    const { from, to } = { from: 0, to: 4 }
    const known = weightsOf.get(`${ids[2]} 0`)!
    const allocating = { kind: 'allocate', experimentId: ids[2], spec: second.spec, from, to, known } as const
    await assert.rejects(
      allocateSegment(context, allocating, () => {}, new AbortController().signal),
      MissingObjectError,
    )
  })

test('without its state it is another training; another optimizer starts afresh, in its layer alone', async () => {
  const parts = cases['adam that cools down']
  const whole = await trained(ids[0], base({ ...parts, layers: {} }, 10))
  const from = { experiment: ids[0], iteration: 5 }
  const without = await trained(ids[1], base({ ...parts, layers: {} }, 2, from), [whole])
  assert.equal(await thetaOf(without, 0), await thetaOf(whole, 5))
  assert.notEqual(await thetaOf(without, 1), await thetaOf(whole, 6))
  const layers = { fc_2: { optimizer: { name: 'sgd' } } } as const
  const changed = await trained(ids[2], base({ ...parts, layers }, 2, { ...from, state: true }), [whole])
  const first = (theta: string) => Buffer.from(theta, 'base64').subarray(0, 4 * (784 * 6 + 6))
  assert.deepEqual(first(await thetaOf(changed, 1)), first(await thetaOf(whole, 6)))
  assert.notEqual(await thetaOf(changed, 1), await thetaOf(whole, 6))
})

test('a branch is allocated as what it goes on with would have been: where steps come from, and how sharp it is', async () => {
  const parts: Parts = {
    optimizer: {
      ...{ name: 'sgd', learningRate: 0.1, momentum: 0.9 },
      schedule: { name: 'step', boundaries: [3], factor: 0.5 },
    },
    allocation: {
      ...{ method: 'left', maxSplits: 1, segmentIterations: 4, splits: ['train'] },
      diagnostics: { components: true, sharpness: { every: 4 } },
    },
  }
  const whole = await trained(ids[0], base(parts, 8))
  const branch = await trained(ids[1], base(parts, 4, { experiment: ids[0], iteration: 4, state: true }), [
    whole,
  ])
  const tablesOf = async ({ id, spec }: Ancestor, from: number, ancestors: Ancestor[]) => {
    const span = { from, to: from + 4 }
    const known = weightsOf.get(`${id} ${from}`)!
    const manifest = manifests.get(ids[0])
    const task = { kind: 'allocate' as const, experimentId: id, spec, ...span, known, ancestors, manifest }
    const result = await allocateSegment(context, task, () => {}, new AbortController().signal)
    if (result.kind !== 'allocate') throw new Error('unreachable')
    return (kind: string) => result.columns.find(table => table.kind === kind)!.columns
  }
  // Of the one that never stopped, the second segment; where training stood there is gone, and is gone through again.
  const [own, other] = [await tablesOf(branch, 0, [whole]), await tablesOf(whole, 4, [])]
  assert.deepEqual(own('components'), other('components'))
  assert.ok(own('components').momentum.some(value => value !== 0))
  const [{ iteration, ...sharp }, { iteration: at, ...same }] = [own('sharpness'), other('sharpness')]
  assert.deepEqual([[...iteration], [...at]], [[0], [4]])
  // 2/rate, by where it stands in the schedule; the vectors that Lanczos begins with are others.
  assert.equal(sharp.threshold[0], 40)
  assert.equal(same.threshold[0], 40)
  assert.ok(Math.abs(sharp.eigenvalue[0] / same.eigenvalue[0] - 1) < 1e-2)
})

test('from sgd into sgdw it takes its momentum along', async () => {
  const momentum = { learningRate: 0.1, momentum: 0.9 }
  const whole = await trained(ids[0], base({ optimizer: { name: 'sgd', ...momentum } }, 10))
  const into = (weightDecay: number) =>
    trained(
      ids[1],
      base({ optimizer: { name: 'sgdw', ...momentum, weightDecay } }, 4, {
        experiment: ids[0],
        iteration: 5,
        state: true,
      }),
      [whole],
    )
  const without = await into(0)
  for (let t = 0; t <= 4; t++) assert.equal(await thetaOf(without, t), await thetaOf(whole, 5 + t))
  assert.notEqual(await thetaOf(await into(0.1), 1), await thetaOf(whole, 6))
})

test('what does not come out as it did, and who is gone, is said', async () => {
  const parts = cases['adam that cools down']
  const parent = await trained(ids[0], base(parts, 6))
  const spec = base(parts, 2, { experiment: ids[0], iteration: 5, state: true })
  // As if another device had trained it: another seed draws other weights.
  const other = structuredClone(parent)
  other.spec.training.seed = 4
  const says = (message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof SpecError, String(error))
    assert.match(error.message, message)
    return true
  }
  await assert.rejects(trained(ids[1], spec, [other]), says(/another kind of device/))
  await assert.rejects(trained(ids[1], spec, []), says(/is gone/))
  assert.equal(await objects.stat(objectKey(ids[1], stateName(4))), undefined)
  assert.throws(
    () =>
      base({ optimizer: { name: 'adam', learningRate: 0.1, schedule: { name: 'cosine' } as never } }, 2, {
        ...{ experiment: ids[0], iteration: 5, state: true },
      }),
    says(/schedule\.iterations: must be said/),
  )
})

test('a training that goes on has the bits of a longer one, also when it is killed; what is done is not written again', async () => {
  const parts = cases['rmsprop, and adamw in one layer']
  const whole = await trained(ids[0], base(parts, 14))
  await trained(ids[1], base(parts, 8))
  const spec = base(parts, 14)
  const key = objectKey(ids[1], weightsName({ from: 4, to: 8 }))
  const bytes = await objects.read(key)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const task: Extract<Task, { kind: 'train' }> = {
    ...{ kind: 'train', experimentId: ids[1], spec, segments: [2, 3] },
    continues: { key, bytes: bytes.length, sha256 },
  }
  const first = objectKey(ids[1], weightsName({ from: 0, to: 4 }))
  await objects.remove(first)
  const controller = new AbortController()
  const told: number[] = []
  const report = (done: number) => {
    told.push(done)
    if (done === 13) controller.abort(new Error('killed'))
  }
  const quietly = () => {}
  const { signal } = new AbortController()
  await assert.rejects(trainSegments(context, task, report, controller.signal), /killed/)
  // Progress is that of what is new.
  assert.equal(Math.min(...told), 8)
  const again = await trainSegments(context, { ...task, segments: [3] }, quietly, signal)
  assert.equal(again.kind === 'train' && again.objects.length, 1)
  for (let t = 5; t <= 14; t++)
    assert.equal(await thetaOf({ id: ids[1], spec }, t), await thetaOf(whole, t), `${t}`)
  assert.equal(await objects.stat(first), undefined)
  await objects.remove(objectKey(ids[1], 'state'))
  const other = base({ ...parts, optimizer: { name: 'rmsprop', learningRate: 0.002 } }, 14)
  await assert.rejects(
    trainSegments(context, { ...task, spec: other }, quietly, signal),
    /does not give the weights that there are: .*another kind of device/,
  )
})
