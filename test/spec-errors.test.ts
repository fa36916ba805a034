import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FieldError, SpecError } from '../src/spec/errors.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import { facts } from './support/facts.ts'

const good = {
  dataset: { name: 'mnist' },
  architecture: { name: 'fc' },
  optimizer: { name: 'sgd' },
  training: { iterations: 100 },
}

function errorsOf(input: unknown): FieldError[] {
  try {
    resolveSpec(input, facts)
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error))
    return error.errors
  }
  return []
}

const sgd = (options: object) => ({ optimizer: { name: 'sgd', ...options } })
const step = (boundaries: unknown) => sgd({ schedule: { name: 'step', boundaries } })
const layers = (rules: object) => ({ layers: rules })
const allocation = (options: object) => ({ allocation: options })
const dataset = (options: object) => ({ dataset: { name: 'mnist', ...options } })
const training = (options: object) => ({ training: { iterations: 100, ...options } })

/** What is wrong (over a spec that is right), the path that must be named, and what the message must say. */
const cases: [change: object, path: string, says: string][] = [
  // Missing and unknown fields
  [{ dataset: undefined }, '$.dataset', 'is required'],
  [{ training: {} }, '$.training.iterations', 'is required: an integer from 1 to 10000000'],
  [{ architecture: {} }, '$.architecture.name', 'is required: one of fc, lenet'],
  [{ optimizer: {} }, '$.optimizer.name', 'is required: one of sgd, rmsprop, adam, adamw, sgdw, lion'],
  [{ optimizer: { name: 'sdg' } }, '$.optimizer.name', 'got "sdg"; did you mean sgd?'],
  [{ architecture: { name: 'constructor' } }, '$.architecture.name', 'must be one of fc, lenet'],
  [{ epochs: 3 }, '$.epochs', 'is not a field here; fields: name, tags, dataset'],
  [sgd({ momentumm: 0.9 }), '$.optimizer.momentumm', 'did you mean momentum? fields: name, learningRate'],
  [{ optimizer: { name: 'adam', momentum: 0.9 } }, '$.optimizer.momentum', 'is not a field here'],
  [sgd({ schedule: {} }), '$.optimizer.schedule.name', 'is required: one of constant, step, cosine, warmup'],
  [sgd({ schedule: { name: 'step' } }), '$.optimizer.schedule.boundaries', 'is required: an array'],
  [dataset({ name: 'MNIST' }), '$.dataset.name', 'did you mean mnist? datasets: synthetic-digits, mnist'],
  [layers({ fc_9: { freeze: true } }), '$.layers.fc_9', 'matches no layer of this architecture'],
  [layers({ 'conv*': {} }), "$.layers['conv*']", 'layers: fc_1, fc_2, fc_3'],
  [layers(JSON.parse('{"__proto__":{"freeze":true}}')), '$.layers.__proto__', 'matches no layer'],
  // Wrong types
  [{ optimizer: 'sgd' }, '$.optimizer', 'must be an object whose name is one of sgd'],
  [sgd({ momentum: 'high' }), '$.optimizer.momentum', 'must be a number ≥ 0 and < 1, got "high"'],
  [training({ iterations: '100' }), '$.training.iterations', 'got "100"'],
  [training({ iterations: 1.5 }), '$.training.iterations', 'must be an integer from 1'],
  [
    layers({ fc_1: { freeze: 1 } }),
    '$.layers.fc_1.freeze',
    'true or false or an object with the fields from, until',
  ],
  [{ tags: { study: 1 } }, '$.tags.study', 'must be a string of at most 200 characters, got 1'],
  [{ keep: 'weights' }, '$.keep', 'must be an array'],
  // Out of range
  [sgd({ momentum: 1 }), '$.optimizer.momentum', 'got 1'],
  [sgd({ learningRate: Number.POSITIVE_INFINITY }), '$.optimizer.learningRate', 'got Infinity'],
  [sgd({ learningRate: Number.NaN }), '$.optimizer.learningRate', 'got NaN'],
  [dataset({ seed: -1 }), '$.dataset.seed', 'from 0 to 4294967295'],
  [{ architecture: { name: 'fc', hidden: [100, 0] } }, '$.architecture.hidden[1]', 'from 1 to 65536, got 0'],
  [
    { architecture: { name: 'fc', hidden: Array(9).fill(65536) } },
    '$.architecture',
    'at most 134217728 parameters',
  ],
  [allocation({ method: 'simpsons' }), '$.allocation.method', 'did you mean simpson?'],
  [allocation({ maxError: 0 }), '$.allocation.maxError', '> 0'],
  [allocation({ splits: ['train', 'test'] }), '$.allocation.splits[1]', 'must be one of train, validation'],
  [{ tags: { '': 'x' } }, "$.tags['']", 'a key that is a string of 1 to 100 characters'],
  [{ tags: { 'a:b': 'c' } }, "$.tags['a:b']", 'a key without ":"'],
  // Contradictions
  [{ keep: ['weights', 'weights'] }, '$.keep[1]', 'repeats "weights"'],
  [dataset({ trainExamples: 60001 }), '$.dataset.trainExamples', 'must be ≤ 60000'],
  [
    dataset({ validationExamples: 20000 }),
    '$.dataset.validationExamples',
    '≤ 10000 to come from its test examples',
  ],
  [
    { ...dataset({ trainExamples: 100 }), ...training({ batchSize: 101 }) },
    '$.training.batchSize',
    'dataset.trainExamples (100)',
  ],
  [allocation({ maxSplits: 12 }), '$.allocation.maxSplits', 'must be a power of two'],
  [allocation({ examples: 19 }), '$.allocation.examples', 'must be an integer from 20'],
  [allocation({ examples: 55001 }), '$.allocation.examples', 'must be ≤ the examples of the largest split'],
  [
    allocation({ examples: 5001, splits: ['validation'] }),
    '$.allocation.examples',
    'largest split that is allocated (5000), got 5001',
  ],
  [
    allocation({ examples: 5500, chunkSize: 276 }),
    '$.allocation.chunkSize',
    'must be ≤ 275, for allocation.examples (5500) to make 20 chunks',
  ],
  [allocation({ chunkSize: 55001 }), '$.allocation.chunkSize', 'must be ≤ the examples of the largest split'],
  [
    { ...dataset({ validationExamples: 0 }), ...allocation({ splits: ['train', 'validation'] }) },
    '$.allocation.splits[1]',
    'must not be validation',
  ],
  [sgd({ nesterov: true }), '$.optimizer.nesterov', 'needs momentum > 0'],
  [step([50, 20]), '$.optimizer.schedule.boundaries[1]', 'must be > the boundary before it (50), got 20'],
  [step([50, 50]), '$.optimizer.schedule.boundaries[1]', 'must be > the boundary'],
  [layers({ fc_1: { freeze: { from: 9, until: 9 } } }), '$.layers.fc_1.freeze.until', 'must be > from (9)'],
  [layers({ fc_1: { freeze: { from: 100 } } }), '$.layers.fc_1.freeze.from', 'no effect'],
  [
    layers({ fc_1: { optimizer: { beta1: 0.5 } } }),
    '$.layers.fc_1.optimizer.beta1',
    'is not a hyperparameter of sgd',
  ],
  [
    layers({ fc_1: { optimizer: { name: 'adam', momentum: 0.5 } } }),
    '$.layers.fc_1.optimizer.momentum',
    'is not a hyperparameter of adam, the optimizer of fc_1; it has learningRate, beta1, beta2, epsilon',
  ],
  [
    layers({ fc_2: { optimizer: { name: 'rmsprop' } }, '*': { optimizer: { nesterov: false } } }),
    "$.layers['*'].optimizer.nesterov",
    'is not a hyperparameter of rmsprop, the optimizer of fc_2',
  ],
  [
    layers({ fc_1: { optimizer: { name: 'adan' } } }),
    '$.layers.fc_1.optimizer.name',
    'one of sgd, rmsprop, adam, adamw, sgdw, lion, got "adan"; did you mean adam?',
  ],
  [
    layers({ fc_2: { optimizer: { nesterov: true } } }),
    '$.layers.fc_2.optimizer.nesterov',
    'which fc_2 has not',
  ],
  [
    { ...sgd({ momentum: 0.9, nesterov: true }), ...layers({ fc_2: { optimizer: { momentum: 0 } } }) },
    '$.layers.fc_2.optimizer.momentum',
    'must be > 0 where nesterov is on, as it is for fc_2',
  ],
  [dataset({ sha256: 'x' }), '$.dataset.sha256', 'must be 64 hexadecimal digits in small letters, got "x"'],
  [
    training({ initial: { experiment: 'X', iteration: 0 } }),
    '$.training.initial.experiment',
    'must be the id of an experiment, a UUID in small letters',
  ],
  [{ notify: [{ url: 'a b' }] }, '$.notify[0].url', 'must be a URL of at most 2000 characters'],
  [
    { architecture: { name: 'custom', layers: [{ kind: 'conv' }] } },
    '$.architecture.layers[0].kind',
    'must be one of dense, conv2d, depthwise_conv2d',
  ],
  [
    { architecture: { name: 'custom', layers: [{}] } },
    '$.architecture.layers[0].kind',
    'is required: one of dense',
  ],
  [
    { architecture: { name: 'custom', layers: ['relu'] } },
    '$.architecture.layers[0]',
    'must be an object whose kind is one of dense, conv2d',
  ],
  [{ architecture: { name: 'fc', hidden: [13] } }, '$.architecture.hidden[0]', 'must not be 13'],
]

