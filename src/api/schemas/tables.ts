/** The ledger as tables. The columns of a table, in every format, are the properties of its row schema, in order. */

import { SplitName } from '../../spec/schema.ts'
import { type Static, Type } from '../../spec/type.ts'
import { UnbalancedOrNull } from './balance.ts'
import { closed, component, exampleId, FiniteOrNull, ref, uuidPattern } from './common.ts'

const layer = { layer: Type.String({ description: 'The layer’s name.', examples: ['fc_1'] }) }
const variable = {
  variable: Type.Optional(
    Type.String({ description: 'The variable’s name; only with by=variable.', examples: ['fc_1/kernel'] }),
  ),
}
const parameters = { parameters: Type.Integer({ description: 'Trainable parameters.' }) }
const lcaError = (when: string) => ({
  standardError: FiniteOrNull(
    `Of lca, as an estimate for the whole split, where a sample of it is allocated (examples below of)${when}; else null. An interval is lca ∓ t · standardError, t of Student’s distribution with a degree of freedom less than the sample has chunks, 20 or more: 2.1 for 95 %.`,
  ),
})
const flows = {
  lca: FiniteOrNull('Sum of the allocations: negative helped, positive hurt.'),
  helping: FiniteOrNull('Sum of the negative allocations.'),
  hurting: FiniteOrNull('Sum of the positive allocations.'),
}
export const helpFractions = {
  helpFractionOfMoved: FiniteOrNull(
    'Of the allocations that are not zero, over the parameters and iterations of the row, the share that helped (is negative): helped / (helped + hurt). Null where all are zero. What is frozen, or had no gradient, does not count.',
  ),
  helpFractionOfAll: FiniteOrNull(
    'Of all allocations the share that helped: helped / (parameters × iterations). Lower where parameters did not move.',
  ),
}

// ------------------------------------------------------------------------------------------------- layers

const layerSums = {
  ...parameters,
  lca: flows.lca,
  ...lcaError(''),
  helping: flows.helping,
  hurting: flows.hurting,
  rms: FiniteOrNull('Root mean square of the allocation of one parameter in one iteration.'),
  ...helpFractions,
  share: FiniteOrNull(
    'lca over the whole network’s: below 0 where it went against that, above 1 where others took back more than is left. Null where that is 0.',
  ),
}
export const LayerRow = component(
  'LayerRow',
  Type.Object(
    { ...layer, ...variable, ...layerSums },
    { description: 'What one layer or variable did over all iterations.' },
  ),
)
export const LayerTotal = component(
  'LayerTotal',
  Type.Object(layerSums, { description: 'What the whole network did.' }),
)

// --------------------------------------------------------------------------------------------- iterations

export const IterationRow = component(
  'IterationRow',
  Type.Object(
    {
      iteration: Type.Integer({ description: 'The iteration, from 0.' }),
      loss: FiniteOrNull('The loss over the split, or its sample, before the step.'),
      lossAfter: FiniteOrNull('The loss over the split, or its sample, after the step.'),
      lca: FiniteOrNull('Sum of all allocations; lossAfter − loss up to the residual.'),
      residual: FiniteOrNull('(lossAfter − loss) − lca: how far the books are from balancing.'),
      splits: Type.Integer({ description: 'Parts the step was split into to get there.' }),
      ...helpFractions,
    },
    { description: 'One iteration on one split.' },
  ),
)

export const SeveralIterationRow = component(
  'SeveralIterationRow',
  Type.Object(
    {
      experiment: Type.String({ description: 'Whose iteration it is.', examples: [exampleId] }),
      ...IterationRow.properties,
    },
    { description: 'One iteration of one of several experiments, on one split.' },
  ),
)

// -------------------------------------------------------------------------------------------- allocations

export const AllocationRow = component(
  'AllocationRow',
  Type.Object(
    {
      iteration: Type.Integer({
        description: 'The iteration; with bucket=n the first of the span, a multiple of n.',
      }),
      iterations: Type.Integer({ description: 'How many iterations are summed here: 1 without bucket.' }),
      ...layer,
      ...variable,
      ...parameters,
      lca: flows.lca,
      ...lcaError(', of single iterations (bucket=1) by layer: errors of iterations do not add up'),
      helping: flows.helping,
      hurting: flows.hurting,
      squared: FiniteOrNull('Sum of the squared allocations; rms = √(squared / (parameters · iterations)).'),
      moved: FiniteOrNull('Squared norm of the update.'),
      helped: FiniteOrNull('How many allocations were negative.'),
      hurt: FiniteOrNull('How many allocations were positive.'),
      ...helpFractions,
    },
    {
      description:
        'What one layer or variable did in one iteration or span of iterations. All but standardError and the two fractions are sums.',
    },
  ),
)

