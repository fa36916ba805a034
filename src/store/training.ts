/**
 * What a worker reads and writes of an experiment while it trains. Everything here can be called twice, by
 * two workers at once, and for an experiment that has been cancelled or deleted meanwhile: the first result stays, and
 * nothing is brought back.
 */
import type pg from 'pg'
import type { VariableFacts } from '../spec/facts.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import { segmentCount } from '../spec/segments.ts'
import { recordArtifacts, type StoredArtifact } from './artifacts.ts'
import { type Database, transaction } from './database.ts'
import { type Computer, segmentsThatAre } from './state.ts'

/**
 * Takes up a queued experiment, or one whose training was interrupted: it goes on to 'training', or to 'allocating' where
 * an earlier run has trained every segment. Resolves to the new status; undefined where it is not to be taken up.
 */
export async function startExperiment(
  db: Database,
  id: string,
  { worker, engine }: Computer,
): Promise<'training' | 'allocating' | undefined> {
  const { rows } = await db.pool.query<{ status: 'training' | 'allocating' }>(
    `WITH found AS (
       -- The variables come last: a worker may have died when every segment was stored, and they were not.
       SELECT NOT EXISTS (SELECT FROM segments WHERE experiment_id = $1 AND status = 'pending')
          AND EXISTS (SELECT FROM variables WHERE experiment_id = $1) AS whole,
         coalesce((SELECT max("to") FROM segments WHERE experiment_id = $1 AND status <> 'pending'), 0) AS trained,
         coalesce((SELECT sum(done) FROM segments WHERE experiment_id = $1), 0) AS allocated
     )
     UPDATE experiments
     SET status = CASE WHEN whole THEN 'allocating' ELSE 'training' END::experiment_status,
         started_at = CASE WHEN whole THEN started_at ELSE now() END,
         allocating_at = CASE WHEN whole THEN now() END,
         trained = found.trained,
         paced_at = NULL, done_before = CASE WHEN whole THEN allocated ELSE found.trained END,
         attempts = attempts + 1, worker = $2, engine = $3, updated_at = now()
     FROM found
     WHERE id = $1 AND status IN ('queued', 'training') AND NOT cancelling
     RETURNING status`,
    [id, worker, JSON.stringify(engine)],
  )
  return rows[0]?.status
}

/** Whether work on the experiment in this phase is still wanted. */
export async function isWanted(db: Database, id: string, phase: 'training' | 'allocating'): Promise<boolean> {
  const { rows } = await db.pool.query<{ wanted: boolean }>(
    'SELECT status = $2 AND NOT cancelling AS wanted FROM experiments WHERE id = $1',
    [id, phase],
  )
  return rows[0]?.wanted === true
}

/** Notes how many iterations are trained; says whether the experiment is still to be trained. */
export async function noteTrained(db: Database, id: string, trained: number): Promise<boolean> {
  const { rows } = await db.pool.query<{ wanted: boolean }>(
    `UPDATE experiments
     SET trained = $2, updated_at = now(), paced_at = coalesce(paced_at, now()),
         done_before = CASE WHEN paced_at IS NULL THEN $2 ELSE done_before END
     WHERE id = $1 AND status = 'training'
     RETURNING NOT cancelling AS wanted`,
    [id, trained],
  )
  return rows[0]?.wanted === true
}

/** The indices of the segments whose weights are not known to be stored, in order. */
export const pendingSegments = (db: Database, id: string) => segmentsThatAre(db, id, 'pending')

/** Segments by their indices, and the objects that hold their weights. */
export type Trained = { segments: number[]; objects: StoredArtifact[] }

/** Records the weights of segments while the rest is being trained: another attempt goes on behind them. */
export async function recordTrainedSegments(
  db: Database,
  id: string,
  trained: Trained,
  computer: Computer,
): Promise<void> {
  await transaction(db.pool, async client => {
    const { rows } = await client.query(
      `SELECT FROM experiments WHERE id = $1 AND status = 'training' AND NOT cancelling FOR KEY SHARE`,
      [id],
    )
    if (rows.length === 0) return
    await recordWeights(client, id, trained, computer)
    await client.query(
      `UPDATE segments SET status = 'trained'
       WHERE experiment_id = $1 AND "index" = ANY ($2::int[]) AND status = 'pending'`,
      [id, trained.segments],
    )
  })
}

