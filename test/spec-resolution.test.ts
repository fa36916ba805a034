import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recorded } from '../src/lca/diagnostics/registry.ts'
import type { SpecError } from '../src/spec/errors.ts'
import { glob, resolveLayers } from '../src/spec/layers.ts'
import { preview } from '../src/spec/preview.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { segmentsOf } from '../src/spec/segments.ts'
import { facts, fcFacts, mnistFacts } from './support/facts.ts'

const minimal = {
  dataset: { name: 'mnist' },
  architecture: { name: 'fc' },
  optimizer: { name: 'sgd' },
  training: { iterations: 220 },
}
const network = fcFacts(784, [100, 50], 10)

test('four fields make a spec; everything else has a default', () => {
  assert.deepEqual(resolveSpec(minimal, facts), {
    tags: {},
    dataset: { name: 'mnist', trainExamples: 55_000, validationExamples: 5_000, seed: 0 },
    architecture: { name: 'fc', hidden: [100, 50] },
    optimizer: {
      name: 'sgd',
      learningRate: 0.05,
      schedule: { name: 'constant' },
      momentum: 0,
      nesterov: false,
    },
    layers: {},
    training: { iterations: 220, batchSize: 250, seed: 0, l2: 0 },
    allocation: {
      method: 'simpson',
      maxError: 0.001,
      maxSplits: 32,
      splits: ['train', 'validation'],
      chunkSize: 27_500,
      segmentIterations: 50,
      // The free ones are on, the others off.
      diagnostics: Object.fromEntries(recorded.map(({ name, cost }) => [name, cost === 'free'])),
    },
    keep: ['weights', 'allocations'],
  })
})

test('each optimizer and schedule has its own defaults', () => {
  const optimizer = (spec: object) => resolveSpec({ ...minimal, optimizer: spec }, facts).optimizer
  const schedule = { name: 'constant' }
  const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
  assert.deepEqual(optimizer({ name: 'rmsprop' }), {
    name: 'rmsprop',
    learningRate: 0.001,
    schedule,
    decay: 0.9,
    momentum: 0,
    epsilon: 1e-8,
  })
  assert.deepEqual(optimizer({ name: 'adam' }), { name: 'adam', learningRate: 0.001, schedule, ...moments })
  assert.deepEqual(optimizer({ name: 'adamw' }), {
    name: 'adamw',
    learningRate: 0.001,
    schedule,
    ...moments,
    weightDecay: 0.01,
  })
  assert.deepEqual(optimizer({ name: 'sgd', schedule: { name: 'cosine' } }).schedule, {
    name: 'cosine',
    iterations: 220,
    final: 0,
  })
  assert.deepEqual(optimizer({ name: 'sgd', schedule: { name: 'step', boundaries: [9] } }).schedule, {
    name: 'step',
    boundaries: [9],
    factor: 0.1,
  })
})

test('defaults that depend on the data follow it', () => {
  const small = resolveSpec(
    { ...minimal, dataset: { name: 'mnist', trainExamples: 100, validationExamples: 0 } },
    facts,
  )
  assert.equal(small.training.batchSize, 100)
  assert.deepEqual(small.allocation.splits, ['train'])
  assert.equal(small.allocation.chunkSize, 50)
  const whole = resolveSpec(
    { ...minimal, dataset: { name: 'mnist', trainExamples: 60_000, validationExamples: 10_000 } },
    facts,
  )
  assert.deepEqual(whole.dataset, {
    name: 'mnist',
    trainExamples: 60_000,
    validationExamples: 10_000,
    seed: 0,
  })
})

