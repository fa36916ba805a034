/**
 * Three kernels that TensorFlow builds from oneDNN on CPUs and otherwise puts in place of the plain ones only when it
 * rewrites a graph, under the names that its rewriting uses (tensorflow/core/common_runtime/mkl_layout_pass.cc). Run one by
 * one they have to be asked for by name, and by the label that keeps them from being taken for the plain ones.
 *
 * They give what the plain kernels give. Pooling and its gradient, which otherwise searches for each maximum again, take
 * 8 ms instead of 58 ms of CPU time for [500, 28, 28, 20] (windows of 2×2 are ours: native/max-pool.cc); bias and ReLU ride along
 * with the pass before them.
 */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from './kernels.ts'
import { attributesOf, type NativeBackend } from './native-backend.ts'

type Fused = Pick<Kernels, 'conv2dBias' | 'maxPool' | 'maxPoolGradient'>

/** The kernels, or nothing where this TensorFlow has none of them: on a GPU, or built without oneDNN. */
export function onednnKernels(backend: NativeBackend): Fused | undefined {
  if (backend.isUsingGpuDevice) return undefined
  const { bool, text, windows, sliding } = attributesOf(backend)
  const label = text('_kernel', 'MklNameChangeOp')
  const pooling = (size: number) => [...windows(size), bool('workspace_enabled', true), label]

  const kernels: Fused = {
    conv2dBias: (x, kernel, bias, stride, padding) =>
      backend.executeMultipleOutputs(
        '_MklNativeConv2DWithBias',
        [...sliding(stride, padding), label],
        [x, kernel, bias],
        1,
      )[0] as Tensor4D,
    maxPool: (x, size) =>
      backend.executeMultipleOutputs('_MklNativeMaxPool', pooling(size), [x], 2) as [Tensor4D, Tensor],
    maxPoolGradient: (dy, x, y, places, size) =>
      backend.executeMultipleOutputs(
        '_MklNativeMaxPoolGrad',
        pooling(size),
        [x, y, dy, ...places],
        1,
      )[0] as Tensor4D,
  }
  return runs(kernels) ? kernels : undefined
}

/** Whether they are there: TensorFlow says of an operation without a kernel that it cannot run it. */
function runs({ conv2dBias, maxPool, maxPoolGradient }: Fused): boolean {
  return tf.tidy(() => {
    const x = tf.zeros([1, 2, 2, 1]) as Tensor4D
    const one = tf.ones([1]) as tf.Tensor1D
    try {
      conv2dBias(x, tf.ones([1, 1, 1, 1]), one, 1, 'same')
      const [y, ...places] = maxPool(x, 2)
      maxPoolGradient(y, x, y, places, 2)
      return true
    } catch (error) {
      if (!String((error as Error).message).includes('TF_Status')) throw error
      return false
    }
  })
}
