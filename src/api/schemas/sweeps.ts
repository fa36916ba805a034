/** Sweeps as the API shows them. The sweep that is posted is src/spec/sweep-schema.ts. */

import { diagnostics } from '../../lca/diagnostics/registry.ts'
import { splitNames } from '../../spec/schema.ts'
import type { SweepSpec } from '../../spec/sweep-schema.ts'
import { type Static, Type } from '../../spec/type.ts'
import {
  closed,
  component,
  exampleId,
  FiniteOrNull,
  IntegerOrNull,
  pageQuery,
  ref,
  StringOrNull,
  Timestamp,
  uuidPattern,
} from './common.ts'
import { ExperimentStatus, exampleSpec } from './experiments.ts'
import { format } from './tables.ts'

export const SweepParams = Type.Object({
  id: Type.String({
    pattern: uuidPattern,
    description: 'The sweep’s id, a UUID (version 7, so ids sort by age).',
    examples: [exampleId],
  }),
})
export const SweepsQuery = Type.Object({ ...pageQuery }, closed)

const { name: _name, layers: _layers, ...base } = exampleSpec
export const exampleSweep = {
  name: 'freezing',
  base,
  vary: [
    { name: 'baseline' },
    { name: 'first frozen', layers: { fc_1: { freeze: true } } },
    { name: 'last frozen', layers: { fc_3: { freeze: true } } },
  ],
  seeds: [1, 2, 3],
}

const count = (description: string) => Type.Integer({ description })
const Counts = Type.Object(
  {
    queued: count('Not yet taken up.'),
    training: count('Being trained.'),
    allocating: count('Being allocated.'),
    succeeded: count('Done.'),
    failed: count('Given up.'),
    cancelled: count('Cancelled.'),
  },
  { description: 'How many experiments are where in their lives.' },
)

const listed = {
  id: Type.String({ examples: [exampleId], description: 'A UUID (version 7).' }),
  name: StringOrNull('Yours.'),
  createdAt: Timestamp('When it was posted.'),
  experimentCount: count('Experiments that there are.'),
  finished: Type.Boolean({
    description: 'Whether every experiment has succeeded, failed or been cancelled.',
  }),
  counts: Counts,
  variants: Type.Array(Type.String(), {
    description: 'Labels of the variants: what each changes about the base, or the name it was given.',
    examples: [['baseline', 'first frozen', 'last frozen']],
  }),
  baseline: Type.String({ description: 'The variant that the summary compares the others with.' }),
}

export const SweepListItem = component(
  'SweepListItem',
  Type.Object(listed, { description: 'A sweep without its experiments.' }),
)
export type SweepListItem = Static<typeof SweepListItem>

export const SweepExperiment = component(
  'SweepExperiment',
  Type.Object(
    {
      id: Type.String({ examples: [exampleId] }),
      name: StringOrNull('The sweep’s name, the variant’s label and the seed.'),
      variant: Type.String({ description: 'The label of its variant.' }),
      seed: Type.Integer({ description: 'training.seed: what varies inside a variant.' }),
      status: ref(ExperimentStatus),
    },
    { description: 'An experiment of a sweep; GET /v1/experiments/{id} says more.' },
  ),
)

export const Sweep = component(
  'Sweep',
  Type.Object(
    {
      ...listed,
      request: Type.Unsafe<SweepSpec>({
        type: 'object',
        additionalProperties: true,
        'x-ref': 'SweepSpec',
        description: 'The sweep as it was posted.',
      }),
      experiments: Type.Array(ref(SweepExperiment), { description: 'In the order of the sweep.' }),
    },
    { description: 'A sweep: what was asked for, and where each experiment is.' },
  ),
)
export type Sweep = Static<typeof Sweep>

// ------------------------------------------------------------------------------------------------ summary

const ownMeasures = ['lca', 'helpFractionOfMoved', 'helpFractionOfAll', 'finalLoss', 'finalAccuracy'] as const
/** Numbers of a whole run that diagnostics give, by `name.figure`. */
export type FigureName = `${string}.${string}`
export type Measure = (typeof ownMeasures)[number] | FigureName
const figureNames = diagnostics.flatMap(({ name, figures }) =>
  figures.map((figure): FigureName => `${name}.${figure.name}`),
)
const measures: Measure[] = [...ownMeasures, ...figureNames]
const measure = (description: string) => Type.Unsafe<Measure>({ type: 'string', enum: measures, description })

