/**
 * What an experiment is, as TypeBox schemas: the one source of the validation, the TypeScript types and openapi.yaml.
 *
 * `ExperimentSpec` is what a user posts: four fields and anything else they care to change. `ResolvedSpec` is the same
 * with every default filled in; it is what is stored, returned and computed from.
 */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false }

/** The largest seed: seeds are unsigned 32-bit integers. */
export const maxSeed = 2 ** 32 - 1
const Seed = (description: string) =>
  Type.Integer({ minimum: 0, maximum: maxSeed, default: 0, description })

export const splitNames = ['train', 'validation'] as const
export const SplitName = Type.Enum([...splitNames], { description: 'A split of the dataset.' })
export type SplitName = (typeof splitNames)[number]

// ---------------------------------------------------------------------------------------------- dataset

export const DatasetSpec = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9][a-z0-9-]{0,63}$',
      description: 'A registered dataset: synthetic-digits, mnist, fashion-mnist.',
    }),
    trainExamples: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'Examples in the train split.' }),
    ),
    validationExamples: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000_000,
        description: 'Examples in the validation split; 0 is allowed when only train is allocated.',
      }),
    ),
    seed: Type.Optional(
      Seed('Picks the examples (and, for synthetic-digits, draws them). When every example of a file is asked for, their order is the file’s.'),
    ),
  },
  closed,
)
export type DatasetSpec = Static<typeof DatasetSpec>

// ----------------------------------------------------------------------------------------- architecture

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
  { ...closed, title: 'fc', description: 'Flatten, dense layers of `hidden` units with ReLU, dense to classes. Layers fc_1 … fc_n.' },
)

/** Every architecture, by name. Adding one here and in nn/architectures is all it takes. */
export const architectureSchemas = { fc: FcSpec } as const
export const ArchitectureSpec = Type.Union(Object.values(architectureSchemas), {
  discriminator: { propertyName: 'name' },
})
export type ArchitectureSpec = Static<typeof ArchitectureSpec>

// -------------------------------------------------------------------------------------------- optimizer

const Boundaries = Type.Array(Type.Integer({ minimum: 1 }), {
  minItems: 1,
  maxItems: 1000,
  description: 'Iterations at which the learning rate is multiplied by `factor`, ascending.',
})
export const scheduleSchemas = {
  constant: Type.Object({ name: Type.Literal('constant') }, { ...closed, title: 'constant' }),
  step: Type.Object(
    {
      name: Type.Literal('step'),
      boundaries: Boundaries,
      factor: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1000, default: 0.1 })),
    },
    { ...closed, title: 'step', description: 'rate · factor^(number of boundaries ≤ t)' },
  ),
  cosine: Type.Object(
    {
      name: Type.Literal('cosine'),
      iterations: Type.Optional(
        Type.Integer({ minimum: 1, description: 'Length of the half period; the training’s iterations if absent.' }),
      ),
      final: Type.Optional(
        Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Fraction of the rate at the end.' }),
      ),
    },
    { ...closed, title: 'cosine', description: 'rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final' },
  ),
  warmup: Type.Object(
    {
      name: Type.Literal('warmup'),
      iterations: Type.Integer({ minimum: 1, description: 'Iterations of linear rise.' }),
    },
    { ...closed, title: 'warmup', description: 'rate · min(1, (t + 1)/iterations)' },
  ),
} as const
export const ScheduleSpec = Type.Union(Object.values(scheduleSchemas), { discriminator: { propertyName: 'name' } })
export type ScheduleSpec = Static<typeof ScheduleSpec>

const Fraction = (fallback: number, description: string) =>
  Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1, default: fallback, description }))
const Epsilon = (fallback: number) =>
  Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 1, default: fallback, description: 'Added to the root in the denominator.' }),
  )
const rate = {
  learningRate: Type.Optional(Type.Number({ minimum: 0, maximum: 1e6, description: 'Step size.' })),
  schedule: Type.Optional(ScheduleSpec),
}
const momentum = {
  momentum: Fraction(0, 'v ← momentum·v + g'),
  nesterov: Type.Optional(
    Type.Boolean({ default: false, description: 'Step along g + momentum·v instead of v; needs momentum > 0.' }),
  ),
}
const moments = {
  beta1: Fraction(0.9, 'Decay of the first moment.'),
  beta2: Fraction(0.999, 'Decay of the second moment.'),
  epsilon: Epsilon(1e-8),
}
const rmspropOptions = {
  decay: Fraction(0.9, 'Decay of the mean of squared gradients.'),
  momentum: Fraction(0, 'v ← momentum·v + g/(√s + epsilon)'),
  epsilon: Epsilon(1e-8),
}
const decoupled = {
  weightDecay: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1, default: 0.01, description: 'Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.' }),
  ),
}

/** The hyperparameters of every optimizer; `layers` may override each but the name and the schedule. */
export const optimizerSchemas = {
  sgd: Type.Object({ name: Type.Literal('sgd'), ...rate, ...momentum }, { ...closed, title: 'sgd' }),
  rmsprop: Type.Object({ name: Type.Literal('rmsprop'), ...rate, ...rmspropOptions }, { ...closed, title: 'rmsprop' }),
  adam: Type.Object({ name: Type.Literal('adam'), ...rate, ...moments }, { ...closed, title: 'adam' }),
  adamw: Type.Object({ name: Type.Literal('adamw'), ...rate, ...moments, ...decoupled }, { ...closed, title: 'adamw' }),
} as const
export const OptimizerSpec = Type.Union(Object.values(optimizerSchemas), { discriminator: { propertyName: 'name' } })
export type OptimizerSpec = Static<typeof OptimizerSpec>
export type OptimizerName = OptimizerSpec['name']

