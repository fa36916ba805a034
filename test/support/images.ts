/**
 * What layers over images compute, in float64: plain loops written from the formulas, sharing nothing with src/nn.
 * An image batch is its values, row-major, and its shape [n, h, w, c]; gradients come from central differences.
 */

export type Images = { values: ArrayLike<number>; shape: number[] }

const zeros = (shape: number[]) => ({ values: new Float64Array(shape.reduce((a, b) => a * b, 1)), shape })
const place = ([, h, w, c]: number[], n: number, i: number, j: number, k: number) =>
  ((n * h + i) * w + j) * c + k

type Padding = 'same' | 'valid'

/** Rows or columns of output. */
const outputs = (size: number, k: number, stride: number, padding: Padding) =>
  padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - k) / stride) + 1

/** Every output place of a convolution with every input place and weight that it sees. */
function* pairs(shape: number[], k: number, stride: number, padding: Padding) {
  const [n, h, w] = shape
  const [rows, columns] = [outputs(h, k, stride, padding), outputs(w, k, stride, padding)]
  const before = (outputs: number, size: number) =>
    padding === 'same' ? Math.floor(Math.max((outputs - 1) * stride + k - size, 0) / 2) : 0
  for (let b = 0; b < n; b++)
    for (let p = 0; p < rows; p++)
      for (let q = 0; q < columns; q++)
        for (let i = 0; i < k; i++)
          for (let j = 0; j < k; j++) {
            const u = p * stride + i - before(rows, h)
            const v = q * stride + j - before(columns, w)
            if (u >= 0 && u < h && v >= 0 && v < w) yield { b, p, q, i, j, u, v }
          }
}

/** x * W, W [k, k, in, out]. */
export function conv2d(
  x: Images,
  kernel: Images,
  stride: number,
  padding: Padding = 'same',
): Images & { values: Float64Array } {
  const [n, h, w, inputs] = x.shape
  const [k, , , filters] = kernel.shape
  const y = zeros([n, outputs(h, k, stride, padding), outputs(w, k, stride, padding), filters])
  for (const { b, p, q, i, j, u, v } of pairs(x.shape, k, stride, padding))
    for (let c = 0; c < inputs; c++)
      for (let o = 0; o < filters; o++)
        y.values[place(y.shape, b, p, q, o)] +=
          x.values[place(x.shape, b, u, v, c)] * kernel.values[((i * k + j) * inputs + c) * filters + o]
  return y
}

/** x * W channel by channel, W [k, k, c, 1]. */
export function depthwiseConv2d(
  x: Images,
  kernel: Images,
  stride: number,
  padding: Padding = 'same',
): Images & { values: Float64Array } {
  const [n, h, w, channels] = x.shape
  const k = kernel.shape[0]
  const y = zeros([n, outputs(h, k, stride, padding), outputs(w, k, stride, padding), channels])
  for (const { b, p, q, i, j, u, v } of pairs(x.shape, k, stride, padding))
    for (let c = 0; c < channels; c++)
      y.values[place(y.shape, b, p, q, c)] +=
        x.values[place(x.shape, b, u, v, c)] * kernel.values[(i * k + j) * channels + c]
  return y
}

/** A function of the values in each size×size window. */
export function pool(x: Images, size: number, f: (window: number[]) => number) {
  const [n, h, w, c] = x.shape
  const y = zeros([n, Math.floor(h / size), Math.floor(w / size), c])
  for (let b = 0; b < n; b++)
    for (let p = 0; p < y.shape[1]; p++)
      for (let q = 0; q < y.shape[2]; q++)
        for (let k = 0; k < c; k++) {
          const window = Array.from(
            { length: size * size },
            (_, at) =>
              x.values[place(x.shape, b, p * size + Math.floor(at / size), q * size + (at % size), k)],
          )
          y.values[place(y.shape, b, p, q, k)] = f(window)
        }
  return y
}

export const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length

/** [n, h, w, c] → [n, c] */
export function globalAveragePool({ values, shape: [n, h, w, c] }: Images) {
  const y = zeros([n, c])
  for (let b = 0; b < n; b++)
    for (let at = 0; at < h * w; at++)
      for (let k = 0; k < c; k++) y.values[b * c + k] += values[(b * h * w + at) * c + k] / (h * w)
  return y
}

/** γ·(x − μ)/√(σ² + 1e-3) + β by channel over the batch. */
export function batchNorm(x: Images, gamma: ArrayLike<number>, beta: ArrayLike<number>) {
  const channels = x.shape[x.shape.length - 1]
  const y = zeros(x.shape)
  for (let c = 0; c < channels; c++) {
    const own = Array.from({ length: x.values.length / channels }, (_, at) => x.values[at * channels + c])
    const mu = mean(own)
    const deviation = Math.sqrt(mean(own.map(value => (value - mu) ** 2)) + 1e-3)
    own.forEach((value, at) => {
      y.values[at * channels + c] = (gamma[c] * (value - mu)) / deviation + beta[c]
    })
  }
  return y
}