test('where the spec does not say, validation has what training leaves; nothing left is wrong only where it is allocated', () => {
  const upload = { ...mnistFacts, name: 'mine', trainFile: 1000, testFile: 0 }
  const own = { ...upload, defaults: { trainExamples: 900, validationExamples: 100 } }
  const resolve = (trainExamples: number | undefined, splits?: string[]) =>
    resolveSpec(
      { ...minimal, dataset: { name: 'mine', trainExamples }, ...(splits && { allocation: { splits } }) },
      { ...facts, datasets: [own] },
    )
  const sizes = (trainExamples?: number, splits?: string[]) => {
    const { dataset, allocation } = resolve(trainExamples, splits)
    return [dataset.trainExamples, dataset.validationExamples, ...allocation.splits]
  }
  assert.deepEqual(sizes(), [900, 100, 'train', 'validation'])
  assert.deepEqual(sizes(500), [500, 100, 'train', 'validation'])
  assert.deepEqual(sizes(950), [950, 50, 'train', 'validation'])
  assert.deepEqual(sizes(1000), [1000, 0, 'train'])
  assert.deepEqual(sizes(1000, ['train']), [1000, 0, 'train'])
  const once = resolve(1000)
  assert.deepEqual(resolveSpec(once, { ...facts, datasets: [own] }), once)
  for (const [train, path, message] of [
    [1000, '$.dataset.trainExamples', /must be ≤ 999, .* for validation, which allocation\.splits asks for/],
    [1001, '$.dataset.trainExamples', /must be ≤ 1000, the training examples/],
  ] as const)
    assert.throws(
      () => resolve(train, ['train', 'validation']),
      ({ errors }: SpecError) =>
        errors.length === 1 && errors[0].path === path && message.test(errors[0].message),
    )
})

test('resolving a resolved spec changes nothing, not even the order of its keys, and never the input', () => {
  const posted = {
    keep: [],
    tags: { b: '1', a: '2' },
    name: 'odd',
    ...minimal,
    optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, schedule: { name: 'cosine' } },
    layers: { fc_3: { freeze: true }, 'fc_?': { freeze: { until: 20 }, optimizer: { learningRate: 0 } } },
    allocation: { splits: ['validation'], segmentIterations: 1000 },
  }
  const before = structuredClone(posted)
  const once = resolveSpec(posted, facts)
  assert.deepEqual(posted, before)
  assert.deepEqual(once.layers, posted.layers)
  assert.deepEqual(once.keep, [])
  assert.equal(JSON.stringify(resolveSpec(once, facts)), JSON.stringify(once))
  assert.equal('name' in resolveSpec(minimal, facts), false)
})

test('a key that names a property of Object.prototype is a key like any other', () => {
  const posted = JSON.parse(
    JSON.stringify(minimal).replace('{', '{"tags":{"__proto__":"a","constructor":"b"},'),
  )
  const { tags } = resolveSpec(posted, facts)
  assert.equal(JSON.stringify(tags), '{"__proto__":"a","constructor":"b"}')
  assert.equal(Object.getPrototypeOf(tags), Object.prototype)
})

test('a glob matches whole names', () => {
  const matches: [string, string][] = [
    ['fc_1', 'fc_1'],
    ['fc_*', 'fc_12'],
    ['*', 'block2a/conv_1'],
    ['fc_?', 'fc_1'],
    ['b*/conv_?', 'block2a/conv_1'],
    ['**1', 'fc_1'],
    ['fc_1*', 'fc_1'],
  ]
  const misses: [string, string][] = [
    ['fc', 'fc_1'],
    ['fc_1', 'fc_12'],
    ['?', ''],
    ['fc_?', 'fc_'],
    ['*2', 'fc_1'],
    ['fc.1', 'fc_1'],
    ['', 'fc_1'],
  ]
  for (const [pattern, name] of matches) assert.ok(glob(pattern)(name), `${pattern} ${name}`)
  for (const [pattern, name] of misses) assert.ok(!glob(pattern)(name), `${pattern} ${name}`)
  const start = performance.now()
  assert.ok(!glob('*a'.repeat(100) + 'b')('a'.repeat(5000)))
  assert.ok(performance.now() - start < 500)
})

