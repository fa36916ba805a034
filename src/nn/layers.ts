/**
 * The layers networks are made of, as data, and what each kind does to a shape: pure arithmetic, no tensors, so that
 * the API can name layers and count parameters without loading TensorFlow. nn/forward.ts says what they compute.
 */

export type Layer = LeafLayer | Residual | Branches

/** Two ways from one input, added up: [shape] → [shape of both]. An empty shortcut is the input itself. */
export type Residual = { kind: 'residual'; main: Layer[]; shortcut: Layer[] }

/** Several ways from one input, added up or laid side by side along the last axis. An empty one is the input itself. */
export type Branches = { kind: 'add' | 'concatenate'; branches: Layer[][] }

/** Shapes: images [h, w, c], sequences [length, c], features [c]; tokens [length] are integers, and only an embedding takes them. */
export type LeafLayer =
  /** [h, w, c] → [h·w·c] */
  | { kind: 'flatten' }
  /** [in] → [units], or at each place of a sequence; variables kernel [in, units] and bias [units] */
  | { kind: 'dense'; name: string; units: number }
  /**
   * [h, w, in] → [⌈h/stride⌉, ⌈w/stride⌉, filters] with 'same' padding; with 'valid', h − size + 1 instead of h. Variables
   * kernel [size, size, in, filters] and, with `bias`, bias [filters]. Before batch norm, which takes any constant away
   * again, a bias would be a parameter without effect.
   */
  | ({ kind: 'conv2d'; name: string; filters: number } & Filter)
  /** conv2d with one filter a channel: variables kernel [size, size, c, 1] and, with `bias`, bias [c] */
  | ({ kind: 'depthwise_conv2d'; name: string } & Filter)
  /** [h, w, c] or [c], unchanged, with the statistics of the batch; variables gamma [c] and beta [c]. With running statistics also mean [c] and variance [c], which are not trained */
  | ({ kind: 'batch_norm'; name: string; statistics?: 'batch' | 'running'; momentum?: number } & Norm)
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
  | { kind: 'silu' }
  | { kind: 'softplus' }
  /** max(x, slope·x) */
  | { kind: 'leaky_relu'; slope: number }
  /** tokens [length] → [length, features]; variable kernel [vocabulary, features] */
  | { kind: 'embedding'; name: string; features: number }
  /** Adds to each place what says which it is; learned: variable kernel [length, c] */
  | { kind: 'positional'; name: string; encoding: 'learned' | 'sinusoidal' }
  /** [..., c], unchanged, with the statistics of each place; variables gamma [c] and beta [c] */
  | ({ kind: 'layer_norm'; name: string } & Norm)
  /** layer_norm without its mean and without beta */
  | ({ kind: 'rms_norm'; name: string } & Norm)
  /** [h, w, c] or [length, c], unchanged, with the statistics of each group of channels of an example; as layer_norm */
  | ({ kind: 'group_norm'; name: string; groups: number } & Norm)
  /**
   * [length, c] → [length, c]; variables query_kernel, key_kernel and value_kernel [c, heads, headSize], output_kernel [heads,
   * headSize, c] and, with `bias`, query_bias, key_bias and value_bias [heads, headSize] and output_bias [c]
   */
  | {
      kind: 'multi_head_attention'
      name: string
      heads: number
      headSize: number
      causal: boolean
      bias: boolean
    }
  /** [length, c] → [c] */
  | { kind: 'mean_over_tokens' }
  | { kind: 'last_token' }
  /** [length, c] → [count, c] */
  | { kind: 'last_tokens'; count: number }
  /** [length, in] → [⌈length/stride⌉, filters]; 'valid': length − size + 1. Causal: zeros before the sequence alone. Variables kernel [size, in, filters], bias [filters] */
  | {
      kind: 'conv1d'
      name: string
      filters: number
      size: number
      stride: number
      padding: SequencePadding
      bias: boolean
    }
  /** [h, w, c] → [h·w, c], row by row */
  | { kind: 'image_to_sequence' }
  /** [length, c] → [c, length] */
  | { kind: 'transpose' }
  /** [..., c] → [..., vocabulary]: the product with the kernel of the embedding before it, transposed; no variables of its own */
  | { kind: 'unembedding' }

export type SequencePadding = 'same' | 'valid' | 'causal'

/** `epsilon`, which keeps a norm finite where nothing varies: `epsilonOf` says what it is if absent. */
type Norm = { epsilon?: number }

