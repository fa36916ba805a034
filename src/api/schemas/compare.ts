/** Experiments beside each other. The columns of its tables, in every format, are the properties of their row schemas. */

import { worded } from '../../spec/patterns.ts'
import { SplitName } from '../../spec/schema.ts'
import { type Static, Type } from '../../spec/type.ts'
import { closed, component, exampleId, FiniteOrNull, IntegerOrNull, ref, StringOrNull } from './common.ts'
import { ExperimentStatus, Parent } from './experiments.ts'
import { format, helpFractions, queryParts } from './tables.ts'

/** How many may be compared at once. */
export const fewestCompared = 2
export const mostCompared = 20

const uuid = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'
export const comparedTables = ['layers', 'losses', 'specs'] as const
export type ComparedTable = (typeof comparedTables)[number]

export const CompareQuery = Type.Object(
  {
    experiments: Type.String({
      pattern: worded(
        `^${uuid}(,${uuid}){${fewestCompared - 1},${mostCompared - 1}}$`,
        `${fewestCompared} to ${mostCompared} ids of experiments with commas between them`,
      ),
      maxLength: 37 * mostCompared,
      description: `${fewestCompared} to ${mostCompared} ids with commas between them. The others are compared with the first.`,
      examples: [`${exampleId},${exampleId.replace(/.$/, 'e')}`],
    }),
    table: Type.Optional(
      Type.Enum([...comparedTables], {
        description: 'One of the tables alone, in any format; without it all there is, as JSON.',
      }),
    ),
    split: Type.Optional(
      Type.Unsafe<SplitName>({
        ...SplitName,
        description: 'This loss only; every one that is allocated if absent.',
      }),
    ),
    from: queryParts.span.from,
    to: queryParts.span.to,
    bucket: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_147_483_647,
        description:
          'Mean of the losses over spans of so many iterations, which start at its multiples; as many as make at most 500 spans if absent.',
      }),
    ),
    ...format,
  },
  closed,
)

const experiment = { experiment: Type.String({ description: 'Its id.', examples: [exampleId] }) }

export const ComparedLayerRow = component(
  'ComparedLayerRow',
  Type.Object(
    {
      split: SplitName,
      layer: StringOrNull('The layer’s name; null for the whole network.'),
      ...experiment,
      iterations: Type.Integer({
        description: 'Of them are the sums: those of the common span that are allocated.',
      }),
      parameters: Type.Integer({ description: 'Trainable parameters.' }),
      lca: FiniteOrNull('Sum of the allocations: negative helped, positive hurt.'),
      standardError: FiniteOrNull(
        'Of lca, as an estimate for the whole split, where a sample of it is allocated and the common span is made of whole segments; else null.',
      ),
      helping: FiniteOrNull('Sum of the negative allocations.'),
      hurting: FiniteOrNull('Sum of the positive allocations.'),
      ...helpFractions,
      lcaDifference: FiniteOrNull(
        'lca − that of the first experiment; null for the first, where it has no such layer, and where the two are not sums of equally many iterations.',
      ),
      helpFractionDifference: FiniteOrNull('The same of helpFractionOfMoved.'),
    },
    {
      description: 'What a layer of one of the experiments did over the iterations that all have in common.',
    },
  ),
)
export type ComparedLayerRow = Static<typeof ComparedLayerRow>

export const ComparedLossRow = component(
  'ComparedLossRow',
  Type.Object(
    {
      split: SplitName,
      iteration: Type.Integer({ description: 'On the common axis, the first of the span.' }),
      ...experiment,
      iterations: Type.Integer({ description: 'Of them is the mean.' }),
      loss: FiniteOrNull('The mean over the span of the losses before each iteration.'),
      difference: FiniteOrNull(
        'loss − that of the first experiment; null for the first, and where it has not the same iterations of the span.',
      ),
    },
    { description: 'The loss of one of the experiments over a span of iterations.' },
  ),
)
export type ComparedLossRow = Static<typeof ComparedLossRow>

export const ComparedSpecRow = component(
  'ComparedSpecRow',
  Type.Object(
    {
      path: Type.String({
        description: 'Of a field of the resolved spec, but name.',
        examples: ['optimizer.learningRate'],
      }),
      ...experiment,
      value: StringOrNull('Its value there as JSON; null where the spec has no such field.'),
    },
    { description: 'What a field in which the specs differ is in one of them.' },
  ),
)
export type ComparedSpecRow = Static<typeof ComparedSpecRow>

export const ComparedExperiment = component(
  'ComparedExperiment',
  Type.Object({
    id: Type.String({ examples: [exampleId] }),
    name: StringOrNull('Yours.'),
    status: ref(ExperimentStatus),
    iterations: Type.Integer({ description: 'Optimizer steps of its own.' }),
    parent: Parent,
    offset: Type.Integer({ description: 'Where its first iteration lies on the common axis.' }),
  }),
)
export type ComparedExperiment = Static<typeof ComparedExperiment>

