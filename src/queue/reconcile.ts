/** Postgres is the truth, the queue only carries work: what Postgres has accepted and the queue has lost is queued again. */
import type { Database } from '../store/database.ts'
import { confirmAbandoned } from '../store/endings.ts'
import type { ExperimentQueue } from './queue.ts'

/**
 * Confirms cancellations that nobody has, and queues every unfinished experiment that has no job; resolves to the ids of
 * these. Any number of processes may do this.
 */
export async function reconcile(
  db: Database,
  queue: Pick<ExperimentQueue, 'lost' | 'submitAll'>,
): Promise<string[]> {
  await confirmAbandoned(db)
  const { rows } = await db.pool.query<{ id: string }>(
    `SELECT id FROM experiments WHERE status IN ('queued', 'training', 'allocating') ORDER BY id`,
  )
  const lost = await queue.lost(rows.map(({ id }) => id))
  await queue.submitAll(lost)
  return lost
}
