/** How an operation of the native TensorFlow library is run by name, and the attributes that ours share. */
import type { Tensor } from '@tensorflow/tfjs-core'
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
    /** Of batch norm, by the statistics of the batch. */
    normalization: (epsilon: number) => [
      float,
      type('U', binding.TF_FLOAT),
      floatOf('epsilon', epsilon),
      channelsLast,
      bool('is_training', true),
    ],
  }
}
