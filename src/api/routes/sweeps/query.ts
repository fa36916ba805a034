/** Sweeps as the API shows them. */
import { createHash } from 'node:crypto'
import type { Database } from '../../../store/database.ts'
import type { Reader } from '../../../store/experiments.ts'
import { experimentStatuses } from '../../schemas/experiments.ts'
import type { Sweep, SweepListItem } from '../../schemas/sweeps.ts'

type Row = Omit<SweepListItem, 'finished' | 'counts'> & { statuses: Partial<SweepListItem['counts']> }

const columns = `
  s.id, s.name, s.variants, s.variants[s.baseline + 1] AS baseline,
  to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "createdAt",
  coalesce(e.count, 0)::int AS "experimentCount", coalesce(e.statuses, '{}') AS statuses`

const source = `
  sweeps s
  LEFT JOIN LATERAL (
    SELECT sum(count) AS count, json_object_agg(status, count) AS statuses
      FROM (SELECT status, count(*)::int AS count FROM experiments WHERE sweep_id = s.id GROUP BY status) counted
  ) e ON true`

const oneSql = `SELECT ${columns}, s.request::text AS "requestText" FROM ${source} WHERE s.id = $1::uuid AND ($2::text IS NULL OR s.tenant = $2)`

/** $1: the id before which the page begins, $2: how many, $3: whose. */
export const listSql = `
  SELECT ${columns} FROM ${source}
   WHERE ($1::uuid IS NULL OR s.id < $1::uuid) AND ($3::text IS NULL OR s.tenant = $3)
   ORDER BY s.id DESC
   LIMIT $2::int`

// variants is an array that Postgres counts from 1.
const experimentsSql = `
  SELECT e.id, e.name, s.variants[e.variant + 1] AS variant, (e.spec #>> '{training,seed}')::float8 AS seed,
         e.status::text AS status, extract(epoch FROM e.finished_at)::float8 AS finished
    FROM experiments e JOIN sweeps s ON s.id = e.sweep_id
   WHERE e.sweep_id = $1::uuid
   ORDER BY e.sweep_index`

/** What tells the states of an experiment of a sweep apart, as text. */
export const memberStateSql = `concat_ws(' ', id, status, extract(epoch FROM finished_at), measures IS NULL)`

/** Of the states of all experiments of a sweep, in its order, one. */
export const digestOf = (states: string[]): string => createHash('sha256').update(states.join()).digest('hex')

type Variants = Pick<Sweep, 'id' | 'variants' | 'baseline'> & {
  /** digestOf its experiments' states. */
  digest: string
}

/** What a sweep is called, its variants and its state; undefined where there is none, or it is not the reader's. */
export async function readVariants(
  db: Pick<Database, 'pool'>,
  { tenant }: Reader,
  id: string,
): Promise<Variants | undefined> {
  const { rows } = await db.pool.query<Variants>(
    `SELECT id, variants, variants[baseline + 1] AS baseline,
            (SELECT encode(sha256(convert_to(coalesce(string_agg(state, ',' ORDER BY sweep_index, id), ''), 'UTF8')), 'hex')
               FROM (SELECT ${memberStateSql} AS state, sweep_index, id FROM experiments WHERE sweep_id = $1::uuid) members) AS digest
       FROM sweeps WHERE id = $1::uuid AND ($2::text IS NULL OR tenant = $2)`,
    [id, tenant],
  )
  return rows[0]
}

export type FoundSweep = {
  sweep: Omit<Sweep, 'request'>
  /** What was posted, as JSON: it leaves as it was stored. */
  requestText: string
  /**
   * Names the state of the sweep: what it shows, its tables included, changes with the experiments that it still has and with
   * how they are, and with nothing else. One that succeeded and went on is another when it has succeeded again.
   */
  state: string
}

/** One sweep with its experiments; undefined where there is none, or it is not the reader's. */
export async function readSweep(
  db: Database,
  { tenant }: Reader,
  id: string,
): Promise<FoundSweep | undefined> {
  const { rows } = await db.pool.query<Row & { requestText: string }>(oneSql, [id, tenant])
  if (!rows[0]) return undefined
  const found = await db.pool.query<Sweep['experiments'][number] & { finished: number | null }>(
    experimentsSql,
    [id],
  )
  const { requestText, ...row } = rows[0]
  return {
    sweep: { ...present(row), experiments: found.rows.map(({ finished: _, ...shown }) => shown) },
    requestText,
    state: stateOf(id, found.rows),
  }
}

/** As FoundSweep says. */
export const stateOf = (
  sweep: string,
  experiments: { id: string; status: string; finished: number | null }[],
): string => JSON.stringify([sweep, experiments.map(({ id, status, finished }) => [id, status, finished])])

/** The reader's newest sweeps that are older than `before`, newest first. */
export async function listSweeps(
  db: Database,
  { tenant }: Reader,
  before: string | undefined,
  limit: number,
): Promise<SweepListItem[]> {
  const { rows } = await db.pool.query<Row>(listSql, [before ?? null, limit, tenant])
  return rows.map(present)
}

function present({ statuses, ...row }: Row): SweepListItem {
  const counts = Object.fromEntries(
    experimentStatuses.map(status => [status, statuses[status] ?? 0]),
  ) as SweepListItem['counts']
  const { queued, training, allocating } = counts
  return { ...row, finished: queued + training + allocating === 0, counts }
}
