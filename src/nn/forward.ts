/** From images to logits: what each kind of layer computes. A network is composition; the tape does the rest. */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import type { Layer, LeafLayer } from './layers.ts'
import type { Network } from './network.ts'
import type { Ops } from './ops/ops.ts'

/** The variables of one layer by role: kernel, bias. */
type Parameters = Record<string, Tensor>

/** Gives the mask of a dropout layer, of its input's shape. Without one dropout is the identity: the loss has none. */
export type DropoutMasks = (layer: string, rate: number, shape: number[]) => Tensor

type ForwardRules = {
  [K in LeafLayer['kind']]: (
    ops: Ops,
    layer: Extract<LeafLayer, { kind: K }>,
    x: Tensor,
    parameters: Parameters,
    masks?: DropoutMasks,
  ) => Tensor
}

const withBias = (ops: Ops, y: Tensor, bias: Tensor | undefined) => (bias ? ops.bias(y, bias as Tensor1D) : y)

const forwardRules: ForwardRules = {
  flatten: (ops, _, x) => ops.flatten(x as Tensor4D),
  dense: (ops, _, x, { kernel, bias }) => ops.dense(x as Tensor2D, kernel as Tensor2D, bias as Tensor1D),
  conv2d: (ops, { stride, padding }, x, { kernel, bias }) =>
    bias
      ? ops.conv2dBias(x as Tensor4D, kernel as Tensor4D, bias as Tensor1D, stride, padding)
      : ops.conv2d(x as Tensor4D, kernel as Tensor4D, stride, padding),
  depthwise_conv2d: (ops, { stride, padding }, x, { kernel, bias }) =>
    withBias(ops, ops.depthwiseConv2d(x as Tensor4D, kernel as Tensor4D, stride, padding), bias),
  batch_norm: (ops, _, x, { gamma, beta }) => ops.batchNorm(x, gamma as Tensor1D, beta as Tensor1D),
  max_pool: (ops, { size }, x) => ops.maxPool(x as Tensor4D, size),
  average_pool: (ops, { size }, x) => ops.averagePool(x as Tensor4D, size),
  global_average_pool: (ops, _, x) => ops.globalAveragePool(x as Tensor4D),
  dropout: (ops, { name, rate }, x, _, masks) =>
    masks && rate > 0 ? ops.dropout(x, masks(name, rate, x.shape)) : x,
  relu: (ops, _, x) => ops.relu(x),
  tanh: (ops, _, x) => ops.tanh(x),
  gelu: (ops, _, x) => ops.gelu(x),
}

/**
 * The logits [n, classes] of images [n, h, w, c] (values in [0, 1]), given the network's variables as tensors in their
 * order; with `masks`, as training sees them. `tap` is shown what each layer that has variables makes, in their order.
 */
export function logitsOf(
  ops: Ops,
  network: Network,
  variables: Tensor[],
  images: Tensor,
  masks?: DropoutMasks,
  tap?: (layer: string, output: Tensor) => void,
): Tensor2D {
  const byLayer: Record<string, Parameters> = {}
  network.variables.forEach(({ layer, role }, i) => {
    byLayer[layer] ??= {}
    byLayer[layer][role] = variables[i]
  })
  const through = (layers: Layer[], input: Tensor): Tensor =>
    layers.reduce((x, layer, i) => {
      // A ReLU after batch norm is one pass with it.
      if (!tap && layer.kind === 'batch_norm' && layers[i + 1]?.kind === 'relu') {
        const { gamma, beta } = byLayer[layer.name]
        return ops.batchNormRelu(x, gamma as Tensor1D, beta as Tensor1D)
      }
      if (!tap && layer.kind === 'relu' && layers[i - 1]?.kind === 'batch_norm') return x
      if (layer.kind === 'residual') return ops.add(through(layer.main, x), through(layer.shortcut, x))
      const forward = forwardRules[layer.kind] as ForwardRules['dropout']
      const parameters = 'name' in layer ? (byLayer[layer.name] ?? {}) : {}
      const output = forward(ops, layer as Extract<LeafLayer, { kind: 'dropout' }>, x, parameters, masks)
      if ('name' in layer && byLayer[layer.name]) tap?.(layer.name, output)
      return output
    }, input)
  return through(network.graph, images) as Tensor2D
}
