/** The primitives out of TensorFlow.js operations: they run on every backend, WASM first of all. */

import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from './kernels.ts'

export const portableKernels: Kernels = {
  // Transposed explicitly: the WASM kernel multiplies transposed operands ten times slower than plain ones.
  matMul: (a, b, transposeA, transposeB) =>
    tf.tidy(() => tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b)),
  // (dyᵀ·x)ᵀ: transposes what is narrow rather than the images.
  kernelGradient: (x, dy) => tf.tidy(() => tf.transpose(tf.matMul(tf.transpose(dy), x))),
  biasAdd: <T extends Tensor>(x: T, bias: Tensor1D) => tf.add(x, bias) as T,
  biasGradient: dy => tf.sum(dy, dy.shape.map((_, axis) => axis).slice(0, -1)) as Tensor1D,
  relu: <T extends Tensor>(x: T) => tf.relu(x) as T,
  reluGradient: <T extends Tensor>(dy: T, y: T) => tf.mul(dy, tf.cast(tf.greater(y, 0), 'float32')) as T,
  softmaxCrossEntropy: (logits, labels) =>
    tf.tidy(() => {
      const shifted = tf.sub(logits, tf.max(logits, 1, true)) as Tensor2D
      const exponentials = tf.exp(shifted)
      const sums = tf.sum(exponentials, 1, true)
      const target = tf.oneHot(labels, logits.shape[1]) as Tensor2D
      const loss = tf.sub(tf.log(tf.squeeze(sums, [1])), tf.sum(tf.mul(shifted, target), 1)) as Tensor1D
      return [loss, tf.sub(tf.div(exponentials, sums), target) as Tensor2D]
    }),
}