for (const [change, path, says] of cases) {
  test(`a spec with ${JSON.stringify(change).slice(0, 80)} is wrong at ${path}`, () => {
    const errors = errorsOf({ ...good, ...change })
    assert.deepEqual(
      errors.map(error => error.path),
      [path],
    )
    assert.ok(errors[0].message.includes(says), errors[0].message)
  })
}

test('momentum 0 is right where nesterov is off in the end', () => {
  const off = { optimizer: { momentum: 0, nesterov: false } }
  const on = { optimizer: { nesterov: true } }
  assert.deepEqual(
    errorsOf({ ...good, ...sgd({ momentum: 0.9, nesterov: true }), ...layers({ fc_2: off }) }),
    [],
  )
  assert.deepEqual(errorsOf({ ...good, ...layers({ fc_2: on, 'fc_*': off }) }), [])
})

test('a document that is no object is wrong as a whole', () => {
  for (const input of [null, [], 'spec', 3, undefined]) {
    const errors = errorsOf(input)
    assert.deepEqual(
      errors.map(error => error.path),
      ['$'],
    )
    assert.match(errors[0].message, /^must be an object with the fields name, tags, dataset/)
    assert.doesNotMatch(errors[0].message, /undefined/)
  }
})

test('every wrong field is named at once, contradictions beside violations of the schema', () => {
  const errors = errorsOf({
    dataset: { name: 'mnist', trainExamples: 70000, seed: 'x' },
    architecture: { name: 'fc', hiden: [10] },
    optimizer: { name: 'sgd', momentum: 2, schedule: { name: 'step', boundaries: [5, 4] } },
    layers: { "it's": { freeze: { until: 0, form: 1 } }, fc_1: { freeze: { from: 200 } } },
    training: { iterations: 100, batchSize: 0 },
    allocation: { maxSplits: 3, chunkSize: 0 },
  })
  assert.deepEqual(
    new Set(errors.map(error => error.path)),
    new Set([
      '$.dataset.seed',
      '$.architecture.hiden',
      '$.optimizer.momentum',
      "$.layers['it\\'s'].freeze.until",
      "$.layers['it\\'s'].freeze.form",
      '$.training.batchSize',
      '$.allocation.chunkSize',
      '$.dataset.trainExamples',
      '$.optimizer.schedule.boundaries[1]',
      '$.layers.fc_1.freeze.from',
      '$.allocation.maxSplits',
    ]),
  )
})

