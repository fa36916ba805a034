/** Matrices: dense layers, what comes before them and the loss after them. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const denseOps = (k: Kernels) => ({
  /** y = x·W + b;  dx = dy·Wᵀ, dW = xᵀ·dy, db = Σ_examples dy.  [n, in], [in, out], [out] → [n, out] */
  dense: (x: Tensor2D, kernel: Tensor2D, bias: Tensor1D) =>
    record<Tensor2D, [Tensor2D, Tensor2D]>([x, kernel, bias], () => ({
      value: k.biasAdd(k.matMul(x, kernel, false, false), bias),
      save: [x, kernel],
      gradients: (dy, [x, kernel]) => [
        () => k.matMul(dy as Tensor2D, kernel, false, true),
        () => k.kernelGradient(x, dy as Tensor2D),
        () => k.biasGradient(dy),
      ],
    })),

  /** y = x·W;  dx = dy·Wᵀ, dW = xᵀ·dy.  [n, in], [in, out] → [n, out] */
  product: (x: Tensor2D, kernel: Tensor2D) =>
    record<Tensor2D, [Tensor2D, Tensor2D]>([x, kernel], () => ({
      value: k.matMul(x, kernel, false, false),
      save: [x, kernel],
      gradients: (dy, [x, kernel]) => [
        () => k.matMul(dy as Tensor2D, kernel, false, true),
        () => k.kernelGradient(x, dy as Tensor2D),
      ],
    })),

  /** y = x as [n, …] → [n, size];  dx = dy reshaped back */
  flatten: (x: Tensor) =>
    record<Tensor2D>([x], () => ({
      value: tf.reshape(x, [x.shape[0], -1]),
      save: [],
      gradients: dy => [() => tf.reshape(dy, x.shape)],
    })),

  /** ℓ = −log softmax(z)[label];  dz = dℓ·(softmax(z) − onehot(label)).  [n, classes], int32 [n] → [n] */
  softmaxCrossEntropy: (logits: Tensor2D, labels: Tensor1D) =>
    record<Tensor1D>([logits, labels], () => {
      const [value, derivative] = k.softmaxCrossEntropy(logits, labels)
      return {
        value,
        save: [derivative],
        gradients: (dy, [derivative]) => [() => tf.mul(tf.expandDims(dy, 1), derivative)],
      }
    }),

  /**
   * ℓ = −Σ_c t_c·log softmax(z)_c, t = (1 − s)·onehot(label) + s/classes (Szegedy et al. 2016, §7);  dz = dℓ·(softmax(z) − t).
   * [n, classes], int32 [n] → [n]
   */
  smoothedCrossEntropy: (logits: Tensor2D, labels: Tensor1D, smoothing: number) =>
    record<Tensor1D, [Tensor2D]>([logits, labels], () => {
      const classes = logits.shape[1]
      const target = tf.add(tf.mul(oneHot(labels, classes), 1 - smoothing), smoothing / classes)
      const shifted = tf.sub(logits, tf.max(logits, 1, true))
      const exponentials = tf.exp(shifted)
      const sums = tf.sum(exponentials, 1, true)
      return {
        value: tf.sub(tf.log(tf.squeeze(sums, [1])), tf.sum(tf.mul(target, shifted), 1)),
        save: [tf.sub(tf.div(exponentials, sums), target) as Tensor2D],
        gradients: (dy, [derivative]) => [() => tf.mul(tf.expandDims(dy, 1), derivative)],
      }
    }),

  /** ℓ = Σ_c (z_c − onehot(label)_c)²/classes;  dz = dℓ·2·(z − onehot(label))/classes.  [n, classes], int32 [n] → [n] */
  squaredError: (outputs: Tensor2D, labels: Tensor1D) =>
    record<Tensor1D, [Tensor2D]>([outputs, labels], () => {
      const classes = outputs.shape[1]
      const difference = tf.sub(outputs, oneHot(labels, classes)) as Tensor2D
      return {
        value: tf.mean(tf.square(difference), 1),
        save: [difference],
        gradients: (dy, [difference]) => [
          () => tf.mul(tf.expandDims(tf.mul(dy, 2 / classes), 1), difference),
        ],
      }
    }),

  /** ℓ = Σ_c (z_c − y_c)²/outputs;  dz = dℓ·2·(z − y)/outputs.  [n, outputs], [n, outputs] → [n] */
  squaredDistance: (outputs: Tensor2D, targets: Tensor2D) =>
    record<Tensor1D, [Tensor2D]>([outputs, targets], () => {
      const difference = tf.sub(outputs, targets) as Tensor2D
      return {
        value: tf.mean(tf.square(difference), 1),
        save: [difference],
        gradients: (dy, [difference]) => [
          () => tf.mul(tf.expandDims(tf.mul(dy, 2 / outputs.shape[1]), 1), difference),
        ],
      }
    }),
})

/** Cast, not asked for: WASM's kernel writes integers whatever the type. */
const oneHot = (labels: Tensor1D, classes: number) => tf.cast(tf.oneHot(labels, classes), 'float32')
