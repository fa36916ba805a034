import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import type { Examples } from '../src/data/examples.ts'
import { normalized } from '../src/data/normalization.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import type { EngineName } from '../src/engine/description.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { batchGradient } from '../src/nn/batch-gradient.ts'
import { dropoutMask, dropoutMasks } from '../src/nn/dropout.ts'
import { addFullGradients, disposeBatch, makeModel, uploadBatch, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork, type Network } from '../src/nn/network.ts'
import { addSquares } from '../src/nn/parts-of-splits.ts'
import { randomStream } from '../src/nn/random.ts'
import { initialWeights } from '../src/nn/training/initial.ts'
import type { ResolvedArchitecture } from '../src/spec/schema.ts'
import * as references from './support/networks.ts'
import { lossAndGradientOf, type Reference } from './support/networks.ts'
import { centralDifferences, directional, relativeError } from './support/reference.ts'

const engines: EngineName[] = defaultEngine() === 'native' ? ['native', 'wasm'] : ['wasm']
const classes = 3

function randomExamples(count: number, shape: number[]): Examples {
  const bytes = randomStream('images', ...shape)
  const size = shape.reduce((a, b) => a * b, 1)
  return {
    count,
    shape,
    classes,
    images: Uint8Array.from({ length: count * size }, () => bytes.integer(256)),
    labels: Uint8Array.from({ length: count }, () => bytes.integer(classes)),
  }
}

/** Weights as training starts, moved a little so that no bias or β is 0. */
function weights(architecture: ResolvedArchitecture, shape: number[], seed = 3) {
  const network = buildNetwork(architecture, { shape, classes })
  const stream = randomStream('perturbation')
  const theta = initialWeights(network, seed).map(w => w + 0.1 * stream.normal())
  return { network, theta }
}

async function fullGradient(
  engine: EngineName,
  architecture: ResolvedArchitecture,
  data: Examples,
  chunk: number,
  seed?: number,
) {
  const { kernels } = await loadEngine({ name: engine })
  const { network, theta } = weights(architecture, data.shape, seed)
  const before = tf.memory().numTensors
  const split = uploadSplit(data, chunk)
  const gradient = new Float64Array(network.parameters)
  const [{ loss }] = await addFullGradients(makeModel(network, kernels), theta, [split], [gradient])
  tf.dispose(split.chunks.flatMap(({ images, labels }) => [images, labels]))
  assert.equal(tf.memory().numTensors, before, 'nothing is left behind')
  return { loss, gradient }
}

/** The reference's mean loss over chunks, weighed by their size, and its gradient. */
function chunked(
  network: Reference,
  theta: ArrayLike<number>,
  { count, shape, images, labels }: Examples,
  chunk: number,
  slack = 0,
) {
  const size = shape.reduce((a, b) => a * b, 1)
  const total = { loss: 0, gradient: new Float64Array(theta.length) }
  for (let from = 0; from < count; from += chunk) {
    const n = Math.min(chunk, count - from)
    const values = Float64Array.from(images.subarray(from * size, (from + n) * size), byte =>
      Math.fround(byte / 255),
    )
    const own = labels.subarray(from, from + n)
    const { loss, gradient } = lossAndGradientOf(network, theta, { values, shape: [n, ...shape] }, own, slack)
    total.loss += (n / count) * loss
    for (let i = 0; i < theta.length; i++) total.gradient[i] += (n / count) * gradient[i]
  }
  return total
}

/**
 * The parameters whose gradient is further off than `tolerance` of it. Where terms have cancelled to less than a hundredth of
 * the variable's root mean square, or a thousandth of all parameters', float32 has no more digits: it is of that then.
 */
function parametersOff(
  { variables }: Network,
  gradient: Float64Array,
  expected: Float64Array,
  tolerance = 1e-3,
) {
  const rms = (values: Float64Array) => Math.sqrt(values.reduce((sum, v) => sum + v ** 2, 0) / values.length)
  return variables.flatMap(({ name, offset, size }) => {
    const own = expected.subarray(offset, offset + size)
    const least = Math.max(1e-2 * rms(own), 1e-3 * rms(expected))
    return Array.from(own, (value, i) => {
      const error = Math.abs(gradient[offset + i] - value) / Math.max(Math.abs(value), least)
      return { at: offset + i, parameter: `${name}[${i}]`, error }
    }).filter(({ error }) => !(error <= tolerance))
  })
}

