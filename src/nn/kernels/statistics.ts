/**
 * The mean and the (biased) variance of each channel of a batch, to what float32 can say.
 *
 * One running sum of a channel's 10⁴ to 10⁶ float32 values, as TensorFlow's CPU kernels keep it, loses a digit or two: 1e-5
 * of the deviation, enough to put a unit on the other side of ReLU's kink. Here the device adds at most a few hundred values
 * in a row, and the host adds those sums in float64 (blocked summation: Higham, Accuracy and Stability of Numerical
 * Algorithms, §4.2).
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { attributesOf, type NativeBackend } from './native-backend.ts'

/** float64 [channels] each. */
export type Moments = { mean: Float64Array; variance: Float64Array }

/** Values that the device adds in a row. */
const longestRow = 256
/** A batch as small as this is added up on the host as a whole. */
const small = 2 ** 16
/** Beyond this many deviations between the mean and 0, σ² = E[x²] − μ² loses digits that float32 has. */
const farFromZero = 3

/** Channels last: [n, h, w, c] → moments [c]. Each takes one reading of x, or two where a mean lies far from 0. */
export function channelMoments(backend: NativeBackend): (x: Tensor4D) => Moments {
  const { float, bool, indices } = attributesOf(backend)
  const sums = (rows: Tensor) => read(backend.executeMultipleOutputs('BiasAddGrad', [float], [rows], 1)[0])
  const norms = (rows: Tensor) => {
    const axis = tf.tensor1d([0], 'int32')
    const attributes = [float, indices, bool('keep_dims', false)]
    const norms = read(backend.executeMultipleOutputs('EuclideanNorm', attributes, [rows, axis], 1)[0])
    axis.dispose()
    return norms
  }
  return x => {
    const channels = x.shape[3]
    const values = x.size / channels
    if (x.size <= small) return momentsOf(x.dataSync() as Float32Array, channels)
    const rows = shortRows(x, values)
    const mean = perChannel(sums(rows), channels, 1).map(sum => sum / values)
    // √Σx² down the rows: TensorFlow's only kernel that adds squares without writing them all down first.
    const squares = perChannel(norms(rows), channels, 2)
    rows.dispose()
    const variance = squares.map((square, c) => Math.max(0, square / values - mean[c] ** 2))
    if (mean.every((mu, c) => mu ** 2 <= farFromZero ** 2 * variance[c])) return { mean, variance }
    return { mean, variance: centred(x, mean) }
  }

  /** σ² = Σ(x − m)²/N − (μ − m)², m the mean as float32 has it. */
  function centred(x: Tensor4D, mean: Float64Array): Float64Array {
    const rounded = Float32Array.from(mean)
    const rows = tf.tidy(() => shortRows(tf.squaredDifference(x, tf.tensor1d(rounded)), x.size / mean.length))
    const squares = perChannel(sums(rows), mean.length, 1)
    rows.dispose()
    const values = x.size / mean.length
    return squares.map((square, c) => Math.max(0, square / values - (mean[c] - rounded[c]) ** 2))
  }
}

/** A view of [values, channels] as rows below each other, few enough of them; one row where the number is a large prime. */
function shortRows(x: Tensor, values: number): Tensor2D {
  let rows = Math.min(longestRow, values)
  while (values % rows !== 0) rows -= 1
  return tf.reshape(x, [rows, x.size / rows])
}

/** Σ of the values, or of their squares, by channel, which changes fastest. */
function perChannel(values: Float32Array, channels: number, power: 1 | 2): Float64Array {
  const totals = new Float64Array(channels)
  for (let i = 0; i < values.length; )
    for (let c = 0; c < channels; c++, i++) totals[c] += power === 1 ? values[i] : values[i] * values[i]
  return totals
}

/** Two passes in float64. */
function momentsOf(x: Float32Array, channels: number): Moments {
  const values = x.length / channels
  const mean = perChannel(x, channels, 1).map(sum => sum / values)
  const squares = new Float64Array(channels)
  for (let i = 0; i < x.length; )
    for (let c = 0; c < channels; c++, i++) squares[c] += (x[i] - mean[c]) * (x[i] - mean[c])
  return { mean, variance: squares.map(square => square / values) }
}

function read(tensor: Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array
  tensor.dispose()
  return values
}

/** As float32 tensors on the device. */
export function asTensors({ mean, variance }: Moments): [Tensor1D, Tensor1D] {
  return [tf.tensor1d(Float32Array.from(mean)), tf.tensor1d(Float32Array.from(variance))]
}
