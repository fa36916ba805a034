/** How an operation of the native TensorFlow library is run by name, and the attributes that ours share. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { batchNormEpsilon, type Padding } from './kernels.ts'

type AttributeType = 'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING'
export type Attribute = { name: string; type: number; value: unknown }

/** tfjs-node's backend. */
export type NativeBackend = {
  binding: Record<AttributeType | 'TF_FLOAT' | 'TF_INT32', number>
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
  const float = type('T', binding.TF_FLOAT)
  const channelsLast = text('data_format', 'NHWC')
  return {
    bool,
    text,
    ints,
    float,
    labels: type('Tlabels', binding.TF_INT32),
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
    /** Of batch norm. */
    normalization: [
      float,
      type('U', binding.TF_FLOAT),
      { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: batchNormEpsilon },
      channelsLast,
      bool('is_training', true),
    ],
  }
}

/** Runs one of the batch norm operations: y, then what its gradient wants. */
export function normalize(
  backend: NativeBackend,
  name: 'FusedBatchNormV3' | '_MklNativeFusedBatchNormEx',
  attributes: Attribute[],
  [x, gamma, beta]: [Tensor4D, Tensor1D, Tensor1D],
): [Tensor4D, ...Tensor[]] {
  const none = tf.tensor1d([], 'float32')
  // Outputs after y: running mean and variance, which nothing here keeps, then three for the gradient.
  const [y, mean, variance, ...statistics] = backend.executeMultipleOutputs(
    name,
    attributes,
    [x, gamma, beta, none, none],
    6,
  )
  tf.dispose([none, mean, variance])
  return [y as Tensor4D, ...statistics]
}