// ------------------------------------------------------------------------------------------------ neurons

export const NeuronRow = component(
  'NeuronRow',
  Type.Object(
    {
      ...layer,
      unit: Type.Integer({
        description:
          'The output unit, channel or head, from 0 in every layer. Of attention with a bias the last is the bias of its output, which all heads share.',
      }),
      ...parameters,
      ...flows,
    },
    {
      description:
        'What the parameters of one output unit, channel or head did over all allocated iterations.',
    },
  ),
)

// ---------------------------------------------------------------------------------------------- documents

export const head = {
  experimentId: Type.String({ examples: [exampleId] }),
  split: SplitName,
  complete: Type.Boolean({
    description: 'Whether every iteration is allocated. While false, these are the iterations that are.',
  }),
  examples: Type.Integer({
    description:
      'Losses, residuals and allocations are over so many examples of the split: all, or with allocation.examples a sample of them.',
  }),
  of: Type.Integer({ description: 'Examples of the split.' }),
  unbalanced: UnbalancedOrNull,
}
const by = { by: Type.Enum(['layer', 'variable']) }

export const LayersTable = component(
  'LayersTable',
  Type.Object({
    ...head,
    ...by,
    iterations: Type.Integer({ description: 'Iterations that are summed.' }),
    total: ref(LayerTotal),
    items: Type.Array(ref(LayerRow), { description: 'In the order of the network.' }),
  }),
)
export type LayersTable = Static<typeof LayersTable>

export const IterationsTable = component(
  'IterationsTable',
  Type.Object({ ...head, items: Type.Array(ref(IterationRow), { description: 'Ascending.' }) }),
)

/** How many may be read at once. */
export const mostTogether = 50
const { split: _, ...headOfOne } = head
export const SeveralIterationsTable = component(
  'SeveralIterationsTable',
  Type.Object({
    split: SplitName,
    experiments: Type.Array(Type.Object(headOfOne), {
      description: 'Those that allocate this split, in the order in which they were named.',
    }),
    without: Type.Array(Type.String({ examples: [exampleId] }), {
      description: 'Those that do not allocate it, of which there are no rows.',
    }),
    items: Type.Array(ref(SeveralIterationRow), {
      description: 'Experiment by experiment, each ascending.',
    }),
  }),
)

export const AllocationsTable = component(
  'AllocationsTable',
  Type.Object({
    ...head,
    ...by,
    bucket: Type.Integer({ description: 'Iterations a row sums: as asked for, or as spans=n came to.' }),
    items: Type.Array(ref(AllocationRow), { description: 'By iteration, then in the order of the network.' }),
  }),
)

export const NeuronsTable = component(
  'NeuronsTable',
  Type.Object({
    ...head,
    items: Type.Array(ref(NeuronRow), { description: 'In the order of the network, then by unit.' }),
  }),
)

/** The formats of a table, and their media types. */
export const tableFormats = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  arrow: 'application/vnd.apache.arrow.stream',
} as const
export type TableFormat = keyof typeof tableFormats

/** Says in every format what `unbalanced` says in JSON; absent where that is null. */
export const unbalancedHeader = 'ledger-unbalanced'

/** A table as an answer, in each of its formats. */
export const tableResponse = (description: string, document: { $id: string }, csvExample: string) => ({
  description,
  headers: {
    [unbalancedHeader]: {
      type: 'string',
      description:
        'In every format, where books do not balance: the message of `unbalanced`, for numbers that are not to be believed; of a sweep, which experiments are left out.',
    },
  },
  content: {
    [tableFormats.json]: { schema: Type.Unsafe<unknown>({ $ref: document.$id }) },
    [tableFormats.csv]: {
      schema: Type.Unsafe<unknown>({
        type: 'string',
        description:
          'The items, under a line with the names of the columns. Empty where JSON has null. Names are as they were given, also where they begin with = + - @, which spreadsheets take for formulas: safe=true is for those.',
        examples: [csvExample],
      }),
    },
    [tableFormats.ndjson]: {
      schema: Type.Unsafe<unknown>({ type: 'string', description: 'The items, one JSON object a line.' }),
    },
    [tableFormats.arrow]: {
      schema: Type.Unsafe<unknown>({
        type: 'string',
        contentMediaType: tableFormats.arrow,
        description:
          'The items as an Arrow IPC stream: pyarrow.ipc.open_stream reads it. Whole numbers are int32, names dictionaries of utf8, the rest float64.',
      }),
    },
  },
})

