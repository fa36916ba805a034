/**
 * What an experiment is, as TypeBox schemas: the one source of the validation, the TypeScript types and openapi.yaml.
 *
 * `ExperimentSpec` is what a user posts: four fields and anything else they care to change. `ResolvedSpec` is the same
 * with every default filled in; it is what is stored, returned and computed from.
 */

import { ArchitectureSpec } from './architectures.ts'
import { closed, Dictionary, Named, OneOf } from './composites.ts'
import { datasetOptions } from './dataset-options.ts'
import { DiagnosticsSpec } from './diagnostics.ts'
import { InterventionSpec } from './intervention.ts'
import { mostGibibytes } from './limits.ts'
import { OptimizerSpec, optimizerNames, overridable } from './optimizers.ts'
import { worded } from './patterns.ts'
import { PolicySpec } from './policy.ts'
import { fewestChunks } from './sample.ts'
import { type Static, Type } from './type.ts'

export * from './architectures.ts'
export * from './optimizers.ts'
export type * from './resolved.ts'

/** The largest seed: seeds are unsigned 32-bit integers. */
export const maxSeed = 2 ** 32 - 1
const Seed = (description: string) => Type.Integer({ minimum: 0, maximum: maxSeed, default: 0, description })

export const splitNames = ['train', 'validation'] as const
export const SplitName = OneOf(splitNames, { description: 'A split of the dataset.' })
export type SplitName = (typeof splitNames)[number]

// ---------------------------------------------------------------------------------------------- dataset

export const NormalizationSpec = Named(
  {
    none: Type.Object(
      { name: Type.Literal('none') },
      { ...closed, title: 'none', description: 'Values as they are; bytes from 0 to 255.' },
    ),
    unit: Type.Object(
      { name: Type.Literal('unit') },
      { ...closed, title: 'unit', description: 'Bytes divided by 255.' },
    ),
    'per-channel': Type.Object(
      {
        name: Type.Literal('per-channel'),
        mean: Type.Optional(
          Type.Array(Type.Number({ minimum: -1e30, maximum: 1e30 }), {
            ...{ minItems: 1, maxItems: 65_536 },
            description: 'By channel; if absent, of the train split, in float64.',
          }),
        ),
        deviation: Type.Optional(
          Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 1e30 }), {
            ...{ minItems: 1, maxItems: 65_536 },
            description:
              'By channel; if absent, √ of the mean squared distance from the mean over the train split, 1 for a channel that does not vary.',
          }),
        ),
      },
      {
        ...closed,
        title: 'per-channel',
        description:
          '(x − mean)/deviation by channel (the last axis; each feature, where an example is [features]), bytes divided by 255 first. Augmentation comes before it. The experiment’s manifest has the numbers.',
      },
    ),
  },
  {
    description:
      'What is done with the values of examples before the network sees them, in training and in the loss that is allocated. If absent, bytes are divided by 255 (unit), and numbers are as they are (none). Not for tokens.',
  },
)

export const DatasetSpec = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 64,
      description:
        'synthetic-digits, mnist, fashion-mnist, cifar-10, modular-arithmetic, addition, copy-and-induction, parity, spirals, or one of yours (POST /v1/datasets).',
    }),
    sha256: Type.Optional(
      Type.String({
        pattern: worded('^[0-9a-f]{64}$', '64 hexadecimal digits in small letters'),
        description:
          'Which examples an uploaded dataset has, filled in from its name. Given, it must be the digest of the dataset of that name: so a spec means the same data, or is refused.',
      }),
    ),
    trainExamples: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'Examples in the train split.' }),
    ),
    validationExamples: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000_000,
        description:
          'Examples in the validation split; 0 is allowed when only train is allocated. If absent, the dataset’s default or what is left beside trainExamples.',
      }),
    ),
    seed: Type.Optional(
      Seed(
        'Picks the examples (and, where they are generated, draws them). When every example of a file is asked for, their order is the file’s.',
      ),
    ),
    normalization: Type.Optional(NormalizationSpec),
    ...datasetOptions,
  },
  closed,
)
export type DatasetSpec = Static<typeof DatasetSpec>

// -------------------------------------------------------------------------------------------------- loss

export const LossSpec = Named(
  {
    'cross-entropy': Type.Object(
      {
        name: Type.Literal('cross-entropy'),
        labelSmoothing: Type.Optional(
          Type.Number({
            ...{ minimum: 0, exclusiveMaximum: 1, default: 0 },
            description: 's: the target is (1 − s)·onehot(label) + s/classes.',
          }),
        ),
      },
      { ...closed, title: 'cross-entropy', description: '−Σ target·log softmax(outputs)' },
    ),
    'mean-squared-error': Type.Object(
      { name: Type.Literal('mean-squared-error') },
      {
        ...closed,
        title: 'mean-squared-error',
        description:
          'The mean over classes of (output − onehot(label))²; where targets are numbers, over these of (output − target)².',
      },
    ),
  },
  {
    description:
      'What is trained on and allocated, the mean over examples; where an example has several labels, its loss is the mean over them. If absent, cross-entropy; mean-squared-error where targets are numbers.',
  },
)

