/** Experiments as the API shows them: read in one query, and how far they are worked out from what it returns. */

import { createHash } from 'node:crypto'
import { nameOf } from '../../../spec/field-names.ts'
import type { ResolvedSpec } from '../../../spec/resolved.ts'
import type { SplitName } from '../../../spec/schema.ts'
import { type Judged, judgedSql, unbalancedOf } from '../../../store/books.ts'
import type { Database } from '../../../store/database.ts'
import { type EarlierSummary, isEarlier, renewSummary } from '../../../store/earlier-summary.ts'
import type { Reader } from '../../../store/experiments.ts'
import type { Summary } from '../../../store/summary.ts'
import type { Experiment, ExperimentListItem, Place } from '../../schemas/experiments.ts'
import { fieldOf } from './fields.ts'
import { loadPlaces } from './place.ts'
import { type Where, whereSql } from './where.ts'

/** An experiment without what it takes up, which nobody follows. */
export type State = Omit<ExperimentListItem, 'bytes'>
type Sized = Pick<ExperimentListItem, 'bytes'>

type Row = Omit<State, 'progress' | 'summary'> & {
  summary: Summary | EarlierSummary | null
  /** For an earlier version's summary only. */
  books: Judged & { splits: SplitName[] }
  trained: number
  allocated: number
  /** Iterations that were done when the first of the phase was told of, since it began or went on. */
  doneBefore: number
  /** Since then. By the database's clock, which wrote the time. */
  pacedSeconds: number | null
  edits: number
}

/** A time as ISO 8601 in UTC. */
function timestamp(column: string, name: string): string {
  return `to_char(e.${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "${name}"`
}

const columns = `
  e.id, e.name, e.tags, e.status::text AS status,
  e.spec #>> '{dataset,name}' AS dataset,
  e.spec #>> '{architecture,name}' AS architecture,
  (e.spec #>> '{training,iterations}')::int AS iterations,
  e.sweep_id AS "sweepId",
  (SELECT variants[e.variant + 1] FROM sweeps WHERE id = e.sweep_id) AS variant,
  CASE WHEN e.spec #> '{training,initial}' IS NOT NULL THEN json_build_object(
    'experiment', e.spec #> '{training,initial,experiment}', 'iteration', e.spec #> '{training,initial,iteration}',
    'state', coalesce((e.spec #>> '{training,initial,state}')::boolean, false)) END AS parent,
  e.trained, coalesce(s.done, 0)::int AS allocated, e.done_before AS "doneBefore",
  extract(epoch FROM now() - e.paced_at)::float8 AS "pacedSeconds",
  e.summary, (SELECT to_json(j) FROM (SELECT ${judgedSql}, e.spec #> '{allocation,splits}' AS splits) j) AS books,
  e.worker, e.engine, e.attempts, e.error, e.edits,
  ${timestamp('created_at', 'createdAt')}, ${timestamp('started_at', 'startedAt')},
  ${timestamp('allocating_at', 'allocatingAt')}, ${timestamp('finished_at', 'finishedAt')},
  ${timestamp('updated_at', 'updatedAt')}`

/** Of what each of the experiments that `ids` selects takes up: tables for a WITH, summed for all of them at once. */
const sizesSql = (ids: string) => `
  objects AS MATERIALIZED (
    SELECT experiment_id AS id, sum(bytes) AS bytes FROM artifacts WHERE experiment_id = ANY (${ids}) GROUP BY 1),
  ledgers AS MATERIALIZED (
    SELECT experiment_id AS id, sum(octet_length(data)) AS bytes FROM ledger_blocks
     WHERE experiment_id = ANY (${ids}) GROUP BY 1)`

const bytesSql = `
  json_build_object('objects', coalesce((SELECT bytes FROM objects WHERE id = e.id), 0),
                    'ledger', coalesce((SELECT bytes FROM ledgers WHERE id = e.id), 0)) AS bytes`

