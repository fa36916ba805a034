/** The primitives as raw kernels of the native TensorFlow library: one dispatch each, gradients fused. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { recordGraph } from './graph.ts'
import type { Kernels } from './kernels.ts'
import {
  type Attribute,
  attributesOf,
  channelMoments,
  type NativeBackend,
  normalize,
  requireOwnOperations,
} from './native-backend.ts'
import { onednnKernels } from './onednn.ts'
import { portableKernels } from './portable.ts'
import { withoutCancellation } from './softmax.ts'

/**
 * TensorFlow has fused kernels of these for CUDA too, which add in an order of chance, and refuses them where
 * TF_DETERMINISTIC_OPS asks for the same bits from the same spec (engine.ts).
 */
const deterministicOnGpu: Pick<Kernels, 'softmaxCrossEntropy' | 'depthwiseConv2dKernelGradient'> = {
  softmaxCrossEntropy: portableKernels.softmaxCrossEntropy,
  depthwiseConv2dKernelGradient: portableKernels.depthwiseConv2dKernelGradient,
}

/** `backend` is tfjs-node's, whose executeMultipleOutputs runs any operation of TensorFlow by name. */
export function nativeKernels(backend: NativeBackend): Kernels {
  if (!backend.isUsingGpuDevice) requireOwnOperations(backend)
  const { bool, float, labels: labelType, gathering, sliding, windows, normalization } = attributesOf(backend)
  const run = (name: string, attributes: Attribute[], inputs: Tensor[], outputs = 1) =>
    backend.executeMultipleOutputs(name, attributes, inputs, outputs)
  const run4D = (name: string, attributes: Attribute[], inputs: Tensor[]) =>
    run(name, attributes, inputs)[0] as Tensor4D
  /** Runs an operation that wants a shape as a tensor among its inputs. */
  const shaped = (shape: number[], operation: (shape: Tensor1D) => Tensor4D) =>
    tf.tidy(() => operation(tf.tensor1d(shape, 'int32')))

  const matMul: Kernels['matMul'] = (a, b, transposeA, transposeB) =>
    run(
      'MatMul',
      [float, bool('transpose_a', transposeA), bool('transpose_b', transposeB)],
      [a, b],
    )[0] as Tensor2D

  const relu = <T extends Tensor>(x: T) => run('Relu', [float], [x])[0] as T
  const batchNorm = normalize(backend, 'FusedBatchNormV3')

  return {
    // What goes into a session, and comes out of one, lies in the host's memory: on a GPU that would be copies.
    ...(!backend.isUsingGpuDevice && { record: (inputs, f) => recordGraph(backend, inputs, f) }),
    readsWait: backend.isUsingGpuDevice,
    matMul,
    batchMatMul: (a, b, transposeA, transposeB) =>
      run(
        'BatchMatMulV2',
        [float, bool('adj_x', transposeA), bool('adj_y', transposeB)],
        [a, b],
      )[0] as Tensor3D,
    // Not TensorFlow.js' own, which reads all indices back to look at them.
    gatherRows: (table, indices) =>
      tf.tidy(() => run('GatherV2', gathering, [table, indices, tf.scalar(0, 'int32')])[0]),
    // (dyᵀ·x)ᵀ: with a wide input and a narrow output TensorFlow multiplies this way round 10-20 % faster.
    kernelGradient: (x, dy) => tf.tidy(() => tf.transpose(matMul(dy, x, true, false))),
    biasAdd: <T extends Tensor>(x: T, bias: Tensor1D) => run('BiasAdd', [float], [x, bias])[0] as T,
    biasGradient: dy => run('BiasAddGrad', [float], [dy])[0] as Tensor1D,
    relu,
    reluGradient: <T extends Tensor>(dy: T, y: T) => run('ReluGrad', [float], [dy, y])[0] as T,
    softmaxCrossEntropy: (logits, labels) =>
      tf.tidy(() => {
        const fused = run('SparseSoftmaxCrossEntropyWithLogits', [float, labelType], [logits, labels], 2)
        return withoutCancellation(fused as [Tensor1D, Tensor2D], labels)
      }),

    conv2d: (x, kernel, stride, padding) => run4D('Conv2D', sliding(stride, padding), [x, kernel]),
    conv2dBias: (x, kernel, bias, stride, padding) =>
      tf.tidy(() =>
        run4D('BiasAdd', [float], [run4D('Conv2D', sliding(stride, padding), [x, kernel]), bias]),
      ),
    conv2dInputGradient: (dy, kernel, stride, padding, shape) =>
      shaped(shape, sizes => run4D('Conv2DBackpropInput', sliding(stride, padding), [sizes, kernel, dy])),
    conv2dKernelGradient: (x, dy, stride, padding, shape) =>
      shaped(shape, sizes => run4D('Conv2DBackpropFilter', sliding(stride, padding), [x, sizes, dy])),
    depthwiseConv2d: (x, kernel, stride, padding) =>
      run4D('DepthwiseConv2dNative', sliding(stride, padding), [x, kernel]),
    depthwiseConv2dInputGradient: (dy, kernel, stride, padding, shape) =>
      shaped(shape, sizes =>
        run4D('DepthwiseConv2dNativeBackpropInput', sliding(stride, padding), [sizes, kernel, dy]),
      ),
    depthwiseConv2dKernelGradient: (x, dy, stride, padding, shape) =>
      shaped(shape, sizes =>
        run4D('DepthwiseConv2dNativeBackpropFilter', sliding(stride, padding), [x, sizes, dy]),
      ),

    maxPool: (x, size) => [run4D('MaxPool', windows(size), [x])],
    maxPoolGradient: (dy, x, y, _, size) => run4D('MaxPoolGrad', windows(size), [x, y, dy]),
    averagePool: (x, size) => run4D('AvgPool', windows(size), [x]),
    averagePoolGradient: (dy, size, shape) =>
      shaped(shape, sizes => run4D('AvgPoolGrad', windows(size), [sizes, dy])),

    moments: backend.isUsingGpuDevice ? portableKernels.moments : momentsOnHost(backend),
    batchNorm,
    batchNormRelu: (x, gamma, beta, epsilon) => {
      const [y, ...statistics] = batchNorm(x, gamma, beta, epsilon)
      const value = relu(y)
      y.dispose()
      return [value, ...statistics]
    },
    batchNormGradient: (dy, x, gamma, statistics, epsilon) => {
      const [dx, dGamma, dBeta, ...unused] = run(
        'FusedBatchNormGradV3',
        normalization('own', epsilon),
        [dy, x, gamma, ...statistics],
        5,
      )
      tf.dispose(unused)
      return [dx as Tensor4D, dGamma as Tensor1D, dBeta as Tensor1D]
    },
    ...(backend.isUsingGpuDevice ? deterministicOnGpu : onednnKernels(backend)),
  }
}

function momentsOnHost(backend: NativeBackend): Kernels['moments'] {
  const momentsOf = channelMoments(backend)
  return x => {
    const both = momentsOf(x)
    const [mean, variance] = both.map(moment => Float64Array.from(moment.dataSync()))
    tf.dispose(both)
    return { mean, variance }
  }
}