// --------------------------------------------------------------------------------------- layers, training

export const FreezeSpec = Type.Object(
  {
    from: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'First frozen iteration.' })),
    until: Type.Optional(
      Type.Integer({ minimum: 1, description: 'First iteration that trains again; never if absent.' }),
    ),
  },
  {
    ...closed,
    description:
      'No update of the layer in [from, until): its weights keep their bits and its optimizer state waits.',
  },
)

const L2 = { minimum: 0, maximum: 1e3 }

export const LayerRule = Type.Object(
  {
    freeze: Type.Optional(Type.Union([Type.Boolean(), FreezeSpec])),
    l2: Type.Optional(
      Type.Number({ ...L2, description: 'Replaces training.l2 for the kernels of this layer.' }),
    ),
    optimizer: Type.Optional(
      Type.Object(
        {
          name: Type.Optional(
            OneOf(optimizerNames, {
              description:
                'Another optimizer for this layer, with its defaults but for the learning rate and the schedule, which stay; so, too, where a rule goes back to the experiment’s own.',
            }),
          ),
          ...overridable,
        },
        {
          ...closed,
          description: 'Replaces hyperparameters for this layer: those that its optimizer has.',
        },
      ),
    ),
  },
  closed,
)
export type LayerRule = Static<typeof LayerRule>

export const LayersSpec = Dictionary(200, LayerRule, {
  default: {},
  maxProperties: 1000,
  description:
    'Ablations: a layer’s name, or a glob (* and ?) over layer names, to what is different there. Where several match, later ones win field by field.',
})

export const TrainingSpec = Type.Object(
  {
    iterations: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000_000,
        description: 'Optimizer steps. Required, but with a trajectory: all of its steps if absent.',
      }),
    ),
    trajectory: Type.Optional(
      Type.String({
        pattern: worded(
          '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
          'the id of a trajectory, a UUID in small letters',
        ),
        description:
          'The id of a training that happened elsewhere (POST /v1/trajectories): its weights are allocated, nothing is trained. Architecture, optimizer and iterations are the trajectory’s where the spec has none; an iteration is one of its recorded steps.',
      }),
    ),
    batchSize: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        default: 250,
        description: `Examples a step; at most trainExamples, which it also is by default where that is below 250. Batches walk through a fresh shuffle every epoch; the remainder of an epoch is dropped. A batch may hold ${mostGibibytes} GiB of activations and their gradients.`,
      }),
    ),
    seed: Type.Optional(Seed('Seeds the initial weights, the shuffles and the dropout masks.')),
    l2: Type.Optional(
      Type.Number({
        ...L2,
        default: 0,
        description:
          'Adds l2·Σw² over kernels to the loss that is trained on (never to the loss that is allocated).',
      }),
    ),
    clipNorm: Type.Optional(
      Type.Number({
        ...{ exclusiveMinimum: 0, maximum: 1e6 },
        description:
          'Multiplies the gradient that is trained on by min(1, clipNorm/‖g‖), ‖g‖ over all layers that are not frozen, l2 included. If absent, it is not clipped.',
      }),
    ),
    augmentation: Type.Optional(
      Type.Object(
        {
          flip: Type.Optional(
            Type.Boolean({ default: false, description: 'Left to right, every second image or so.' }),
          ),
          crop: Type.Optional(
            Type.Integer({
              ...{ minimum: 0, maximum: 64, default: 0 },
              description: 'Zeros around the image, out of which one of its size is cut anywhere.',
            }),
          ),
        },
        {
          ...closed,
          description:
            'Of images, in training only: drawn from the seed, never in the loss that is allocated.',
        },
      ),
    ),
    average: Type.Optional(
      Type.Object(
        {
          decay: Type.Number({
            ...{ exclusiveMinimum: 0, exclusiveMaximum: 1 },
            description: 'β: the average keeps so much of itself with each iteration.',
          }),
          from: Type.Optional(
            Type.Integer({
              ...{ minimum: 0, maximum: 10_000_000, default: 0 },
              description: 'Until this iteration the average is the weights themselves.',
            }),
          ),
        },
        {
          ...closed,
          description:
            'The weights that are stored and allocated are the exponential average of those that are trained, w ← w + (1 − β)·(θ − w) after each iteration, w₀ = θ₀. Training is the same without. If absent, those that are trained.',
        },
      ),
    ),
    initial: Type.Optional(
      Type.Object(
        {
          experiment: Type.String({
            pattern: worded(
              '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
              'the id of an experiment, a UUID in small letters',
            ),
            description:
              'The id of an experiment of the same network that has succeeded and kept its weights.',
          }),
          iteration: Type.Integer({
            ...{ minimum: 0, maximum: 10_000_000 },
            description:
              'Which of its weights: 0 is what it started from, its iterations what it ended with.',
          }),
          state: Type.Optional(
            Type.Boolean({
              description:
                'Go on with its training, as if it had not ended there: with its optimizers’ state (where a layer’s optimizer is still of the same kind), and with learning-rate schedules, freezes, shuffles and dropout masks at the iteration that would have come next. What nothing is changed of has the bits of the training that went on. Its training is repeated up to there, on the same kind of device.',
            }),
          ),
        },
        {
          ...closed,
          description:
            'Start from the weights of an earlier experiment instead of drawing them. Shuffles and dropout masks are still the seed’s, and optimizers start afresh, but with state.',
        },
      ),
    ),
    intervention: Type.Optional(InterventionSpec),
    policy: Type.Optional(PolicySpec),
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
      OneOf(methodNames, {
        default: 'simpson',
        description:
          'Quadrature along the step; exact for a loss of degree 1, 2, 4, 6. Simpson is what the paper calls RK4.',
      }),
    ),
    maxError: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1e6,
        default: 0.001,
        description: 'Split the step further while |residual| is above this on any split.',
      }),
    ),
    maxSplits: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1024,
        default: 32,
        description: 'Most parts a step is split into; a power of two.',
      }),
    ),
    splits: Type.Optional(
      Type.Array(SplitName, {
        minItems: 1,
        maxItems: 2,
        uniqueItems: true,
        description: 'Which losses are allocated; both, or train alone if validationExamples is 0.',
      }),
    ),
    examples: Type.Optional(
      Type.Integer({
        minimum: fewestChunks,
        maximum: 10_000_000,
        description: `Allocates the loss over so many examples of each split, drawn once by the seeds, instead of over the split: as many times fewer operations, and every layer’s LCA comes with the standard error that it has as an estimate for the whole split. At most the larger allocated split; a smaller one that has no more is allocated whole. With batch norm whole chunks are drawn, so it is a multiple of chunkSize. If absent, every split is allocated whole.`,
      }),
    ),
    chunkSize: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 10_000_000 })], {
        default: 'auto',
        description: `Examples a gradient pass takes at once, at most the larger allocated split (a smaller one is then one chunk), and no more than hold ${mostGibibytes} GiB of activations and their gradients. auto picks what is fast; with batch norm, where the chunk is part of what the loss is, about 250. A sample (examples) is at least ${fewestChunks} chunks. The resolved spec says what it picked.`,
      }),
    ),
    segmentIterations: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        default: 50,
        description: 'Iterations an object in storage and a job hold.',
      }),
    ),
    diagnostics: Type.Optional(DiagnosticsSpec),
  },
  { ...closed, default: {} },
)
export type AllocationSpec = Static<typeof AllocationSpec>

