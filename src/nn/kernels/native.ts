/** The primitives as raw kernels of the native TensorFlow library: one dispatch each, gradients fused. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { composedKernels } from './composed.ts'
import { fusedKernels, requireOwnOperations } from './fused.ts'
import { recordGraph } from './graph.ts'
import type { Kernels } from './kernels.ts'
import { type Attribute, attributesOf, type NativeBackend } from './native-backend.ts'
import { onednnKernels } from './onednn.ts'
import { portableKernels } from './portable.ts'
import { winogradKernels } from './winograd.ts'

/**
 * TensorFlow has fused kernels of the first two for CUDA too, which add in an order of chance, and refuses them where
 * TF_DETERMINISTIC_OPS asks for the same bits from the same spec (engine.ts).
 */
const onGpu: Pick<Kernels, 'softmaxCrossEntropy' | 'depthwiseConv2dKernelGradient' | 'moments'> = {
  softmaxCrossEntropy: portableKernels.softmaxCrossEntropy,
  depthwiseConv2dKernelGradient: portableKernels.depthwiseConv2dKernelGradient,
  moments: portableKernels.moments,
}

/**
 * Whether xᵀ·dy is faster as (dyᵀ·x)ᵀ. TensorFlow multiplies 25-30 % faster with the narrow factor first where the wide one
 * fills no cache any more (2 × 4 MiB here); smaller products take 5-200 % longer with the transpose than they do without.
 */
const readsTooMuch = ([n, inputs]: [number, number], [, outputs]: [number, number]) =>
  inputs >= 4 * outputs && n >= 4 * outputs && n * inputs >= 2 ** 21

/** `backend` is tfjs-node's, whose executeMultipleOutputs runs any operation of TensorFlow by name. */
export function nativeKernels(backend: NativeBackend): Kernels {
  if (!backend.isUsingGpuDevice) requireOwnOperations(backend)
  const { bool, float, gathering, sliding, windows, normalization } = attributesOf(backend)
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

  const raw = {
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
    kernelGradient: (x, dy) =>
      backend.isUsingGpuDevice || readsTooMuch(x.shape, dy.shape)
        ? tf.tidy(() => tf.transpose(matMul(dy, x, true, false)))
        : matMul(x, dy, true, false),
    biasAdd: <T extends Tensor>(x: T, bias: Tensor1D) => run('BiasAdd', [float], [x, bias])[0] as T,
    biasGradient: dy => run('BiasAddGrad', [float], [dy])[0] as Tensor1D,
    relu: <T extends Tensor>(x: T) => run('Relu', [float], [x])[0] as T,
    reluGradient: <T extends Tensor>(dy: T, y: T) => run('ReluGrad', [float], [dy, y])[0] as T,

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

    // The kernel's own statistics are good to rounding on a GPU. On CPUs they are not, and ours are in their place.
    batchNorm: (x, gamma, beta, epsilon) => {
      const none = tf.tensor1d([], 'float32')
      const inputs = [x, gamma, beta, none, none]
      // Outputs after y: running mean and variance, which nothing here keeps, then three for the gradient.
      const [y, ...rest] = run('FusedBatchNormV3', normalization(epsilon), inputs, 6)
      const [mean, variance, ...statistics] = rest
      tf.dispose([none, mean, variance])
      return { y: y as Tensor4D, saved: [x, ...statistics] }
    },
    batchNormGradient: (dy, gamma, [x, ...statistics], epsilon) => {
      const inputs = [dy, x, gamma, ...statistics]
      const [dx, dGamma, dBeta, ...unused] = run('FusedBatchNormGradV3', normalization(epsilon), inputs, 5)
      tf.dispose(unused)
      return [dx as Tensor4D, dGamma as Tensor1D, dBeta as Tensor1D]
    },
  } satisfies Partial<Kernels>
  const onednn = onednnKernels(backend)
  const composed = composedKernels({ ...raw, ...onednn })
  if (backend.isUsingGpuDevice) return { ...raw, ...composed, ...onGpu }
  return {
    ...raw,
    ...composed,
    ...onednn,
    ...winogradKernels(backend, { ...raw, ...onednn }),
    ...fusedKernels(backend, { ...raw, ...composed, ...onednn }),
    // What goes into a session, and comes out of one, lies in the host's memory: on a GPU that would be copies.
    record: (inputs, f) => recordGraph(backend, inputs, f),
  }
}
