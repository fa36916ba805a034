/** The architectures of a spec and their options. nn/architectures says what each is made of. */

import { closed, Named, OneOf } from './composites.ts'
import { batchNormOptions, CustomSpec, NormEpsilon } from './custom.ts'
import { mostParameters } from './limits.ts'
import { type Static, Type } from './type.ts'

const Width = (fallback: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 65_536, default: fallback, description }))
const rate = { minimum: 0, maximum: 0.99 }
const Rate = (fallback: number, description: string) =>
  Type.Optional(Type.Number({ ...rate, default: fallback, description }))
const factor = { minimum: 0.01, maximum: 100 }
const WidthFactor = () =>
  Type.Optional(
    Type.Number({
      ...factor,
      default: 1,
      description: 'Multiplies the channels and units of every hidden layer, rounded, at least 1.',
    }),
  )

const BatchNorm = Type.Optional(
  Type.Object(batchNormOptions, { ...closed, description: 'Of every batch norm; as of custom’s layer.' }),
)

export const FcSpec = Type.Object(
  {
    name: Type.Literal('fc'),
    hidden: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 65_536 }), {
        maxItems: 32,
        default: [100, 50],
        description: 'Units of each hidden layer, ReLU after each; [] is a linear model.',
      }),
    ),
  },
  {
    ...closed,
    title: 'fc',
    description: 'Flatten, dense layers of `hidden` units with ReLU, dense to classes. Layers fc_1 … fc_n.',
  },
)

export const LenetSpec = Type.Object(
  {
    name: Type.Literal('lenet'),
    channels: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 65_536 }), {
        minItems: 2,
        maxItems: 2,
        default: [20, 40],
        description: 'Filters of conv_1 and conv_2.',
      }),
    ),
    units: Width(400, 'Units of fc_1.'),
    dropout: Type.Optional(
      Type.Array(Type.Number(rate), {
        minItems: 2,
        maxItems: 2,
        default: [0.25, 0.5],
        description: 'Rates before fc_1 and before fc_2; in training only.',
      }),
    ),
  },
  {
    ...closed,
    title: 'lenet',
    description:
      'Twice a 5×5 convolution with ReLU and a 2×2 max pool, then a dense layer with ReLU, then dense to classes; dropout before both. Layers conv_1, conv_2, fc_1, fc_2.',
  },
)

export const AllCnnSpec = Type.Object(
  {
    name: Type.Literal('all-cnn'),
    widthFactor: WidthFactor(),
    dropout: Rate(0.5, 'Rate after each strided convolution; in training only.'),
    batchNorm: BatchNorm,
  },
  {
    ...closed,
    title: 'all-cnn',
    description:
      '3×3 convolutions with ReLU, of 96, 96, 96 (stride 2), 192, 192, 192 (stride 2), 192 filters, 1×1 of 192 and of one filter a class, global average. Batch norm after the hidden convolutions without stride. Layers conv_1 … conv_9 and bn_1, bn_2, bn_4, bn_5, bn_7, bn_8.',
  },
)

export const ResnetSpec = Type.Object(
  {
    name: Type.Literal('resnet'),
    depth: Type.Optional(
      OneOf([8, 14, 20, 32, 44, 56], {
        default: 20,
        description: 'Layers with weights, 6n + 2: three groups of n blocks of two convolutions.',
      }),
    ),
    width: Width(
      16,
      'Channels of conv_1 and of the first group; the second has twice, the third four times as many.',
    ),
    widthFactors: Type.Optional(
      Type.Array(Type.Number(factor), {
        minItems: 3,
        maxItems: 3,
        default: [1, 1, 1],
        description:
          'Widens or narrows the blocks of each group inside: multiplies the channels between their two convolutions, rounded, at least 1.',
      }),
    ),
    batchNorm: BatchNorm,
  },
  {
    ...closed,
    title: 'resnet',
    description:
      'The residual network of He et al. 2015 for small images: a 3×3 convolution, three groups of blocks (convolution, batch norm, ReLU, convolution, batch norm, plus the input, ReLU), the second and the third group starting with stride 2, global average, dense to classes. Where the shape changes the shortcut is a 1×1 convolution. Layers conv_1, bn_1, block1a/conv_1, block1a/bn_1, block1a/conv_2, block1a/bn_2, block2a/shortcut, …, fc_1.',
  },
)

