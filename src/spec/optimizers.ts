/** The optimizers and learning-rate schedules of a spec. nn/optimizers.ts says what they compute. */

import { closed, Named } from './composites.ts'
import { type Static, type TSchemaOptions, Type } from './type.ts'

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
        Type.Integer({
          minimum: 1,
          description: 'Length of the half period; the training’s iterations if absent.',
        }),
      ),
      final: Type.Optional(
        Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Fraction of the rate at the end.' }),
      ),
    },
    {
      ...closed,
      title: 'cosine',
      description: 'rate · (final + (1 − final)·(1 + cos(π·t/iterations))/2), then rate · final',
    },
  ),
  warmup: Type.Object(
    {
      name: Type.Literal('warmup'),
      iterations: Type.Integer({ minimum: 1, description: 'Iterations of linear rise.' }),
    },
    { ...closed, title: 'warmup', description: 'rate · min(1, (t + 1)/iterations)' },
  ),
  'warmup-cosine': Type.Object(
    {
      name: Type.Literal('warmup-cosine'),
      warmup: Type.Integer({ minimum: 1, description: 'Iterations of linear rise; fewer than iterations.' }),
      iterations: Type.Optional(
        Type.Integer({
          minimum: 2,
          description:
            'Where the half period ends that begins after the rise; the training’s iterations if absent.',
        }),
      ),
      final: Type.Optional(
        Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Fraction of the rate at the end.' }),
      ),
    },
    {
      ...closed,
      title: 'warmup-cosine',
      description:
        'rate · (t + 1)/warmup while t < warmup, then rate · (final + (1 − final)·(1 + cos(π·(t − warmup)/(iterations − warmup)))/2), then rate · final',
    },
  ),
} as const
export const ScheduleSpec = Named(scheduleSchemas, { default: { name: 'constant' } })
export type ScheduleSpec = Static<typeof ScheduleSpec>

type Bounds = { minimum?: number; exclusiveMinimum?: number; maximum?: number; exclusiveMaximum?: number }
const learningRate: Bounds & TSchemaOptions = { minimum: 0, maximum: 1e6, description: 'Step size.' }
const fraction: Bounds = { minimum: 0, exclusiveMaximum: 1 }
const epsilon: Bounds = { exclusiveMinimum: 0, maximum: 1 }
const Hyperparameter = (bounds: Bounds & TSchemaOptions, fallback: number, description?: string) =>
  Type.Optional(Type.Number({ ...bounds, ...(description && { description }), default: fallback }))

const rate = (fallback: number) => ({
  learningRate: Hyperparameter(learningRate, fallback),
  schedule: Type.Optional(ScheduleSpec),
})
const moments = {
  beta1: Hyperparameter(fraction, 0.9, 'Decay of the first moment.'),
  beta2: Hyperparameter(fraction, 0.999, 'Decay of the second moment.'),
  epsilon: Hyperparameter(epsilon, 1e-8, 'Added to the root in the denominator.'),
}

const decay = (fallback: number) =>
  Hyperparameter({ minimum: 0, maximum: 1 }, fallback, 'Decoupled: θ ← θ − rate·weightDecay·θ, on kernels.')

/** What `layers` may override: every hyperparameter of every optimizer, without defaults. */
export const overridable = {
  learningRate: Type.Optional(Type.Number(learningRate)),
  momentum: Type.Optional(Type.Number(fraction)),
  nesterov: Type.Optional(Type.Boolean()),
  decay: Type.Optional(Type.Number(fraction)),
  beta1: Type.Optional(Type.Number(fraction)),
  beta2: Type.Optional(Type.Number(fraction)),
  epsilon: Type.Optional(Type.Number(epsilon)),
  weightDecay: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
}

/** Every optimizer, by name. `layers` may override everything but the schedule. */
export const optimizerSchemas = {
  sgd: Type.Object(
    {
      name: Type.Literal('sgd'),
      ...rate(0.05),
      momentum: Hyperparameter(fraction, 0, 'v ← momentum·v + g'),
      nesterov: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Step along g + momentum·v instead of v; needs momentum > 0.',
        }),
      ),
    },
    { ...closed, title: 'sgd' },
  ),
  rmsprop: Type.Object(
    {
      name: Type.Literal('rmsprop'),
      ...rate(0.001),
      decay: Hyperparameter(fraction, 0.9, 'Decay of the mean of squared gradients.'),
      momentum: Hyperparameter(fraction, 0, 'v ← momentum·v + g/(√s + epsilon)'),
      epsilon: Hyperparameter(epsilon, 1e-8, 'Added to the root in the denominator.'),
    },
    { ...closed, title: 'rmsprop' },
  ),
  adam: Type.Object({ name: Type.Literal('adam'), ...rate(0.001), ...moments }, { ...closed, title: 'adam' }),
  adamw: Type.Object(
    {
      name: Type.Literal('adamw'),
      ...rate(0.001),
      ...moments,
      weightDecay: decay(0.01),
    },
    { ...closed, title: 'adamw' },
  ),
  sgdw: Type.Object(
    {
      name: Type.Literal('sgdw'),
      ...rate(0.05),
      momentum: Hyperparameter(fraction, 0.9, 'v ← momentum·v + g'),
      nesterov: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Step along g + momentum·v instead of v; needs momentum > 0.',
        }),
      ),
      weightDecay: decay(1e-4),
    },
    { ...closed, title: 'sgdw', description: 'sgd with decoupled weight decay.' },
  ),
  lion: Type.Object(
    {
      name: Type.Literal('lion'),
      ...rate(1e-4),
      beta1: Hyperparameter(fraction, 0.9, 'Of the momentum in the direction whose sign is the step.'),
      beta2: Hyperparameter(fraction, 0.99, 'Decay of the momentum.'),
      weightDecay: decay(0.01),
    },
    {
      ...closed,
      title: 'lion',
      description: 'θ ← θ − rate·sign(beta1·m + (1 − beta1)·g), then m ← beta2·m + (1 − beta2)·g.',
    },
  ),
} as const
export const OptimizerSpec = Named(optimizerSchemas)
export type OptimizerSpec = Static<typeof OptimizerSpec>
export type OptimizerName = OptimizerSpec['name']
export const optimizerNames = Object.keys(optimizerSchemas) as OptimizerName[]