/** A direction in which every parameter changes: what no axis sees it does. */
function anyDirection(parameters: number, index: number): Float64Array {
  const stream = randomStream('direction', index)
  return Float64Array.from({ length: parameters }, () => stream.normal())
}

const lenet: ResolvedArchitecture = { name: 'lenet', channels: [2, 3], units: 5, dropout: [0.25, 0.5] }
const resnet: ResolvedArchitecture = { name: 'resnet', depth: 8, width: 2, widthFactors: [1, 0.5, 1.5] }
const allCnn: ResolvedArchitecture = { name: 'all-cnn', widthFactor: 0.02, dropout: 0.5 }
const vgg: ResolvedArchitecture = { name: 'vgg', widthFactor: 0.02, dropout: 0.5 }
const custom: ResolvedArchitecture = {
  name: 'custom',
  layers: [
    { kind: 'conv2d', filters: 4, size: 3, stride: 2, padding: 'same', bias: true },
    { kind: 'gelu' },
    {
      kind: 'residual',
      layers: [
        { kind: 'depthwise_conv2d', size: 3, stride: 2, padding: 'same', bias: false },
        { kind: 'batch_norm' },
      ],
      shortcut: [{ kind: 'average_pool', size: 2 }, { kind: 'tanh' }],
    },
    { kind: 'conv2d', filters: 3, size: 2, stride: 1, padding: 'valid', bias: true },
    { kind: 'flatten' },
    { kind: 'dense', units: 5 },
    { kind: 'batch_norm', epsilon: 0.1 },
    { kind: 'relu' },
    { kind: 'dense', units: classes },
  ],
}
const mobilenet: ResolvedArchitecture = { name: 'mobilenet', widthFactor: 0.02, repeats: 0 }
const miniatures = [
  {
    architecture: mobilenet,
    shape: [12, 11, 2],
    reference: references.mobilenet(0.02, 0, classes),
    chunks: [5, 3],
    // Seventeen norms one after the other.
    least: 2e-3,
  },
  { architecture: allCnn, shape: [5, 4, 2], reference: references.allCnn(2, 4, classes), chunks: [5, 3] },
  {
    architecture: vgg,
    shape: [16, 16, 1],
    reference: references.vgg([1, 'M', 1, 'M', 3, 3, 'M', 5, 5, 'M'], 10, classes),
    chunks: [5, 2],
  },
  { architecture: custom, shape: [8, 8, 2], reference: references.custom(classes), chunks: [5, 3] },
  { architecture: lenet, shape: [9, 8, 1], reference: references.lenet([2, 3], 5, classes), chunks: [2, 5] },
  // With batch norm another chunk is another loss.
  {
    architecture: resnet,
    shape: [5, 6, 2],
    reference: references.resnet8([2, 4, 8], [2, 2, 12], classes),
    chunks: [5, 3],
  },
]

for (const { architecture, shape, reference, chunks, least = 1e-3 } of miniatures) {
  test(`${architecture.name} in miniature: the loss and every parameter's gradient against float64`, async () => {
    const data = randomExamples(5, shape)
    const { theta, network } = weights(architecture, shape)
    const found: number[] = []
    for (const chunk of chunks) {
      const expected = chunked(reference, theta, data, chunk)
      for (const direction of [1, 2, 3].map(i => anyDirection(theta.length, i))) {
        const difference = directional(at => chunked(reference, at, data, chunk).loss, theta, direction)
        const along = direction.reduce((sum, value, i) => sum + value * expected.gradient[i], 0)
        assert.ok(Math.abs(along / difference - 1) < 1e-5, 'the reference agrees with its own differences')
      }
      for (const engine of engines) {
        const { loss, gradient } = await fullGradient(engine, architecture, data, chunk)
        assert.ok(Math.abs(loss / expected.loss - 1) < 1e-5, `${engine}, chunk ${chunk}: loss ${loss}`)
        assert.ok(relativeError(gradient, expected.gradient) < 1e-4, `${engine}, chunk ${chunk}`)
        // A last chunk of two leaves batch norm nothing but ±1: its derivative is what is left of two equal terms.
        const tolerance = chunk === data.count ? least : 1e-2
        const off = parametersOff(network, gradient, expected.gradient, tolerance)
        assert.deepEqual(off, [], `${engine}, chunk ${chunk}`)
        found.push(loss)
      }
    }
    const differs = Math.abs(found[0] / found[found.length - 1] - 1) > 1e-5
    assert.equal(
      differs,
      !['lenet', 'vgg'].includes(architecture.name),
      'the chunk is part of the loss with batch norm alone',
    )
  })
}

