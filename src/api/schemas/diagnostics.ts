/** What diagnostics are read as: a schema of rows and a query for each, made from its rule (lca/diagnostics). */

import type { ColumnRule, Diagnostic } from '../../lca/diagnostics/diagnostic.ts'
import { diagnostics } from '../../lca/diagnostics/registry.ts'
import { type TSchema, Type } from '../../spec/type.ts'
import { closed, component, exampleId, FiniteOrNull, IntegerOrNull, ref, StringOrNull } from './common.ts'
import { format, head, queryParts } from './tables.ts'

const cell = {
  int32: Type.Integer,
  float64: ({ description }: { description: string }) => FiniteOrNull(description),
  name: ({ description }: { description: string }) => StringOrNull(description),
}

/** The columns that a row of sums has before its sums. */
const leading: ColumnRule[] = [
  {
    name: 'iteration',
    type: 'int32',
    description: 'The iteration; with bucket=n the first of the span, a multiple of n.',
  },
  {
    name: 'iterations',
    type: 'int32',
    description: 'How many iterations are summed here: 1 without bucket.',
  },
  { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
  { name: 'variable', type: 'name', description: 'The variable’s name; null unless by=variable.' },
]

/** The columns of a diagnostic as it is read, in order. */
export const columnRules = ({ view }: Diagnostic): ColumnRule[] =>
  view.kind === 'sums' ? [...leading, ...view.sums, ...view.derived] : view.columns

const pascal = (name: string) =>
  name.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())

const rowOf = (diagnostic: Diagnostic) =>
  component(
    `${pascal(diagnostic.name)}Row`,
    Type.Object(
      Object.fromEntries(
        columnRules(diagnostic).map(({ name, type, description }): [string, TSchema] => [
          name,
          cell[type]({ description }),
        ]),
      ),
      { description: diagnostic.description },
    ),
  )

/** The schemas of one diagnostic: a row, the document, the query. */
export type DiagnosticSchemas = {
  diagnostic: Diagnostic
  row: ReturnType<typeof rowOf>
  document: TSchema & { $id: string }
  query: TSchema
}

export const diagnosticSchemas: DiagnosticSchemas[] = diagnostics.map(diagnostic => {
  const row = rowOf(diagnostic)
  const { by, layer, span, bucket } = diagnostic.view.query
  const query = Type.Object(
    {
      ...queryParts.split,
      ...format,
      ...(by && {
        by: Type.Unsafe<string>({
          ...{ type: 'string', enum: by, default: by[0] },
          description: 'What a row is of.',
        }),
      }),
      ...(layer && queryParts.layers),
      ...(span && queryParts.span),
      ...(bucket && queryParts.bucket),
    },
    closed,
  )
  const document = component(
    `${pascal(diagnostic.name)}Table`,
    Type.Object({
      ...head,
      recorded: Type.Boolean({
        description:
          'Whether it was recorded (allocation.diagnostics); false: there are no items, and that says nothing of the experiment.',
      }),
      items: Type.Array(ref(row)),
    }),
  )
  return { diagnostic, row, document, query }
})

export const DiagnosticRule = component(
  'Diagnostic',
  Type.Object({
    name: Type.String({ examples: ['curvature'] }),
    description: Type.String({ description: 'What it says, with its formula.' }),
    cost: Type.Enum(['free', 'asked', 'reading', 'training'], {
      description:
        'free: recorded by default. asked: where allocation.diagnostics asks for it. reading: computed when it is read. training: where training did what it is of.',
    }),
    recorded: Type.Boolean({ description: 'Whether this experiment has it.' }),
    every: IntegerOrNull(
      'Recorded at iterations that are multiples of it; null where at all, or not at all.',
    ),
    examples: IntegerOrNull('Of so many examples of a split at most; null where of all.'),
    columns: Type.Array(
      Type.Object({
        name: Type.String(),
        type: Type.Enum(['int32', 'float64', 'name']),
        description: Type.String(),
      }),
      { description: 'The columns of its table.' },
    ),
    figures: Type.Array(Type.Object({ name: Type.String(), description: Type.String() }), {
      description: 'Numbers of a whole run, which summaries have under diagnostics, as name.figure.',
    }),
  }),
)
export const DiagnosticList = component(
  'DiagnosticList',
  Type.Object(
    {
      experimentId: Type.String({ examples: [exampleId] }),
      items: Type.Array(ref(DiagnosticRule)),
    },
    { description: 'Every diagnostic.' },
  ),
)
