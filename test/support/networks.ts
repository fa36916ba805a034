/**
 * Whole networks in float64, written out layer by layer from their descriptions and sharing nothing with src/nn: the
 * mean cross-entropy of a batch as a function of the flat parameter vector, and its gradient.
 */
import {
  batchNorm,
  conv2d,
  crossEntropy,
  dense,
  depthwiseConv2d,
  differentiate,
  each,
  globalAveragePool,
  type Images,
  plus,
  pool,
  relu,
} from './images.ts'

/** A network: `take` gives its variables one after the other, by shape. */
export type Reference = (take: (...shape: number[]) => Images, images: Images) => Images

/** Mean loss of a batch and its gradient, in the layout of theta; `slack` as in `differentiate`. */
export function lossAndGradientOf(
  network: Reference,
  theta: ArrayLike<number>,
  images: Images,
  labels: ArrayLike<number>,
  slack = 0,
): { loss: number; gradient: Float64Array } {
  const variables: Images[] = []
  let offset = 0
  const take = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    const values = Float64Array.from({ length: size }, (_, i) => theta[offset + i])
    offset += size
    const variable: Images = { values, shape, gradient: new Float64Array(size) }
    variables.push(variable)
    return variable
  }
  const { value } = differentiate(() => crossEntropy(network(take, images), labels), [], slack)
  if (offset !== theta.length) throw new Error('parameters are left over')
  const gradient = Float64Array.from(variables.flatMap(variable => [...variable.gradient!]))
  return { loss: value, gradient }
}

const maxPool = (x: Images) => pool(x, 2, 'max')

/** conv 5×5, ReLU, pool, conv 5×5, ReLU, pool, dense, ReLU, dense: the ReLU where the literature has it. */
export const lenet =
  ([first, second]: number[], units: number, classes: number): Reference =>
  (take, images) => {
    const [, h, w, c] = images.shape
    let x = maxPool(relu(plus(conv2d(images, take(5, 5, c, first), 1), take(first))))
    x = maxPool(relu(plus(conv2d(x, take(5, 5, first, second), 1), take(second))))
    const features = Math.floor(Math.floor(h / 2) / 2) * Math.floor(Math.floor(w / 2) / 2) * second
    const hidden = relu(dense(x, take(features, units), take(units)))
    return dense(hidden, take(units, classes), take(classes))
  }

/** ResNet-8: three groups of one block, of `channels` and with `hidden` channels inside; the second and the third at stride 2. */
export const resnet8 =
  (channels: number[], hidden: number[], classes: number): Reference =>
  (take, images) => {
    const normalized = (x: Images, filters: number, stride: number) => {
      const y = conv2d(x, take(3, 3, x.shape[3], filters), stride)
      return batchNorm(y, take(filters), take(filters))
    }
    let x: Images = relu(normalized(images, channels[0], 1))
    channels.forEach((filters, group) => {
      const stride = group === 0 ? 1 : 2
      const main = normalized(relu(normalized(x, hidden[group], stride)), filters, 1)
      const shortcut =
        group === 0 ? x : plus(conv2d(x, take(1, 1, x.shape[3], filters), stride), take(filters))
      x = relu(plus(main, shortcut))
    })
    const last = channels[channels.length - 1]
    return dense(globalAveragePool(x), take(last, classes), take(classes))
  }

/** All-CNN: 3×3 convolutions of a, a, a/2, b, b, b/2, b, a 1×1 of b and one of a filter a class; batch norm where there is no stride. */
export const allCnn =
  (a: number, b: number, classes: number): Reference =>
  (take, images) => {
    const normalized = (x: Images, k: number, filters: number) => {
      const y = conv2d(x, take(k, k, x.shape[3], filters), 1)
      return relu(batchNorm(y, take(filters), take(filters)))
    }
    const biased = (x: Images, k: number, filters: number, stride: number) =>
      plus(conv2d(x, take(k, k, x.shape[3], filters), stride), take(filters))
    let x: Images = relu(biased(normalized(normalized(images, 3, a), 3, a), 3, a, 2))
    x = relu(biased(normalized(normalized(x, 3, b), 3, b), 3, b, 2))
    x = biased(normalized(normalized(x, 3, b), 1, b), 1, classes, 1)
    return globalAveragePool(x)
  }

/** VGG: 3×3 convolutions with ReLU, 2×2 max pools (M), two hidden dense layers. */
export const vgg =
  (plan: (number | 'M')[], units: number, classes: number): Reference =>
  (take, images) => {
    let x = images
    for (const filters of plan)
      x =
        filters === 'M'
          ? maxPool(x)
          : relu(plus(conv2d(x, take(3, 3, x.shape[3], filters), 1), take(filters)))
    const features = x.values.length / x.shape[0]
    const first = relu(dense(x, take(features, units), take(units)))
    const second = relu(dense(first, take(units, units), take(units)))
    return dense(second, take(units, classes), take(classes))
  }

/** MobileNet: a 3×3 convolution, then 3×3 depthwise and 1×1 convolutions in turn; batch norm and ReLU after each. */
export const mobilenet =
  (factor: number, repeats: number, classes: number): Reference =>
  (take, images) => {
    const scaled = (filters: number) => Math.max(1, Math.round(filters * factor))
    const active = (y: Images) => {
      const c = y.shape[3]
      return relu(batchNorm(y, take(c), take(c)))
    }
    let x: Images = active(conv2d(images, take(3, 3, images.shape[3], scaled(32)), 1))
    const filters = [64, 128, 128, 256, 256, 512, ...Array<number>(repeats).fill(512), 1024, 1024]
    const halved = [1, 3, 5, 6 + repeats]
    for (const [i, outputs] of filters.entries()) {
      const c = x.shape[3]
      x = active(depthwiseConv2d(x, take(3, 3, c, 1), halved.includes(i) ? 2 : 1))
      x = active(conv2d(x, take(1, 1, c, scaled(outputs)), 1))
    }
    return dense(globalAveragePool(x), take(scaled(1024), classes), take(classes))
  }

const geluScale = Math.sqrt(2 / Math.PI)
/** ½v·(1 + tanh(√(2/π)·(v + 0.044715·v³))), and its derivative. */
const gelu = (v: number) => 0.5 * v * (1 + Math.tanh(geluScale * (v + 0.044715 * v ** 3)))
const geluSlope = (v: number) => {
  const t = Math.tanh(geluScale * (v + 0.044715 * v ** 3))
  return 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * geluScale * (1 + 3 * 0.044715 * v * v)
}

/** The custom network of network-gradients.test.ts: every kind of layer that the others have not. */
export const custom =
  (classes: number): Reference =>
  (take, images) => {
    let x: Images = plus(conv2d(images, take(3, 3, images.shape[3], 4), 2), take(4))
    x = each(x, gelu, geluSlope)
    const main = batchNorm(depthwiseConv2d(x, take(3, 3, 4, 1), 2), take(4), take(4))
    const shortcut = each(pool(x, 2, 'mean'), Math.tanh, v => 1 / Math.cosh(v) ** 2)
    x = plus(conv2d(plus(main, shortcut), take(2, 2, 4, 3), 1, 'valid'), take(3))
    const hidden = dense(x, take(x.values.length / x.shape[0], 5), take(5))
    return dense(relu(batchNorm(hidden, take(5), take(5), 0.1)), take(5, classes), take(classes))
  }
