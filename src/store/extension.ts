/** An experiment that has succeeded goes on: its spec is longer, and what is new of it is to be done. */
import { type StoredSpec, textOf } from '../spec/stored.ts'
import { removeCoarse } from './blocks.ts'
import { type Database, transaction } from './database.ts'
import { lockExperiments, type Submissions } from './experiments.ts'
import { holdPlaces, type Quota } from './posting.ts'

/**
 * extended: it is queued. full: the tenant has no place for it. in use: others that are queued or running start from it.
 * changed: it is no longer as it was when its spec was read.
 */
export type Extension = { outcome: 'extended' | 'full' | 'changed' } | { outcome: 'in use'; users: string[] }

/**
 * Gives an experiment that has succeeded with `former` iterations a spec with more, and queues it behind what its lane has
 * waiting. Its segments stay as they are, but for a last one that is shorter than others: that is to be trained and allocated
 * again as part of what it then is of. Its tables can be read meanwhile as far as they go; summary, findings and totals
 * are gone until they are made anew. Throws SpecError as holdPlaces does.
 */
export async function extendExperiment(
  database: Database,
  queue: Submissions,
  {
    id,
    tenant,
    spec,
    former,
    quota,
  }: { id: string; tenant: string; spec: StoredSpec; former: number; quota: Quota },
): Promise<Extension> {
  const done = await transaction(database.pool, async (client): Promise<Extension> => {
    if (!(await holdPlaces(client, tenant, [spec], quota))) return { outcome: 'full' }
    await lockExperiments(client, 'id', id)
    const { rows: users } = await client.query<{ id: string }>(
      `SELECT id FROM experiments
        WHERE status IN ('queued', 'training', 'allocating')
          AND spec #>> '{training,initial,experiment}' = $1 ORDER BY id`,
      [id],
    )
    if (users.length > 0) return { outcome: 'in use', users: users.map(user => user.id) }
    const { iterations } = spec.training
    const { segmentIterations } = spec.allocation
    const { rowCount } = await client.query(
      `UPDATE experiments e
       SET spec = $3, status = 'queued', summary = NULL, early = NULL, findings = NULL, error = NULL,
           allocating_at = NULL, finished_at = NULL, paced_at = NULL, updated_at = now(),
           training_cost = $4::float8, segment_cost = $5::float8, segment_count = $6::int,
           turn = due.turn, allocation_turn = due.turn + $4::float8 - recorded * $5::float8,
           turn_end = due.turn + $4::float8 + ($6::int - recorded) * $5::float8
       FROM (SELECT next_turn(lane) AS turn FROM experiments WHERE id = $1) due
       WHERE id = $1 AND status = 'succeeded' AND NOT cancelling
         AND (spec #>> '{training,iterations}')::int = $2`,
      [id, former, textOf(spec), spec.cost.training, spec.cost.segment, spec.cost.segments],
    )
    if (rowCount === 0) return { outcome: 'changed' }
    // What was noted of the end is of the end no more.
    await client.query(
      `UPDATE segments
          SET evaluations = coalesce(
                (SELECT jsonb_agg(one) FROM jsonb_array_elements(evaluations) one
                  WHERE (one ->> 'iteration')::int <> $2), '[]')
        WHERE experiment_id = $1 AND "to" = $2`,
      [id, former],
    )
    const begin = Math.floor(former / segmentIterations) * segmentIterations
    await client.query(
      `UPDATE segments
          SET "to" = least("from" + $3::int, $4::int), status = 'pending', done = 0, sequence = NULL
        WHERE experiment_id = $1 AND "from" = $2`,
      [id, begin, segmentIterations, iterations],
    )
    await client.query(
      `INSERT INTO segments (experiment_id, "index", "from", "to")
       SELECT $1, "from" / $3::int, "from", least("from" + $3::int, $4::int)
         FROM generate_series($2::int, $4::int - 1, $3::int) AS "from"
           ON CONFLICT DO NOTHING`,
      [id, begin, segmentIterations, iterations],
    )
    await client.query('DELETE FROM variable_totals WHERE experiment_id = $1', [id])
    // The chunk that it ended in goes on.
    await removeCoarse(client, id, { from: former, to: former + 1 })
    return { outcome: 'extended' }
  })
  if (done.outcome !== 'extended') return done
  await queue.remove(id)
  await queue.submit(id)
  return done
}