export const VggSpec = Type.Object(
  {
    name: Type.Literal('vgg'),
    widthFactor: WidthFactor(),
    dropout: Rate(0.5, 'Rate after each hidden dense layer; in training only.'),
  },
  {
    ...closed,
    title: 'vgg',
    description:
      '3×3 convolutions with ReLU of 32, 64, 128, 128, 256, 256 filters, a 2×2 max pool after the first, the second, the fourth and the sixth, two dense layers of 512 with ReLU, dense to classes. Layers conv_1 … conv_6, fc_1 … fc_3.',
  },
)

/** Options that transformers over tokens and over patches have in common. */
const blocks = {
  depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 2, description: 'Blocks.' })),
  width: Width(128, 'Features of a place; heads divide it.'),
  heads: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1024, default: 4, description: 'Of each attention layer.' }),
  ),
  mlpRatio: Type.Optional(
    Type.Number({
      ...{ minimum: 0.01, maximum: 100, default: 4 },
      description: 'Units of fc_1 of a block, over width; rounded.',
    }),
  ),
  norm: Type.Optional(
    OneOf(['pre', 'post', 'none'], {
      default: 'pre',
      description: 'Before attention and dense layers and at the end; after each sum; or none at all.',
    }),
  ),
  normalization: Type.Optional(
    OneOf(['layer', 'rms'], { default: 'layer', description: 'layer_norm or rms_norm.' }),
  ),
  epsilon: NormEpsilon,
  activation: Type.Optional(
    OneOf(['gelu', 'relu', 'silu', 'tanh'], { default: 'gelu', description: 'Between the dense layers.' }),
  ),
  bias: Type.Optional(Type.Boolean({ default: true, description: 'Of the attention’s projections.' })),
  dropout: Rate(0, 'Rate after the embedding and before each sum; in training only.'),
}

export const TransformerSpec = Type.Object(
  {
    name: Type.Literal('transformer'),
    ...blocks,
    causal: Type.Optional(
      Type.Boolean({ default: true, description: 'Whether a place sees itself and those before it only.' }),
    ),
    positions: Type.Optional(
      OneOf(['learned', 'sinusoidal', 'none'], { default: 'learned', description: 'As of positional.' }),
    ),
    pool: Type.Optional(
      OneOf(['last', 'mean'], {
        default: 'last',
        description: 'Where an example has one label: from the last place, or the mean over all.',
      }),
    ),
    tied: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Whether the embedding’s kernel also makes the outputs, where these are the vocabulary.',
      }),
    ),
  },
  {
    ...closed,
    title: 'transformer',
    description:
      'For datasets of tokens: embedding, positions, blocks of attention and of two dense layers with an activation between them, each added to its input, a norm, dense to classes at the places that have labels. The vocabulary is the dataset’s. Layers embedding_1, positional_1, block1/ln_1, block1/attention_1, block1/ln_2, block1/fc_1, block1/fc_2, …, ln_1, fc_1; rms_1 for ln_1 where normalization is rms.',
  },
)

const Patch = Type.Optional(
  Type.Integer({
    ...{ minimum: 1, maximum: 64, default: 4 },
    description: 'Side of a patch; it divides the sides of the image.',
  }),
)

export const VitSpec = Type.Object(
  { name: Type.Literal('vit'), patch: Patch, ...blocks },
  {
    ...closed,
    title: 'vit',
    description:
      'A transformer over the patches of an image: each as `width` features by one convolution, learned positions, blocks as of transformer with every place seen, the mean over places, a norm, dense to classes. Layers conv_1, positional_1, block1/…, ln_1, fc_1.',
  },
)

