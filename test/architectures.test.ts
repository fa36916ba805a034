import assert from 'node:assert/strict'
import { test } from 'node:test'
import { autoChunkSize, buildNetwork } from '../src/nn/network.ts'
import { facts } from '../src/plan.ts'
import { SpecError } from '../src/spec/errors.ts'
import type { DataShape } from '../src/spec/facts.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ArchitectureSpec, ExperimentSpec } from '../src/spec/schema.ts'

const mnist = { shape: [28, 28, 1], classes: 10 }
const cifar = { shape: [32, 32, 3], classes: 10 }

const resolved = (architecture: ArchitectureSpec, dataset = 'cifar-10') =>
  resolveSpec(specOf(architecture, dataset), facts)
const specOf = (architecture: ArchitectureSpec, dataset = 'cifar-10'): ExperimentSpec => ({
  dataset: { name: dataset },
  architecture,
  optimizer: { name: 'sgd' },
  training: { iterations: 1 },
})
const parameters = (architecture: ArchitectureSpec, data: typeof mnist) =>
  buildNetwork(resolved(architecture).architecture, data).parameters

/** Weights and biases of a dense layer, of a k×k convolution; γ and β. */
const dense = (inputs: number, units: number) => (inputs + 1) * units
const conv = (k: number, inputs: number, filters: number) => (k * k * inputs + 1) * filters
/** A convolution without bias and its batch norm: k²·in·out + 2·out. */
const normalized = (k: number, inputs: number, filters: number) => (k * k * inputs + 2) * filters

/** He et al. 2015: 6n + 2 layers with weights. */
function resnetParameters(n: number, [a, b, c]: number[], channels: number, [p, q, r] = [a, b, c]) {
  const group = (inputs: number, filters: number, hidden: number, projected: boolean) =>
    normalized(3, inputs, hidden) +
    (n - 1) * normalized(3, filters, hidden) +
    n * normalized(3, hidden, filters) +
    (projected ? conv(1, inputs, filters) : 0)
  return (
    normalized(3, channels, a) +
    group(a, a, p, false) +
    group(a, b, q, true) +
    group(b, c, r, true) +
    dense(c, 10)
  )
}

test('parameters of every architecture against arithmetic of their own', () => {
  assert.equal(parameters({ name: 'fc' }, mnist), dense(784, 100) + dense(100, 50) + dense(50, 10))
  assert.equal(
    parameters({ name: 'lenet' }, mnist),
    conv(5, 1, 20) + conv(5, 20, 40) + dense(7 * 7 * 40, 400) + dense(400, 10),
  )
  assert.equal(parameters({ name: 'lenet' }, mnist), 808_970)
  for (const [depth, n] of [
    [8, 1],
    [14, 2],
    [20, 3],
    [32, 5],
    [44, 7],
    [56, 9],
  ] as const)
    assert.equal(parameters({ name: 'resnet', depth }, cifar), resnetParameters(n, [16, 32, 64], 3))
  assert.equal(
    parameters({ name: 'resnet', widthFactors: [0.5, 1, 3] }, cifar),
    resnetParameters(3, [16, 32, 64], 3, [8, 32, 192]),
  )
  assert.equal(parameters({ name: 'resnet', width: 64 }, cifar), resnetParameters(3, [64, 128, 256], 3))
  assert.equal(
    parameters(
      {
        name: 'all-cnn',
      },
      cifar,
    ),
    normalized(3, 3, 96) +
      normalized(3, 96, 96) +
      conv(3, 96, 96) +
      normalized(3, 96, 192) +
      normalized(3, 192, 192) +
      conv(3, 192, 192) +
      normalized(3, 192, 192) +
      normalized(1, 192, 192) +
      conv(1, 192, 10),
  )
  assert.equal(
    parameters({ name: 'vgg' }, cifar),
    [3, 32, 64, 128, 128, 256, 256].reduce(
      (sum, filters, i, all) => (i === 0 ? 0 : sum + conv(3, all[i - 1], filters)),
      0,
    ) +
      dense(2 * 2 * 256, 512) +
      dense(512, 512) +
      dense(512, 10),
  )
})