const full = [
  { architecture: resnet, reference: references.resnet8([2, 4, 8], [2, 2, 12], classes) },
  { architecture: allCnn, reference: references.allCnn(2, 4, classes) },
]
for (const { architecture, reference } of full)
  test(`${architecture.name} over 16,384 values a channel: every single parameter's gradient to 1e-3 where no unit sits on a kink`, async () => {
    const seed = 8
    const data = randomExamples(16, [32, 32, 3])
    const { theta, network } = weights(architecture, data.shape, seed)
    const [expected, below, above] = [0, -1e-5, 1e-5].map(kink => chunked(reference, theta, data, 16, kink))
    // A unit within rounding of ReLU's kink is on neither side of it for all that float32 knows. With this seed none is.
    assert.deepEqual(below.gradient, expected.gradient)
    assert.deepEqual(above.gradient, expected.gradient)
    for (const engine of engines) {
      const { loss, gradient } = await fullGradient(engine, architecture, data, 16, seed)
      assert.ok(Math.abs(loss / expected.loss - 1) < 1e-6, `${engine}: loss ${loss}`)
      assert.deepEqual(parametersOff(network, gradient, expected.gradient), [], engine)
    }
  })

const compared: ResolvedArchitecture[] = [
  lenet,
  { name: 'resnet', depth: 14, width: 4, widthFactors: [1, 0.5, 2] },
  { name: 'all-cnn', widthFactor: 0.05, dropout: 0.5 },
  { name: 'vgg', widthFactor: 0.05, dropout: 0.5 },
  custom,
  {
    ...{
      name: 'vit',
      patch: 4,
      depth: 1,
      width: 8,
      heads: 2,
      mlpRatio: 2,
      norm: 'pre',
      normalization: 'rms',
    },
    ...{ activation: 'relu', bias: true, dropout: 0.1 },
  },
  { name: 'mlp-mixer', patch: 8, depth: 1, width: 8, tokenUnits: 5, channelUnits: 12 },
  { name: 'wide-resnet', depth: 10, widenFactor: 0.25, dropout: 0.1 },
  { name: 'mobilenet', widthFactor: 0.04, repeats: 1, batchNorm: { statistics: 'running' } },
]
test('WASM agrees with native on every architecture to 1e-3', {
  skip: defaultEngine() === 'wasm' && 'native TensorFlow is not built here',
}, async () => {
  const data = randomExamples(6, [16, 16, 3])
  for (const architecture of compared) {
    const native = await fullGradient('native', architecture, data, 4)
    const wasm = await fullGradient('wasm', architecture, data, 4)
    const error = relativeError(wasm.gradient, native.gradient)
    assert.ok(error < 1e-3, `${architecture.name} is off by ${error}`)
  }
})