export const ComparedWeights = component(
  'ComparedWeights',
  Type.Object(
    {
      ...experiment,
      firstDifference: IntegerOrNull(
        'The first iteration on the common axis at which its weights and those of the first experiment are not the same bits; null where there is none, or it is not known.',
      ),
      sameUntil: IntegerOrNull(
        'The last iteration up to which they are known to be the same bits; null where there is none.',
      ),
      differsBy: IntegerOrNull('An iteration before or at which they are known to differ.'),
      unknown: StringOrNull(
        'Why it is not known where they differ, as of weights that are not stored; null where it is, and where they are the same as far as they go in common.',
      ),
    },
    { description: 'Where the weights of one of the experiments leave those of the first.' },
  ),
)
export type ComparedWeights = Static<typeof ComparedWeights>

export const comparisonWarnings = [
  ...(['unfinished', 'dataset', 'loss', 'splits', 'examples', 'method', 'chunkSize', 'engine'] as const),
  ...(['unbalanced', 'residual', 'axis'] as const),
] as const
export const ComparisonWarning = component(
  'ComparisonWarning',
  Type.Object(
    {
      about: Type.Enum([...comparisonWarnings]),
      message: Type.String({
        description: 'Why numbers are not to be set against each other without more ado.',
      }),
      experiments: Type.Array(Type.String(), { description: 'Which of them it is of.' }),
    },
    { description: 'Something by which the numbers of the experiments are not comparable.' },
  ),
)
export type ComparisonWarning = Static<typeof ComparisonWarning>

const head = {
  experiments: Type.Array(ref(ComparedExperiment), { description: 'In the order in which they were named.' }),
  fork: Type.Unsafe<{ experiment: string; iteration: number } | null>({
    type: ['object', 'null'],
    properties: { experiment: { type: 'string' }, iteration: { type: 'integer' } },
    required: ['experiment', 'iteration'],
    description:
      'The nearest experiment that all of them go back to, or are, and the iteration of it at which the first of them leaves it. Iterations of the comparison are its iterations. Null where there is none: then each counts from its own first.',
  }),
  span: Type.Unsafe<{ from: number; to: number } | null>({
    type: ['object', 'null'],
    properties: { from: { type: 'integer' }, to: { type: 'integer' } },
    required: ['from', 'to'],
    description:
      'The iterations [from, to) of the common axis that all of them have and that were asked for: layers are summed over them. Null where there are none.',
  }),
  warnings: Type.Array(ref(ComparisonWarning)),
}
const weights = {
  weights: Type.Array(ref(ComparedWeights), { description: 'Of every experiment but the first.' }),
}
const bucket = {
  bucket: Type.Integer({ description: 'Iterations that a row of the losses is the mean of.' }),
}
const specsLeftOut = {
  specsLeftOut: Type.Integer({
    description: 'Fields in which the specs differ beyond the first 1000, which are left out.',
  }),
}

export const Comparison = component(
  'Comparison',
  Type.Object(
    {
      ...head,
      ...weights,
      ...bucket,
      ...specsLeftOut,
      specs: Type.Array(
        Type.Object({
          path: Type.String({ examples: ['optimizer.learningRate'] }),
          values: Type.Array(Type.Unsafe<unknown>({}), {
            description: 'Of each experiment, in their order; null where the spec has no such field.',
          }),
        }),
        { description: 'The fields in which the resolved specs differ, but name.' },
      ),
      layers: Type.Array(ref(ComparedLayerRow), {
        description:
          'By split, then in the order of the network and at last the whole of it, then by experiment.',
      }),
      losses: Type.Array(ref(ComparedLossRow), { description: 'By split, iteration and experiment.' }),
    },
    { description: 'Experiments beside each other.' },
  ),
)
export type Comparison = Static<typeof Comparison>

export const ComparisonTable = component(
  'ComparisonTable',
  Type.Object(
    {
      ...head,
      table: Type.Enum([...comparedTables]),
      items: Type.Array(
        Type.Unsafe<ComparedLayerRow | ComparedLossRow | ComparedSpecRow>({
          anyOf: [ref(ComparedLayerRow), ref(ComparedLossRow), ref(ComparedSpecRow)],
        }),
      ),
    },
    { description: 'One of the tables of a comparison.' },
  ),
)

/** The answer: it is text by then, and leaves as it is; `x-ref` puts the component into openapi.yaml. */
export const ComparisonAnswer = component(
  'ComparisonAnswer',
  Type.Unsafe<Comparison | Static<typeof ComparisonTable>>({
    anyOf: [{ $ref: Comparison.$id }, { $ref: ComparisonTable.$id }],
    description: 'A comparison, or one of its tables.',
  }),
)