test('parameters of networks over patches and of wide residual ones against arithmetic of their own', () => {
  const norm = (width: number) => 2 * width
  const block = (d: number, units: number) =>
    2 * norm(d) + 4 * dense(d, d) + dense(d, units) + dense(units, d)
  assert.equal(
    parameters({ name: 'vit', depth: 3, width: 32, patch: 8, mlpRatio: 2 }, cifar),
    conv(8, 3, 32) + 16 * 32 + 3 * block(32, 64) + norm(32) + dense(32, 10),
  )
  assert.equal(
    parameters({ name: 'mlp-mixer', depth: 2, width: 24, tokenUnits: 7, channelUnits: 30 }, cifar),
    conv(4, 3, 24) +
      2 * (2 * norm(24) + dense(64, 7) + dense(7, 64) + dense(24, 30) + dense(30, 24)) +
      norm(24) +
      dense(24, 10),
  )
  // WRN-28-10, for which the paper's table 1 has 36.5 million.
  const wrn = parameters({ name: 'wide-resnet', depth: 28, widenFactor: 10 }, cifar)
  const unbiased = (k: number, inputs: number, filters: number) => k * k * inputs * filters
  const group = (inputs: number, filters: number) =>
    2 * inputs +
    unbiased(3, inputs, filters) +
    unbiased(1, inputs, filters) +
    3 * (2 * filters + unbiased(3, filters, filters)) +
    3 * (2 * filters + unbiased(3, filters, filters)) +
    unbiased(3, filters, filters) +
    2 * filters
  const expected =
    unbiased(3, 3, 16) + group(16, 160) + group(160, 320) + group(320, 640) + 2 * 640 + dense(640, 10)
  assert.equal(wrn, expected)
  assert.ok(Math.abs(wrn / 36.5e6 - 1) < 2e-3)
  assert.throws(
    () => resolved({ name: 'vit', patch: 5 }),
    (error: unknown) =>
      error instanceof SpecError &&
      error.errors[0].path === '$.architecture.patch' &&
      /must divide the sides of an image \(32 and 32\), got 5/.test(error.errors[0].message),
  )
})

test('layers and variables of a ResNet have names that stay', () => {
  const { layers, variables } = buildNetwork(resolved({ name: 'resnet', depth: 8 }).architecture, cifar)
  assert.deepEqual(layers, [
    'conv_1',
    'bn_1',
    ...['block1a/conv_1', 'block1a/bn_1', 'block1a/conv_2', 'block1a/bn_2'],
    ...['block2a/conv_1', 'block2a/bn_1', 'block2a/conv_2', 'block2a/bn_2', 'block2a/shortcut'],
    ...['block3a/conv_1', 'block3a/bn_1', 'block3a/conv_2', 'block3a/bn_2', 'block3a/shortcut'],
    'fc_1',
  ])
  assert.ok(variables.some(({ name }) => name === 'block2a/conv_1/kernel'))
  assert.deepEqual(
    variables.map(({ offset }) => offset),
    variables.map((_, i) => variables.slice(0, i).reduce((sum, { size }) => sum + size, 0)),
  )
})

test('auto is a definite chunk: 250 with batch norm, what is fast without', () => {
  assert.equal(resolved({ name: 'resnet' }).allocation.chunkSize, 250)
  const network = buildNetwork(resolved({ name: 'resnet' }).architecture, cifar)
  assert.equal(autoChunkSize(network, 100), 100)
  assert.equal(autoChunkSize(network, 501), 167)
  assert.notEqual(resolved({ name: 'fc' }).allocation.chunkSize, 250)
})

