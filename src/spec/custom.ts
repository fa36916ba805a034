/** `custom`: a network as a list of layers. nn/layers.ts says what each does to a shape, nn/forward.ts what it computes. */
import { type TProperties, Type } from 'typebox'
import { closed, Named, OneOf } from './composites.ts'

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

const leaves = {
  dense: layer('dense', { units: Count('Outputs.') }, '[n] → [units]. Layers fc_1, fc_2, …'),
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
    {},
    'Normalises each channel (or feature) with the statistics of the batch or chunk it sees. Layers bn_1, bn_2, …',
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
} as const

const Leaf = Named(leaves, { description: 'A layer inside a residual block.' }, 'kind')

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
    layers: Type.Array(Named({ ...leaves, residual }, { description: 'A layer.' }, 'kind'), {
      minItems: 1,
      maxItems: 1000,
      description: `From the images to one number a class, first to last; at most ${mostLayers} with those in residual blocks.`,
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
    const own = length(Object(layer).layers) + length(Object(layer).shortcut)
    return sum + Math.max(1, own)
  }, 0)
}
