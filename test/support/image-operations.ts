/** The cases of operations on images, features and single numbers; what follows a space is the variant. */
import * as tf from '@tensorflow/tfjs-core'
import * as images from './images.ts'
import { type Case, grid, range } from './operation-case.ts'

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
const dropoutMask = [0, 2, 2, 0, 2, 0]

export const imageOperations: Record<string, Case> = {
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
  'maxPoolRelu 2': {
    op: (ops, x) => ops.maxPoolRelu(x as tf.Tensor4D, 2),
    inputs: [[2, 5, 4, 3]],
    formula: x => images.pool({ values: x, shape: [2, 5, 4, 3] }, 2, 'max').values.map(y => Math.max(y, 0)),
  },
  'maxPoolRelu 3': {
    op: (ops, x) => ops.maxPoolRelu(x as tf.Tensor4D, 3),
    inputs: [[2, 6, 7, 2]],
    formula: x => images.pool({ values: x, shape: [2, 6, 7, 2] }, 3, 'max').values.map(y => Math.max(y, 0)),
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
