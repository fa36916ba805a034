/**
 * Trajectories: rows here, weights as objects. None ever changes; one is deleted, or stays as it is.
 */
import type pg from 'pg'
import type { About } from '../data/trajectories/about.ts'
import { indexName, trajectoryKey, trajectoryPrefix } from '../objects/names.ts'
import type { Objects } from '../objects/objects.ts'
import { SpecError } from '../spec/errors.ts'
import type { StoredSpec } from '../spec/stored.ts'
import type { TrajectoryFacts } from '../spec/trajectory.ts'
import { type Database, transaction } from './database.ts'
import { storedBytes } from './datasets.ts'
import type { Reader } from './experiments.ts'

/** A trajectory, but for whose it is. */
export type Trajectory = {
  /** UUIDv7. */
  id: string
  name: string | null
  about: About
  /** Weights that were recorded: a step is between two. */
  rows: number
  /** Of its objects together. */
  bytes: number
  /** Of the object that says where each weight lies. */
  index: { bytes: number; sha256: string }
  createdAt: Date
}

/** What a spec takes from it. */
export const trajectoryFacts = ({ about, rows }: Trajectory): TrajectoryFacts => ({
  ...{ architecture: about.architecture, optimizer: about.optimizer, variables: about.variables },
  ...{ iterations: rows - 1, optimizerState: about.state !== undefined },
})

const columns = `id, name, about, rows, bytes, "index", created_at AS "createdAt"`

/** The trajectories of these ids, as far as they are the reader's; by id. */
export async function readTrajectories(
  { pool }: Pick<Database, 'pool'>,
  { tenant }: Reader,
  ids: string[],
): Promise<Map<string, Trajectory>> {
  if (ids.length === 0) return new Map()
  const { rows } = await pool.query<Trajectory>(
    `SELECT ${columns} FROM trajectories WHERE id = ANY ($1::uuid[]) AND ($2::text IS NULL OR tenant = $2)`,
    [ids, tenant],
  )
  return new Map(rows.map(row => [row.id, row]))
}

/** The reader's trajectories, newest first, from before an id on. */
export async function listTrajectories(
  { pool }: Database,
  { tenant }: Reader,
  { before, limit }: { before?: string; limit: number },
): Promise<Trajectory[]> {
  const { rows } = await pool.query<Trajectory>(
    `SELECT ${columns} FROM trajectories
      WHERE ($1::text IS NULL OR tenant = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [tenant, before ?? null, limit],
  )
  return rows
}

/** The trajectory that an experiment is of, in its tenant; undefined where it has been deleted. */
export async function trajectoryOf(
  { pool }: Pick<Database, 'pool'>,
  experimentId: string,
): Promise<Trajectory | undefined> {
  const { rows } = await pool.query<Trajectory>(
    `SELECT t.id, t.name, t.about, t.rows, t.bytes, t."index", t.created_at AS "createdAt"
       FROM experiments e
       JOIN trajectories t ON t.tenant = e.tenant AND t.id = (e.spec #>> '{training,trajectory}')::uuid
      WHERE e.id = $1`,
    [experimentId],
  )
  return rows[0]
}

/** Stores the row of a trajectory whose objects are stored. full: with it the tenant has more than `mostBytes`; 0: any number. */
export async function addTrajectory(
  db: Database,
  tenant: string,
  { id, name, about, rows, bytes, index }: Omit<Trajectory, 'createdAt'>,
  mostBytes: number,
): Promise<Trajectory | 'full'> {
  return transaction(db.pool, async client => {
    if (mostBytes > 0) {
      await client.query('SELECT pg_advisory_xact_lock(hashtext($1), 1)', [`datasets ${tenant}`])
      if ((await storedBytes(client, tenant)) + bytes > mostBytes) return 'full'
    }
    const stored = await client.query<Trajectory>(
      `INSERT INTO trajectories (id, tenant, name, about, rows, bytes, "index") VALUES ($1, $2, $3, $4, $5, $6, $7)
       RETURNING ${columns}`,
      [id, tenant, name, JSON.stringify(about), rows, bytes, JSON.stringify(index)],
    )
    return stored.rows[0]
  })
}

/**
 * Deletes a trajectory, unless experiments that are queued or running are of it. The row goes first, as a dataset's does.
 */
export async function deleteTrajectory(
  db: Database,
  objects: Objects,
  { tenant }: Reader,
  id: string,
): Promise<'deleted' | 'missing' | 'in use'> {
  const outcome = await transaction(db.pool, async client => {
    const { rowCount } = await client.query(
      'SELECT FROM trajectories WHERE id = $1 AND ($2::text IS NULL OR tenant = $2) FOR UPDATE',
      [id, tenant],
    )
    if (rowCount === 0) return 'missing'
    const users = await client.query(
      `SELECT FROM experiments
        WHERE status IN ('queued', 'training', 'allocating') AND spec #>> '{training,trajectory}' = $1
        LIMIT 1`,
      [id],
    )
    if (users.rowCount !== 0) return 'in use'
    await client.query('DELETE FROM trajectories WHERE id = $1', [id])
    return 'deleted'
  })
  // Its objects are many, and a store that may not be listed keeps them: what is named here is what makes them readable.
  if (outcome === 'deleted') await objects.remove(trajectoryPrefix(id), [trajectoryKey(id, indexName)])
  return outcome
}

/** Keeps the trajectories of specs from being deleted until the transaction is over. Throws SpecError where one has been. */
export async function holdTrajectories(
  client: pg.PoolClient,
  tenant: string,
  specs: Pick<StoredSpec, 'training'>[],
): Promise<void> {
  const ids = new Set(specs.flatMap(({ training }) => training.trajectory ?? []))
  if (ids.size === 0) return
  const { rows } = await client.query<{ id: string }>(
    'SELECT id FROM trajectories WHERE id = ANY ($1::uuid[]) AND tenant = $2 ORDER BY id FOR SHARE',
    [[...ids], tenant],
  )
  for (const { id } of rows) ids.delete(id)
  for (const id of ids)
    throw new SpecError([{ path: '$.training.trajectory', message: `was deleted this moment: ${id}` }])
}
