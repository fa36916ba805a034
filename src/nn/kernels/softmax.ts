/** What is lost of a softmax cross-entropy where the network is sure of the label, and how it is kept. */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'

/**
 * The loss and its gradient p − onehot(label), given both as they are usually worked out. With q = Σ p over the other
 * classes, dz_label = −q and, where q is small, ℓ = −log(1 − q): p_label − 1 and log Σe^z − z_label are all rounding there.
 * The logarithm as q·log(w)/(w − 1), w = 1 − q as rounded (Goldberg 1991, theorem 4): WASM's log1p is a plain logarithm.
 * [[n], [n, classes]], int32 [n] → [[n], [n, classes]]; temporaries are the caller's to tidy.
 */
export function withoutCancellation(
  [loss, derivative]: [Tensor1D, Tensor2D],
  labels: Tensor1D,
): [Tensor1D, Tensor2D] {
  // Cast, not asked for: WASM's kernel writes integers whatever the type.
  const label = tf.cast(tf.oneHot(labels, derivative.shape[1]), 'float32')
  const others = tf.mul(derivative, tf.sub(1, label))
  const q = tf.sum(others, 1)
  const w = tf.sub(1, q)
  const small = tf.where(tf.equal(w, 1), q, tf.mul(q, tf.div(tf.log(w), tf.sub(w, 1))))
  return [
    tf.where(tf.less(q, 0.5), small, loss) as Tensor1D,
    tf.sub(others, tf.mul(label, tf.expandDims(q, 1))) as Tensor2D,
  ]
}
