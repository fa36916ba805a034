/** The primitives out of TensorFlow.js operations: they run on every backend, WASM first of all. */

import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { composedKernels } from './composed.ts'
import type { Kernels, Padding, Shape4D } from './kernels.ts'
import { withoutCancellation } from './softmax.ts'

/**
 * What a convolution sees through each of its k×k weights, row by row: [n, h, w, c] → k² times [n, rows, columns, c].
 * The zeros of 'same' are split as TensorFlow splits them: the odd one goes below and right.
 */
function patches(x: Tensor4D, k: number, stride: number, padding: Padding): Tensor4D[] {
  const [n, h, w, c] = x.shape
  const lost = padding === 'same' ? 0 : k - 1
  const rows = Math.ceil((h - lost) / stride)
  const columns = Math.ceil((w - lost) / stride)
  const missing = (outputs: number, size: number) => Math.max((outputs - 1) * stride + k - size, 0)
  const split = (zeros: number): [number, number] => [zeros >> 1, zeros - (zeros >> 1)]
  const padded =
    padding === 'same' ? tf.pad(x, [[0, 0], split(missing(rows, h)), split(missing(columns, w)), [0, 0]]) : x
  return Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k]
    if (stride === 1) return tf.slice(padded, [0, i, j, 0], [n, rows, columns, c]) as Tensor4D
    const end = [n, i + (rows - 1) * stride + 1, j + (columns - 1) * stride + 1, c]
    return tf.stridedSlice(padded, [0, i, j, 0], end, [1, stride, stride, 1]) as Tensor4D
  })
}

/** Windows side by side, place in the window first: [n, h, w, c] → [size², n, ⌊h/size⌋, ⌊w/size⌋, c]. */
function cut(x: Tensor4D, size: number): Tensor {
  const [n, h, w, c] = x.shape
  const [rows, columns] = [Math.floor(h / size), Math.floor(w / size)]
  const whole = tf.slice(x, [0, 0, 0, 0], [n, rows * size, columns * size, c])
  const cut = tf.transpose(tf.reshape(whole, [n, rows, size, columns, size, c]), [2, 4, 0, 1, 3, 5])
  return tf.reshape(cut, [size * size, n, rows, columns, c])
}

/** The inverse of cut; 0 where no window was. */
function paste(windows: Tensor, size: number, [n, h, w, c]: Shape4D): Tensor4D {
  const [, , rows, columns] = windows.shape
  const apart = tf.reshape(windows, [size, size, n, rows, columns, c])
  const whole = tf.reshape(tf.transpose(apart, [2, 3, 0, 4, 1, 5]), [n, rows * size, columns * size, c])
  return tf.pad(whole, [
    [0, 0],
    [0, h - rows * size],
    [0, w - columns * size],
    [0, 0],
  ]) as Tensor4D
}

/**
 * The largest number of at most `most` that divides `values` without remainder, or all of them where that is 1: how long a
 * row of values is added up before the sums are. One running sum of 10⁴ float32 values and more loses digits; sums of short
 * rows, and sums of those, do not (pairwise summation: Higham, Accuracy and Stability of Numerical Algorithms, §4.2).
 */
function rowLength(values: number, most: number): number {
  for (let length = Math.min(most, values); length > 1; length--) if (values % length === 0) return length
  return values
}

/** Σ over all but the last axis: [..., c] → [c]. */
function channelSum(x: Tensor): Tensor1D {
  const channels = x.shape[x.rank - 1]
  let sums = x
  for (let left = x.size / channels; left > 1; ) {
    const length = rowLength(left, 64)
    left /= length
    sums = tf.matMul(tf.ones([1, length]), tf.reshape(sums, [length, left * channels]) as Tensor2D)
  }
  return tf.reshape(sums, [channels])
}

/** Σ_n a[n, i]·b[n, j]: [n, i], [n, j] → [i, j]. In blocks of n, as many sums as lose no digits that matter. */
function productsSum(a: Tensor2D, b: Tensor2D): Tensor2D {
  const [values, rows] = a.shape
  const columns = b.shape[1]
  const blocks = Array.from({ length: Math.ceil(values / longestProduct) }, (_, block) => {
    const from = block * longestProduct
    const length = Math.min(longestProduct, values - from)
    const part = (x: Tensor2D) =>
      length === values ? x : (tf.slice(x, [from, 0], [length, x.shape[1]]) as Tensor2D)
    // Transposed first: the WASM kernel multiplies transposed operands, and batches, ten times slower.
    return tf.matMul(tf.transpose(part(a)) as Tensor2D, part(b))
  })
  if (blocks.length === 1) return blocks[0] as Tensor2D
  return tf.reshape(channelSum(tf.reshape(tf.stack(blocks), [blocks.length, -1])), [
    rows,
    columns,
  ]) as Tensor2D
}
const longestProduct = 4096

/** Each matrix of a batch transposed. */
const turned = (x: Tensor3D): Tensor3D => tf.transpose(x, [0, 2, 1])

/** The statistics are the mean and 1/√(variance + ε) of each channel, in two passes over the batch. */
const batchNorm: Kernels['batchNorm'] = (x, gamma, beta, epsilon) =>
  tf.tidy(() => {
    const values = x.size / gamma.size
    const mean = tf.div(channelSum(x), values) as Tensor1D
    const centred = tf.sub(x, mean) as Tensor4D
    const variance = tf.div(channelSum(tf.square(centred)), values)
    const scale = tf.rsqrt(tf.add(variance, epsilon))
    const y = tf.add(tf.mul(centred, tf.mul(scale, gamma)), beta) as Tensor4D
    return { y, saved: [x, mean, scale] }
  })

