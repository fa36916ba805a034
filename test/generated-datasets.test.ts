/** The datasets that are generated from options: what they say is true, the same for the same seed, and specs that misuse them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Examples } from '../src/data/examples.ts'
import { loadSplits } from '../src/data/registry.ts'
import { facts } from '../src/plan.ts'
import { SpecError } from '../src/spec/errors.ts'
import { preview } from '../src/spec/preview.ts'
import { resolveSpec } from '../src/spec/resolve.ts'

const specOf = (dataset: object, architecture: object, rest: object = {}) => ({
  ...{ dataset, architecture, optimizer: { name: 'adamw' }, training: { iterations: 10 } },
  ...rest,
})
const transformer = { name: 'transformer', width: 16, heads: 2 }
const resolved = (dataset: object, architecture: object = transformer, rest?: object) =>
  resolveSpec(specOf(dataset, architecture, rest), facts)
const load = (dataset: object, architecture?: object) =>
  loadSplits(resolved(dataset, architecture).dataset, { directory: '.' })

const rows = ({ images, labels, count, shape, targets = 1 }: Examples) =>
  Array.from({ length: count }, (_, n) => ({
    input: Array.from(images.subarray(n * shape[0], (n + 1) * shape[0])),
    labels: Array.from(labels.subarray(n * targets, (n + 1) * targets)),
  }))
const all = (splits: { train: Examples; validation: Examples }) => [
  ...rows(splits.train),
  ...rows(splits.validation),
]

test('modular arithmetic: every pair once, each result right, by the share that is asked for', async () => {
  const p = 11
  const holds = {
    add: (a: number, b: number, c: number) => (a + b) % p === c,
    subtract: (a: number, b: number, c: number) => (b + c) % p === a,
    multiply: (a: number, b: number, c: number) => (a * b) % p === c,
    divide: (a: number, b: number, c: number) => (b * c) % p === a,
  }
  for (const [operation, holdsFor] of Object.entries(holds)) {
    const splits = await load({ name: 'modular-arithmetic', p, operation, fraction: 0.3 })
    const pairs = operation === 'divide' ? p * (p - 1) : p * p
    assert.equal(splits.train.count, Math.round(0.3 * pairs))
    const found = all(splits)
    assert.equal(new Set(found.map(({ input }) => input.join())).size, pairs)
    assert.equal(found.length, pairs)
    for (const { input, labels } of found) {
      assert.equal(input[2], p, 'the equals sign')
      assert.ok(holdsFor(input[0], input[1], labels[0]), `${operation} ${input} ${labels}`)
    }
  }
})

test('addition: digits, carries and all; the sum is told digit after digit', async () => {
  for (const reversed of [false, true]) {
    const splits = await load({ name: 'addition', digits: 2, reversed, trainExamples: 900 })
    const found = all(splits)
    assert.equal(
      new Set(found.map(({ input }) => input.slice(0, 6).join())).size,
      found.length,
      'no pair twice',
    )
    for (const { input, labels } of found) {
      const [a, b] = [input[0] * 10 + input[1], input[3] * 10 + input[4]]
      assert.deepEqual([input[2], input[5]], [10, 11])
      const sum = reversed ? [...labels].reverse() : labels
      assert.equal(Number(sum.join('')), a + b)
      assert.deepEqual(input.slice(6), labels.slice(0, -1), 'after the digits before it')
    }
  }
})

test('copy and induction: each label is what came after the same token before, or at the same place', async () => {
  const induction = await load({
    ...{ name: 'copy-and-induction', length: 6, vocabulary: 9 },
    ...{ trainExamples: 200, validationExamples: 50 },
  })
  const periods = new Set<number>()
  for (const { input, labels } of all(induction)) {
    assert.deepEqual([input.length, labels.length], [11, 5])
    labels.forEach((label, i) => {
      const at = 6 + i
      const before = input.indexOf(input[at])
      assert.ok(before < at, 'the token has been there')
      assert.equal(label, input[before + 1])
      periods.add(input.indexOf(input[0], 1))
    })
  }
  assert.deepEqual([...periods].sort(), [3, 4, 5, 6])
  const copy = await load({ name: 'copy-and-induction', task: 'copy', length: 4, trainExamples: 100 })
  for (const { input, labels } of rows(copy.train)) {
    assert.deepEqual(labels, input.slice(0, 4))
    assert.deepEqual(input.slice(4), [32, ...labels.slice(0, 3)])
  }
})

test('parity of all bits, or of the relevant ones, as numbers and as tokens; spirals without noise lie on their arms', async () => {
  const fc = { name: 'fc', hidden: [4] }
  const numbers = await load({ name: 'parity', bits: 6 }, fc)
  const found = all(numbers)
  assert.equal(new Set(found.map(({ input }) => input.join())).size, 64)
  for (const { input, labels } of found) assert.equal(input.filter(bit => bit === 1).length % 2, labels[0])
  const sparse = all(await load({ name: 'parity', bits: 6, relevant: 2, tokens: true }))
  const pairs = [0, 1, 2, 3, 4, 5].flatMap(i => [0, 1, 2, 3, 4, 5].filter(j => j > i).map(j => [i, j]))
  const fitting = pairs.filter(([i, j]) =>
    sparse.every(({ input, labels }) => (input[i] ^ input[j]) === labels[0]),
  )
  assert.equal(fitting.length, 1, 'two bits of the six decide, always the same')

  const spirals = await load({ name: 'spirals', classes: 2, noise: 0, turns: 0.5, trainExamples: 300 }, fc)
  for (const { input, labels } of rows(spirals.train)) {
    const [x, y] = input
    const radius = Math.hypot(x, y)
    const angle = Math.PI * (labels[0] + radius)
    assert.ok(Math.abs(x - radius * Math.cos(angle)) + Math.abs(y - radius * Math.sin(angle)) < 1e-6)
  }
})

test('the same seed gives the same bytes on every machine, another seed others', async () => {
  const digest = async (dataset: object, architecture?: object) => {
    const { train, validation } = await load(dataset, architecture)
    const hash = createHash('sha256')
    for (const { images, labels } of [train, validation]) hash.update(images).update(labels)
    return hash.digest('hex').slice(0, 16)
  }
  const few = { trainExamples: 50, validationExamples: 20 }
  const fc = { name: 'fc', hidden: [4] }
  assert.deepEqual(
    {
      modular: await digest({ name: 'modular-arithmetic', p: 23 }),
      addition: await digest({ name: 'addition', digits: 6, ...few }),
      induction: await digest({ name: 'copy-and-induction', ...few }),
      parity: await digest({ name: 'parity', bits: 40, ...few }, fc),
      spirals: await digest({ name: 'spirals', ...few }, fc),
    },
    {
      modular: '0c61cde480936913',
      addition: 'e5a50cb829f8c571',
      induction: '824ef55201c2f01a',
      parity: '251dc4b5c4127a68',
      spirals: '02d1b60e7d93dbbf',
    },
  )
  assert.notEqual(
    await digest({ name: 'modular-arithmetic', p: 23, seed: 1 }),
    await digest({ name: 'modular-arithmetic', p: 23 }),
  )
})

test('a resolved spec has the options of its dataset and resolves to itself; others stay as they were', () => {
  const spec = resolved({ name: 'modular-arithmetic' })
  const { p, operation, fraction, trainExamples, validationExamples } = spec.dataset
  assert.deepEqual([p, operation, fraction], [97, 'add', 0.5])
  assert.deepEqual([trainExamples, validationExamples], [4705, 4704])
  assert.deepEqual(resolveSpec(spec, facts), spec)
  const explicit = resolved({ name: 'modular-arithmetic', trainExamples: 1000 })
  assert.equal(explicit.dataset.fraction, undefined)
  assert.deepEqual(resolveSpec(explicit, facts), explicit)
  const digits = resolved({ name: 'synthetic-digits' }, { name: 'fc' })
  assert.deepEqual(Object.keys(digits.dataset), ['name', 'trainExamples', 'validationExamples', 'seed'])
  assert.deepEqual(Object.keys(digits).includes('loss'), false)
  const { variables, parameters, layers } = preview(spec, facts)
  assert.deepEqual(variables[0].shape, [98, 16])
  assert.equal(layers[0].layer, 'embedding_1')
  const block = 2 * 32 + 4 * (16 * 16 + 16) + (16 * 64 + 64) + (64 * 16 + 16)
  assert.equal(parameters, 98 * 16 + 3 * 16 + 2 * block + 32 + 17 * 97)
})

const custom = (...layers: object[]) => ({ name: 'custom', layers })
const dense = (units: number) => ({ kind: 'dense', units })
const wrong: [string, object, string, RegExp][] = [
  [
    'an option of another dataset',
    specOf({ name: 'addition', p: 5 }, transformer),
    '$.dataset.p',
    /is not an option of addition; it has digits, reversed/,
  ],
  [
    'an option of a dataset that has none',
    specOf({ name: 'mnist', digits: 2 }, { name: 'fc' }),
    '$.dataset.digits',
    /is not an option of mnist/,
  ],
  [
    'a modulus without inverses',
    specOf({ name: 'modular-arithmetic', p: 12, operation: 'divide' }, transformer),
    '$.dataset.p',
    /must be a prime/,
  ],
  [
    'a fraction and a count that disagree',
    specOf({ name: 'modular-arithmetic', fraction: 0.5, trainExamples: 10 }, transformer),
    '$.dataset.trainExamples',
    /must be 4705, which is 0.5 \(fraction\) of 9409/,
  ],
  [
    'more pairs than there are',
    specOf({ name: 'addition', digits: 1, trainExamples: 90, validationExamples: 20 }, transformer),
    '$.dataset.validationExamples',
    /must be ≤ 10/,
  ],
  [
    'tokens where numbers are wanted',
    specOf({ name: 'modular-arithmetic' }, { name: 'fc' }),
    '$.architecture.name',
    /flatten wants numbers, where this dataset has tokens, integers below 98; an embedding comes first/,
  ],
  [
    'numbers where tokens are wanted',
    specOf({ name: 'mnist' }, transformer),
    '$.architecture.name',
    /embedding embedding_1 wants tokens.*gets \[28, 28, 1\]/,
  ],
  [
    'heads that do not divide the width',
    specOf({ name: 'modular-arithmetic' }, { ...transformer, heads: 3 }),
    '$.architecture.heads',
    /must divide width \(16\), got 3/,
  ],
  [
    'outputs where there are no labels',
    specOf(
      { name: 'addition' },
      custom({ kind: 'embedding', features: 4 }, { kind: 'last_token' }, dense(10)),
    ),
    '$.architecture.layers',
    /must end in \[4, 10\], a number for each class at each of the 4 places that have labels.*ends in \[10\]/,
  ],
  [
    'a tied kernel for other outputs',
    specOf({ name: 'modular-arithmetic' }, { ...transformer, tied: true }),
    '$.architecture.name',
    /must end in \[97\].*ends in \[98\]/,
  ],
  [
    'an unembedding without an embedding',
    specOf({ name: 'parity' }, custom({ kind: 'unembedding' })),
    '$.architecture.layers[0]',
    /wants an embedding before it/,
  ],
  [
    'branches of different shapes',
    specOf({ name: 'parity' }, custom({ kind: 'add', branches: [[dense(3)], []] }, dense(2))),
    '$.architecture.layers[0]',
    /wants branches that end in one shape; another ends in \[10\]/,
  ],
  [
    'a sequence where an image is',
    specOf({ name: 'mnist' }, custom({ kind: 'conv1d', filters: 2 }, dense(10))),
    '$.architecture.layers[0]',
    /wants a sequence, \[length, features\]; image_to_sequence makes one/,
  ],
  [
    'groups that do not divide',
    specOf({ name: 'cifar-10' }, custom({ kind: 'group_norm', groups: 2 }, { kind: 'flatten' }, dense(10))),
    '$.architecture.layers[0]',
    /wants channels that 2 groups divide/,
  ],
]
for (const [title, spec, path, message] of wrong)
  test(`an error says where and what would be right: ${title}`, () => {
    assert.throws(
      () => resolveSpec(spec, facts),
      (error: unknown) => {
        assert.ok(error instanceof SpecError, String(error))
        assert.equal(error.errors[0].path, path)
        assert.match(error.errors[0].message, message)
        return true
      },
    )
  })

test('layers of sequences and branches keep the shapes that they say', () => {
  const layers = custom(
    { kind: 'image_to_sequence' },
    { kind: 'conv1d', filters: 6, size: 4, stride: 2, padding: 'valid' },
    { kind: 'group_norm', groups: 3 },
    { kind: 'silu' },
    { kind: 'multi_head_attention', heads: 2, headSize: 5, causal: true },
    { kind: 'concatenate', branches: [[], [dense(3), { kind: 'leaky_relu' }], [{ kind: 'rms_norm' }]] },
    { kind: 'transpose' },
    { kind: 'softplus' },
    { kind: 'mean_over_tokens' },
    dense(10),
  )
  const { variables } = preview(resolved({ name: 'synthetic-digits' }, layers), facts)
  assert.deepEqual(
    variables.map(({ name, shape }) => `${name} ${shape}`),
    [
      ...['conv1d_1/kernel 4,1,6', 'conv1d_1/bias 6', 'gn_1/gamma 6', 'gn_1/beta 6'],
      ...['query', 'key', 'value'].flatMap(role => [
        `attention_1/${role}_kernel 6,2,5`,
        `attention_1/${role}_bias 2,5`,
      ]),
      ...['attention_1/output_kernel 2,5,6', 'attention_1/output_bias 6'],
      ...['block_1/branch2_fc_1/kernel 6,3', 'block_1/branch2_fc_1/bias 3', 'block_1/branch3_rms_1/gamma 6'],
      ...['fc_1/kernel 391,10', 'fc_1/bias 10'],
    ],
  )
})
