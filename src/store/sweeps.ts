/** Sweeps: their experiments stored all at once or not at all, and what became of them. */
import type pg from 'pg'
import type { Objects } from '../objects/objects.ts'
import { type StoredSpec, type StoredSweep, textOf } from '../spec/stored.ts'
import { type Database, transaction } from './database.ts'
import {
  type DeleteOutcome,
  lockExperiments,
  markCancelled,
  markDeleting,
  removeExperiment,
  type Submissions,
} from './experiments.ts'
import { type Created, holdPlaces, type Once, type Quota, storeOnce } from './posting.ts'

export type NewSweep = {
  /** UUIDv7. */
  id: string
  /** Of the experiments, in order. */
  experimentIds: string[]
  sweep: StoredSweep
  /** The body that was posted, as JSON. */
  request: string
  /** Whose it is. */
  tenant: string
  /** What the tenant may have queued or running, these among it. */
  quota: Quota
  once?: Once
}

const sweepSql = `
  INSERT INTO sweeps (id, name, request, variants, baseline, idempotency_key, idempotency_hash, tenant)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (tenant, idempotency_key) DO NOTHING`

const experimentsSql = `
  INSERT INTO experiments (id, tenant, name, tags, spec, sweep_id, variant, sweep_index,
                           training_cost, segment_cost, segment_count)
  SELECT id, $7, name, tags::jsonb, spec::json, $1, variant, $8 + n - 1, training_cost, segment_cost, segment_count
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $9::float8[], $10::float8[], $11::int[])
         WITH ORDINALITY
         AS posted (id, name, tags, spec, variant, training_cost, segment_cost, segment_count, n)`

const segmentsSql = `
  INSERT INTO segments (experiment_id, "index", "from", "to")
  SELECT id, "from" / length, "from", least("from" + length, iterations)
    FROM (SELECT id, (spec #>> '{training,iterations}')::int AS iterations,
                 (spec #>> '{allocation,segmentIterations}')::int AS length
            FROM experiments WHERE sweep_id = $1) e,
         generate_series(0, iterations - 1, length) AS "from"`

/**
 * Stores a sweep with its experiments, queued, and their segments, in one transaction. With an idempotency key that is
 * taken, stores nothing and returns the sweep that took it. As createExperiment, for the outcomes.
 */
export function createSweep(
  database: Database,
  { id, experimentIds, sweep, request, tenant, quota, once }: NewSweep,
): Promise<Created> {
  const { variants, baseline, experiments } = sweep
  const specs = experiments.map(({ spec }) => spec)
  const insert = async (client: pg.PoolClient) => {
    if (!(await holdPlaces(client, tenant, specs, quota))) return 'full'
    const { rowCount } = await client.query(sweepSql, [
      ...[id, sweep.name ?? null, request, variants, baseline],
      ...[once?.key ?? null, once?.hash ?? null, tenant],
    ])
    if (rowCount === 0) return 'taken'
    for (const [from, to] of batches(specs)) {
      const some = specs.slice(from, to)
      await client.query(experimentsSql, [
        id,
        experimentIds.slice(from, to),
        some.map(({ name }) => name),
        some.map(({ tags }) => tags),
        some.map(textOf),
        experiments.slice(from, to).map(({ variant }) => variant),
        tenant,
        from,
        some.map(({ cost }) => cost.training),
        some.map(({ cost }) => cost.segment),
        some.map(({ cost }) => cost.segments),
      ])
    }
    await client.query(segmentsSql, [id])
    return 'created'
  }
  return storeOnce(database, 'sweeps', { id, tenant, once }, () => transaction(database.pool, insert))
}

/** Bytes of specs in one statement: the driver writes and escapes it in one piece, and a sweep may have 64 MiB. */
const mostBytes = 2 ** 20

/** Spans [from, to) of specs that go into one statement. */
function* batches(specs: StoredSpec[]): Generator<[from: number, to: number]> {
  let from = 0
  let bytes = 0
  for (const [i, { json }] of specs.entries()) {
    if (bytes > 0 && bytes + json.length > mostBytes) {
      yield [from, i]
      from = i
      bytes = 0
    }
    bytes += json.length
  }
  yield [from, specs.length]
}

/** The ids of a sweep's experiments in order; only the queued ones if asked for. */
export async function sweepExperiments(db: Database, id: string, queued = false): Promise<string[]> {
  const found = await db.prisma.experiment.findMany({
    where: { sweepId: id, ...(queued && { status: 'queued' }) },
    orderBy: { sweepIndex: 'asc' },
    select: { id: true },
  })
  return found.map(experiment => experiment.id)
}

/**
 * Cancels what is queued or running of a sweep: all of it at once in Postgres, and then the jobs are taken back. Says
 * whether there is such a sweep.
 */
export async function cancelSweep(db: Database, queue: Submissions, id: string): Promise<boolean> {
  if ((await db.prisma.sweep.count({ where: { id } })) === 0) return false
  const marked = await transaction(db.pool, async client =>
    markCancelled(client, await lockExperiments(client, 'sweep_id', id)),
  )
  await someAtATime(marked, async ({ id, status }) => {
    if (status === 'cancelled') await queue.remove(id)
  })
  return true
}

/**
 * Deletes a sweep with its experiments: all of them are marked at once, so that workers stop, and then removed. A deletion
 * that failed half way can be called again: the sweep itself goes last.
 */
export async function deleteSweep(
  db: Database,
  queue: Submissions,
  objects: Objects,
  id: string,
): Promise<DeleteOutcome> {
  const { ids, users } = await markDeleting(db, 'sweep_id', id)
  if (users.length > 0) return { outcome: 'in use', users }
  await someAtATime(ids, experiment => removeExperiment(db, queue, objects, experiment))
  const { count } = await db.prisma.sweep.deleteMany({ where: { id } })
  return { outcome: count === 1 ? 'deleted' : 'missing' }
}

/** Of a thousand deletions on S3 one after the other takes minutes; all at once would leave nothing for other requests. */
const atATime = 8

/** Does the work for every item, some at a time. When one fails no further ones begin. */
async function someAtATime<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  // One generator for all: whoever leaves its loop by an error ends it for the others too.
  const rest = (function* () {
    yield* items
  })()
  const lane = async () => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: atATime }, lane))
}