export const keepNames = ['weights', 'allocations'] as const

/** The statuses that a webhook can be sent for. */
export const notifiedStatuses = ['training', 'allocating', 'succeeded', 'failed', 'cancelled'] as const

export const NotifySpec = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: 2000,
      pattern: worded('^[\\x21-\\x7e]+$', 'a URL of at most 2000 characters of ASCII, none of them a space'),
      description: 'http or https, without a user name or password; at a public address.',
      examples: ['https://example.com/hooks/ledger'],
    }),
    events: Type.Optional(
      Type.Array(OneOf(notifiedStatuses), {
        ...{ minItems: 1, uniqueItems: true, maxItems: 5, default: ['succeeded', 'failed', 'cancelled'] },
        description: 'The statuses to tell of.',
      }),
    ),
  },
  closed,
)

export const ExperimentSpec = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    tags: Type.Optional(
      Dictionary(100, Type.String({ maxLength: 200 }), {
        default: {},
        maxProperties: 50,
        description: 'Your own labels, keys without colons; GET /v1/experiments?tag=key:value finds them.',
      }),
    ),
    dataset: DatasetSpec,
    architecture: Type.Optional(ArchitectureSpec),
    loss: Type.Optional(LossSpec),
    optimizer: Type.Optional(OptimizerSpec),
    layers: Type.Optional(LayersSpec),
    training: TrainingSpec,
    allocation: Type.Optional(AllocationSpec),
    keep: Type.Optional(
      Type.Array(OneOf(keepNames), {
        uniqueItems: true,
        maxItems: 2,
        default: [...keepNames],
        description:
          'Raw tensors to keep in object storage: both by default; [] keeps the aggregates (those per neuron included) and the manifest only.',
      }),
    ),
    notify: Type.Optional(
      Type.Array(NotifySpec, {
        maxItems: 5,
        description:
          'Webhooks: POSTs of { type: "experiment.<status>", timestamp, data } when the status changes, signed with the secret of GET /v1/webhooks/secret.',
      }),
    ),
  },
  { ...closed, $id: 'ExperimentSpec' },
)
export type ExperimentSpec = Static<typeof ExperimentSpec>

/** What a spec must have unless a trajectory has it (spec/trajectory.ts fills it in before the form is looked at). */
export const CompleteSpec = {
  ...ExperimentSpec,
  required: ['dataset', 'architecture', 'optimizer', 'training'],
  properties: {
    ...ExperimentSpec.properties,
    training: { ...TrainingSpec, required: ['iterations'] },
  },
}
