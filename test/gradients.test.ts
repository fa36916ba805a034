import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { addFullGradients, makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { makeOps, type Ops } from '../src/nn/ops/ops.ts'
import { randomStream } from '../src/nn/random.ts'
import * as images from './support/images.ts'
import { centralDifferences, lossAndGradient, relativeError } from './support/reference.ts'

const engines = defaultEngine() === 'native' ? (['native', 'wasm'] as const) : (['wasm'] as const)

/** An operation beside its formula in float64: inputs by shape, values as flat arrays. */
type Case = {
  op: (ops: Ops, ...inputs: tf.Tensor[]) => tf.Tensor
  inputs: number[][]
  /** Integer inputs that are not differentiated, after the others; their shape, if it is not one axis. */
  labels?: number[]
  tokens?: number[]
  formula: (...inputs: ArrayLike<number>[]) => ArrayLike<number>
}

/** A convolution's case: odd sizes, and strides that leave different zeros on the two sides. */
const convolution = (
  k: number,
  stride: number,
  [h, w]: number[],
  padding: 'same' | 'valid' = 'same',
): Case => ({
  op: (ops, x, kernel) => ops.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride, padding),
  inputs: [
    [2, h, w, 3],
    [k, k, 3, 2],
  ],
  formula: (x, kernel) =>
    images.conv2d(
      { values: x, shape: [2, h, w, 3] },
      { values: kernel, shape: [k, k, 3, 2] },
      stride,
      padding,
    ).values,
})
const depthwise = (stride: number, padding: 'same' | 'valid' = 'same'): Case => ({
  op: (ops, x, kernel) => ops.depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride, padding),
  inputs: [
    [2, 5, 4, 3],
    [3, 3, 3, 1],
  ],
  formula: (x, kernel) =>
    images.depthwiseConv2d(
      { values: x, shape: [2, 5, 4, 3] },
      { values: kernel, shape: [3, 3, 3, 1] },
      stride,
      padding,
    ).values,
})
const vector = (values: ArrayLike<number>) => ({ values, shape: [values.length] })
const normalized = (
  x: ArrayLike<number>,
  shape: number[],
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  epsilon: number,
) => images.batchNorm({ values: x, shape }, vector(gamma), vector(beta), epsilon).values
const numbers = [0.5, -2, 3, 0, 1.25, -0.75]
const dropoutMask = [0, 2, 2, 0, 2, 0]

