/**
 * What experiments can be searched, sorted and shown by: fields that have a name here, and any path into the tags, the
 * resolved spec and the summary. Every name leads to SQL that is written here; paths and values are parameters.
 */
import { didYouMean } from '../../../spec/messages.ts'

export type Kind = 'text' | 'number' | 'time'
/** A field in SQL, on experiments e. `kind` is undefined where each experiment may have another. */
export type Field = {
  kind: Kind | undefined
  text: string
  number: string
  /** What it is sorted by: a number, a text, a time, or jsonb of a number or a text. */
  key: string
  /** As JSON, to be shown. */
  json: string
}

/** Adds a parameter; returns how SQL names it. */
export type Bind = (value: unknown) => string

const text = (sql: string): Field => ({
  ...{ kind: 'text', text: sql, number: 'NULL::float8', key: `(${sql})`, json: `to_json(${sql})` },
})
const number = (sql: string): Field => ({
  ...{ kind: 'number', text: `(${sql})::text`, number: sql, key: `(${sql})`, json: `to_json(${sql})` },
})
const time = (column: string): Field => ({
  ...{ kind: 'time', text: `e.${column}::text`, number: 'NULL::float8', key: `e.${column}` },
  json: `to_json(to_char(e.${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
})
/** Some of these expressions, name and finished_at have an index (prisma/migrations): they are written here as there. */
const figure = (path: string) => number(`(e.summary #>> '{splits,${path}}')::float8`)

const named: Record<string, Field> = {
  name: text('e.name'),
  notes: text('e.notes'),
  status: text('e.status::text'),
  dataset: text(`e.spec #>> '{dataset,name}'`),
  architecture: text(`e.spec #>> '{architecture,name}'`),
  optimizer: text(`e.spec #>> '{optimizer,name}'`),
  iterations: number(`(e.spec #>> '{training,iterations}')::float8`),
  parameters: number(`(e.summary #>> '{parameters}')::float8`),
  trainLoss: figure('train,loss,final'),
  validationLoss: figure('validation,loss,final'),
  trainAccuracy: figure('train,accuracy,final'),
  validationAccuracy: figure('validation,accuracy,final'),
  lca: figure('train,lca'),
  validationLca: figure('validation,lca'),
  worker: text('e.worker'),
  error: text(`e.error ->> 'message'`),
  sweep: text('e.sweep_id::text'),
  attempts: number('e.attempts::float8'),
  createdAt: time('created_at'),
  startedAt: time('started_at'),
  finishedAt: time('finished_at'),
  any: text(
    `concat_ws(E'\\n', e.name, e.tags::text, e.notes, e.spec #>> '{dataset,name}', e.spec #>> '{architecture,name}', e.spec #>> '{optimizer,name}')`,
  ),
}
export const fieldNames = Object.keys(named)

/** The first steps of the paths that are open, and the column behind each. */
const roots = {
  tags: ['e.tags', 'jsonb'],
  spec: ['e.spec', 'json'],
  summary: ['e.summary', 'jsonb'],
} as const
const mostSteps = 12

/** A name that is no field, with what was perhaps meant. */
export class UnknownField extends Error {}

/** What kind of thing a field is; undefined where each experiment may have another. Throws UnknownField. */
export const kindOf = (path: string[]): Kind | undefined => fieldOf(path, () => '').kind

/** The field of a name or path. Throws UnknownField. */
export function fieldOf(path: string[], bind: Bind): Field {
  const [first, ...rest] = path
  if (rest.length === 0 && Object.hasOwn(named, first)) return named[first]
  if (!Object.hasOwn(roots, first) || rest.length === 0 || rest.length > mostSteps) {
    const name = path.join('.').slice(0, 100)
    const others = [...fieldNames, ...Object.keys(roots).map(root => `${root}.…`)]
    throw new UnknownField(
      `${name} is not a field${didYouMean(name, others) || ';'} there are ${others.join(', ')}`,
    )
  }
  const [column, type] = roots[first as keyof typeof roots]
  const at = bind(rest)
  const value = `${column} #>> ${at}::text[]`
  const ofNumber = `(CASE WHEN ${type}_typeof(${column} #> ${at}::text[]) = 'number' THEN (${value})::float8 END)`
  return {
    kind: undefined,
    text: `(${value})`,
    number: ofNumber,
    // As jsonb has it: texts after numbers, each in their own order.
    key: `coalesce(to_jsonb(${ofNumber}), to_jsonb(${value}))`,
    json: `to_json(${column} #> ${at}::text[])`,
  }
}
