/**
 * An experiment's life as the API steers it: created, cancelled, tried again, deleted. Every change of status is
 * guarded in SQL, so that what was cancelled or deleted is never brought back by somebody who had not heard.
 */
import type pg from 'pg'
import { type Objects, objectKey } from '../objects/objects.ts'
import { type StoredSpec, textOf } from '../spec/stored.ts'
import { type Database, transaction } from './database.ts'
import { type Created, holdPlaces, needsHold, noQuota, type Once, type Quota, storeOnce } from './posting.ts'
import { readArtifacts } from './summary.ts'

/** What is needed of the queue here; ExperimentQueue is one. */
export type Submissions = {
  submit(experimentId: string): Promise<void>
  remove(experimentId: string): Promise<void>
}

/** Who asks: what is not theirs is not there for them. */
export type Reader = {
  /** null: everything is theirs. */
  tenant: string | null
}

export type NewExperiment = {
  /** UUIDv7. */
  id: string
  spec: StoredSpec
  /** Whose it is; `default` if absent. */
  tenant?: string
  /** What the tenant may have queued or running, this one among it; any number if absent. */
  quota?: Quota
  once?: Once
}

/**
 * Stores a new experiment, queued, with its segments. With an idempotency key that the tenant has used, stores nothing
 * and returns the experiment that took it. Name and tags are the spec's.
 */
export function createExperiment(database: Database, experiment: NewExperiment): Promise<Created> {
  const { id, spec, tenant = 'default', quota = noQuota, once } = experiment
  const insert = async (client: Pick<pg.ClientBase, 'query'>) => {
    const { rowCount } = await client.query(
      `WITH created AS (
         INSERT INTO experiments (id, tenant, name, tags, spec, idempotency_key, idempotency_hash,
                                  training_cost, segment_cost, segment_count)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $10, $11, $12)
         ON CONFLICT (tenant, idempotency_key) DO NOTHING
         RETURNING id)
       INSERT INTO segments (experiment_id, "index", "from", "to")
       SELECT id, "from" / $9::int, "from", least("from" + $9::int, $8::int)
         FROM created, generate_series(0, $8::int - 1, $9::int) AS "from"`,
      [
        ...[id, tenant, spec.name, spec.tags, textOf(spec)],
        ...[once?.key ?? null, once?.hash ?? null],
        ...[spec.training.iterations, spec.allocation.segmentIterations],
        ...[spec.cost.training, spec.cost.segment, spec.cost.segments],
      ],
    )
    return rowCount === 0 ? 'taken' : 'created'
  }
  return storeOnce(database, 'experiments', { id, tenant, once }, () =>
    needsHold(spec, quota)
      ? transaction(database.pool, async client =>
          (await holdPlaces(client, tenant, [spec], quota)) ? insert(client) : 'full',
        )
      : insert(database.pool),
  )
}

/**
 * cancelled: it never started, and never will. cancelling: a worker stops within one gradient pass and says cancelled
 * then. finished: it was over before; nothing changed.
 */
export type CancelOutcome = 'cancelled' | 'cancelling' | 'finished' | 'missing'

/** Cancels an experiment that is queued or runs; cancelling twice is the same as once. */
export async function cancelExperiment(
  database: Database,
  queue: Submissions,
  id: string,
): Promise<CancelOutcome> {
  const [marked] = await markCancelled(database.pool, [id])
  if (marked === undefined) {
    const found = await database.prisma.experiment.findUnique({ where: { id }, select: { id: true } })
    return found === null ? 'missing' : 'finished'
  }
  if (marked.status !== 'cancelled') return 'cancelling'
  await queue.remove(id)
  return 'cancelled'
}

/** Cancels those that are queued or run, in one statement; resolves to them with their status then. */
export async function markCancelled(
  client: Pick<pg.ClientBase, 'query'>,
  ids: string[],
): Promise<{ id: string; status: string }[]> {
  const { rows } = await client.query<{ id: string; status: string }>(
    `UPDATE experiments
     SET cancelling = true,
         status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END,
         finished_at = CASE status WHEN 'queued' THEN now() ELSE finished_at END,
         updated_at = now()
     WHERE id = ANY ($1::uuid[]) AND status IN ('queued', 'training', 'allocating')
     RETURNING id, status`,
    [ids],
  )
  return rows
}

/**
 * Status of experiments, and what of their specs says what their weights are, as JSON; as far as there are any of these ids
 * for the reader; by id.
 */
export async function readEarlier(
  { pool }: Database,
  { tenant }: Reader,
  ids: string[],
): Promise<Map<string, { status: string; spec: string; trainingCost: number }>> {
  if (ids.length === 0) return new Map()
  const { rows } = await pool.query<{ id: string; status: string; spec: string; trainingCost: number }>(
    `SELECT id, status, training_cost AS "trainingCost", json_build_object('keep', spec -> 'keep', 'dataset', spec -> 'dataset',
                                          'architecture', spec -> 'architecture',
                                          'training', spec -> 'training')::text AS spec
       FROM experiments WHERE id = ANY ($1::uuid[]) AND ($2::text IS NULL OR tenant = $2)`,
    [ids, tenant],
  )
  return new Map(rows.map(({ id, ...found }) => [id, found]))
}

