/** From examples to logits: what each kind of layer computes. A network is composition; the tape does the rest. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { epsilonOf, type Layer, type LeafLayer, type SequencePadding } from './layers.ts'
import { type Network, statisticsOf } from './network.ts'
import type { Ops } from './ops/ops.ts'

/** The variables of one layer by role: kernel, bias. */
type Parameters = Record<string, Tensor>

/** Gives the mask of a dropout layer, of its input's shape. Without one dropout is the identity: the loss has none. */
export type DropoutMasks = (layer: string, rate: number, shape: number[]) => Tensor

/** Is shown what a batch norm with running statistics gets, in training: which then normalises with the batch. */
export type Observe = (layer: string, x: Tensor) => void

const hasRunning = ({ statistics }: Extract<LeafLayer, { kind: 'batch_norm' }>) => statistics === 'running'

type ForwardRules = {
  [K in LeafLayer['kind']]: (
    ops: Ops,
    layer: Extract<LeafLayer, { kind: K }>,
    x: Tensor,
    parameters: Parameters,
    masks?: DropoutMasks,
    observe?: Observe,
  ) => Tensor
}

const withBias = (ops: Ops, y: Tensor, bias: Tensor | undefined) => (bias ? ops.bias(y, bias as Tensor1D) : y)

/** A dense layer over the last axis, place by place where there are places: [..., in] → [..., out]. */
function denseAt(ops: Ops, x: Tensor, kernel: Tensor2D, bias: Tensor1D | undefined): Tensor {
  if (x.rank === 2) return bias ? ops.dense(x as Tensor2D, kernel, bias) : ops.product(x as Tensor2D, kernel)
  const rows = ops.reshape<Tensor2D>(x, [-1, kernel.shape[0]])
  return ops.reshape(denseAt(ops, rows, kernel, bias), [...x.shape.slice(0, -1), kernel.shape[1]])
}

/** sin(l/10000^(2i/c)) at channel 2i, cos of the same at 2i + 1: [length, c]  (Vaswani et al. 2017, §3.5) */
const sinusoids = (length: number, c: number) =>
  tf.tensor2d(
    Float32Array.from({ length: length * c }, (_, at) => {
      const [l, j] = [Math.floor(at / c), at % c]
      const angle = l / 10_000 ** ((j - (j % 2)) / c)
      return j % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
    }),
    [length, c],
  )

const forwardRules: ForwardRules = {
  flatten: (ops, _, x) => ops.flatten(x),
  dense: (ops, _, x, { kernel, bias }) => denseAt(ops, x, kernel as Tensor2D, bias as Tensor1D),
  conv2d: (ops, { stride, padding }, x, { kernel, bias }) =>
    bias
      ? ops.conv2dBias(x as Tensor4D, kernel as Tensor4D, bias as Tensor1D, stride, padding)
      : ops.conv2d(x as Tensor4D, kernel as Tensor4D, stride, padding),
  depthwise_conv2d: (ops, { stride, padding }, x, { kernel, bias }) =>
    withBias(ops, ops.depthwiseConv2d(x as Tensor4D, kernel as Tensor4D, stride, padding), bias),
  batch_norm: (ops, layer, x, { gamma, beta, mean, variance }, _, observe) => {
    const [scale, shift] = [gamma as Tensor1D, beta as Tensor1D]
    if (!hasRunning(layer)) return ops.batchNorm(x, scale, shift, epsilonOf(layer))
    if (observe === undefined)
      return ops.normalizeBy(x, scale, shift, mean as Tensor1D, variance as Tensor1D, epsilonOf(layer))
    observe(layer.name, x)
    return ops.batchNorm(x, scale, shift, epsilonOf(layer))
  },
  max_pool: (ops, { size }, x) => ops.maxPool(x as Tensor4D, size),
  average_pool: (ops, { size }, x) => ops.averagePool(x as Tensor4D, size),
  global_average_pool: (ops, _, x) => ops.globalAveragePool(x as Tensor4D),
  dropout: (ops, { name, rate }, x, _, masks) =>
    masks && rate > 0 ? ops.dropout(x, masks(name, rate, x.shape)) : x,
  relu: (ops, _, x) => ops.relu(x),
  tanh: (ops, _, x) => ops.tanh(x),
  gelu: (ops, _, x) => ops.gelu(x),
  silu: (ops, _, x) => ops.silu(x),
  softplus: (ops, _, x) => ops.softplus(x),
  leaky_relu: (ops, { slope }, x) => ops.leakyRelu(x, slope),
  embedding: (ops, _, x, { kernel }) => ops.embedding(x as Tensor2D, kernel as Tensor2D),
  positional: (ops, { encoding }, x, { kernel }) => {
    const [, length, c] = x.shape
    return ops.addPositions(
      x as Tensor3D,
      encoding === 'learned' ? (kernel as Tensor2D) : sinusoids(length, c),
    )
  },
  layer_norm: (ops, layer, x, { gamma, beta }) =>
    ops.layerNorm(x, gamma as Tensor1D, beta as Tensor1D, epsilonOf(layer)),
  rms_norm: (ops, layer, x, { gamma }) => ops.rmsNorm(x, gamma as Tensor1D, epsilonOf(layer)),
  group_norm: (ops, layer, x, { gamma, beta }) =>
    ops.groupNorm(x, gamma as Tensor1D, beta as Tensor1D, layer.groups, epsilonOf(layer)),
  multi_head_attention: (ops, { heads, headSize, causal }, x, variables) => {
    const width = heads * headSize
    const c = x.shape[2]!
    const inward = (role: string) => {
      const kernel = ops.reshape<Tensor2D>(variables[`${role}_kernel`], [c, width])
      const bias = variables[`${role}_bias`]
      return denseAt(ops, x, kernel, bias && ops.reshape<Tensor1D>(bias, [width])) as Tensor3D
    }
    const y = ops.attention(inward('query'), inward('key'), inward('value'), heads, causal)
    const kernel = ops.reshape<Tensor2D>(variables.output_kernel, [width, c])
    return denseAt(ops, y, kernel, variables.output_bias as Tensor1D | undefined)
  },
  mean_over_tokens: (ops, _, x) => ops.meanOverTokens(x as Tensor3D),
  last_token: (ops, _, x) => ops.flatten(ops.lastTokens(x as Tensor3D, 1)),
  last_tokens: (ops, { count }, x) => ops.lastTokens(x as Tensor3D, count),
  conv1d: (ops, { size, stride, padding }, x, { kernel, bias }) => {
    const [before, after] = zerosAround(padding, size, stride, x.shape[1]!)
    const seen = ops.windows(x as Tensor3D, size, stride, before, after)
    const flat = ops.reshape<Tensor2D>(kernel, [-1, kernel.shape[2]!])
    return denseAt(ops, seen, flat, bias as Tensor1D | undefined)
  },
  image_to_sequence: (ops, _, x) => ops.reshape(x, [x.shape[0], -1, x.shape[3]!]),
  transpose: (ops, _, x) => ops.transpose(x as Tensor3D),
  unembedding: (ops, _, x, { embedding }) => ops.unembedding(x, embedding as Tensor2D),
}

