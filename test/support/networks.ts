/**
 * Whole networks in float64, written out layer by layer from their descriptions and sharing nothing with src/nn: the
 * mean cross-entropy of a batch as a function of the flat parameter vector.
 */
import { batchNorm, conv2d, globalAveragePool, type Images, pool } from './images.ts'

type Loss = (theta: ArrayLike<number>, images: Images, labels: ArrayLike<number>) => number

const relu = <T extends Images>({ values, shape }: T) => ({
  values: Float64Array.from(values, value => Math.max(value, 0)),
  shape,
})
const maxPool = (x: Images) => pool(x, 2, window => Math.max(...window))

/** Reads variables off a flat vector in their order. */
function reader(theta: ArrayLike<number>) {
  let offset = 0
  const take = (...shape: number[]): Images => {
    const size = shape.reduce((a, b) => a * b, 1)
    const values = Float64Array.from({ length: size }, (_, i) => theta[offset + i])
    offset += size
    return { values, shape }
  }
  return { take, done: () => offset === theta.length }
}

/** y[..., o] = x[..., o] + b[o] */
const plus = (x: Images, b: Images): Images => ({
  values: Float64Array.from(x.values, (value, i) => value + b.values[i % b.values.length]),
  shape: x.shape,
})

/** x as [n, features] times [features, units]. */
function dense(x: Images, kernel: Images, bias: Images): Images {
  const [features, units] = kernel.shape
  const n = x.values.length / features
  const values = new Float64Array(n * units)
  for (let b = 0; b < n; b++)
    for (let f = 0; f < features; f++)
      for (let u = 0; u < units; u++)
        values[b * units + u] += x.values[b * features + f] * kernel.values[f * units + u]
  return plus({ values, shape: [n, units] }, bias)
}

function crossEntropy({ values, shape: [n, classes] }: Images, labels: ArrayLike<number>): number {
  let loss = 0
  for (let b = 0; b < n; b++) {
    const logits = Array.from({ length: classes }, (_, c) => values[b * classes + c])
    loss += Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - logits[labels[b]]
  }
  return loss / n
}

/** conv 5×5, ReLU, pool, conv 5×5, ReLU, pool, dense, ReLU, dense: the ReLU where the literature has it. */
export const lenetLoss =
  ([first, second]: number[], units: number, classes: number): Loss =>
  (theta, images, labels) => {
    const { take, done } = reader(theta)
    const [, h, w, c] = images.shape
    let x = maxPool(relu(plus(conv2d(images, take(5, 5, c, first), 1), take(first))))
    x = maxPool(relu(plus(conv2d(x, take(5, 5, first, second), 1), take(second))))
    const features = Math.floor(Math.floor(h / 2) / 2) * Math.floor(Math.floor(w / 2) / 2) * second
    const hidden = relu(dense(x, take(features, units), take(units)))
    const loss = crossEntropy(dense(hidden, take(units, classes), take(classes)), labels)
    if (!done()) throw new Error('parameters are left over')
    return loss
  }

/** ResNet-8: three groups of one block, of `channels` and with `hidden` channels inside; the second and the third at stride 2. */
export const resnet8Loss =
  (channels: number[], hidden: number[], classes: number): Loss =>
  (theta, images, labels) => {
    const { take, done } = reader(theta)
    const normalized = (x: Images, filters: number, stride: number) => {
      const y = conv2d(x, take(3, 3, x.shape[3], filters), stride)
      return batchNorm(y, take(filters).values, take(filters).values)
    }
    let x: Images = relu(normalized(images, channels[0], 1))
    channels.forEach((filters, group) => {
      const stride = group === 0 ? 1 : 2
      const main = normalized(relu(normalized(x, hidden[group], stride)), filters, 1)
      const shortcut =
        group === 0 ? x : plus(conv2d(x, take(1, 1, x.shape[3], filters), stride), take(filters))
      const values = main.values.map((value, i) => value + shortcut.values[i])
      x = relu({ values, shape: main.shape })
    })
    const last = channels[channels.length - 1]
    const loss = crossEntropy(dense(globalAveragePool(x), take(last, classes), take(classes)), labels)
    if (!done()) throw new Error('parameters are left over')
    return loss
  }