/** What starts from it, newest first; by its index (prisma/migrations), written as there. */
const branchesSql = `
  (SELECT coalesce(json_agg(json_build_object('id', b.id, 'name', b.name, 'status', b.status,
                              'iteration', (b.spec #>> '{training,initial,iteration}')::int) ORDER BY b.id DESC), '[]')
     FROM (SELECT * FROM experiments
            WHERE "spec" #>> '{training,initial,experiment}' = e.id::text AND tenant = e.tenant
            ORDER BY id DESC LIMIT 100) b) AS branches`

/** `experiments`: what e is. */
const sourceSql = (experiments: string) => `
  ${experiments} e
  LEFT JOIN LATERAL (SELECT sum(done) AS done FROM segments
                      WHERE experiment_id = e.id AND e.allocating_at IS NOT NULL AND e.status <> 'succeeded') s ON true`

const stateSql = `SELECT ${columns}, e.tenant, e.recorded FROM ${sourceSql('experiments')} WHERE e.id = ANY ($1::uuid[])`
// As text: it leaves as it was stored, and parsing a large one and writing it again would keep the event loop.
const wholeSql = `WITH ${sizesSql('$1::uuid[]')} SELECT ${columns}, ${bytesSql}, ${branchesSql}, e.tenant, e.recorded, e.spec::text AS "specText", e.notes FROM ${sourceSql('experiments')} WHERE e.id = ANY ($1::uuid[])`

/** An experiment, and what the API has to know of it but does not show. */
export type Found = {
  tenant: string
  /** Segments recorded so far: how far /events has got. */
  recorded: number
  experiment: State
  /**
   * Names this state; `editsIn` reads from it how often it was edited. Weak: the time that is left is worked out anew every
   * time.
   */
  etag: string
}

/** Raise it when what is shown of an experiment changes: then what clients kept is out of date. */
const layout = '4'

/** One with its resolved spec, as JSON, and its place in line while it is queued. */
export type FoundWhole = Found & {
  experiment: ExperimentListItem
  specText: string
  notes: string | null
  place: Place | null
  branches: Experiment['branches']
  /** Names this state and this place. Weak, as `etag`. */
  tag: string
}

/** The spec of one. Takes some milliseconds where it is as large as it may be. */
export const specOf = ({ specText }: Pick<FoundWhole, 'specText'>): ResolvedSpec => JSON.parse(specText)

type FoundRow = Row & Pick<Found, 'tenant' | 'recorded'>

/** Where the experiments of these ids are, by id. */
export async function loadStates(db: Database, ids: string[]): Promise<Map<string, Found>> {
  const { rows } = await db.pool.query<FoundRow>(stateSql, [ids])
  return new Map(await inOrder(rows, async row => [row.id, await found(db, row)]))
}

/** The experiments of these ids, by id. */
export async function loadExperiments(db: Database, ids: string[]): Promise<Map<string, FoundWhole>> {
  const { rows } = await db.pool.query<
    FoundRow & Sized & Pick<FoundWhole, 'specText' | 'notes' | 'branches'>
  >(wholeSql, [ids])
  const queued = rows.filter(({ status }) => status === 'queued').map(({ id }) => id)
  const places = queued.length > 0 ? await loadPlaces(db, queued) : new Map<string, Place>()
  return new Map(
    await inOrder(
      rows,
      async ({ specText, notes, bytes, branches, ...row }): Promise<[string, FoundWhole]> => {
        const state = await found(db, row)
        const place = places.get(row.id) ?? null
        const parts = [state.etag.slice(0, -1), ...(place ? [place.position] : []), ...stateOf(branches)]
        const experiment = { ...state.experiment, bytes }
        return [
          row.id,
          { ...state, experiment, specText, notes, place, branches, tag: `${parts.join('-')}"` },
        ]
      },
    ),
  )
}

