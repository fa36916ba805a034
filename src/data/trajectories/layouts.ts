/**
 * How frameworks arrange what a variable of ours holds. Ours have channels last and inputs before outputs: kernels are
 * [in, out], [k, in, out], [h, w, in, out] and, depthwise, [h, w, channels, 1]. Keras has the same. PyTorch has outputs first
 * ([out, in], [out, in, k], [out, in, h, w], depthwise [channels, 1, h, w]) and images as [channels, h, w], so that what a
 * dense layer behind a flatten gets is in another order as well. Embeddings, norms and biases lie alike in all of them.
 */
import type { VariableFacts } from '../../spec/facts.ts'

export const layoutNames = ['torch', 'keras', 'own'] as const
export type Layout = (typeof layoutNames)[number]

type Lying = Pick<VariableFacts, 'name' | 'shape' | 'kind' | 'image'>

/** Which of our axes is each of PyTorch's, by the kind of layer. */
const torchAxes: Record<string, number[]> = {
  dense: [1, 0],
  conv1d: [2, 1, 0],
  conv2d: [3, 2, 0, 1],
  depthwise_conv2d: [2, 3, 0, 1],
}

const axesOf = ({ name, kind = '' }: Lying, layout: Layout): number[] | undefined =>
  layout === 'torch' && name.endsWith('/kernel') && Object.hasOwn(torchAxes, kind)
    ? torchAxes[kind]
    : undefined

/** The shape of a variable in a layout. */
export const theirShape = (variable: Lying, layout: Layout): number[] =>
  axesOf(variable, layout)?.map(axis => variable.shape[axis]) ?? variable.shape

/**
 * Where the values of a variable are in a layout: value i of ours is value order[i] of theirs; undefined: they lie as ours do.
 */
export function orderIn(variable: Lying, layout: Layout): Int32Array | undefined {
  const axes = axesOf(variable, layout)
  if (axes === undefined) return undefined
  const { shape, image } = variable
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (const axis of [...axes].reverse()) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  const order = new Int32Array(stride)
  const at = new Array<number>(shape.length).fill(0)
  const first = (i: number) => (image ? channelsFirst(i, image) : i)
  for (let i = 0; i < order.length; i++) {
    order[i] = at.reduce((place, index, a) => place + strides[a] * (a === 0 ? first(index) : index), 0)
    for (let a = shape.length - 1; a >= 0 && ++at[a] === shape[a]; a--) at[a] = 0
  }
  return order
}

/** Where feature i of a flattened image [h, w, c] is when the channels come first: [c, h, w]. */
function channelsFirst(i: number, [h, w, c]: number[]): number {
  const channel = i % c
  return channel * h * w + (i - channel) / c
}
