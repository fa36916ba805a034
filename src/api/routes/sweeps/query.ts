/** Sweeps as the API shows them. */
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

const listSql = `
  SELECT ${columns} FROM ${source}
   WHERE ($1::uuid IS NULL OR s.id < $1::uuid) AND ($3::text IS NULL OR s.tenant = $3)
   ORDER BY s.id DESC
   LIMIT $2::int`

// variants is an array that Postgres counts from 1.
const experimentsSql = `
  SELECT e.id, e.name, s.variants[e.variant + 1] AS variant, (e.spec #>> '{training,seed}')::float8 AS seed,
         e.status::text AS status
    FROM experiments e JOIN sweeps s ON s.id = e.sweep_id
   WHERE e.sweep_id = $1::uuid
   ORDER BY e.sweep_index`

export type FoundSweep = {
  sweep: Omit<Sweep, 'request'>
  /** What was posted, as JSON: it leaves as it was stored. */
  requestText: string
}

/** One sweep with its experiments; undefined where there is none, or it is not the reader's. */
export async function readSweep(
  db: Database,
  { tenant }: Reader,
  id: string,
): Promise<FoundSweep | undefined> {
  const { rows } = await db.pool.query<Row & { requestText: string }>(oneSql, [id, tenant])
  if (!rows[0]) return undefined
  const experiments = await db.pool.query<Sweep['experiments'][number]>(experimentsSql, [id])
  const { requestText, ...row } = rows[0]
  return { sweep: { ...present(row), experiments: experiments.rows }, requestText }
}

/**
 * Names the state of a sweep: what it shows, its summary included, changes with the experiments that it still has and
 * with how they are, and with nothing else.
 */
export const stateOf = ({ id, experiments }: FoundSweep['sweep']): string =>
  JSON.stringify([id, experiments.map(experiment => [experiment.id, experiment.status])])

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