/** Records weights that were lost and have been made again. Nothing where the experiment is gone. */
export async function recordAgain(
  db: Database,
  id: string,
  trained: Trained,
  computer: Computer,
): Promise<void> {
  await transaction(db.pool, async client => {
    const { rows } = await client.query(`SELECT FROM experiments WHERE id = $1 FOR KEY SHARE`, [id])
    if (rows.length > 0) await recordWeights(client, id, trained, computer)
  })
}

async function recordWeights(
  client: pg.ClientBase,
  id: string,
  { segments, objects }: Trained,
  { worker, engine }: Computer,
): Promise<void> {
  await recordArtifacts(client, id, objects)
  await client.query(
    'UPDATE segments SET trained_by = $3 WHERE experiment_id = $1 AND "index" = ANY ($2::int[])',
    [id, segments, JSON.stringify({ worker, engine })],
  )
}

/**
 * Records what training produced, and goes on to 'allocating'. `trained` are all segments that were pending. Where training
 * `ended` after fewer iterations than were asked for, the experiment has so many from here on: in its spec, and in its
 * segments. Says whether it was wanted: not where the experiment is no longer training, or is to be cancelled.
 */
export function recordTraining(
  db: Database,
  id: string,
  variables: VariableFacts[],
  trained: Trained,
  computer: Computer,
  ended?: number,
): Promise<boolean> {
  return transaction(db.pool, async client => {
    if (ended !== undefined) await endAt(client, id, ended)
    const { rowCount } = await client.query(
      `UPDATE experiments
       SET status = 'allocating', allocating_at = now(), paced_at = NULL, done_before = 0, trained = (spec #>> '{training,iterations}')::int,
           updated_at = now()
       WHERE id = $1 AND status = 'training' AND NOT cancelling`,
      [id],
    )
    if (rowCount === 0) return false
    // The attempt before may have got this far: the variables are the same then.
    await client.query('DELETE FROM variables WHERE experiment_id = $1', [id])
    for (const [index, { name, layer, shape, offset, size }] of variables.entries()) {
      await client.query('INSERT INTO variables VALUES ($1, $2, $3, $4, $5, $6, $7)', [
        ...[id, index, name, layer, shape, offset, size],
      ])
    }
    await recordWeights(client, id, trained, computer)
    await client.query(
      `UPDATE segments SET status = 'trained' WHERE experiment_id = $1 AND status = 'pending'`,
      [id],
    )
    return true
  })
}

/** Shortens an experiment that is being trained to the iterations that it has had. */
async function endAt(client: pg.ClientBase, id: string, iterations: number): Promise<void> {
  const { rows } = await client.query<{ spec: ResolvedSpec }>(
    `SELECT spec FROM experiments WHERE id = $1 AND status = 'training' AND NOT cancelling FOR UPDATE`,
    [id],
  )
  const spec = rows[0]?.spec
  if (spec === undefined) return
  const asked = spec.training.iterations
  spec.training.iterations = iterations
  await client.query(
    'UPDATE experiments SET spec = $2, asked_iterations = $3, segment_count = $4 WHERE id = $1',
    [id, JSON.stringify(spec), asked, segmentCount(spec)],
  )
  await client.query('DELETE FROM segments WHERE experiment_id = $1 AND "from" >= $2', [id, iterations])
  await client.query('UPDATE segments SET "to" = $2 WHERE experiment_id = $1 AND "to" > $2', [id, iterations])
}

/**
 * Says of segments that they are to be allocated again. Their rows and their number in /events stay until recordSegment
 * replaces the rows: whoever follows the experiment is told of them once, before, meanwhile or afterwards.
 */
export async function resetSegments(db: Database, id: string, indices: number[]): Promise<void> {
  await db.pool.query(
    `UPDATE segments SET status = 'trained', done = 0
     WHERE experiment_id = $1 AND "index" = ANY ($2::int[]) AND status = 'allocated'`,
    [id, indices],
  )
}
