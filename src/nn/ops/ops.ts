/**
 * Differentiable operations: each entry is its value and, per input, its gradient; the comment is the formula.
 *
 * They are recorded on TensorFlow.js' own tape, so a network is plain composition. A gradient is a closure, called only
 * for inputs that lie on the way from a variable: the gradient with respect to the images, as costly as that of the
 * first kernel, is never computed.
 */

import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'

/** What backward needs is listed in `save`: everything else is freed when the forward pass ends. */
type Rule<Saved extends Tensor[]> = {
  value: Tensor
  save: Saved
  /** Gradients with respect to the inputs, in their order; a missing one is not differentiable (labels). */
  gradients: (dy: Tensor, saved: Saved) => ((() => Tensor) | undefined)[]
}

/**
 * What tf.customGrad is made of. customGrad itself wants the gradients of all inputs at once, which would cost the
 * first layer's dx; the engine takes closures. TensorFlow.js marks the method private, its kernels all use it.
 */
type TapeEngine = {
  runKernelFunc(kernel: {
    inputs: Record<number, Tensor>
    forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor
    backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<number, () => Tensor>
  }): Tensor
}

function record<T extends Tensor, Saved extends Tensor[] = Tensor[]>(
  inputs: Tensor[],
  rule: () => Rule<Saved>,
): T {
  let gradients: Rule<Saved>['gradients']
  return (tf.engine() as unknown as TapeEngine).runKernelFunc({
    inputs: { ...inputs },
    forwardFunc: (_backend, save) => {
      const ruled = rule()
      gradients = ruled.gradients
      save(ruled.save)
      return ruled.value
    },
    backwardsFunc: (dy, saved) =>
      Object.fromEntries(
        gradients(dy, saved as Saved).flatMap((closure, i) => (closure ? [[i, closure]] : [])),
      ),
  }) as T
}

export type Ops = ReturnType<typeof makeOps>

/** The operations over a set of primitives. */
export function makeOps(k: Kernels) {
  return {
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

    /** y = max(x, 0);  dx = dy where y > 0 (0 at the kink) */
    relu: <T extends Tensor>(x: T) =>
      record<T>([x], () => {
        const value = k.relu(x)
        return { value, save: [value], gradients: (dy, [y]) => [() => k.reluGradient(dy, y)] }
      }),

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
  }
}
