/** The cases of operations on sequences, and of what networks of them are made of; what follows a space is the variant. */
import * as tf from '@tensorflow/tfjs-core'
import { type Case, grid, range } from './operation-case.ts'

const numbers = [0.5, -2, 3, 0, 1.25, -0.75]

export const sequenceOperations: Record<string, Case> = {
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
