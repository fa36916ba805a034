/** `custom`: a network as a list of layers. nn/layers.ts says what each does to a shape, nn/forward.ts what it computes. */

import { closed, Named, OneOf } from './composites.ts'
import { type TProperties, Type } from './type.ts'

/** The most layers of a network, those in blocks counted one by one: ResNet-1001 has some 3,000. */
export const mostLayers = 4000

const layer = <Kind extends string, Options extends TProperties>(
  kind: Kind,
  options: Options,
  description: string,
) => Type.Object({ kind: Type.Literal(kind), ...options }, { ...closed, title: kind, description })

const Count = (description: string) => Type.Integer({ minimum: 1, maximum: 65_536, description })
const side = { minimum: 1, maximum: 64 }
const convolution = {
  size: Type.Optional(Type.Integer({ ...side, default: 3, description: 'Side of the filter.' })),
  stride: Type.Optional(Type.Integer({ ...side, default: 1 })),
  padding: Type.Optional(
    OneOf(['same', 'valid'], {
      default: 'same',
      description: 'Zeros around the image, or only where the filter lies within it.',
    }),
  ),
  bias: Type.Optional(
    Type.Boolean({ default: true, description: 'Whether there is one; before batch norm it has no effect.' }),
  ),
}
const window = {
  size: Type.Optional(
    Type.Integer({ ...side, default: 2, description: 'Side of a window, and the step to the next.' }),
  ),
}

const Epsilon = (fallback: string) =>
  Type.Optional(
    Type.Number({
      ...{ minimum: 1e-12, maximum: 1 },
      description: `ε, added to the variance; ${fallback} if absent.`,
    }),
  )
/** Options of batch norm: of a layer and, as `batchNorm`, of the architectures that have it. */
export const batchNormOptions = {
  epsilon: Epsilon('10⁻³ (PyTorch has 10⁻⁵)'),
  statistics: Type.Optional(
    OneOf(['batch', 'running'], {
      description:
        'What the loss that is allocated normalises with: the statistics of the chunk (batch, if absent), or the running averages as they are at the iteration, as networks are used after training. These are then columns of the weights, in a layer of their own (bn_1/statistics), which training moves and no optimizer, and have their share of LCA. Training normalises with its batch either way.',
    }),
  ),
  momentum: Type.Optional(
    Type.Number({
      ...{ exclusiveMinimum: 0, maximum: 1 },
      description: 'm in r ← (1 − m)·r + m·statistic of the batch, of running statistics; 0.1 if absent.',
    }),
  ),
}
/** ε of the norms that need no batch. */
export const NormEpsilon = Epsilon('10⁻⁵')

