/**
 * How frameworks arrange what a variable of ours holds. Ours have channels last and inputs before outputs: kernels are
 * [in, out], [k, in, out], [h, w, in, out] and, depthwise, [h, w, channels, 1]. Keras has the same. PyTorch has outputs first
 * ([out, in], [out, in, k], [out, in, h, w], depthwise [channels, 1, h, w]) and images as [channels, h, w], so that what a
 * dense layer behind a flatten gets is in another order as well.
 */
import { type Layer, shapeOf } from '../../nn/layers.ts'
import type { Network, Variable } from '../../nn/network.ts'

export const layoutNames = ['torch', 'keras', 'own'] as const
export type Layout = (typeof layoutNames)[number]

/** The shape of a variable in a layout. */
export function theirShape({ name, shape }: Pick<Variable, 'name' | 'shape'>, layout: Layout): number[] {
  return isArranged(name, shape, layout) ? kernelAxes(shape).map(axis => shape[axis]) : shape
}

const isArranged = (name: string, shape: number[], layout: Layout) =>
  layout === 'torch' && name.endsWith('/kernel') && shape.length > 1

/**
 * Where the values of each variable of a network are in a layout: value i of ours is value order[i] of theirs; undefined: they
 * lie as ours do.
 */
export function ordersOf(network: Network, layout: Layout): (Int32Array | undefined)[] {
  const flattened = flattenedInputs(network)
  return network.variables.map(({ name, layer, shape }) =>
    isArranged(name, shape, layout) ? torchOrder(shape, flattened.get(layer)) : undefined,
  )
}

function torchOrder(shape: number[], image: number[] | undefined): Int32Array {
  const axes = kernelAxes(shape)
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (const axis of [...axes].reverse()) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  const order = new Int32Array(stride)
  const at = new Array<number>(shape.length).fill(0)
  const first = (i: number) => (shape.length === 2 && image ? channelsFirst(i, image) : i)
  for (let i = 0; i < order.length; i++) {
    order[i] = at.reduce((place, index, a) => place + strides[a] * (a === 0 ? first(index) : index), 0)
    for (let a = shape.length - 1; a >= 0 && ++at[a] === shape[a]; a--) at[a] = 0
  }
  return order
}

/** Which of our axes is each of PyTorch's. */
function kernelAxes(shape: number[]): number[] {
  if (shape.length === 2) return [1, 0]
  if (shape.length === 3) return [2, 1, 0]
  // Depthwise too: [h, w, channels, 1] is [channels, 1, h, w] there, which is a group a channel.
  return shape[3] === 1 && shape[2] > 1 ? [2, 3, 0, 1] : [3, 2, 0, 1]
}

/** Where feature i of a flattened image [h, w, c] is when the channels come first: [c, h, w]. */
function channelsFirst(i: number, [h, w, c]: number[]): number {
  const channel = i % c
  return channel * h * w + (i - channel) / c
}

/** The images [h, w, c] that are flattened before dense layers, by layer: only elementwise layers lie between. */
function flattenedInputs(network: Network): Map<string, number[]> {
  const found = new Map<string, number[]>()
  const through = (layers: Layer[], input: number[]): number[] => {
    let shape = input
    let image: number[] | undefined
    for (const layer of layers) {
      if (layer.kind === 'residual') {
        shape = through(layer.main, shape)
        image = undefined
        continue
      }
      const { output, variables } = shapeOf(layer, shape)
      if (layer.kind === 'flatten') image = shape.length === 3 ? shape : undefined
      else if (variables.length > 0) {
        if (image && 'name' in layer) found.set(layer.name, image)
        // Batch norm over features keeps their order, and a dense layer does not.
        if (layer.kind === 'dense') image = undefined
      }
      shape = output
    }
    return shape
  }
  through(network.graph, network.inputShape)
  return found
}
