/** What posting an experiment and posting a sweep have in common: once for a key, within the quota, on what stays there. */
import type pg from 'pg'
import { SpecError } from '../spec/errors.ts'
import type { StoredSpec } from '../spec/stored.ts'
import type { Database } from './database.ts'
import { holdUploads } from './datasets.ts'
import { holdTrajectories } from './trajectories.ts'

/** An idempotency key, and the SHA-256 of the body that came with it. */
export type Once = { key: string; hash: string }

/**
 * created: new, and to be submitted to the queue. repeated: the same key and body were seen before; submitting the
 * experiments again does no harm. conflict: the key was used with another body. full: the tenant has as many unfinished
 * experiments as it may have; nothing was stored.
 */
export type Created = { outcome: 'created' | 'repeated' | 'conflict'; id: string } | { outcome: 'full' }

/** What the tenant has made with an idempotency key; undefined where that is nothing, or has been deleted. */
export async function findPosted(
  { pool }: Pick<Database, 'pool'>,
  table: 'experiments' | 'sweeps',
  tenant: string,
  { key, hash }: Once,
): Promise<Extract<Created, { id: string }> | undefined> {
  const { rows } = await pool.query<{ id: string; same: boolean }>(
    `SELECT id, idempotency_hash = $3 AS same FROM ${table} WHERE tenant = $1 AND idempotency_key = $2`,
    [tenant, key, hash],
  )
  return rows[0] && { id: rows[0].id, outcome: rows[0].same ? 'repeated' : 'conflict' }
}

/** Stores what has this id by `insert`, which says `taken` where the key is another's, as often as that takes. */
export async function storeOnce(
  database: Database,
  table: 'experiments' | 'sweeps',
  { id, tenant, once }: { id: string; tenant: string; once?: Once },
  insert: () => Promise<'created' | 'taken' | 'full'>,
): Promise<Created> {
  for (;;) {
    const outcome = await insert()
    if (outcome === 'created') return { outcome, id }
    const posted = once && (await findPosted(database, table, tenant, once))
    if (posted !== undefined) return posted
    if (outcome === 'full') return { outcome }
    // Who had the key has been deleted since: it is free again.
  }
}

/** What a tenant may have queued or running: experiments, and the segments of them all; 0: any number. */
export type Quota = { experiments: number; segments: number }
export const noQuota: Quota = { experiments: 0, segments: 0 }

const isLimited = ({ experiments, segments }: Quota) => experiments > 0 || segments > 0

/** Whether storing a spec needs what holdPlaces holds. */
export const needsHold = ({ dataset, training }: StoredSpec, quota: Quota): boolean =>
  isLimited(quota) ||
  dataset.sha256 !== undefined ||
  training.initial !== undefined ||
  training.trajectory !== undefined

/**
 * To be called first in the transaction that stores the specs: keeps their uploaded datasets, their trajectories and the
 * experiments that they start from from being deleted, and, where the tenant has a quota, its other posts waiting, or two could both find
 * the last place free. Says whether there are places for all of them. Throws SpecError where something has been deleted
 * since the specs were resolved.
 */
export async function holdPlaces(
  client: pg.PoolClient,
  tenant: string,
  specs: StoredSpec[],
  quota: Quota,
): Promise<boolean> {
  await holdUploads(client, tenant, specs)
  await holdInitial(client, specs)
  await holdTrajectories(client, tenant, specs)
  if (!isLimited(quota)) return true
  await client.query('SELECT pg_advisory_xact_lock(hashtext($1), 1)', [`unfinished ${tenant}`])
  const unfinished = await countUnfinished(client, tenant)
  const segments = specs.reduce((sum, { cost }) => sum + cost.segments, 0)
  return fits({ experiments: specs.length, segments }, unfinished, quota)
}

/** What a tenant has queued or running. */
export async function countUnfinished(client: Pick<pg.ClientBase, 'query'>, tenant: string): Promise<Quota> {
  const { rows } = await client.query<Quota>(
    `SELECT count(*)::int AS experiments, coalesce(sum(segment_count), 0)::float8 AS segments FROM experiments
      WHERE tenant = $1 AND status IN ('queued', 'training', 'allocating')`,
    [tenant],
  )
  return rows[0]
}

/** Whether there is room for more beside what there is. */
export const fits = (more: Quota, unfinished: Quota, quota: Quota): boolean =>
  (['experiments', 'segments'] as const).every(
    what => quota[what] === 0 || unfinished[what] + more[what] <= quota[what],
  )

/** Keeps the experiments in training.initial from being deleted until the transaction is over, as holdUploads does. */
async function holdInitial(client: pg.PoolClient, specs: StoredSpec[]): Promise<void> {
  const ids = new Set(specs.flatMap(({ training }) => training.initial?.experiment ?? []))
  if (ids.size === 0) return
  // In one order, as deletions lock them; what is being deleted is marked (markDeleting).
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM experiments WHERE id = ANY ($1::uuid[]) AND NOT cancelling AND status = 'succeeded'
      ORDER BY id FOR SHARE`,
    [[...ids]],
  )
  for (const { id } of rows) ids.delete(id)
  for (const id of ids)
    throw new SpecError([
      {
        path: '$.training.initial.experiment',
        message: `was deleted, or is being extended, this moment: ${id}`,
      },
    ])
}
