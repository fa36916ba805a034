/**
 * What time leaves behind: experiments older than they are kept, objects of experiments that are gone, and what writers
 * left half done. Any number of processes may sweep; one at a time does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { datasetPrefix, trajectoryPrefix } from '../objects/names.ts'
import { type Objects, objectKey, UnlistableError } from '../objects/objects.ts'
import { type Database, whileAlone } from './database.ts'
import { deleteExperiment, experimentPrefix, type Submissions } from './experiments.ts'
import { readTrajectories } from './trajectories.ts'

export type Swept = { expired: number; orphans: number; leftovers: number }

const day = 24 * 60 * 60 * 1000

// Any number that nothing else locks.
const sweepLock = 0x1ed9e2
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Sweeps. `retentionDays`: finished experiments older than that are deleted, but for those that unfinished ones start
 * from; undefined: none are. Deletions of what had succeeded or failed are completed where they died half way. As long again as
 * a deletion takes is waited after it: others read meanwhile. What cannot be deleted is logged, and tried again
 * the next time. Resolves to what went, or undefined where another process is sweeping.
 */
export function sweep(
  db: Database,
  queue: Submissions,
  objects: Objects,
  retentionDays: number | undefined,
  log: Log,
): Promise<Swept | undefined> {
  return whileAlone(db.pool, sweepLock, async () => {
    const swept: Swept = { expired: 0, orphans: 0, leftovers: 0 }

    const expired = await db.pool.query<{ id: string }>(
      `SELECT id FROM experiments
       WHERE status IN ('succeeded', 'failed', 'cancelled') AND finished_at < now() - $1 * interval '1 day'
          OR status IN ('succeeded', 'failed') AND cancelling AND updated_at < now() - interval '10 minutes'`,
      // A comparison with NULL is not true: nothing expires. And what has finished is not cancelled any more: it was marked
      // to be deleted.
      [retentionDays ?? null],
    )
    for (const { id } of expired.rows) {
      const start = performance.now()
      // One that others start from is left until they have finished.
      try {
        const { outcome } = await deleteExperiment(db, queue, objects, id)
        if (outcome === 'deleted') swept.expired += 1
      } catch (error) {
        log.warn({ err: error, experiment: id }, 'an experiment could not be deleted')
      }
      await sleep(performance.now() - start)
    }

    try {
      await sweepObjects(db, objects, swept)
    } catch (error) {
      if (!(error instanceof UnlistableError)) throw error
      log.warn({ reason: error.message }, 'what nobody needs any more stays in the object store')
    }
    await objects.sweep().catch(error => log.warn({ err: error }, 'unfinished uploads could not be swept'))
    return swept
  })
}

/** Removes the objects that no row names. Throws UnlistableError. */
async function sweepObjects(db: Database, objects: Objects, swept: Swept): Promise<void> {
  // The names first: every object is younger than its experiment's row, so what is here and has no row now is nobody's.
  const found = (await objects.names('experiments')).filter(name => uuid.test(name))
  for (let i = 0; i < found.length; i += 1000) {
    const some = found.slice(i, i + 1000)
    const known = await db.pool.query<{ id: string }>(
      'SELECT id FROM experiments WHERE id = ANY ($1::uuid[])',
      [some],
    )
    const owners = new Set(known.rows.map(({ id }) => id))
    for (const id of some.filter(name => !owners.has(name))) {
      await objects.remove(experimentPrefix(id))
      swept.orphans += 1
    }
  }

  // Of a dataset the objects come first and the row last: what has had none for a day is never going to have one.
  const datasets = (await objects.names('datasets')).filter(name => uuid.test(name))
  const old = datasets.filter(id => madeAt(id) < Date.now() - day)
  const having = await db.prisma.dataset.findMany({ where: { id: { in: old } }, select: { id: true } })
  for (const id of old.filter(name => !having.some(row => row.id === name))) {
    await objects.remove(datasetPrefix(id))
    swept.orphans += 1
  }

  // And of a trajectory.
  const trajectories = (await objects.names('trajectories')).filter(name => uuid.test(name))
  const aged = trajectories.filter(id => madeAt(id) < Date.now() - day)
  const kept = await readTrajectories(db, { tenant: null }, aged)
  for (const id of aged.filter(name => !kept.has(name))) {
    await objects.remove(trajectoryPrefix(id))
    swept.orphans += 1
  }

  // A worker that died between saying that it is done and clearing up.
  const done = await db.pool.query<{ id: string; weights: boolean }>(
    `SELECT id, spec -> 'keep' ->> 0 = 'weights' OR spec -> 'keep' ->> 1 = 'weights' AS weights
       FROM experiments WHERE status = 'succeeded' AND finished_at > now() - interval '2 days'`,
  )
  for (const { id, weights } of done.rows) {
    const names = await objects.names(experimentPrefix(id))
    for (const name of names.filter(
      one => one === 'state' || one === 'seams' || (one === 'weights' && !weights),
    )) {
      await objects.remove(objectKey(id, name))
      swept.leftovers += 1
    }
  }
}

/** The milliseconds in a UUIDv7. */
const madeAt = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16)
