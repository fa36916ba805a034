/**
 * Primitives that our own operations are on CPUs (native/), composed of TensorFlow.js' and of other primitives: where those
 * are not, on GPUs and in WASM, and for what they do not take.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from './kernels.ts'

/** √(2/π) and the cubic term of the tanh form of GELU. */
const geluScale = Math.sqrt(2 / Math.PI)
const geluCubic = 0.044715

/** Beside real scores its exponential is exactly 0, and it is finite: a place that sees nothing else has no NaN. */
const masked = -1e9

type Base = Pick<
  Kernels,
  | 'matMul'
  | 'batchMatMul'
  | 'biasGradient'
  | 'relu'
  | 'reluGradient'
  | 'batchNorm'
  | 'batchNormGradient'
  | 'maxPool'
  | 'maxPoolGradient'
>
type Composed = Pick<
  Kernels,
  | 'gelu'
  | 'geluGradient'
  | 'silu'
  | 'siluGradient'
  | 'tanhGradient'
  | 'layerNorm'
  | 'layerNormGradient'
  | 'rmsNorm'
  | 'rmsNormGradient'
  | 'attention'
  | 'attentionGradient'
  | 'maxPoolRelu'
  | 'maxPoolReluGradient'
  | 'batchNormRelu'
  | 'batchNormReluGradient'
  | 'batchNormAddRelu'
  | 'batchNormAddReluGradient'
>

export const composedKernels = (k: Base): Composed => ({
  gelu: x =>
    tf.tidy(() => {
      const s = geluGate(x)
      return { y: tf.mul(x, s), saved: [x, s] }
    }),
  geluGradient: (dy, [x, s]) =>
    tf.tidy(() => {
      const inner = tf.mul(tf.add(tf.mul(tf.square(x), 3 * geluCubic), 1), 2 * geluScale)
      const slope = tf.mul(tf.mul(x, tf.sub(1, s)), inner)
      return tf.mul(dy, tf.mul(s, tf.add(slope, 1)))
    }),
  silu: x => tf.tidy(() => tf.mul(x, tf.sigmoid(x))),
  siluGradient: (dy, x) =>
    tf.tidy(() => {
      const s = tf.sigmoid(x)
      return tf.mul(dy, tf.mul(s, tf.add(tf.mul(x, tf.sub(1, s)), 1)))
    }),
  tanhGradient: (dy, x) =>
    tf.tidy(() => {
      const s = tf.sigmoid(tf.mul(tf.abs(x), -2))
      return tf.mul(dy, tf.mul(tf.mul(s, 4), tf.sub(1, s)))
    }),

  layerNorm: (x, gamma, beta, epsilon) =>
    tf.tidy(() => {
      const rows = asRows(x, gamma)
      const centred = tf.sub(rows, rowMeans(k, rows)) as Tensor2D
      const scale = tf.rsqrt(tf.add(rowMeans(k, tf.square(centred)), epsilon))
      const normalized = tf.mul(centred, scale)
      const y = tf.reshape(tf.add(tf.mul(normalized, gamma), beta), x.shape)
      return { y, saved: [normalized, scale] }
    }),
  layerNormGradient: (dy, gamma, [normalized, scale]) =>
    tf.tidy(() => {
      const slopes = asRows(dy, gamma)
      const g = tf.mul(slopes, gamma) as Tensor2D
      const along = tf.mul(normalized, rowMeans(k, tf.mul(g, normalized)))
      return [
        tf.reshape(tf.mul(tf.sub(tf.sub(g, rowMeans(k, g)), along), scale), dy.shape),
        k.biasGradient(tf.mul(slopes, normalized)),
        k.biasGradient(dy),
      ]
    }),
  rmsNorm: (x, gamma, epsilon) =>
    tf.tidy(() => {
      const rows = asRows(x, gamma)
      const scale = tf.rsqrt(tf.add(rowMeans(k, tf.square(rows)), epsilon))
      const normalized = tf.mul(rows, scale)
      return { y: tf.reshape(tf.mul(normalized, gamma), x.shape), saved: [normalized, scale] }
    }),
  rmsNormGradient: (dy, gamma, [normalized, scale]) =>
    tf.tidy(() => {
      const slopes = asRows(dy, gamma)
      const g = tf.mul(slopes, gamma) as Tensor2D
      const along = tf.mul(normalized, rowMeans(k, tf.mul(g, normalized)))
      return [
        tf.reshape(tf.mul(tf.sub(g, along), scale), dy.shape),
        k.biasGradient(tf.mul(slopes, normalized)),
      ]
    }),

  // All heads of all examples in one batched product each way.
  attention: (q, key, v, heads, causal) =>
    tf.tidy(() => {
      const [, length, width] = q.shape
      const [qs, ks, vs] = [q, key, v].map(x => split(x, heads))
      const scores = tf.mul(k.batchMatMul(qs, ks, false, true), 1 / Math.sqrt(width / heads))
      const weights = tf.softmax(causal ? tf.add(scores, causalMask(length)) : scores) as Tensor3D
      return { y: join(k.batchMatMul(weights, vs, false, false), q.shape), saved: [qs, ks, vs, weights] }
    }),
  attentionGradient: (dy, saved) =>
    tf.tidy(() => {
      const [qs, ks, vs, weights] = saved as Tensor3D[]
      const dys = split(dy, weights.shape[0] / dy.shape[0])
      const dWeights = k.batchMatMul(dys, vs, false, true)
      const slope = tf.mul(weights, dWeights)
      const dScores = tf.mul(
        tf.sub(slope, tf.mul(weights, tf.sum(slope, 2, true))),
        1 / Math.sqrt(qs.shape[2]),
      ) as Tensor3D
      return [
        join(k.batchMatMul(dScores, ks, false, false), dy.shape),
        join(k.batchMatMul(dScores, qs, true, false), dy.shape),
        join(k.batchMatMul(weights, dys, true, false), dy.shape),
      ]
    }),

  maxPoolRelu: (x, size) => {
    const [pooled, ...places] = k.maxPool(x, size)
    return [k.relu(pooled), pooled, ...places]
  },
  maxPoolReluGradient: (dy, x, y, [pooled, ...places], size) =>
    tf.tidy(() => k.maxPoolGradient(k.reluGradient(dy, y), x, pooled as Tensor4D, places, size)),

  batchNormRelu: (x, gamma, beta, epsilon) =>
    tf.tidy(() => {
      const { y, saved } = k.batchNorm(x, gamma, beta, epsilon)
      const value = k.relu(y)
      return { y: value, saved: [value, ...saved] }
    }),
  batchNormReluGradient: (dy, gamma, [y, ...saved], epsilon) =>
    tf.tidy(() => k.batchNormGradient(k.reluGradient(dy, y as Tensor4D), gamma, saved, epsilon)),
  batchNormAddRelu: (x, gamma, beta, shortcut, epsilon) =>
    tf.tidy(() => {
      const { y, saved } = k.batchNorm(x, gamma, beta, epsilon)
      const value = k.relu(tf.add(y, shortcut)) as Tensor4D
      return { y: value, saved: [value, ...saved] }
    }),
  batchNormAddReluGradient: (dy, gamma, [y, ...saved], epsilon) =>
    tf.tidy(() => {
      const dz = k.reluGradient(dy, y as Tensor4D)
      return [...k.batchNormGradient(dz, gamma, saved, epsilon), dz]
    }),
})