test('of several rules that match a layer, later ones win field by field', () => {
  const spec = resolveSpec(
    {
      ...minimal,
      layers: {
        '*': { freeze: { until: 100 }, l2: 0.1, optimizer: { learningRate: 0.01, momentum: 0.5 } },
        fc_3: { freeze: false, l2: 0.2, optimizer: { momentum: 0.9, nesterov: true } },
        fc_1: { freeze: true, l2: 0 },
      },
    },
    facts,
  )
  const base = { name: 'sgd', learningRate: 0.01, schedule: { name: 'constant' } }
  assert.deepEqual(resolveLayers(spec, network), [
    {
      layer: 'fc_1',
      parameters: 78_500,
      optimizer: { ...base, momentum: 0.5, nesterov: false },
      freeze: { from: 0, until: null },
      l2: 0,
    },
    {
      layer: 'fc_2',
      parameters: 5_050,
      optimizer: { ...base, momentum: 0.5, nesterov: false },
      freeze: { from: 0, until: 100 },
      l2: 0.1,
    },
    {
      layer: 'fc_3',
      parameters: 510,
      optimizer: { ...base, momentum: 0.9, nesterov: true },
      freeze: null,
      l2: 0.2,
    },
  ])
})

test('a rule may name another optimizer: its defaults, but for the learning rate and the schedule', () => {
  const schedule = { name: 'step', boundaries: [9], factor: 0.5 } as const
  const sgd = { name: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true, schedule } as const
  const optimizersOf = (layers: ExperimentSpec['layers']) => {
    const spec = resolveSpec({ ...minimal, optimizer: sgd, layers }, facts)
    assert.deepEqual(spec.layers, layers)
    return resolveLayers(spec, network).map(({ optimizer }) => optimizer)
  }
  const adam = { name: 'adam', schedule, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const
  assert.deepEqual(
    optimizersOf({
      fc_1: { optimizer: { name: 'adam' } },
      fc_2: { optimizer: { name: 'adam', learningRate: 0.01, beta2: 0.99 } },
    }),
    [{ ...adam, learningRate: 0.1 }, { ...adam, learningRate: 0.01, beta2: 0.99 }, sgd],
  )
  // Rules in turn: back to the experiment's optimizer is back to its defaults, as for any other.
  const plain = { ...sgd, momentum: 0, nesterov: false }
  assert.deepEqual(
    optimizersOf({
      '*': { optimizer: { momentum: 0.5, learningRate: 0.2 } },
      'fc_?': { optimizer: { name: 'adam', beta1: 0.8 } },
      fc_1: { optimizer: { name: 'adam', epsilon: 1e-6 } },
      fc_2: { optimizer: { name: 'sgd' } },
      fc_3: { optimizer: { name: 'sgd', momentum: 0.3 } },
    }),
    [
      { ...adam, learningRate: 0.2, beta1: 0.8, epsilon: 1e-6 },
      { ...plain, learningRate: 0.2 },
      { ...plain, learningRate: 0.2, momentum: 0.3 },
    ],
  )
})

test('segments tile the iterations', () => {
  const segments = (iterations: number, segmentIterations: number) =>
    segmentsOf(
      resolveSpec({ ...minimal, training: { iterations }, allocation: { segmentIterations } }, facts),
    )
  assert.deepEqual(segments(120, 50), [
    { index: 0, from: 0, to: 50 },
    { index: 1, from: 50, to: 100 },
    { index: 2, from: 100, to: 120 },
  ])
  assert.deepEqual(
    segments(100, 50).map(({ to }) => to),
    [50, 100],
  )
  assert.deepEqual(segments(3, 50), [{ index: 0, from: 0, to: 3 }])
})

test('a preview counts passes, operations, bytes and rows', () => {
  const cost = (change: object) =>
    preview(resolveSpec({ ...minimal, training: { iterations: 120 }, ...change }, facts), facts)
  const { parameters, segments, gradientPasses, flops, bytes, rows, variables } = cost({})
  assert.equal(parameters, 84_060)
  assert.equal(variables.length, 6)
  assert.equal(segments, 3)
  assert.deepEqual(gradientPasses, { train: 243, validation: 243 })
  assert.deepEqual(flops, {
    training: 120 * 250 * 6 * 84_060,
    allocation: 243 * 60_000 * 6 * 84_060,
    // 50 iterations of 2 · 32 points, and the end.
    segment: 3201 * 60_000 * 6 * 84_060,
  })
  const row = 84_060 * 4
  const weights = 123 * row + 3 * 128
  const allocations = 2 * (120 * row + 3 * 128)
  const neurons = 2 * (120 * (100 + 50 + 10) * 4 + 3 * 128)
  const all = weights + allocations + neurons
  // What segments leave for oscillation (five vectors) and windows (one), of both splits, until the end.
  const seams = 2 * 3 * (128 + 6 * row)
  assert.deepEqual(bytes, { weights, allocations, neurons, kept: all, peak: all + seams })
  assert.deepEqual(rows, { iterations: 240, allocations: 1440, total: 1680 })

  const bare = cost({ keep: [], allocation: { method: 'boole', splits: ['train'] } })
  assert.deepEqual(bare.gradientPasses, { train: 483 })
  const half = neurons / 2
  const nothing = { weights: 0, allocations: 0, neurons: half, kept: half, peak: weights + half + seams / 2 }
  assert.deepEqual(bare.bytes, nothing)
  assert.deepEqual(cost({ allocation: { method: 'left' } }).gradientPasses, { train: 123, validation: 123 })
})

test('a sample: at most so many of each split, in twenty chunks or more; the preview says what it saves', () => {
  const resolve = (allocation: object, facts_ = facts) =>
    resolveSpec({ ...minimal, training: { iterations: 120 }, allocation }, facts_)
  const sampled = resolve({ examples: 5500 })
  assert.deepEqual([sampled.allocation.examples, sampled.allocation.chunkSize], [5500, 275])
  assert.deepEqual(resolveSpec(sampled, facts), sampled)
  assert.equal(resolve({ examples: 5519 }).allocation.chunkSize, 275)
  // All of the largest split is no sample, and has the chunks that it has without.
  assert.equal(resolve({ examples: 55_000 }).allocation.chunkSize, resolve({}).allocation.chunkSize)

  const { examples, saved, flops } = preview(sampled, facts)
  assert.deepEqual(examples, {
    train: { examples: 5500, of: 55_000 },
    validation: { examples: 5000, of: 5000 },
  })
  assert.equal(saved.gradients, 243 * 49_500)
  assert.equal(flops.allocation, 243 * 10_500 * 6 * 84_060)
  const whole = preview(resolve({}), facts)
  assert.equal(saved.flops + flops.allocation, whole.flops.allocation)
  assert.deepEqual(whole.saved, { gradients: 0, flops: 0 })

  // With batch norm the loss is over chunks, and a sample of it is of chunks.
  const normed: typeof facts = {
    ...facts,
    get datasets() {
      return facts.datasets
    },
    network: (...args) => ({ ...facts.network(...args), batchNorm: true }),
    chunkSize: () => 250,
  }
  assert.equal(resolve({ examples: 5000 }, normed).allocation.chunkSize, 250)
  for (const [allocation, says] of [
    [
      { examples: 4750 },
      /^\$\.allocation\.examples: .*multiple of allocation\.chunkSize \(250\), 20 times.*5000 would do$/,
    ],
    [{ examples: 5100 }, /5250 would do$/],
    [
      { examples: 5700, chunkSize: 300 },
      /^\$\.allocation\.chunkSize: must divide the 55000 examples of the train/,
    ],
  ] as const)
    assert.throws(
      () => resolve({ splits: ['train'], ...allocation }, normed),
      (error: SpecError) => says.test(`${error.errors[0].path}: ${error.errors[0].message}`),
    )
})