const leaves = {
  dense: layer(
    'dense',
    { units: Count('Outputs.') },
    '[n] → [units], or at each place of a sequence. Layers fc_1, fc_2, …',
  ),
  conv2d: layer(
    'conv2d',
    { filters: Count('Output channels.'), ...convolution },
    '[h, w, c] → [⌈h/stride⌉, ⌈w/stride⌉, filters], of h − size + 1 and w − size + 1 where padding is valid. Layers conv_1, conv_2, …',
  ),
  depthwise_conv2d: layer(
    'depthwise_conv2d',
    convolution,
    'Convolution with one filter a channel. Layers depthwise_1, depthwise_2, …',
  ),
  batch_norm: layer(
    'batch_norm',
    batchNormOptions,
    'Normalises each channel (or feature) with the statistics of the batch or chunk it sees, or with running ones. Layers bn_1, bn_2, …',
  ),
  max_pool: layer('max_pool', window, '[h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]'),
  average_pool: layer('average_pool', window, '[h, w, c] → [⌊h/size⌋, ⌊w/size⌋, c]'),
  global_average_pool: layer('global_average_pool', {}, '[h, w, c] → [c]'),
  relu: layer('relu', {}, 'max(x, 0)'),
  tanh: layer('tanh', {}, 'tanh x'),
  gelu: layer('gelu', {}, 'GELU in its tanh form.'),
  dropout: layer(
    'dropout',
    { rate: Type.Optional(Type.Number({ minimum: 0, maximum: 0.99, default: 0.5 })) },
    'In training only.',
  ),
  flatten: layer('flatten', {}, '[h, w, c] → [h·w·c]'),
  silu: layer('silu', {}, 'x·σ(x)'),
  softplus: layer('softplus', {}, 'log(1 + eˣ)'),
  leaky_relu: layer(
    'leaky_relu',
    { slope: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.01 })) },
    'x where it is positive, else slope·x',
  ),
  embedding: layer(
    'embedding',
    { features: Count('Features of a token.') },
    'Tokens [length] → [length, features]: a row of its kernel [vocabulary, features] for each. The first layer on a dataset of tokens, and on no other. Layers embedding_1, …',
  ),
  positional: layer(
    'positional',
    {
      encoding: Type.Optional(
        OneOf(['learned', 'sinusoidal'], {
          default: 'learned',
          description:
            'A kernel [length, c]; or sin and cos of place/10000^(2i/c) at channels 2i and 2i + 1, no parameters.',
        }),
      ),
    },
    'Adds to a sequence [length, c] what says which place is which. Layers positional_1, …',
  ),
  layer_norm: layer(
    'layer_norm',
    { epsilon: NormEpsilon },
    'γ·(x − μ)/√(σ² + ε) + β over the last axis, place by place. Layers ln_1, ln_2, …',
  ),
  rms_norm: layer(
    'rms_norm',
    { epsilon: NormEpsilon },
    'γ·x/√(mean x² + ε) over the last axis. Layers rms_1, rms_2, …',
  ),
  group_norm: layer(
    'group_norm',
    { groups: Count('Groups of successive channels; they divide the channels.'), epsilon: NormEpsilon },
    'As layer_norm, over each group of channels at all places of an example. Layers gn_1, gn_2, …',
  ),
  multi_head_attention: layer(
    'multi_head_attention',
    {
      heads: Type.Integer({ minimum: 1, maximum: 1024, description: 'Heads.' }),
      headSize: Type.Integer({ minimum: 1, maximum: 4096, description: 'Channels of one head.' }),
      causal: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Whether a place sees itself and those before it only.',
        }),
      ),
      bias: Type.Optional(Type.Boolean({ default: true, description: 'Of all four projections.' })),
    },
    '[length, c] → [length, c]: softmax(QKᵀ/√headSize)·V of each head, projected back. Layers attention_1, …; /neurons has its heads.',
  ),
  mean_over_tokens: layer('mean_over_tokens', {}, '[length, c] → [c]'),
  last_token: layer('last_token', {}, '[length, c] → [c]'),
  last_tokens: layer(
    'last_tokens',
    { count: Count('Places.') },
    '[length, c] → [count, c]: of a dataset that has labels at its last places, those.',
  ),
  conv1d: layer(
    'conv1d',
    {
      filters: Count('Output channels.'),
      size: Type.Optional(Type.Integer({ ...side, default: 3, description: 'Places that a filter sees.' })),
      stride: convolution.stride,
      padding: Type.Optional(
        OneOf(['same', 'valid', 'causal'], {
          default: 'same',
          description: 'Zeros around the sequence, none, or before it only.',
        }),
      ),
      bias: convolution.bias,
    },
    '[length, c] → [⌈length/stride⌉, filters], of length − size + 1 where padding is valid. Layers conv1d_1, …',
  ),
  image_to_sequence: layer('image_to_sequence', {}, '[h, w, c] → [h·w, c], row by row'),
  transpose: layer('transpose', {}, '[length, c] → [c, length]'),
  unembedding: layer(
    'unembedding',
    {},
    '[…, c] → […, vocabulary]: the product with the kernel of the embedding before it, transposed; they are tied.',
  ),
} as const

const Leaf = Named(leaves, { description: 'A layer inside a block.' }, 'kind')

const Ways = Type.Array(
  Type.Array(Leaf, { maxItems: 100, description: 'One way; the input itself where it is empty.' }),
  {
    minItems: 2,
    maxItems: 16,
    description: 'What the same input goes through.',
  },
)
const names = 'Layers are named block_1/branch1_conv_1, ….'
const branched = {
  add: layer('add', { branches: Ways }, `The sum of all branches, which end in one shape. ${names}`),
  concatenate: layer(
    'concatenate',
    { branches: Ways },
    `All branches side by side, along the last axis. ${names}`,
  ),
} as const

const residual = layer(
  'residual',
  {
    layers: Type.Array(Leaf, { minItems: 1, maxItems: 100, description: 'What is added to the shortcut.' }),
    shortcut: Type.Optional(
      Type.Array(Leaf, { maxItems: 100, default: [], description: 'The input itself where it is empty.' }),
    ),
  },
  'layers(x) + shortcut(x). Its layers are named block_1/conv_1, …, those of the shortcut block_1/shortcut_conv_1, …',
)

export const CustomSpec = Type.Object(
  {
    name: Type.Literal('custom'),
    layers: Type.Array(Named({ ...leaves, residual, ...branched }, { description: 'A layer.' }, 'kind'), {
      minItems: 1,
      maxItems: 1000,
      description: `From the examples to one number a class, first to last; at most ${mostLayers} with those in blocks.`,
    }),
  },
  {
    ...closed,
    title: 'custom',
    description: 'The layers that you list. Layers with parameters are named by kind and number.',
  },
)

/** How many layers a posted `custom` architecture lists, whatever else is wrong with it. */
export function countLayers(architecture: unknown): number {
  const length = (list: unknown) => (Array.isArray(list) ? list.length : 0)
  const { name, layers } = Object(architecture)
  if (name !== 'custom' || !Array.isArray(layers)) return 0
  return layers.reduce<number>((sum, layer) => {
    const { layers, shortcut, branches } = Object(layer)
    const ways = Array.isArray(branches) ? branches.map(length) : []
    const own = [length(layers), length(shortcut), length(branches), ...ways].reduce((a, b) => a + b, 0)
    return sum + Math.max(1, own)
  }, 0)
}
