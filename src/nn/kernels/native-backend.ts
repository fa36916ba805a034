/** How an operation of the native TensorFlow library is run by name, and the attributes that ours share. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Padding } from './kernels.ts'

type AttributeType =
  | 'TF_ATTR_TYPE'
  | 'TF_ATTR_BOOL'
  | 'TF_ATTR_INT'
  | 'TF_ATTR_FLOAT'
  | 'TF_ATTR_STRING'
  | 'TF_ATTR_SHAPE'
export type Attribute = { name: string; type: number; value: unknown }

/** A tensor of the native library, by the binding's number of it. */
export type Output = { id: number; shape: number[]; dtype: number }

type Binding = Record<AttributeType | 'TF_FLOAT' | 'TF_INT32', number> & {
  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): Output[]
  createTensor(shape: number[], type: number, values: ArrayBufferView): number
  tensorDataSync(id: number): ArrayBufferView
  /** Names are separated by commas, with the number of the output behind a colon. */
  runSavedModel(session: number, ids: number[], inputs: string, outputs: string): Output[]
}

/** tfjs-node's backend. */
export type NativeBackend = {
  binding: Binding
  /** The binding's numbers of tensors, which are written to the library where they are not there yet. */
  getInputTensorIds(tensors: Tensor[]): number[]
  createOutputTensor(output: Output): Tensor
  loadSavedModelMetaGraph(folder: string, tags: string): number
  deleteSavedModel(session: number): void
  isUsingGpuDevice: boolean
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[]
}

export function attributesOf({ binding }: NativeBackend) {
  const type = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value })
  const bool = (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value })
  const text = (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value })
  const ints = (name: string, value: number | number[]): Attribute => ({
    name,
    type: binding.TF_ATTR_INT,
    value,
  })
  const floatOf = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_FLOAT, value })
  const float = type('T', binding.TF_FLOAT)
  const channelsLast = text('data_format', 'NHWC')
  return {
    bool,
    text,
    ints,
    floatOf,
    float,
    labels: type('Tlabels', binding.TF_INT32),
    indices: type('Tidx', binding.TF_INT32),
    gathering: [
      type('Tparams', binding.TF_FLOAT),
      type('Tindices', binding.TF_INT32),
      type('Taxis', binding.TF_INT32),
      ints('batch_dims', 0),
    ],
    /** Of a convolution. */
    sliding: (stride: number, padding: Padding) => [
      float,
      ints('strides', [1, stride, stride, 1]),
      ints('dilations', [1, 1, 1, 1]),
      text('padding', padding.toUpperCase()),
      channelsLast,
    ],
    /** Of a pool. */
    windows: (size: number) => [
      float,
      ints('ksize', [1, size, size, 1]),
      ints('strides', [1, size, size, 1]),
      text('padding', 'VALID'),
      channelsLast,
    ],
    /** Of batch norm: with the statistics of the batch, which the kernel works out, or with given ones. */
    normalization: (statistics: 'own' | 'given', epsilon: number) => [
      float,
      type('U', binding.TF_FLOAT),
      floatOf('epsilon', epsilon),
      channelsLast,
      bool('is_training', statistics === 'own'),
    ],
  }
}

type Normalization = 'FusedBatchNormV3' | '_MklNativeFusedBatchNormEx'
type Normalized = (x: Tensor4D, gamma: Tensor1D, beta: Tensor1D, epsilon: number) => [Tensor4D, ...Tensor[]]

/** The mean and the (biased) variance of each channel, [..., c] → [c] twice: native/moments.cc. */
export const channelMoments =
  (backend: NativeBackend) =>
  (x: Tensor): [Tensor1D, Tensor1D] =>
    backend.executeMultipleOutputs('LedgerMoments', [], [x], 2) as [Tensor1D, Tensor1D]

/**
 * One of the batch norm operations: y, then the three tensors that its gradient wants. On a GPU the kernel's own statistics
 * are good to rounding; on CPUs they are not, and it is given better ones.
 */
export function normalize(backend: NativeBackend, name: Normalization, more: Attribute[] = []): Normalized {
  const { normalization } = attributesOf(backend)
  const run = (statistics: 'own' | 'given', epsilon: number, inputs: Tensor[]) =>
    backend.executeMultipleOutputs(name, [...normalization(statistics, epsilon), ...more], inputs, 6)
  if (backend.isUsingGpuDevice)
    return (x, gamma, beta, epsilon) => {
      const none = tf.tensor1d([], 'float32')
      // Outputs after y: running mean and variance, which nothing here keeps, then three for the gradient.
      const [y, mean, variance, ...statistics] = run('own', epsilon, [x, gamma, beta, none, none])
      tf.dispose([none, mean, variance])
      return [y as Tensor4D, ...statistics]
    }
  const momentsOf = channelMoments(backend)
  return (x, gamma, beta, epsilon) => {
    const [mean, variance] = momentsOf(x)
    const [y, ...unused] = run('given', epsilon, [x, gamma, beta, mean, variance])
    tf.dispose(unused)
    return [y as Tensor4D, mean, variance, tf.tensor1d([], 'float32')]
  }
}
