/** How an operation gets onto the tape: a value, what its gradient needs, and the gradient as closures. */

import type { Tensor } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'

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

export function record<T extends Tensor, Saved extends Tensor[] = Tensor[]>(
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