/** By operation; what follows a space is the variant. */
const cases: Record<string, Case> = {
  'conv2d 3×3': convolution(3, 1, [5, 4]),
  'conv2d 5×5': convolution(5, 1, [4, 6]),
  'conv2d 3×3, stride 2, even': convolution(3, 2, [6, 4]),
  'conv2d 3×3, stride 2, odd': convolution(3, 2, [5, 7]),
  'conv2d 1×1, stride 2': convolution(1, 2, [4, 5]),
  'conv2d 2×2': convolution(2, 1, [4, 3]),
  conv2dBias: {
    op: (ops, x, kernel, bias) =>
      ops.conv2dBias(x as tf.Tensor4D, kernel as tf.Tensor4D, bias as tf.Tensor1D, 1, 'same'),
    inputs: [[2, 4, 5, 3], [3, 3, 3, 2], [2]],
    formula: (x, kernel, bias) =>
      images
        .conv2d({ values: x, shape: [2, 4, 5, 3] }, { values: kernel, shape: [3, 3, 3, 2] }, 1)
        .values.map((value, i) => value + bias[i % 2]),
  },
  'conv2d 3×3, valid': convolution(3, 1, [5, 4], 'valid'),
  'conv2d 3×3, valid, stride 2': convolution(3, 2, [6, 7], 'valid'),
  depthwiseConv2d: depthwise(1),
  'depthwiseConv2d valid, stride 2': depthwise(2, 'valid'),
  'depthwiseConv2d stride 2': depthwise(2),
  'maxPool 2': {
    op: (ops, x) => ops.maxPool(x as tf.Tensor4D, 2),
    inputs: [[2, 5, 4, 3]],
    formula: x => images.pool({ values: x, shape: [2, 5, 4, 3] }, 2, 'max').values,
  },
  'maxPool 3': {
    op: (ops, x) => ops.maxPool(x as tf.Tensor4D, 3),
    inputs: [[2, 6, 7, 2]],
    formula: x => images.pool({ values: x, shape: [2, 6, 7, 2] }, 3, 'max').values,
  },
  averagePool: {
    op: (ops, x) => ops.averagePool(x as tf.Tensor4D, 2),
    inputs: [[2, 5, 4, 3]],
    formula: x => images.pool({ values: x, shape: [2, 5, 4, 3] }, 2, 'mean').values,
  },
  globalAveragePool: {
    op: (ops, x) => ops.globalAveragePool(x as tf.Tensor4D),
    inputs: [[3, 3, 2, 4]],
    formula: x => images.globalAveragePool({ values: x, shape: [3, 3, 2, 4] }).values,
  },
  batchNorm: {
    op: (ops, x, gamma, beta) =>
      ops.batchNorm(x as tf.Tensor4D, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-3),
    inputs: [[3, 4, 2, 5], [5], [5]],
    formula: (x, gamma, beta) => normalized(x, [3, 4, 2, 5], gamma, beta, 1e-3),
  },
  batchNormRelu: {
    op: (ops, x, gamma, beta) => ops.batchNormRelu(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 0.3),
    inputs: [[3, 4, 2, 5], [5], [5]],
    formula: (x, gamma, beta) =>
      normalized(x, [3, 4, 2, 5], gamma, beta, 0.3).map(value => Math.max(value, 0)),
  },
  batchNormAddRelu: {
    op: (ops, x, gamma, beta, shortcut) =>
      ops.batchNormAddRelu(
        x as tf.Tensor4D,
        gamma as tf.Tensor1D,
        beta as tf.Tensor1D,
        shortcut as tf.Tensor4D,
        0.3,
      ),
    inputs: [[3, 4, 2, 5], [5], [5], [3, 4, 2, 5]],
    formula: (x, gamma, beta, shortcut) =>
      normalized(x, [3, 4, 2, 5], gamma, beta, 0.3).map((value, i) => Math.max(value + shortcut[i], 0)),
  },
  'batchNorm of features': {
    op: (ops, x, gamma, beta) => ops.batchNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 0.2),
    inputs: [[6, 4], [4], [4]],
    formula: (x, gamma, beta) => normalized(x, [6, 4], gamma, beta, 0.2),
  },
  normalizeBy: {
    op: (ops, x, gamma, beta, mean, variance) =>
      ops.normalizeBy(
        ...([x, gamma as tf.Tensor1D, beta as tf.Tensor1D, mean as tf.Tensor1D] as const),
        ...([variance as tf.Tensor1D, 9] as const),
      ),
    inputs: [[3, 4, 2, 5], [5], [5], [5], [5]],
    // Of a normal draw σ² may be negative; with ε = 9 nothing is.
    formula: (x, gamma, beta, mean, variance) =>
      Array.from(x, (value, i) => {
        const c = i % 5
        return (gamma[c] * (value - mean[c])) / Math.sqrt(variance[c] + 9) + beta[c]
      }),
  },
  bias: {
    op: (ops, x, b) => ops.bias(x, b as tf.Tensor1D),
    inputs: [[2, 3, 2, 4], [4]],
    formula: (x, b) => Array.from(x, (value, i) => value + b[i % 4]),
  },
  add: {
    op: (ops, a, b) => ops.add(a, b),
    inputs: [
      [2, 3],
      [2, 3],
    ],
    formula: (a, b) => Array.from(a, (value, i) => value + b[i]),
  },
  'add to itself': {
    op: (ops, a) => ops.add(a, a),
    inputs: [[2, 3]],
    formula: a => Array.from(a, value => 2 * value),
  },
  dropout: {
    op: (ops, x) => ops.dropout(x, tf.tensor(dropoutMask, [2, 3])),
    inputs: [[2, 3]],
    formula: x => Array.from(x, (value, i) => value * dropoutMask[i]),
  },
  tanh: {
    op: (ops, x) => ops.tanh(x),
    inputs: [[4, 3]],
    formula: x => Array.from(x, Math.tanh),
  },
  gelu: {
    op: (ops, x) => ops.gelu(x),
    inputs: [[4, 3]],
    formula: x =>
      Array.from(x, v => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
  },
  dense: {
    op: (ops, x, w, b) => ops.dense(x as tf.Tensor2D, w as tf.Tensor2D, b as tf.Tensor1D),
    inputs: [[5, 4], [4, 3], [3]],
    formula: (x, w, b) =>
      grid(5, 3, (n, o) => range(4).reduce((sum, i) => sum + x[n * 4 + i] * w[i * 3 + o], b[o])),
  },
  relu: {
    op: (ops, x) => ops.relu(x),
    inputs: [[6, 5]],
    formula: x => Array.from(x, value => Math.max(value, 0)),
  },
  flatten: {
    op: (ops, x) => ops.flatten(x as tf.Tensor4D),
    inputs: [[2, 3, 3, 2]],
    formula: x => Array.from(x),
  },
  softmaxCrossEntropy: {
    op: (ops, z, labels) => ops.softmaxCrossEntropy(z as tf.Tensor2D, labels as tf.Tensor1D),
    inputs: [[4, 5]],
    labels: [2, 0, 4, 2],
    formula: z =>
      range(4).map(n => {
        const row = range(5).map(c => z[n * 5 + c])
        return Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[[2, 0, 4, 2][n]]
      }),
  },
}