const base = {
  readsWait: false,
  // Transposed explicitly: the WASM kernel multiplies transposed operands ten times slower than plain ones.
  matMul: (a, b, transposeA, transposeB) =>
    tf.tidy(() => tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b)),
  batchMatMul: (a, b, transposeA, transposeB) =>
    tf.tidy(() => tf.matMul(transposeA ? turned(a) : a, transposeB ? turned(b) : b)),
  gatherRows: (table, indices) => tf.gather(table, indices as Tensor2D),
  // (dyᵀ·x)ᵀ: transposes what is narrow rather than the images.
  kernelGradient: (x, dy) => tf.tidy(() => tf.transpose(productsSum(dy, x))),
  biasAdd: <T extends Tensor>(x: T, bias: Tensor1D) => tf.add(x, bias) as T,
  biasGradient: dy => tf.tidy(() => channelSum(dy)),
  relu: <T extends Tensor>(x: T) => tf.relu(x) as T,
  reluGradient: <T extends Tensor>(dy: T, y: T) => tf.mul(dy, tf.cast(tf.greater(y, 0), 'float32')) as T,
  softmaxCrossEntropy: (logits, labels) =>
    tf.tidy(() => {
      const shifted = tf.sub(logits, tf.max(logits, 1, true)) as Tensor2D
      const exponentials = tf.exp(shifted)
      const sums = tf.sum(exponentials, 1, true)
      const target = tf.oneHot(labels, logits.shape[1]) as Tensor2D
      const loss = tf.sub(tf.log(tf.squeeze(sums, [1])), tf.sum(tf.mul(shifted, target), 1)) as Tensor1D
      return withoutCancellation([loss, tf.sub(tf.div(exponentials, sums), target) as Tensor2D], labels)
    }),

  conv2d: (x, kernel, stride, padding) => tf.conv2d(x, kernel, stride, padding),
  conv2dBias: (x, kernel, bias, stride, padding) =>
    tf.tidy(() => tf.add(tf.conv2d(x, kernel, stride, padding), bias)),
  conv2dInputGradient: (dy, kernel, stride, padding, shape) =>
    tf.tidy(() => tf.conv2dTranspose(dy, kernel, shape, stride, padding)),
  // WASM has no kernel for it. As a matrix product over all places, dyᵀ·(patches of x): [out, places]·[places, k²·in].
  conv2dKernelGradient: (x, dy, stride, padding, [k, , inputs, outputs]) =>
    tf.tidy(() => {
      const columns = tf.reshape(tf.concat(patches(x, k, stride, padding), 3), [
        -1,
        k * k * inputs,
      ]) as Tensor2D
      const products = productsSum(tf.reshape(dy, [-1, outputs]), columns)
      return tf.reshape(tf.transpose(products), [k, k, inputs, outputs])
    }),
  depthwiseConv2d: (x, kernel, stride, padding) => tf.depthwiseConv2d(x, kernel, stride, padding),
  // Neither gradient has a kernel on WASM. dx is the gradient of a convolution whose kernel is 0 off the diagonal.
  depthwiseConv2dInputGradient: (dy, kernel, stride, padding, shape) =>
    tf.tidy(() =>
      tf.conv2dTranspose(dy, tf.mul(kernel, tf.eye(shape[3])) as Tensor4D, shape, stride, padding),
    ),
  depthwiseConv2dKernelGradient: (x, dy, stride, padding, [k, , channels]) =>
    tf.tidy(() =>
      tf.reshape(tf.stack(patches(x, k, stride, padding).map(patch => channelSum(tf.mul(patch, dy)))), [
        k,
        k,
        channels,
        1,
      ]),
    ),

  maxPool: (x, size) => [tf.maxPool(x, size, size, 'valid')],
  maxPoolGradient: (dy, x, y, _, size) =>
    tf.tidy(() => {
      let free = tf.onesLike(y)
      const places = tf.unstack(cut(x, size)).map(place => {
        const taken = tf.mul(tf.cast(tf.equal(place, y), 'float32'), free) as Tensor4D
        free = tf.sub(free, taken)
        return tf.mul(taken, dy)
      })
      return paste(tf.stack(places), size, x.shape)
    }),
  averagePool: (x, size) => tf.avgPool(x, size, size, 'valid'),
  averagePoolGradient: (dy, size, shape) =>
    tf.tidy(() => {
      const share = tf.div(dy, size * size)
      return paste(tf.stack(Array.from({ length: size * size }, () => share)), size, shape)
    }),

  moments: x => {
    const values = x.size / x.shape[3]
    const both = tf.tidy(() => {
      const mean = tf.div(channelSum(x), values)
      return [mean, tf.div(channelSum(tf.square(tf.sub(x, mean))), values)]
    })
    const [mean, variance] = both.map(moment => Float64Array.from(moment.dataSync()))
    tf.dispose(both)
    return { mean, variance }
  },
  batchNorm,
  // With x̂ the normalised x and m the values of a channel: dx = γ·scale·(dy − Σdy/m − x̂·Σ(dy·x̂)/m).
  batchNormGradient: (dy, gamma, [x, mean, scale]) =>
    tf.tidy(() => {
      const values = x.size / gamma.size
      const normalized = tf.mul(tf.sub(x, mean), scale)
      const dBeta = channelSum(dy)
      const dGamma = channelSum(tf.mul(dy, normalized))
      const centred = tf.sub(tf.sub(dy, tf.div(dBeta, values)), tf.mul(normalized, tf.div(dGamma, values)))
      return [tf.mul(centred, tf.mul(gamma, scale)) as Tensor4D, dGamma, dBeta]
    }),
} satisfies Partial<Kernels>

export const portableKernels: Kernels = { ...base, ...composedKernels(base) }