// --------------------------------------------------------------------------------------- layers, training

export const FreezeSpec = Type.Object(
  {
    from: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'First frozen iteration.' })),
    until: Type.Optional(Type.Integer({ minimum: 1, description: 'First iteration that trains again; never if absent.' })),
  },
  { ...closed, description: 'No update of the layer in [from, until): its weights keep their bits and its optimizer state waits.' },
)

export const LayerRule = Type.Object(
  {
    freeze: Type.Optional(Type.Union([Type.Boolean(), FreezeSpec])),
    optimizer: Type.Optional(
      Type.Object(
        { learningRate: rate.learningRate, ...momentum, ...moments, ...decoupled, decay: rmspropOptions.decay },
        { ...closed, description: 'Hyperparameters that replace the experiment’s for this layer.' },
      ),
    ),
  },
  closed,
)
export type LayerRule = Static<typeof LayerRule>

export const LayersSpec = Type.Record(Type.String({ minLength: 1, maxLength: 200 }), LayerRule, {
  description: 'Ablations: a layer’s name, or a glob (* and ?) over layer names, to what is different there. Where several match, later ones win field by field.',
})

export const TrainingSpec = Type.Object(
  {
    iterations: Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'Optimizer steps.' }),
    batchSize: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, default: 250, description: 'Examples a step; at most trainExamples. Batches walk through a fresh shuffle every epoch; the remainder of an epoch is dropped.' }),
    ),
    seed: Type.Optional(Seed('Seeds the initial weights, the shuffles and the dropout masks.')),
    l2: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1e3, default: 0, description: 'Adds l2·Σw² over kernels to the loss that is trained on (never to the loss that is allocated).' }),
    ),
  },
  closed,
)
export type TrainingSpec = Static<typeof TrainingSpec>

// ------------------------------------------------------------------------------------ allocation, the whole

export const methodNames = ['left', 'trapezoid', 'simpson', 'boole'] as const
export type MethodName = (typeof methodNames)[number]

export const AllocationSpec = Type.Object(
  {
    method: Type.Optional(
      Type.Enum([...methodNames], {
        default: 'simpson',
        description: 'Quadrature along the step; exact for a loss of degree 1, 2, 4, 6. Simpson is what the paper calls RK4.',
      }),
    ),
    maxError: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 1e6, default: 0.001, description: 'Split the step further while |residual| is above this on any split.' }),
    ),
    maxSplits: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1024, default: 32, description: 'Most parts a step is split into; a power of two.' }),
    ),
    splits: Type.Optional(
      Type.Array(SplitName, { minItems: 1, maxItems: 2, uniqueItems: true, description: 'Which losses are allocated; both, or train alone if validationExamples is 0.' }),
    ),
    chunkSize: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 10_000_000 })], {
        default: 'auto',
        description: 'Examples a gradient pass takes at once. The resolved spec says what auto picked.',
      }),
    ),
    segmentIterations: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, default: 50, description: 'Iterations an object in storage and a job hold.' }),
    ),
  },
  closed,
)
export type AllocationSpec = Static<typeof AllocationSpec>

export const keepNames = ['weights', 'allocations'] as const

export const ExperimentSpec = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    tags: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 100 }), Type.String({ maxLength: 200 }), {
        maxProperties: 50,
        description: 'Your own labels; GET /v1/experiments?tag=key:value finds them.',
      }),
    ),
    dataset: DatasetSpec,
    architecture: ArchitectureSpec,
    optimizer: OptimizerSpec,
    layers: Type.Optional(LayersSpec),
    training: TrainingSpec,
    allocation: Type.Optional(AllocationSpec),
    keep: Type.Optional(
      Type.Array(Type.Enum([...keepNames]), {
        uniqueItems: true,
        maxItems: 2,
        description: 'Raw tensors to keep in object storage: both by default; [] keeps the aggregates and the manifest only.',
      }),
    ),
  },
  { ...closed, $id: 'ExperimentSpec' },
)
export type ExperimentSpec = Static<typeof ExperimentSpec>

/** What one layer does, after `layers` has been applied: its optimizer in full, and when it is frozen. */
export type ResolvedLayer = {
  layer: string
  parameters: number
  optimizer: ResolvedOptimizer
  /** null: trains throughout. `until` null: never trains again. */
  freeze: { from: number; until: number | null } | null
}

export type ResolvedSchedule =
  | { name: 'constant' }
  | { name: 'step'; boundaries: number[]; factor: number }
  | { name: 'cosine'; iterations: number; final: number }
  | { name: 'warmup'; iterations: number }

export type ResolvedOptimizer = { learningRate: number; schedule: ResolvedSchedule } & (
  | { name: 'sgd'; momentum: number; nesterov: boolean }
  | { name: 'rmsprop'; decay: number; momentum: number; epsilon: number }
  | { name: 'adam'; beta1: number; beta2: number; epsilon: number }
  | { name: 'adamw'; beta1: number; beta2: number; epsilon: number; weightDecay: number }
)

export type ResolvedArchitecture = { name: 'fc'; hidden: number[] }

/** A spec with every default filled in and `layers` as the user wrote it. A function of the spec alone: resolving it again changes nothing. */
export type ResolvedSpec = {
  name?: string
  tags: Record<string, string>
  dataset: { name: string; trainExamples: number; validationExamples: number; seed: number }
  architecture: ResolvedArchitecture
  optimizer: ResolvedOptimizer
  layers: Record<string, LayerRule>
  training: { iterations: number; batchSize: number; seed: number; l2: number }
  allocation: {
    method: MethodName
    maxError: number
    maxSplits: number
    splits: SplitName[]
    chunkSize: number
    segmentIterations: number
  }
  keep: (typeof keepNames)[number][]
}