/** A condition on a table of what has finished. */
export const TableHeaders = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({
      maxLength: 4000,
      description: 'ETags you have. 304 if the table is complete, and one of them is its.',
    }),
  ),
})

// ------------------------------------------------------------------------------------------------ queries

export const format = {
  format: Type.Optional(
    Type.Enum(Object.keys(tableFormats) as TableFormat[], {
      description: 'The format, where Accept cannot be set, as in pandas.read_csv(url); it wins over Accept.',
    }),
  ),
  column: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
      maxItems: 50,
      description:
        'Only this column, in CSV, NDJSON and Arrow; may be repeated. What few columns need is read and sent sooner. All if absent.',
    }),
  ),
  safe: Type.Optional(
    Type.Boolean({
      description:
        'For a CSV that a spreadsheet is to open: texts that it could take for a formula (they begin with = + - @, a tab or a line end) get an apostrophe before them. Numbers stay as they are.',
    }),
  ),
}

const split = {
  split: Type.Optional(
    Type.Unsafe<SplitName>({
      ...SplitName,
      description: 'Which loss; the first that the experiment allocates if absent.',
    }),
  ),
}
const grouping = {
  by: Type.Unsafe<'layer' | 'variable'>({
    enum: ['layer', 'variable'],
    default: 'layer',
    description: 'A row per layer, or per variable.',
  }),
}
const most = 2_147_483_647
const span = {
  from: Type.Integer({ minimum: 0, maximum: most, default: 0, description: 'The first iteration.' }),
  to: Type.Optional(
    Type.Integer({ minimum: 1, maximum: most, description: 'The iteration to stop before.' }),
  ),
}

const layers = {
  layer: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      maxItems: 100,
      description: 'Only this layer; may be repeated.',
    }),
  ),
}

const bucket = {
  bucket: Type.Integer({
    minimum: 1,
    maximum: most,
    default: 1,
    description: 'Sum over spans of this many iterations, which start at its multiples.',
  }),
}
/** What queries of tables are made of. */
export const queryParts = { split, span, layers, bucket }

export const LayersQuery = Type.Object({ ...split, ...grouping, ...format }, closed)
export const IterationsQuery = Type.Object(
  {
    ...split,
    ...format,
    ...span,
    points: Type.Optional(
      Type.Integer({
        minimum: 4,
        maximum: 10_000,
        description:
          'At most this many rows, for plotting: the first, the last, and from each of (points − 2)/2 parts of what lies between the rows with the lowest and the highest loss. Parts are equally long, or to an eighth where they are long: then they begin at multiples of a hundred or more. Rows are dropped, never averaged.',
      }),
    ),
  },
  closed,
)
export const SeveralIterationsQuery = Type.Object(
  {
    id: Type.Array(Type.String({ pattern: uuidPattern }), {
      minItems: 1,
      maxItems: mostTogether,
      description: 'An experiment; to be repeated.',
      examples: [[exampleId]],
    }),
    ...IterationsQuery.properties,
    split: Type.Optional(
      Type.Unsafe<SplitName>({
        ...SplitName,
        description: 'Which loss; the first that the first experiment allocates if absent.',
      }),
    ),
  },
  closed,
)
export const NeuronsQuery = Type.Object({ ...split, ...layers, ...format }, closed)
export const AllocationsQuery = Type.Object(
  {
    ...split,
    ...grouping,
    ...layers,
    ...format,
    ...span,
    ...bucket,
    spans: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description:
          'Instead of bucket, for plotting: sum over spans of 1 to 9 times a power of ten iterations, the shortest of which there are no more than this many. Of a run that has ended, spans of 10 and more are read sooner than others: sums over them are stored.',
      }),
    ),
  },
  closed,
)