const sequences: Record<string, Case> = {
  embedding: {
    op: (ops, kernel, tokens) => ops.embedding(tokens as tf.Tensor2D, kernel as tf.Tensor2D),
    inputs: [[5, 3]],
    labels: [4, 0, 4, 1, 1, 4],
    tokens: [2, 3],
    formula: kernel => [4, 0, 4, 1, 1, 4].flatMap(token => range(3).map(j => kernel[token * 3 + j])),
  },
  addPositions: {
    op: (ops, x, p) => ops.addPositions(x as tf.Tensor3D, p as tf.Tensor2D),
    inputs: [
      [3, 4, 2],
      [4, 2],
    ],
    formula: (x, p) => Array.from(x, (value, i) => value + p[i % 8]),
  },
  unembedding: {
    op: (ops, x, w) => ops.unembedding(x, w as tf.Tensor2D),
    inputs: [
      [2, 3, 4],
      [5, 4],
    ],
    formula: (x, w) =>
      grid(6, 5, (n, v) => range(4).reduce((sum, i) => sum + x[n * 4 + i] * w[v * 4 + i], 0)),
  },
  meanOverTokens: {
    op: (ops, x) => ops.meanOverTokens(x as tf.Tensor3D),
    inputs: [[2, 5, 3]],
    formula: x => grid(2, 3, (n, j) => range(5).reduce((sum, l) => sum + x[(n * 5 + l) * 3 + j], 0) / 5),
  },
  lastTokens: {
    op: (ops, x) => ops.lastTokens(x as tf.Tensor3D, 2),
    inputs: [[2, 4, 3]],
    formula: x => [0, 1].flatMap(n => Array.from(x).slice(n * 12 + 6, n * 12 + 12)),
  },
  'windows 3, same': windows(3, 1, 1, 1),
  'windows 2, stride 3, causal': windows(2, 3, 1, 0),
  'windows 3, stride 2, valid': windows(3, 2, 0, 0),
  attention: attention(false),
  'attention causal': attention(true),
  layerNorm: {
    op: (ops, x, gamma, beta) => ops.layerNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-5),
    inputs: [[2, 3, 4], [4], [4]],
    formula: (x, gamma, beta) =>
      normalizedOver(
        x,
        i => Math.floor(i / 4),
        i => i % 4,
        gamma,
        beta,
      ),
  },
  rmsNorm: {
    op: (ops, x, gamma) => ops.rmsNorm(x, gamma as tf.Tensor1D, 0.1),
    inputs: [[2, 3, 4], [4]],
    formula: (x, gamma) =>
      Array.from(x, (value, i) => {
        const row = Array.from(x).slice(i - (i % 4), i - (i % 4) + 4)
        return (gamma[i % 4] * value) / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / 4 + 0.1)
      }),
  },
  'groupNorm of images': {
    op: (ops, x, gamma, beta) => ops.groupNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 2, 1e-5),
    inputs: [[2, 3, 2, 4], [4], [4]],
    formula: (x, gamma, beta) =>
      normalizedOver(
        x,
        i => Math.floor(i / 24) * 2 + ((i % 4) >> 1),
        i => i % 4,
        gamma,
        beta,
      ),
  },
  'groupNorm of sequences': {
    op: (ops, x, gamma, beta) => ops.groupNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 3, 0.2),
    inputs: [[2, 5, 6], [6], [6]],
    formula: (x, gamma, beta) =>
      normalizedOver(
        x,
        i => Math.floor(i / 30) * 3 + ((i % 6) >> 1),
        i => i % 6,
        gamma,
        beta,
        0.2,
      ),
  },
  silu: {
    op: (ops, x) => ops.silu(x),
    inputs: [[4, 3]],
    formula: x => Array.from(x, v => v / (1 + Math.exp(-v))),
  },
  softplus: {
    op: (ops, x) => ops.softplus(x),
    inputs: [[4, 3]],
    formula: x => Array.from(x, v => Math.log1p(Math.exp(v))),
  },
  leakyRelu: {
    op: (ops, x) => ops.leakyRelu(x, 0.1),
    inputs: [[4, 3]],
    formula: x => Array.from(x, v => (v > 0 ? v : 0.1 * v)),
  },
  reshape: {
    op: (ops, x) => ops.reshape(x, [3, 4]),
    inputs: [[2, 6]],
    formula: x => Array.from(x),
  },
  transpose: {
    op: (ops, x) => ops.transpose(x as tf.Tensor3D),
    inputs: [[2, 3, 4]],
    formula: x => [0, 1].flatMap(n => grid(4, 3, (j, i) => x[n * 12 + i * 4 + j])),
  },
  concatenate: {
    op: (ops, a, b, c) => ops.concatenate(a, b, c),
    inputs: [
      [2, 2, 3],
      [2, 2, 1],
      [2, 2, 2],
    ],
    formula: (a, b, c) => grid(4, 6, (n, j) => (j < 3 ? a[n * 3 + j] : j < 4 ? b[n] : c[n * 2 + j - 4])),
  },
  product: {
    op: (ops, x, w) => ops.product(x as tf.Tensor2D, w as tf.Tensor2D),
    inputs: [
      [5, 4],
      [4, 3],
    ],
    formula: (x, w) =>
      grid(5, 3, (n, o) => range(4).reduce((sum, i) => sum + x[n * 4 + i] * w[i * 3 + o], 0)),
  },
  smoothedCrossEntropy: {
    op: (ops, z, labels) => ops.smoothedCrossEntropy(z as tf.Tensor2D, labels as tf.Tensor1D, 0.1),
    inputs: [[4, 5]],
    labels: [2, 0, 4, 2],
    formula: z =>
      range(4).map(n => {
        const row = range(5).map(c => z[n * 5 + c])
        const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0))
        const target = (c: number) => (c === [2, 0, 4, 2][n] ? 0.9 : 0) + 0.1 / 5
        return row.reduce((sum, value, c) => sum + target(c) * (logSum - value), 0)
      }),
  },
  squaredDistance: {
    op: (ops, z) => ops.squaredDistance(z as tf.Tensor2D, tf.tensor2d(numbers, [3, 2])),
    inputs: [[3, 2]],
    formula: z =>
      range(3).map(n => range(2).reduce((sum, c) => sum + (z[n * 2 + c] - numbers[n * 2 + c]) ** 2 / 2, 0)),
  },
  squaredError: {
    op: (ops, z, labels) => ops.squaredError(z as tf.Tensor2D, labels as tf.Tensor1D),
    inputs: [[3, 4]],
    labels: [1, 3, 0],
    formula: z =>
      range(3).map(n =>
        range(4).reduce((sum, c) => sum + (z[n * 4 + c] - (c === [1, 3, 0][n] ? 1 : 0)) ** 2 / 4, 0),
      ),
  },
}

