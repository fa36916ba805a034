/**
 * Whole networks in float64, written out layer by layer from their descriptions and sharing nothing with src/nn: the
 * mean cross-entropy of a batch as a function of the flat parameter vector.
 */
import { batchNorm, conv2d, depthwiseConv2d, globalAveragePool, type Images, mean, pool } from './images.ts'

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

/** All-CNN: 3×3 convolutions of a, a, a/2, b, b, b/2, b, a 1×1 of b and one of a filter a class; batch norm where there is no stride. */
export const allCnnLoss =
  (a: number, b: number, classes: number): Loss =>
  (theta, images, labels) => {
    const { take, done } = reader(theta)
    const normalized = (x: Images, k: number, filters: number) => {
      const y = conv2d(x, take(k, k, x.shape[3], filters), 1)
      return relu(batchNorm(y, take(filters).values, take(filters).values))
    }
    const biased = (x: Images, k: number, filters: number, stride: number) =>
      plus(conv2d(x, take(k, k, x.shape[3], filters), stride), take(filters))
    let x: Images = relu(biased(normalized(normalized(images, 3, a), 3, a), 3, a, 2))
    x = relu(biased(normalized(normalized(x, 3, b), 3, b), 3, b, 2))
    x = biased(normalized(normalized(x, 3, b), 1, b), 1, classes, 1)
    const loss = crossEntropy(globalAveragePool(x), labels)
    if (!done()) throw new Error('parameters are left over')
    return loss
  }

/** VGG: 3×3 convolutions with ReLU, 2×2 max pools (M), two hidden dense layers. */
export const vggLoss =
  (plan: (number | 'M')[], units: number, classes: number): Loss =>
  (theta, images, labels) => {
    const { take, done } = reader(theta)
    let x = images
    for (const filters of plan)
      x =
        filters === 'M'
          ? maxPool(x)
          : relu(plus(conv2d(x, take(3, 3, x.shape[3], filters), 1), take(filters)))
    const features = x.values.length / x.shape[0]
    const first = relu(dense(x, take(features, units), take(units)))
    const second = relu(dense(first, take(units, units), take(units)))
    const loss = crossEntropy(dense(second, take(units, classes), take(classes)), labels)
    if (!done()) throw new Error('parameters are left over')
    return loss
  }

/** The custom network of network-gradients.test.ts: every kind of layer that the others have not. */
export const customLoss =
  (classes: number): Loss =>
  (theta, images, labels) => {
    const { take, done } = reader(theta)
    const each = ({ values, shape }: Images, f: (value: number) => number): Images => ({
      values: Float64Array.from(values, f),
      shape,
    })
    const gelu = (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))
    let x = each(plus(conv2d(images, take(3, 3, images.shape[3], 4), 2), take(4)), gelu)
    const depthwise = depthwiseConv2d(x, take(3, 3, 4, 1), 2)
    const main = batchNorm(depthwise, take(4).values, take(4).values)
    const shortcut = each(pool(x, 2, mean), Math.tanh)
    x = { values: main.values.map((value, i) => value + shortcut.values[i]), shape: main.shape }
    x = plus(conv2d(x, take(2, 2, 4, 3), 1, 'valid'), take(3))
    const hidden = dense(x, take(x.values.length / x.shape[0], 5), take(5))
    const y = relu(batchNorm(hidden, take(5).values, take(5).values))
    const loss = crossEntropy(dense(y, take(5, classes), take(classes)), labels)
    if (!done()) throw new Error('parameters are left over')
    return loss
  }
