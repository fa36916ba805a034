/**
 * The layers networks are made of, as data, and what each kind does to a shape: pure arithmetic, no tensors, so that
 * the API can name layers and count parameters without loading TensorFlow. nn/forward.ts says what they compute.
 */

export type Layer = LeafLayer | Residual

/** Two ways from one input, added up: [shape] → [shape of both]. An empty shortcut is the input itself. */
export type Residual = { kind: 'residual'; main: Layer[]; shortcut: Layer[] }

export type LeafLayer =
  /** [h, w, c] → [h·w·c] */
  | { kind: 'flatten' }
  /** [in] → [units]; variables kernel [in, units] and bias [units] */
  | { kind: 'dense'; name: string; units: number }
  /**
   * [h, w, in] → [⌈h/stride⌉, ⌈w/stride⌉, filters] with 'same' padding; with 'valid', h − size + 1 instead of h. Variables
   * kernel [size, size, in, filters] and, with `bias`, bias [filters]. Before batch norm, which takes any constant away
   * again, a bias would be a parameter without effect.
   */
  | ({ kind: 'conv2d'; name: string; filters: number } & Filter)
  /** conv2d with one filter a channel: variables kernel [size, size, c, 1] and, with `bias`, bias [c] */
  | ({ kind: 'depthwise_conv2d'; name: string } & Filter)
  /** [h, w, c] or [c], unchanged, with the statistics of the batch; variables gamma [c] and beta [c] */
  | { kind: 'batch_norm'; name: string }
  /** [h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c] */
  | { kind: 'max_pool'; size: number }
  | { kind: 'average_pool'; size: number }
  /** [h, w, c] → [c] */
  | { kind: 'global_average_pool' }
  /** In training each value is 0 with probability `rate`, else divided by 1 − rate; the identity otherwise */
  | { kind: 'dropout'; name: string; rate: number }
  | { kind: 'relu' }
  | { kind: 'tanh' }
  | { kind: 'gelu' }

type Filter = { size: number; stride: number; padding: 'same' | 'valid'; bias: boolean }

/** How a variable starts. `he-normal`: N(0, 2/fanIn) (He et al. 2015, eq. 10). */
export type Initializer = { name: 'zeros' } | { name: 'ones' } | { name: 'he-normal'; fanIn: number }

export type LayerVariable = { role: string; shape: number[]; initializer: Initializer }

export type LayerShape = {
  output: number[]
  variables: LayerVariable[]
  /** Floating-point operations of one example's forward pass (2 per multiply-add); elementwise work counts as nothing. */
  flops: number
}

/** An input that a layer cannot take: what it wants instead. */
export class ShapeError extends Error {}

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

const same = (input: number[]): LayerShape => ({ output: input, variables: [], flops: 0 })

function imageShape(input: number[]): [number, number, number] {
  if (input.length !== 3) throw new ShapeError('wants an image, [height, width, channels]')
  return input as [number, number, number]
}

function pooled({ size }: { size: number }, input: number[]): LayerShape {
  const [h, w, c] = imageShape(input)
  if (Math.min(h, w) < size) throw new ShapeError(`wants an image of at least ${size}×${size}`)
  return same([Math.floor(h / size), Math.floor(w / size), c])
}

function convolved({ size, stride, padding }: Filter, [h, w]: number[]): [number, number] {
  const lost = padding === 'same' ? 0 : size - 1
  if (Math.min(h, w) <= lost) throw new ShapeError(`wants an image of at least ${size}×${size}`)
  return [Math.ceil((h - lost) / stride), Math.ceil((w - lost) / stride)]
}

const biasOf = (has: boolean, units: number): LayerVariable[] =>
  has ? [{ role: 'bias', shape: [units], initializer: { name: 'zeros' } }] : []

type ShapeRules = {
  [K in LeafLayer['kind']]: (layer: Extract<LeafLayer, { kind: K }>, input: number[]) => LayerShape
}

const shapeRules: ShapeRules = {
  flatten: (_, input) => same([product(input)]),

  dense: ({ units }, input) => {
    if (input.length !== 1) throw new ShapeError('wants features, [n]; flatten or pool what comes before')
    const [features] = input
    return {
      output: [units],
      variables: [
        { role: 'kernel', shape: [features, units], initializer: { name: 'he-normal', fanIn: features } },
        ...biasOf(true, units),
      ],
      flops: 2 * features * units,
    }
  },

  conv2d: (layer, input) => {
    const { filters, size, bias } = layer
    const [h, w, c] = imageShape(input)
    const output = [...convolved(layer, [h, w]), filters]
    const fanIn = size * size * c
    return {
      output,
      variables: [
        { role: 'kernel', shape: [size, size, c, filters], initializer: { name: 'he-normal', fanIn } },
        ...biasOf(bias, filters),
      ],
      flops: 2 * fanIn * product(output),
    }
  },

  depthwise_conv2d: (layer, input) => {
    const { size, bias } = layer
    const [h, w, c] = imageShape(input)
    const output = [...convolved(layer, [h, w]), c]
    const fanIn = size * size
    return {
      output,
      variables: [
        { role: 'kernel', shape: [size, size, c, 1], initializer: { name: 'he-normal', fanIn } },
        ...biasOf(bias, c),
      ],
      flops: 2 * fanIn * product(output),
    }
  },

  batch_norm: (_, input) => {
    const c = input[input.length - 1]
    return {
      output: input,
      variables: [
        { role: 'gamma', shape: [c], initializer: { name: 'ones' } },
        { role: 'beta', shape: [c], initializer: { name: 'zeros' } },
      ],
      flops: 0,
    }
  },

  max_pool: pooled,
  average_pool: pooled,
  global_average_pool: (_, input) => same([imageShape(input)[2]]),
  dropout: (_, input) => same(input),
  relu: (_, input) => same(input),
  tanh: (_, input) => same(input),
  gelu: (_, input) => same(input),
}

/** The output shape, variables and cost of a layer whose input has this shape (one example, no batch axis). */
export function shapeOf(layer: LeafLayer, input: number[]): LayerShape {
  return (shapeRules[layer.kind] as (layer: LeafLayer, input: number[]) => LayerShape)(layer, input)
}