export const SummaryRow = component(
  'SweepSummaryRow',
  Type.Object(
    {
      variant: Type.String({ description: 'The label of the variant.', examples: ['last frozen'] }),
      split: Type.Enum([...splitNames], { description: 'Which loss.' }),
      layer: StringOrNull('The layer’s name; null: the whole network.'),
      measure: measure(
        'lca: the sum of the allocations over the run. helpFractionOfMoved: of the allocations that are not zero the share that helped (no value where a layer is frozen all along); helpFractionOfAll: of all, parameters × iterations. finalLoss, finalAccuracy: after the last iteration, of the whole network only. Names with a dot are figures of diagnostics, of the whole network only: docs/diagnostics.md has them.',
      ),
      n: Type.Integer({
        description: 'Seeds that the mean is over: those that have succeeded, but for `leftOut`.',
      }),
      mean: FiniteOrNull('Over the seeds.'),
      sd: FiniteOrNull('Sample standard deviation over the seeds; null below two.'),
      low: FiniteOrNull('Lower end of the mean’s 95 % interval (Student).'),
      high: FiniteOrNull('Upper end.'),
      difference: FiniteOrNull(
        'How much it is above the baseline: the mean over the seeds that both have (`pairs`) of the difference seed by seed; where they share none, mean less the baseline’s. null for the baseline itself.',
      ),
      differenceLow: FiniteOrNull(
        'Lower end of the difference’s 95 % interval: Student’s of the differences seed by seed; Welch’s where no seed is shared.',
      ),
      differenceHigh: FiniteOrNull(
        'Upper end; an interval without 0 in it is a difference that seeds do not explain. Each interval is for itself: of twenty that do not differ one leaves 0 out by chance.',
      ),
      pairs: IntegerOrNull(
        'Seeds that are in the difference: those that both have; 0 where they share none. null for the baseline itself.',
      ),
    },
    { description: 'One measure of one layer in one variant, over its seeds.' },
  ),
)
export type SummaryRow = Static<typeof SummaryRow>

const LeftOut = Type.Object({
  experiment: Type.String({ examples: [exampleId] }),
  variant: Type.String(),
  seed: Type.Integer(),
  reason: Type.String({ description: 'What is wrong with it, in words.' }),
})

export const SweepSummary = component(
  'SweepSummary',
  Type.Object({
    sweepId: Type.String({ examples: [exampleId] }),
    complete: Type.Boolean({
      description: 'Whether every experiment has succeeded. While false, these are the ones that have.',
    }),
    baseline: Type.String({ description: 'The variant that the others are compared with.' }),
    confidence: Type.Number({ description: 'Of the intervals.', examples: [0.95] }),
    variants: Type.Array(
      Type.Object({
        label: Type.String(),
        experiments: Type.Integer({ description: 'That there are.' }),
        seeds: Type.Array(Type.Integer(), {
          description: 'Of those that have succeeded and are not left out.',
        }),
      }),
      { description: 'In the order of the sweep.' },
    ),
    leftOut: Type.Array(LeftOut, {
      description:
        'Experiments that have succeeded and are in no mean, n or interval of this summary, because their books do not balance on a split: a ledger of any sign and size would decide the mean.',
    }),
    items: Type.Array(ref(SummaryRow), {
      description: 'By variant, split and measure; the whole network first, then the layers in its order.',
    }),
  }),
)

export type SweepSummary = Static<typeof SweepSummary>

export const SummaryQuery = Type.Object(
  {
    ...format,
    split: Type.Optional(Type.Enum([...splitNames], { description: 'Only this loss.' })),
    measure: Type.Optional(measure('Only this measure.')),
  },
  closed,
)

// ---------------------------------------------------------------------------------------------- predictors

export const PredictorRow = component(
  'SweepPredictorRow',
  Type.Object(
    {
      figure: Type.String({
        description: 'A figure of a diagnostic, as name.figure.',
        examples: ['curvature.alpha'],
      }),
      split: Type.Enum([...splitNames], { description: 'On which split it is taken.' }),
      fraction: Type.Number({
        description: 'Over the first of the iterations: this fraction of them.',
        examples: [0.1],
      }),
      outcome: Type.Enum(['finalLoss', 'finalAccuracy'], {
        description: 'What it is to foretell: of validation, after the last iteration.',
      }),
      n: Type.Integer({ description: 'Runs that have both.' }),
      correlation: FiniteOrNull('Spearman’s rank correlation over them.'),
      low: FiniteOrNull('Lower end of its 95 % interval (Fisher’s z, Bonett and Wright 2000).'),
      high: FiniteOrNull('Upper end; for this correlation alone, however many were tried.'),
      p: FiniteOrNull('Two-sided, of no correlation: by Student’s t, and never below 2/n!.'),
      adjustedP: FiniteOrNull('Corrected for how many rows there are, after Holm (1979).'),
    },
    { description: 'How well an early figure foretells where training ends.' },
  ),
)
export type PredictorRow = Static<typeof PredictorRow>

export const SweepPredictors = component(
  'SweepPredictors',
  Type.Object(
    {
      sweepId: Type.String({ examples: [exampleId] }),
      complete: Type.Boolean({ description: 'Whether every experiment has succeeded.' }),
      confidence: Type.Number({ description: 'Of the intervals.', examples: [0.95] }),
      runs: Type.Integer({ description: 'Experiments that have succeeded and whose books balance.' }),
      leftOut: Type.Array(LeftOut, {
        description: 'Experiments that have succeeded and are in no row, because their books do not balance.',
      }),
      items: Type.Array(ref(PredictorRow), {
        description: 'By figure, split and fraction; of those that vary, in four runs at least.',
      }),
    },
    { description: 'Early figures of diagnostics against where training ends.' },
  ),
)

export const PredictorsQuery = Type.Object({ ...format }, closed)