/** σ(2u). */
const geluGate = (x: Tensor) =>
  tf.sigmoid(tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), geluCubic), 1)), 2 * geluScale))

/** A view as a matrix with a row a place. */
const asRows = (x: Tensor, { size }: Tensor1D) => tf.reshape(x, [-1, size]) as Tensor2D

/** The mean of each row, as a product: a pass over memory, where a reduction of short rows takes ten. [rows, c] → [rows, 1] */
const rowMeans = (k: Base, x: Tensor) =>
  k.matMul(x as Tensor2D, tf.fill([x.shape[1]!, 1], 1 / x.shape[1]!), false, false)

/** [n, length, heads·c] → [n·heads, length, c] */
function split(x: Tensor3D, heads: number): Tensor3D {
  const [n, length, width] = x.shape
  const apart = tf.reshape(x, [n, length, heads, width / heads])
  return tf.reshape(tf.transpose(apart, [0, 2, 1, 3]), [n * heads, length, width / heads])
}

/** The inverse of split. */
function join(x: Tensor3D, [n, length, width]: Tensor3D['shape']): Tensor3D {
  const [places, , c] = x.shape
  return tf.reshape(tf.transpose(tf.reshape(x, [n, places / n, length, c]), [0, 2, 1, 3]), [n, length, width])
}

/** 0 where a place may look, else so little that nothing is seen there: [length, length]. */
const causalMask = (length: number) =>
  tf.tensor2d(
    Float32Array.from({ length: length * length }, (_, i) =>
      i % length > Math.floor(i / length) ? masked : 0,
    ),
    [length, length],
  )