/** ε of a norm: if absent, of batch norm Keras's 10⁻³, of the others PyTorch's 10⁻⁵. */
export const epsilonOf = ({ kind, epsilon }: Norm & { kind: string }): number =>
  epsilon ?? (kind === 'batch_norm' ? 1e-3 : 1e-5)

type Filter = { size: number; stride: number; padding: 'same' | 'valid'; bias: boolean }

/** How a variable starts. `he-normal`: N(0, 2/fanIn) (He et al. 2015, eq. 10); `normal`: N(0, deviation²). */
export type Initializer =
  | { name: 'zeros' }
  | { name: 'ones' }
  | { name: 'he-normal'; fanIn: number }
  | { name: 'normal'; deviation: number }

/** Whether a variable is what inputs are multiplied by: l2 and decoupled weight decay are of these alone. */
export const isKernel = (role: string) => role === 'kernel' || role.endsWith('_kernel')

/** `statistic`: it is not trained, but an average of what training has seen. */
export type LayerVariable = { role: string; shape: number[]; initializer: Initializer; statistic?: true }

export type LayerShape = {
  output: number[]
  variables: LayerVariable[]
  /** Floating-point operations of one example's forward pass (2 per multiply-add); elementwise work counts as nothing. */
  flops: number
  /** float32 values that a gradient keeps of one example beside the output and its gradient. */
  held?: number
}

/** What a layer may have to know beside the shape of its input. */
export type Surroundings = {
  /** The input is tokens: integers below it. */
  vocabulary?: number
  /** The kernel of the embedding before it. */
  embedding?: { name: string; vocabulary: number; features: number }
}

/** An input that a layer cannot take: what it wants instead. */
export class ShapeError extends Error {}

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

const same = (input: number[]): LayerShape => ({ output: input, variables: [], flops: 0 })

function sequenceShape(input: number[]): [number, number] {
  if (input.length !== 2)
    throw new ShapeError(
      `wants a sequence, [length, features]${input.length === 3 ? '; image_to_sequence makes one of an image' : ''}`,
    )
  return input as [number, number]
}

const ones = (c: number): LayerVariable => ({ role: 'gamma', shape: [c], initializer: { name: 'ones' } })
const zeros = (c: number): LayerVariable => ({ role: 'beta', shape: [c], initializer: { name: 'zeros' } })

/** Scale and shift by channel. Its gradient keeps the normalised values. */
const normalized = (input: number[], variables: LayerVariable[]): LayerShape => ({
  output: input,
  variables,
  flops: 0,
  held: product(input),
})

/** N(0, 1/fanIn) (LeCun et al. 1998): where no ReLU follows. */
const plainNormal = (fanIn: number): Initializer => ({ name: 'normal', deviation: Math.sqrt(1 / fanIn) })

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
  [K in LeafLayer['kind']]: (
    layer: Extract<LeafLayer, { kind: K }>,
    input: number[],
    around: Surroundings,
  ) => LayerShape
}