/** What a tag has of them: nothing where there are none. */
const stateOf = (branches: Experiment['branches']): string[] =>
  branches.length === 0
    ? []
    : [createHash('sha256').update(JSON.stringify(branches)).digest('base64url').slice(0, 12)]

async function found(db: Database, { tenant, recorded, ...row }: FoundRow): Promise<Found> {
  const experiment = await present(db, row)
  const { status, progress, updatedAt } = experiment
  const etag = `W/"${layout}.${row.edits}-${Date.parse(updatedAt).toString(36)}-${status}-${progress.phase}-${progress.done}"`
  return { tenant, recorded, experiment, etag }
}

/** How often the experiment was edited before the answers with these ETags; null: `*`, whatever it is now. */
export function editsIn(ifMatch: string): number[] | null {
  const tags = ifMatch.split(',').map(tag => tag.trim())
  if (tags.includes('*')) return null
  return tags.flatMap(tag => {
    const match = /^(?:W\/)?"(\d+)\.(\d{1,9})-/.exec(tag)
    return match?.[1] === layout ? [Number(match[2])] : []
  })
}

/** One after the other: what has to be looked up for some of them must not take every connection. */
async function inOrder<T, U>(rows: T[], make: (row: T) => Promise<U>): Promise<U[]> {
  const made: U[] = []
  for (const row of rows) made.push(await make(row))
  return made
}

export type Filter = Reader & {
  status?: string[]
  ids?: string[]
  tags: Record<string, string>
  sweep?: string
  where?: Where
  /** A field and its direction; newest first if absent. */
  sort?: { field: string[]; descending: boolean }
  /** Those behind this place in the order. */
  after?: Position
  /** What is to be shown besides. */
  fields: string[][]
  limit: number
}
/** A place in the order: what an experiment is sorted by, null where it has no such thing, and its id. */
export type Position = { key: string | number | null; id: string }
export type Listed = { item: ExperimentListItem; position: Position }

/**
 * The first experiments that pass the filter, in its order. Those that lack what is sorted by come last, newest first.
 * These are a query of their own: what has a key is then read by its index, in either direction.
 */
export async function listExperiments(db: Pick<Database, 'pool'>, filter: Filter): Promise<Listed[]> {
  const { sort, after, limit } = filter
  if (sort === undefined) return listPart(db, filter, undefined, after, limit)
  const known = after?.key === null ? [] : await listPart(db, filter, 'known', after, limit)
  if (known.length === limit) return known
  const rest = await listPart(
    db,
    filter,
    'unknown',
    after?.key === null ? after : undefined,
    limit - known.length,
  )
  return [...known, ...rest]
}

/** How Postgres calls what is sorted by. */
const keyTypes = { text: 'text', number: 'float8', time: 'timestamptz', any: 'jsonb' } as const