for (const engine of engines)
  test(`${engine}: targets that are numbers, of features normalised by channel: the loss and every gradient against float64`, async () => {
    const { kernels } = await loadEngine({ name: engine })
    const stream = randomStream('regression')
    const draw = (length: number) => Float32Array.from({ length }, () => 50 + 20 * stream.normal())
    const examples = { count: 7, shape: [3], classes: 2, regression: true as const }
    const raw: Examples = { ...examples, images: draw(21), labels: draw(14) }
    const { train: data } = normalized({ train: raw, validation: raw }, { name: 'per-channel' })
    const { mean, deviation } = data.normalization!
    const own = (c: number) => Array.from({ length: 7 }, (_, n) => raw.images[n * 3 + c])
    for (let c = 0; c < 3; c++) {
      const mu = own(c).reduce((a, b) => a + b) / 7
      assert.ok(Math.abs(mean[c] - mu) < 1e-12 * mu)
      const variance = own(c).reduce((sum, x) => sum + (x - mu) ** 2, 0) / 7
      assert.ok(Math.abs(deviation[c] - Math.sqrt(variance)) < 1e-12 * deviation[c])
    }
    const network = buildNetwork({ name: 'fc', hidden: [] }, data)
    const theta = Float32Array.from({ length: 8 }, () => stream.normal())
    const loss = (at: ArrayLike<number>) => {
      let sum = 0
      for (let n = 0; n < 7; n++)
        for (let o = 0; o < 2; o++) {
          let z = at[6 + o]
          for (let c = 0; c < 3; c++) z += ((raw.images[n * 3 + c] - mean[c]) / deviation[c]) * at[c * 2 + o]
          sum += (z - raw.labels[n * 2 + o]) ** 2
        }
      return sum / 14
    }
    const model = makeModel(network, kernels, { name: 'mean-squared-error' })
    const before = tf.memory().numTensors
    const split = uploadSplit(data, 3)
    const gradient = new Float64Array(8)
    const [found] = await addFullGradients(model, theta, [split], [gradient], { accuracy: true })
    assert.equal(found.accuracy, undefined, 'there are no classes')
    assert.ok(Math.abs(found.loss / loss(theta) - 1) < 1e-6)
    assert.ok(relativeError(gradient, centralDifferences(loss, theta, 1e-4)) < 1e-5)
    // Σ_n of the squares of single gradients, as of example n alone.
    const squares = new Float64Array(8)
    await addSquares(model, theta, split, [0, 2, 4], squares)
    const expected = new Float64Array(8)
    for (const n of [0, 2, 4])
      for (let o = 0; o < 2; o++) {
        const x = [0, 1, 2].map(c => (raw.images[n * 3 + c] - mean[c]) / deviation[c])
        const z = x.reduce((sum, value, c) => sum + value * theta[c * 2 + o], theta[6 + o])
        const slope = z - raw.labels[n * 2 + o]
        x.forEach((value, c) => {
          expected[c * 2 + o] += (slope * value) ** 2
        })
        expected[6 + o] += slope ** 2
      }
    assert.ok(relativeError(squares, expected) < 1e-5)
    split.chunks.forEach(disposeBatch)
    assert.equal(tf.memory().numTensors, before, 'nothing is left behind')
  })

test('a gradient has the same bits twice', async () => {
  const data = randomExamples(20, [16, 16, 3])
  for (const architecture of compared)
    assert.deepEqual(
      await fullGradient(engines[0], architecture, data, 10),
      await fullGradient(engines[0], architecture, data, 10),
    )
})

test('a dropout mask is a function of seed, iteration and layer, and keeps the mean', () => {
  const key = { seed: 1, iteration: 7, layer: 'dropout_1' }
  const mask = dropoutMask(40_000, 0.25, key)
  assert.deepEqual(dropoutMask(40_000, 0.25, key), mask)
  for (const other of [{ seed: 2 }, { iteration: 8 }, { layer: 'dropout_2' }])
    assert.notDeepEqual(dropoutMask(40_000, 0.25, { ...key, ...other }), mask)
  const kept = mask.filter(value => value > 0)
  assert.ok(
    kept.every(value => value === Math.fround(4 / 3)),
    'what is kept is divided by 1 − rate',
  )
  // Five standard deviations of a binomial with n = 40,000 and p = 3/4.
  assert.ok(Math.abs(kept.length - 30_000) < 5 * Math.sqrt(40_000 * 0.25 * 0.75))
})

for (const engine of engines)
  test(`${engine}: training drops, the loss that is allocated does not`, async () => {
    const { kernels } = await loadEngine({ name: engine })
    const data = randomExamples(8, [8, 8, 1])
    const { network, theta } = weights(lenet, data.shape)
    const model = makeModel(network, kernels)
    const batch = uploadBatch(
      data,
      Array.from({ length: 8 }, (_, i) => i),
    )
    const gradient = new Float64Array(network.parameters)
    const losses = [undefined, dropoutMasks(1, 0), dropoutMasks(1, 0), dropoutMasks(1, 1)].map(masks =>
      batchGradient(model, theta, batch, gradient, masks),
    )
    tf.dispose([batch.images, batch.labels])
    const { loss } = await fullGradient(engine, lenet, data, 8)
    assert.equal(losses[0], loss)
    assert.equal(losses[1], losses[2])
    assert.equal(new Set(losses).size, 3)
  })