const shapeRules: ShapeRules = {
  flatten: (_, input) => same([product(input)]),

  dense: ({ units }, input) => {
    if (input.length !== 1 && input.length !== 2)
      throw new ShapeError('wants features, [n]; flatten or pool what comes before')
    const features = input[input.length - 1]
    return {
      output: [...input.slice(0, -1), units],
      variables: [
        { role: 'kernel', shape: [features, units], initializer: { name: 'he-normal', fanIn: features } },
        ...biasOf(true, units),
      ],
      flops: 2 * product(input) * units,
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

  batch_norm: ({ statistics, momentum }, input) => {
    const c = input[input.length - 1]
    if (momentum !== undefined && statistics !== 'running')
      throw new ShapeError('has a momentum of running statistics only: set statistics to "running"')
    const running: LayerVariable[] = [
      { role: 'mean', shape: [c], initializer: { name: 'zeros' }, statistic: true },
      { role: 'variance', shape: [c], initializer: { name: 'ones' }, statistic: true },
    ]
    return {
      output: input,
      variables: [ones(c), zeros(c), ...(statistics === 'running' ? running : [])],
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
  silu: (_, input) => same(input),
  softplus: (_, input) => same(input),
  leaky_relu: (_, input) => same(input),

  embedding: ({ features }, [length], { vocabulary }) => {
    if (vocabulary === undefined)
      throw new ShapeError('wants tokens, integers [length], as datasets of sequences have them')
    const initializer = plainNormal(features)
    return {
      output: [length, features],
      variables: [{ role: 'kernel', shape: [vocabulary, features], initializer }],
      flops: 0,
      held: length * vocabulary,
    }
  },

  positional: ({ encoding }, input) => {
    const [length, c] = sequenceShape(input)
    const kernel = { role: 'kernel', shape: [length, c], initializer: plainNormal(c) }
    return { output: input, variables: encoding === 'learned' ? [kernel] : [], flops: 0 }
  },

  layer_norm: (_, input) => {
    const c = input[input.length - 1]
    return normalized(input, [ones(c), zeros(c)])
  },
  rms_norm: (_, input) => normalized(input, [ones(input[input.length - 1])]),
  group_norm: ({ groups }, input) => {
    const c = input[input.length - 1]
    if (input.length < 2) throw new ShapeError('wants an image or a sequence; layer_norm takes features')
    if (c % groups !== 0) throw new ShapeError(`wants channels that ${groups} groups divide`)
    return normalized(input, [ones(c), zeros(c)])
  },

  multi_head_attention: ({ heads, headSize, bias }, input) => {
    const [length, c] = sequenceShape(input)
    const width = heads * headSize
    const inward = (role: string): LayerVariable[] => [
      { role: `${role}_kernel`, shape: [c, heads, headSize], initializer: plainNormal(c) },
      ...(bias
        ? [{ role: `${role}_bias`, shape: [heads, headSize], initializer: { name: 'zeros' } as const }]
        : []),
    ]
    return {
      output: input,
      variables: [
        ...['query', 'key', 'value'].flatMap(inward),
        { role: 'output_kernel', shape: [heads, headSize, c], initializer: plainNormal(width) },
        ...(bias ? [{ role: 'output_bias', shape: [c], initializer: { name: 'zeros' } as const }] : []),
      ],
      flops: 2 * 4 * length * c * width + 2 * 2 * length * length * width,
      // Queries, keys and values and what the heads give, twice each, and the weights with theirs.
      held: 2 * (8 * length * width + 2 * heads * length * length),
    }
  },

  mean_over_tokens: (_, input) => same([sequenceShape(input)[1]]),
  last_token: (_, input) => same([sequenceShape(input)[1]]),
  last_tokens: ({ count }, input) => {
    const [length, c] = sequenceShape(input)
    if (count > length) throw new ShapeError(`wants a sequence of at least ${count} places`)
    return same([count, c])
  },

  conv1d: ({ filters, size, stride, padding, bias }, input) => {
    const [length, c] = sequenceShape(input)
    const lost = padding === 'valid' ? size - 1 : 0
    if (length <= lost) throw new ShapeError(`wants a sequence of at least ${size} places`)
    const places = Math.ceil((length - lost) / stride)
    const fanIn = size * c
    return {
      output: [places, filters],
      variables: [
        { role: 'kernel', shape: [size, c, filters], initializer: { name: 'he-normal', fanIn } },
        ...biasOf(bias, filters),
      ],
      flops: 2 * fanIn * places * filters,
      held: 2 * fanIn * places,
    }
  },

  image_to_sequence: (_, input) => {
    const [h, w, c] = imageShape(input)
    return same([h * w, c])
  },
  transpose: (_, input) => {
    const [length, c] = sequenceShape(input)
    return same([c, length])
  },

  unembedding: (_, input, { embedding }) => {
    if (embedding === undefined) throw new ShapeError('wants an embedding before it, whose kernel it takes')
    const { vocabulary, features } = embedding
    if (input.length > 2 || input[input.length - 1] !== features)
      throw new ShapeError(`wants the ${features} features of ${embedding.name}`)
    return {
      output: [...input.slice(0, -1), vocabulary],
      variables: [],
      flops: 2 * product(input) * vocabulary,
    }
  },
}

/** The output shape, variables and cost of a layer whose input has this shape (one example, no batch axis). */
export function shapeOf(layer: LeafLayer, input: number[], around: Surroundings = {}): LayerShape {
  if (around.vocabulary !== undefined && layer.kind !== 'embedding')
    throw new ShapeError(
      `wants numbers, where this dataset has tokens, integers below ${around.vocabulary}; an embedding comes first`,
    )
  const rule = shapeRules[layer.kind] as (
    layer: LeafLayer,
    input: number[],
    around: Surroundings,
  ) => LayerShape
  return rule(layer, input, around)
}