const relu = { kind: 'relu' } as const
const flatten = { kind: 'flatten' } as const
const logits = { kind: 'dense', units: 10 } as const
const wrong: [string, ArchitectureSpec, string, RegExp][] = [
  [
    'features where an image is wanted',
    { name: 'custom', layers: [flatten, { kind: 'max_pool' }, logits] },
    '$.architecture.layers[1]',
    /max_pool wants an image.*gets \[3072\]/,
  ],
  [
    'an image where features are wanted',
    { name: 'custom', layers: [relu, logits] },
    '$.architecture.layers[1]',
    /dense fc_1 wants features.*gets \[32, 32, 3\]/,
  ],
  [
    'a pool larger than the image',
    { name: 'custom', layers: [{ kind: 'average_pool', size: 40 }, flatten, logits] },
    '$.architecture.layers[0]',
    /at least 40×40/,
  ],
  [
    'a filter larger than the image',
    { name: 'custom', layers: [{ kind: 'conv2d', filters: 2, size: 33, padding: 'valid' }, flatten, logits] },
    '$.architecture.layers[0]',
    /conv2d conv_1 wants an image of at least 33×33/,
  ],
  [
    'inside a shortcut',
    {
      name: 'custom',
      layers: [{ kind: 'residual', layers: [relu], shortcut: [relu, logits] }, flatten, logits],
    },
    '$.architecture.layers[0].shortcut[1]',
    /dense block_1\/shortcut_fc_1/,
  ],
  [
    'another number of classes',
    { name: 'custom', layers: [flatten, { kind: 'dense', units: 7 }] },
    '$.architecture.layers',
    /must end in \[10\].*ends in \[7\]/,
  ],
  [
    'a shortcut of another shape',
    {
      name: 'custom',
      layers: [{ kind: 'residual', layers: [{ kind: 'conv2d', filters: 4 }] }, flatten, logits],
    },
    '$.architecture.layers[0]',
    /gets \[32, 32, 4\]/,
  ],
  [
    'inside a block',
    { name: 'custom', layers: [{ kind: 'residual', layers: [relu, logits] }, flatten, logits] },
    '$.architecture.layers[0].layers[1]',
    /dense block_1\/fc_1/,
  ],
  [
    'a field of another kind',
    { name: 'custom', layers: [{ kind: 'relu', units: 3 } as never, flatten, logits] },
    '$.architecture.layers[0].units',
    /is not a field here/,
  ],
  [
    'a depth that is no ResNet’s',
    { name: 'resnet', depth: 21 as 20 },
    '$.architecture.depth',
    /one of 8, 14/,
  ],
  ['a depth that is text', { name: 'resnet', depth: '20' as never }, '$.architecture.depth', /one of 8, 14/],
]
for (const [what, architecture, path, message] of wrong)
  test(`a network that cannot be: ${what}`, () => {
    assert.throws(
      () => resolved(architecture),
      (error: unknown) => {
        assert.ok(error instanceof SpecError)
        assert.deepEqual(
          error.errors.map(({ path }) => path),
          [path],
        )
        assert.match(error.errors[0].message, message)
        return true
      },
    )
  })

test('a network without parameters is refused: there is nothing to train', () => {
  const cifar10 = facts.datasets.find(({ name }) => name === 'cifar-10')!
  const tiny = { ...facts, datasets: [{ ...cifar10, shape: [1, 1, 10] }] }
  assert.throws(
    () => resolveSpec(specOf({ name: 'custom', layers: [flatten] }), tiny),
    ({ errors: [error, ...others] }: SpecError) =>
      others.length === 0 && error.path === '$.architecture' && /a layer with parameters/.test(error.message),
  )
})

test('networks that no machine could run are refused, at what is too large; those of the paper are not', () => {
  const wide = { kind: 'conv2d', filters: 65_536 } as const
  const end = [{ kind: 'global_average_pool' }, logits] as const
  const relus = Array<typeof relu>(100).fill(relu)
  // The image and its 65,536 channels, pooled and ten times more, in float32 and all but the image twice.
  const mebibytes = Math.ceil((4 * (3072 + 2 * (1024 * 65_536 + 65_536 + 10))) / 2 ** 20)
  const cases: [ArchitectureSpec, RegExp][] = [
    [{ name: 'fc', hidden: [30_000, 30_000] }, /^\$\.architecture: .* 134217728 parameters, has 992520010$/],
    [
      { name: 'custom', layers: [wide, ...end] },
      new RegExp(`^\\$\\.training\\.batchSize: must be ≤ 127 .*an example has ${mebibytes} MiB\\); got 250$`),
    ],
    [
      { name: 'custom', layers: [wide, { kind: 'batch_norm' }, ...end] },
      /^\$\.training\.batchSize: must be ≤ 63 .*; \$\.allocation\.chunkSize: must be ≤ 63 .*got 250$/,
    ],
    [
      { name: 'custom', layers: [wide, ...relus, ...relus, ...end] },
      /^\$\.architecture: must have at most 64 GiB/,
    ],
  ]
  for (const [architecture, message] of cases)
    assert.throws(() => resolved(architecture), { name: 'SpecError', message })
  const small = specOf({ name: 'custom', layers: [wide, ...end] })
  assert.equal(
    resolveSpec({ ...small, training: { iterations: 1, batchSize: 127 } }, facts).training.batchSize,
    127,
  )
  const paper: ArchitectureSpec[] = [
    ...([8, 14, 20, 32, 44, 56] as const).map(depth => ({ name: 'resnet' as const, depth })),
    ...(['all-cnn', 'vgg', 'lenet', 'fc'] as const).map(name => ({ name })),
    { name: 'fc', hidden: [977, 311, 99, 31] },
  ]
  for (const architecture of paper) {
    const dataset = { name: 'cifar-10', trainExamples: 50_000, validationExamples: 10_000 }
    assert.equal(resolveSpec({ ...specOf(architecture), dataset }, facts).dataset.trainExamples, 50_000)
  }
})