export const MixerSpec = Type.Object(
  {
    name: Type.Literal('mlp-mixer'),
    patch: Patch,
    depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 4, description: 'Blocks.' })),
    width: Width(128, 'Features of a patch.'),
    tokenUnits: Width(64, 'Between the dense layers over places, block1/fc_1 and block1/fc_2.'),
    channelUnits: Width(512, 'Between the dense layers over features, block1/fc_3 and block1/fc_4.'),
    epsilon: NormEpsilon,
  },
  {
    ...closed,
    title: 'mlp-mixer',
    description:
      'Patches of an image, each as `width` features; blocks that add to their input what two dense layers make of its places, then two of its features, a norm before and GELU between; a norm, the mean over places, dense to classes. Layers conv_1, block1/ln_1, block1/fc_1, block1/fc_2, block1/ln_2, block1/fc_3, block1/fc_4, …, ln_1, fc_1.',
  },
)

export const WideResnetSpec = Type.Object(
  {
    name: Type.Literal('wide-resnet'),
    depth: Type.Optional(
      OneOf([10, 16, 22, 28, 34, 40], {
        default: 16,
        description: 'Layers with weights, 6n + 4: three groups of n blocks.',
      }),
    ),
    widenFactor: Type.Optional(
      Type.Number({
        ...factor,
        default: 4,
        description: 'Times 16, 32 and 64: the channels of the three groups, rounded.',
      }),
    ),
    dropout: Rate(0, 'Rate between the convolutions of a block; in training only.'),
    batchNorm: BatchNorm,
  },
  {
    ...closed,
    title: 'wide-resnet',
    description:
      'The wide residual network of Zagoruyko and Komodakis 2016: a 3×3 convolution of 16, three groups of blocks (batch norm, ReLU, convolution, batch norm, ReLU, convolution, plus the input), the second and the third group starting with stride 2, batch norm, ReLU, global average, dense to classes. Where the shape changes the shortcut is a 1×1 convolution of what the block’s first ReLU gives. Layers conv_1, block1a/bn_1, block1a/conv_1, block1a/bn_2, block1a/conv_2, block1a/shortcut, …, bn_1, fc_1.',
  },
)

export const MobilenetSpec = Type.Object(
  {
    name: Type.Literal('mobilenet'),
    widthFactor: WidthFactor(),
    repeats: Type.Optional(
      Type.Integer({
        ...{ minimum: 0, maximum: 50, default: 5 },
        description: 'Blocks of 512 filters after the first.',
      }),
    ),
    batchNorm: BatchNorm,
  },
  {
    ...closed,
    title: 'mobilenet',
    description:
      'Depthwise separable convolutions after Howard et al. 2017, for small images: a 3×3 convolution of 32, blocks of a 3×3 depthwise convolution and a 1×1 convolution of 64, 128 (stride 2), 128, 256 (2), 256, 512 (2), 512 × repeats, 1024 (2), 1024 filters, batch norm and ReLU after each; global average, dense to classes. Layers conv_1, bn_1, block1/depthwise_1, block1/bn_1, block1/conv_1, block1/bn_2, …, fc_1.',
  },
)

/** Every architecture, by name. Adding one here and in nn/architectures is all it takes. */
export const architectureSchemas = {
  fc: FcSpec,
  lenet: LenetSpec,
  'all-cnn': AllCnnSpec,
  resnet: ResnetSpec,
  vgg: VggSpec,
  transformer: TransformerSpec,
  vit: VitSpec,
  'mlp-mixer': MixerSpec,
  'wide-resnet': WideResnetSpec,
  mobilenet: MobilenetSpec,
  custom: CustomSpec,
} as const
export const ArchitectureSpec = Named(architectureSchemas, {
  description: `The network: of 1 to ${mostParameters.toLocaleString('en')} parameters (2^27).`,
})
export type ArchitectureSpec = Static<typeof ArchitectureSpec>
