/** Where a queued experiment stands in line, and what comes before it. */
import type { Database } from '../../../store/database.ts'
import { silence } from '../../../store/workers.ts'
import type { Place } from '../../schemas/experiments.ts'

/** Segments whose pace is that of the workers. */
const paceOf = 100

// What comes before an experiment's turn: of those that are queued all of their training and as many segments as are due
// before it; of those that run the segments that are left of these. Cheap by the index on (status, turn).
export const placesSql = `
  WITH mine AS (SELECT id, turn FROM experiments WHERE id = ANY ($1::uuid[]) AND status = 'queued'),
  pace AS (
    SELECT sum(s.seconds) / nullif(sum(e.segment_cost), 0) AS seconds
      FROM (SELECT experiment_id, seconds FROM segments
             WHERE finished_at > now() - interval '1 day' AND seconds IS NOT NULL
             ORDER BY finished_at DESC LIMIT ${paceOf}) s
      JOIN experiments e ON e.id = s.experiment_id),
  alive AS (
    SELECT nullif(count(*), 0) AS workers FROM workers WHERE seen_at > now() - interval '${silence} milliseconds')
  SELECT mine.id, (ahead.queued + 1)::int AS position, ahead.experiments::int AS experiments,
         ahead.segments::float8 AS segments, (ahead.cost * pace.seconds / alive.workers)::float8 AS seconds
    FROM mine, pace, alive, LATERAL (
      SELECT count(*) FILTER (WHERE status = 'queued') AS queued,
             count(*) FILTER (WHERE status <> 'allocating' OR due > 0) AS experiments,
             coalesce(sum(due), 0) AS segments,
             coalesce(sum(due * segment_cost + CASE WHEN status = 'allocating' THEN 0 ELSE training_cost END), 0) AS cost
        FROM (SELECT status, segment_cost, training_cost,
                     greatest(0, least(segment_count, ceil((mine.turn - allocation_turn) / segment_cost)) - recorded) AS due
                FROM experiments
               WHERE status IN ('queued', 'training', 'allocating') AND NOT cancelling
                 AND turn <= mine.turn AND (turn < mine.turn OR id < mine.id)) before) ahead`

type Row = { id: string; position: number; experiments: number; segments: number; seconds: number | null }

/** The places of those of these experiments that are queued, by id. */
export async function loadPlaces(
  { pool }: Pick<Database, 'pool'>,
  ids: string[],
): Promise<Map<string, Place>> {
  const { rows } = await pool.query<Row>(placesSql, [ids])
  return new Map(
    rows.map(({ id, position, experiments, segments, seconds }) => [
      id,
      { position, ahead: { experiments, segments, seconds: seconds === null ? null : Math.ceil(seconds) } },
    ]),
  )
}