test('an architecture for images on examples without height and width', () => {
  for (const name of ['lenet', 'all-cnn', 'resnet', 'vgg'] as const)
    assert.throws(
      () => buildNetwork(resolved({ name }).architecture, { shape: [784], classes: 10 }),
      (error: unknown) => error instanceof SpecError && error.errors[0].path === '$.architecture.name',
    )
})

test('resolving fills in the defaults of custom layers, and again changes nothing', () => {
  const spec = resolved({
    name: 'custom',
    layers: [
      { kind: 'conv2d', filters: 8 },
      { kind: 'batch_norm' },
      { kind: 'residual', layers: [{ kind: 'depthwise_conv2d' }, { kind: 'dropout' }] },
      { kind: 'global_average_pool' },
      logits,
    ],
  })
  assert.deepEqual(spec.architecture, {
    name: 'custom',
    layers: [
      { kind: 'conv2d', filters: 8, size: 3, stride: 1, padding: 'same', bias: true },
      { kind: 'batch_norm' },
      {
        kind: 'residual',
        layers: [
          { kind: 'depthwise_conv2d', size: 3, stride: 1, padding: 'same', bias: true },
          { kind: 'dropout', rate: 0.5 },
        ],
        shortcut: [],
      },
      { kind: 'global_average_pool' },
      logits,
    ],
  })
  assert.deepEqual(resolveSpec(spec, facts), spec)
  const network = buildNetwork(spec.architecture, cifar)
  assert.deepEqual(network.layers, ['conv_1', 'bn_1', 'block_1/depthwise_1', 'fc_1'])
})

test('an architecture hands the options of its norms to every one of them', () => {
  const epsilon = 1e-6
  const image = { shape: [32, 32, 3], classes: 10 }
  const cases: [ArchitectureSpec, DataShape, number][] = [
    [{ name: 'all-cnn', batchNorm: { epsilon } }, image, 6],
    [{ name: 'resnet', depth: 8, batchNorm: { epsilon } }, image, 7],
    [{ name: 'wide-resnet', depth: 10, batchNorm: { epsilon } }, image, 7],
    [{ name: 'mlp-mixer', depth: 1, epsilon }, image, 3],
    [{ name: 'vit', depth: 1, normalization: 'rms', epsilon }, image, 3],
    [{ name: 'transformer', depth: 1, epsilon }, { shape: [3], vocabulary: 98, classes: 97 }, 3],
  ]
  for (const [architecture, data, norms] of cases) {
    const text = JSON.stringify(
      buildNetwork(
        resolved(architecture, data === image ? 'cifar-10' : 'modular-arithmetic').architecture,
        data,
      ).graph,
    )
    const kinds = text.match(/"kind":"\w+_norm"/g)
    assert.equal(kinds?.length, norms, architecture.name)
    assert.equal(text.match(/"epsilon":0.000001/g)?.length, norms, architecture.name)
  }
  assert.throws(
    () => resolved({ name: 'resnet', batchNorm: { epsilon: 0 } }),
    /^SpecError: \$\.architecture\.batchNorm\.epsilon: must be a number from 1e-12 to 1, got 0/,
  )
})