/** Windows over sequences [2, 5, 3]. */
function windows(size: number, stride: number, before: number, after: number): Case {
  const places = Math.floor((5 + before + after - size) / stride) + 1
  return {
    op: (ops, x) => ops.windows(x as tf.Tensor3D, size, stride, before, after),
    inputs: [[2, 5, 3]],
    formula: x =>
      [0, 1].flatMap(n =>
        grid(places, size * 3, (p, at) => {
          const l = p * stride + Math.floor(at / 3) - before
          return l < 0 || l >= 5 ? 0 : x[(n * 5 + l) * 3 + (at % 3)]
        }),
      ),
  }
}

/** Two heads of three channels over sequences of four places, one product at a time. */
function attention(causal: boolean): Case {
  const at = (n: number, l: number, j: number) => (n * 4 + l) * 6 + j
  return {
    op: (ops, q, k, v) => ops.attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, 2, causal),
    inputs: [
      [2, 4, 6],
      [2, 4, 6],
      [2, 4, 6],
    ],
    formula: (q, k, v) =>
      [0, 1].flatMap(n =>
        grid(4, 6, (l, j) => {
          const head = Math.floor(j / 3)
          const seen = range(causal ? l + 1 : 4)
          const weights = seen.map(m =>
            Math.exp(
              range(3).reduce((sum, c) => sum + q[at(n, l, head * 3 + c)] * k[at(n, m, head * 3 + c)], 0) /
                Math.sqrt(3),
            ),
          )
          const total = weights.reduce((a, b) => a + b)
          return seen.reduce((sum, m) => sum + (weights[m] / total) * v[at(n, m, j)], 0)
        }),
      ),
  }
}