async function listPart(
  db: Pick<Database, 'pool'>,
  { status, ids, tags, sweep, where, tenant, sort, fields }: Filter,
  part: 'known' | 'unknown' | undefined,
  after: Position | undefined,
  limit: number,
): Promise<Listed[]> {
  const parameters: unknown[] = []
  const bind = (value: unknown) => `$${parameters.push(value)}`
  const field = sort && fieldOf(sort.field, bind)
  const conditions = ['true']
  if (tenant !== null) conditions.push(`e.tenant = ${bind(tenant)}::text`)
  // Of one, an index has the order too.
  if (status?.length === 1) conditions.push(`e.status = ${bind(status[0])}::experiment_status`)
  else if (status) conditions.push(`e.status = ANY (${bind(status)}::experiment_status[])`)
  if (ids) conditions.push(`e.id = ANY (${bind(ids)}::uuid[])`)
  if (Object.keys(tags).length > 0) conditions.push(`e.tags @> ${bind(JSON.stringify(tags))}::jsonb`)
  if (sweep) conditions.push(`e.sweep_id = ${bind(sweep)}::uuid`)
  if (where) conditions.push(whereSql(where, bind))
  let key = 'NULL::text'
  let order = 'e.id DESC'
  if (field && part === 'known') {
    const descending = sort?.descending
    const type = keyTypes[field.kind ?? 'any']
    key = field.key
    order = descending ? `${key} DESC, e.id DESC` : `${key}, e.id`
    conditions.push(`${key} IS NOT NULL`)
    if (after) {
      const value = field.kind === undefined ? JSON.stringify(after.key) : after.key
      conditions.push(
        `(${key}, e.id) ${descending ? '<' : '>'} (${bind(value)}::${type}, ${bind(after.id)}::uuid)`,
      )
    }
  } else {
    if (field) conditions.push(`${field.key} IS NULL`)
    if (after) conditions.push(`e.id < ${bind(after.id)}::uuid`)
  }
  const shown = fields.map(path => fieldOf(path, bind).json)
  // The page first: what it shows is looked up for its rows only.
  const sql = `
    WITH page AS MATERIALIZED (
      SELECT e.id, to_json(${key}) AS key, row_number() OVER (ORDER BY ${order}) AS place
        FROM experiments e WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${bind(limit)}::int),
    ${sizesSql('ARRAY(SELECT id FROM page)')}
    SELECT page.key, ${columns}, ${bytesSql}, ${shown.length === 0 ? 'NULL' : `json_build_array(${shown.join(', ')})`} AS shown
      FROM page, ${sourceSql('LATERAL (SELECT * FROM experiments WHERE id = page.id)')}
     ORDER BY page.place`
  type ListedRow = Row & Sized & { key: Position['key']; shown: unknown[] | null }
  const { rows } = await db.pool.query<ListedRow>(sql, parameters)
  return inOrder(rows, async ({ key, shown, bytes, ...row }) => ({
    item: {
      ...(await present(db, row)),
      bytes,
      ...(shown && { values: Object.fromEntries(shown.map((value, i) => [nameOf(fields[i]), value])) }),
    },
    position: { key, id: row.id },
  }))
}

async function present(db: Pick<Database, 'pool'>, row: Row): Promise<State> {
  const { trained, allocated, doneBefore, pacedSeconds, edits, ...rest } = row
  const { books, summary, ...shown } = rest
  return { ...shown, summary: await presentSummary(db, row), progress: progressOf(row) }
}

async function presentSummary(
  { pool }: Pick<Database, 'pool'>,
  { id, iterations, summary, books }: Row,
): Promise<Summary | null> {
  if (summary === null || !isEarlier(summary)) return summary
  return renewSummary(summary, await unbalancedOf(pool, { id, iterations, splits: books.splits }, books))
}

function progressOf(row: Row): ExperimentListItem['progress'] {
  const { status, iterations: total, trained, allocated } = row
  const running = status === 'training' || status === 'allocating'
  // At the pace since the first iterations were told of: before them an engine and a dataset are loaded, and a few
  // iterations that would have to answer for that would foretell hours.
  const eta = (done: number) => {
    const seconds = row.pacedSeconds
    const since = done - row.doneBefore
    return running && since > 0 && seconds !== null ? Math.ceil(((total - done) * seconds) / since) : null
  }

  if (status === 'succeeded') return { phase: 'finished', done: total, total, etaSeconds: 0 }
  // Also when it is queued again: the times of the run before mean nothing then.
  if (status === 'queued') return { phase: 'queued', done: 0, total, etaSeconds: null }
  if (row.allocatingAt !== null && allocated >= total)
    return { phase: 'finalizing', done: total, total, etaSeconds: running ? 0 : null }
  if (row.allocatingAt !== null)
    return { phase: 'allocating', done: allocated, total, etaSeconds: eta(allocated) }
  if (row.startedAt !== null) return { phase: 'training', done: trained, total, etaSeconds: eta(trained) }
  return { phase: 'queued', done: 0, total, etaSeconds: null }
}
