/** Matrices: dense layers, what comes before them and the loss after them. */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
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

  /** y = x as [n, …] → [n, size];  dx = dy reshaped back */
  flatten: (x: Tensor4D) =>
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
})