test('what a field should have been is not guessed at: a wrong number contradicts nothing', () => {
  const errors = errorsOf({
    ...good,
    ...dataset({ trainExamples: 'all' }),
    ...training({ batchSize: 60000 }),
  })
  assert.deepEqual(
    errors.map(error => error.path),
    ['$.dataset.trainExamples'],
  )
})

test('a huge document of mistakes is answered briefly', () => {
  const rules = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`layer_${i}`, { freeze: 3 }]))
  const errors = errorsOf({ ...good, layers: rules })
  assert.match(errors[0].message, /^has more than 300 errors/)
  assert.ok(errors.length <= 301)
})

test('a body of a million bytes is checked in the time that its right part takes', () => {
  const numbers = Array.from({ length: 140_000 }, (_, i) => i)
  const objects = Array.from({ length: 100_000 }, () => ({}))
  const unknown = Object.fromEntries(numbers.map(i => [`k${i}`, 0]))
  const start = process.cpuUsage()
  assert.deepEqual(errorsOf({ ...good, keep: numbers })[0], {
    path: '$.keep',
    message: 'must be an array of at most 2 items, each one of weights, allocations, got an array of 140000',
  })
  assert.equal(errorsOf({ ...good, keep: objects })[0].path, '$.keep')
  assert.equal(errorsOf({ ...good, allocation: { splits: objects } })[0].path, '$.allocation.splits')
  assert.equal(errorsOf({ ...good, allocation: unknown }).length, 100)
  assert.equal(errorsOf({ ...good, tags: unknown })[0].path, '$.tags')
  const { user } = process.cpuUsage(start)
  assert.ok(user < 2e6, `${user / 1e3} ms`)
})

test('a thousand rules on four thousand layers are looked at in seconds', () => {
  const hidden = Array.from({ length: 32 }, () => 1)
  const network = facts.network({ name: 'fc', hidden }, facts.datasets[0])
  const layers = Array.from({ length: 4000 }, (_, i) => `block_${i}/conv_1`)
  const many = { ...facts, network: () => ({ ...network, layers }) }
  const rules = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`*b*o*c*k*_*/*${i}x`, {}]))
  const near = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`block_${i}/covn_2`, {}]))
  const start = process.cpuUsage()
  for (const wrong of [rules, near])
    assert.throws(
      () => resolveSpec({ ...good, layers: wrong }, many),
      (error: SpecError) => error.errors.length === 100,
    )
  const { user } = process.cpuUsage(start)
  assert.ok(user < 10e6, `${user / 1e3} ms`)
})
