/** The primitives as raw kernels of the native TensorFlow library: one dispatch each, gradients fused. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from './kernels.ts'

type Attribute = { name: string; type: number; value: unknown }
type NativeBackend = {
  binding: Record<'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_FLOAT' | 'TF_INT32', number>
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[]
}

/** `backend` is tfjs-node's, whose executeMultipleOutputs runs any operation of TensorFlow by name. */
export function nativeKernels(backend: unknown): Kernels {
  const { binding } = backend as NativeBackend
  const run = (name: string, attributes: Attribute[], inputs: Tensor[], outputs = 1) =>
    (backend as NativeBackend).executeMultipleOutputs(name, attributes, inputs, outputs)
  const type = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value })
  const bool = (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value })
  const float = type('T', binding.TF_FLOAT)

  const matMul: Kernels['matMul'] = (a, b, transposeA, transposeB) =>
    run(
      'MatMul',
      [float, bool('transpose_a', transposeA), bool('transpose_b', transposeB)],
      [a, b],
    )[0] as Tensor2D

  return {
    matMul,
    // (dyᵀ·x)ᵀ: with a wide input and a narrow output TensorFlow multiplies this way round 10-20 % faster.
    kernelGradient: (x, dy) => tf.tidy(() => tf.transpose(matMul(dy, x, true, false))),
    biasAdd: <T extends Tensor>(x: T, bias: Tensor1D) => run('BiasAdd', [float], [x, bias])[0] as T,
    biasGradient: dy => run('BiasAddGrad', [float], [dy])[0] as Tensor1D,
    relu: <T extends Tensor>(x: T) => run('Relu', [float], [x])[0] as T,
    reluGradient: <T extends Tensor>(dy: T, y: T) => run('ReluGrad', [float], [dy, y])[0] as T,
    softmaxCrossEntropy: (logits, labels) =>
      run(
        'SparseSoftmaxCrossEntropyWithLogits',
        [float, type('Tlabels', binding.TF_INT32)],
        [logits, labels],
        2,
      ) as [Tensor1D, Tensor2D],
  }
}
