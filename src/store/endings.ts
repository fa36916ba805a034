/** How an experiment ends other than by being finished: it fails, or is cancelled. */
import type { FieldError } from '../spec/errors.ts'
import type { Database } from './database.ts'

/** Why an experiment failed, as the API shows it. */
export type Failure = { message: string; errors?: FieldError[] }

/** Fails an experiment that is still at work. Says whether it was: the first reason stays. */
export async function failExperiment(db: Database, id: string, failure: Failure): Promise<boolean> {
  const { rowCount } = await db.pool.query(
    `UPDATE experiments SET status = 'failed', error = $2, finished_at = now(), updated_at = now()
     WHERE id = $1 AND status IN ('queued', 'training', 'allocating') AND NOT cancelling`,
    [id, JSON.stringify(failure)],
  )
  return rowCount === 1
}

/** Says 'cancelled' of an experiment that was to be cancelled. Says whether it was, and had not finished. */
export async function confirmCancelled(db: Database, id: string): Promise<boolean> {
  const { rowCount } = await db.pool.query(
    `UPDATE experiments SET status = 'cancelled', finished_at = now(), updated_at = now()
     WHERE id = $1 AND status IN ('queued', 'training', 'allocating') AND cancelling`,
    [id],
  )
  return rowCount === 1
}

/**
 * Says 'cancelled' of every experiment that was to be cancelled and that no worker has in hand, as where its job waits to
 * be tried again: one that had would have said so within a chunk, and one that still does finds out.
 */
export async function confirmAbandoned({ pool }: Database): Promise<void> {
  await pool.query(
    `UPDATE experiments SET status = 'cancelled', finished_at = now(), updated_at = now()
     WHERE status IN ('training', 'allocating') AND cancelling AND updated_at < now() - interval '30 seconds'`,
  )
}