/** γ·(x − μ)/√(σ² + 1e-5) + β with μ and σ² over the values of one group. */
function normalizedOver(
  x: ArrayLike<number>,
  groupOf: (i: number) => number,
  channelOf: (i: number) => number,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  epsilon = 1e-5,
): number[] {
  const values = Array.from(x)
  return values.map((value, i) => {
    const own = values.filter((_, j) => groupOf(j) === groupOf(i))
    const mean = own.reduce((a, b) => a + b) / own.length
    const variance = own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / own.length
    return (gamma[channelOf(i)] * (value - mean)) / Math.sqrt(variance + epsilon) + beta[channelOf(i)]
  })
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
function grid(rows: number, columns: number, f: (row: number, column: number) => number): number[] {
  return range(rows).flatMap(row => range(columns).map(column => f(row, column)))
}
Object.assign(cases, sequences)
const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1)
const draw = (length: number, ...key: (string | number)[]) => {
  const stream = randomStream(...key)
  return Float32Array.from({ length }, () => stream.normal())
}

for (const name of engines) {
  test(`${name}: every operation's value and gradients against central differences in float64`, async () => {
    const { kernels } = await loadEngine({ name })
    const ops = makeOps(kernels)
    const covered = new Set(Object.keys(cases).map(name => name.split(' ')[0]))
    assert.deepEqual([...covered].sort(), Object.keys(ops).sort(), 'every operation has a case')
    for (const [op, { op: run, inputs, labels, tokens, formula }] of Object.entries(cases)) {
      const values = inputs.map((shape, i) => draw(size(shape), op, i))
      const tensors = values.map((value, i) => tf.tensor(value, inputs[i]))
      const rest = labels ? [tf.tensor(labels, tokens ?? [labels.length], 'int32')] : []
      const expected = formula(...values)
      const dy = draw(expected.length, op, 'dy')
      const y = run(ops, ...tensors, ...rest)
      assert.ok(relativeError(y.dataSync(), expected) < 1e-5, `${op}: value`)
      const { grads } = tf
        .engine()
        .gradients(() => run(ops, ...tensors, ...rest), tensors, tf.tensor(dy, y.shape))
      for (const [i, value] of values.entries()) {
        const scalar = (x: Float64Array) =>
          Array.from(formula(...values.map((other, j) => (j === i ? x : other)))).reduce(
            (sum, out, k) => sum + dy[k] * out,
            0,
          )
        const error = relativeError(grads[i].dataSync(), centralDifferences(scalar, value))
        assert.ok(error < 1e-4, `${op}: gradient of input ${i} is off by ${error}`)
      }
    }
  })

  const skip = name === 'wasm' && 'WebAssembly records no graphs'
  test(`${name}: every operation in a graph, recorded with other values`, { skip }, async () => {
    const { kernels } = await loadEngine({ name })
    const ops = makeOps(kernels)
    const all = Object.entries(cases)
    const inputsOf = (draws: string) =>
      all.map(([op, { inputs, labels, tokens }]) => [
        ...inputs.map((shape, i) => tf.tensor(draw(size(shape), op, i, draws), shape)),
        ...(labels ? [tf.tensor(labels, tokens ?? [labels.length], 'int32')] : []),
      ])
    const compute = (given: tf.Tensor[][]) =>
      all.flatMap(([name, { op, inputs }], c) => {
        const [tensors, rest] = [given[c].slice(0, inputs.length), given[c].slice(inputs.length)]
        const run = () => op(ops, ...tensors, ...rest)
        const y = run()
        const dy = tf.tensor(draw(y.size, name, 'dy'), y.shape)
        return [y, ...tf.engine().gradients(run, tensors, dy).grads]
      })
    const [recorded, given] = [inputsOf('recorded'), inputsOf('given')]
    const graph = kernels.record!(recorded.flat(), () => compute(recorded))
    const names = all.flatMap(([op, { inputs }]) => [op, ...inputs.map((_, i) => `${op}, input ${i}`)])
    const expected = compute(given)
    graph.run(given.flat()).forEach((output, i) => {
      assert.deepEqual(output.shape, expected[i].shape, names[i])
      const error = relativeError(output.dataSync(), expected[i].dataSync())
      assert.ok(error < 2e-6, `${names[i]} is off by ${error}`)
    })
    graph.dispose()
  })

  test(`${name}: a whole network's full gradient against float64, whatever the chunks`, async () => {
    const { kernels } = await loadEngine({ name })
    const widths = [12, 7, 5, 3]
    const network = buildNetwork({ name: 'fc', hidden: [7, 5] }, { shape: [3, 4, 1], classes: 3 })
    const model = makeModel(network, kernels)
    const bytes = randomStream('images')
    const count = 23
    const data = {
      count,
      shape: [3, 4, 1],
      classes: 3,
      images: Uint8Array.from({ length: count * 12 }, () => bytes.integer(256)),
      labels: Uint8Array.from({ length: count }, () => bytes.integer(3)),
    }
    const theta = draw(network.parameters, 'theta')
    const examples = range(count).map(n =>
      Array.from(data.images.subarray(n * 12, n * 12 + 12), b => b / 255),
    )
    const reference = lossAndGradient(theta, widths, examples, data.labels)
    const differences = centralDifferences(x => lossAndGradient(x, widths, examples, data.labels).loss, theta)
    assert.ok(
      relativeError(reference.gradient, differences) < 1e-7,
      'the reference agrees with its own differences',
    )
    for (const chunkSize of [1, 10, 23, 100]) {
      const tensorsBefore = tf.memory().numTensors
      const gradient = new Float64Array(network.parameters)
      const split = uploadSplit(data, chunkSize)
      const [{ loss }] = await addFullGradients(model, theta, [split], [gradient])
      tf.dispose(split.chunks.flatMap(({ images, labels }) => [images, labels]))
      assert.ok(Math.abs(loss - reference.loss) < 1e-6 * reference.loss, `loss at chunk ${chunkSize}`)
      assert.ok(relativeError(gradient, reference.gradient) < 1e-6, `gradient at chunk ${chunkSize}`)
      assert.equal(tf.memory().numTensors, tensorsBefore, 'nothing is left behind')
    }
  })
}
