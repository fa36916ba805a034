/**
 * The tensor primitives that operations are made of. Two sets: raw TensorFlow kernels where the native library is
 * loaded, and a portable one made of TensorFlow.js operations (WASM). None of them records anything on the tape: the
 * gradients are written down once, in nn/ops, in terms of these same primitives.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'

export type Kernels = {
  /** op(a)·op(b), op transposing where asked: [m, k]·[k, n] → [m, n]. */
  matMul(a: Tensor2D, b: Tensor2D, transposeA: boolean, transposeB: boolean): Tensor2D
  /** xᵀ·dy, the gradient of a dense layer's kernel: [n, in], [n, out] → [in, out]. */
  kernelGradient(x: Tensor2D, dy: Tensor2D): Tensor2D
  /** x + b over the last axis: [..., n] + [n]. */
  biasAdd<T extends Tensor>(x: T, bias: Tensor1D): T
  /** Σ of dy over all but the last axis: [..., n] → [n]. */
  biasGradient(dy: Tensor): Tensor1D
  relu<T extends Tensor>(x: T): T
  /** dy where y > 0, else 0. */
  reluGradient<T extends Tensor>(dy: T, y: T): T
  /**
   * Per example −log softmax(logits)[label] and its gradient softmax(logits) − onehot(label):
   * [n, classes], int32 [n] → [[n], [n, classes]].
   */
  softmaxCrossEntropy(logits: Tensor2D, labels: Tensor1D): [Tensor1D, Tensor2D]
}