/** queued: it runs again. looking: it has succeeded, and its objects are looked for. running: it has not stopped. */
export type RetryOutcome = 'queued' | 'looking' | 'running' | 'missing'

/**
 * Queues a failed or cancelled experiment again, behind what its lane has waiting. What is stored of it is kept: only what
 * is missing is redone, and counts. One that has succeeded goes back to where it was finalized, which looks whether its
 * objects are there and whole.
 */
export async function retryExperiment(
  database: Database,
  queue: Submissions,
  id: string,
): Promise<RetryOutcome> {
  const { rows } = await database.pool.query<{ status: string }>(
    `UPDATE experiments e
     SET status = CASE e.status WHEN 'succeeded' THEN 'allocating' ELSE 'queued' END::experiment_status,
         allocating_at = CASE e.status WHEN 'succeeded' THEN now() ELSE allocating_at END,
         done_before = CASE e.status WHEN 'succeeded' THEN (spec #>> '{training,iterations}')::int ELSE done_before END,
         cancelling = false, error = NULL, finished_at = NULL, updated_at = now(),
         turn = due.turn, allocation_turn = due.allocation,
         turn_end = due.allocation + e.segment_count * e.segment_cost
     FROM (SELECT turn, turn + untrained * training_cost - recorded * segment_cost AS allocation
             FROM (SELECT next_turn(lane) AS turn, training_cost, segment_cost, recorded,
                          1 - trained / (spec #>> '{training,iterations}')::float8 AS untrained
                     FROM experiments WHERE id = $1) found) due
     WHERE id = $1 AND status IN ('failed', 'cancelled', 'succeeded')
     RETURNING status`,
    [id],
  )
  if (rows.length === 0) {
    const found = await database.prisma.experiment.findUnique({ where: { id }, select: { id: true } })
    return found === null ? 'missing' : 'running'
  }
  // The last run's job may still be there, waiting out its backoff.
  await queue.remove(id)
  await queue.submit(id)
  return rows[0].status === 'allocating' ? 'looking' : 'queued'
}

/** in use: others that are queued or running start from its weights, and it stays; `users` are their ids. */
export type DeleteOutcome = { outcome: 'deleted' | 'missing' } | { outcome: 'in use'; users: string[] }

/**
 * Removes an experiment's rows and objects, also while it runs: its worker finds the row gone, stops within one
 * gradient pass, and removes what it wrote since. A deletion that failed half way can be called again.
 */
export async function deleteExperiment(
  database: Database,
  queue: Submissions,
  objects: Objects,
  id: string,
): Promise<DeleteOutcome> {
  const { ids, users } = await markDeleting(database, 'id', id)
  if (users.length > 0) return { outcome: 'in use', users }
  if (ids.length === 0) return { outcome: 'missing' }
  await removeExperiment(database, queue, objects, id)
  return { outcome: 'deleted' }
}

/**
 * The first half of a deletion, of one experiment or of all of a sweep, in one transaction: marks them, so that workers
 * stop and nothing new starts from them (holdInitial). Nothing is marked where there are `users`.
 */
export function markDeleting(
  database: Database,
  column: 'id' | 'sweep_id',
  id: string,
): Promise<{ ids: string[]; users: string[] }> {
  return transaction(database.pool, async client => {
    const ids = await lockExperiments(client, column, id)
    const found = await client.query<{ id: string }>(
      `SELECT id FROM experiments
        WHERE status IN ('queued', 'training', 'allocating')
          AND spec #>> '{training,initial,experiment}' = ANY ($1::text[])
        ORDER BY id`,
      [ids],
    )
    const users = found.rows.map(row => row.id)
    if (users.length === 0)
      await client.query(
        'UPDATE experiments SET cancelling = true, updated_at = now() WHERE id = ANY ($1::uuid[])',
        [ids],
      )
    return { ids, users }
  })
}

/** Locks experiments until the transaction is over, in one order whoever does; resolves to their ids in that order. */
export async function lockExperiments(
  client: pg.PoolClient,
  column: 'id' | 'sweep_id',
  id: string,
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM experiments WHERE ${column} = $1 ORDER BY id FOR UPDATE`,
    [id],
  )
  return rows.map(row => row.id)
}

/** The second half of a deletion, of an experiment that is marked. */
export async function removeExperiment(
  database: Database,
  queue: Submissions,
  objects: Objects,
  id: string,
): Promise<void> {
  // The rows go after the objects: if this dies in between, the experiment is still there to be deleted again.
  const known = (await readArtifacts(database, id)).map(({ name }) => objectKey(id, name))
  await objects.remove(experimentPrefix(id), known)
  await database.pool.query('DELETE FROM experiments WHERE id = $1', [id])
  await queue.remove(id)
  await objects.remove(experimentPrefix(id), known)
}

/** The prefix of every object of an experiment, as Objects.remove takes it. */
export const experimentPrefix = (id: string): string => objectKey(id, '').slice(0, -1)