/** Zeros before and after a sequence: of 'same' padding the odd one comes after, as with images. */
function zerosAround(
  padding: SequencePadding,
  size: number,
  stride: number,
  length: number,
): [number, number] {
  if (padding === 'valid') return [0, 0]
  if (padding === 'causal') return [size - 1, 0]
  const missing = Math.max((Math.ceil(length / stride) - 1) * stride + size - length, 0)
  return [missing >> 1, missing - (missing >> 1)]
}

/**
 * The logits, [n, classes] or at each place that has a label [n, targets, classes], of examples [n, …] (images with values in [0,
 * 1], tokens as int32), given the network's variables as tensors in their order; with `masks`, as training sees them. `tap` is shown what each layer
 * that has variables makes, in their order.
 */
export function logitsOf(
  ops: Ops,
  network: Network,
  variables: Tensor[],
  examples: Tensor,
  masks?: DropoutMasks,
  tap?: (layer: string, output: Tensor) => void,
  observe?: Observe,
): Tensor {
  const byLayer: Record<string, Parameters> = {}
  network.variables.forEach(({ layer, role }, i) => {
    byLayer[layer] ??= {}
    byLayer[layer][role] = variables[i]
  })
  const parametersOf = (layer: LeafLayer): Parameters => {
    if (layer.kind === 'unembedding') return { embedding: byLayer[network.embedding!].kernel }
    if (!('name' in layer)) return {}
    const own = byLayer[layer.name] ?? {}
    return layer.kind === 'batch_norm' && hasRunning(layer)
      ? { ...own, ...byLayer[statisticsOf(layer.name)] }
      : own
  }
  const isFused = (layer: Layer): layer is Extract<LeafLayer, { kind: 'batch_norm' }> =>
    !tap && layer.kind === 'batch_norm' && !hasRunning(layer)
  /** A batch norm to which a residual block's shortcut is added, and then ReLU: one pass. */
  const lastNorm = (layer: Layer, next: Layer | undefined) => {
    const last = layer.kind === 'residual' && next?.kind === 'relu' ? layer.main.at(-1) : undefined
    return last && isFused(last) ? last : undefined
  }
  const through = (layers: Layer[], input: Tensor): Tensor =>
    layers.reduce((x, layer, i) => {
      // A ReLU after batch norm is one pass with it.
      if (isFused(layer) && layers[i + 1]?.kind === 'relu') {
        const { gamma, beta } = byLayer[layer.name]
        return ops.batchNormRelu(x, gamma as Tensor1D, beta as Tensor1D, epsilonOf(layer))
      }
      // And so is one after a pool.
      if (layer.kind === 'max_pool' && layers[i + 1]?.kind === 'relu')
        return ops.maxPoolRelu(x as Tensor4D, layer.size)
      const before = layers[i - 1]
      const isDone = before?.kind === 'max_pool' || (before && (isFused(before) || lastNorm(before, layer)))
      if (layer.kind === 'relu' && isDone) return x
      const norm = lastNorm(layer, layers[i + 1])
      if (layer.kind === 'residual' && norm) {
        const { gamma, beta } = byLayer[norm.name]
        const [main, shortcut] = [through(layer.main.slice(0, -1), x), through(layer.shortcut, x)]
        return ops.batchNormAddRelu(main, gamma as Tensor1D, beta as Tensor1D, shortcut, epsilonOf(norm))
      }
      if (layer.kind === 'residual') return ops.add(through(layer.main, x), through(layer.shortcut, x))
      if ('branches' in layer) {
        const ways = layer.branches.map(way => through(way, x))
        return layer.kind === 'add' ? ways.reduce((a, b) => ops.add(a, b)) : ops.concatenate(...ways)
      }
      const forward = forwardRules[layer.kind] as ForwardRules['dropout']
      const parameters = parametersOf(layer)
      const output = forward(
        ops,
        layer as Extract<LeafLayer, { kind: 'dropout' }>,
        x,
        parameters,
        masks,
        observe,
      )
      if ('name' in layer && byLayer[layer.name]) tap?.(layer.name, output)
      return output
    }, input)
  return through(network.graph, examples)
}
