/** What one worker of a fleet does for all: whoever finds it due has it, by the database's clock. */
import type { Database } from './database.ts'

export type Chore = 'reconcile' | 'sweep'

/** Told of an experiment of which a chore could not be done, and why. The chore goes on with the next one. */
export type OnFailure = (experiment: string, error: Error) => void

/**
 * Whether the chore is the caller's now: nobody has had it for so many milliseconds, and of those who ask at once one has
 * it. It counts as done: where its owner dies or fails, it is due again after as long.
 */
export async function claimChore(
  { pool }: Pick<Database, 'pool'>,
  chore: Chore,
  milliseconds: number,
): Promise<boolean> {
  // Most of those who ask are too early, and lock nothing.
  const { rowCount } = await pool.query(
    `INSERT INTO chores AS c (name, at)
     SELECT $1, now() WHERE NOT EXISTS (
       SELECT FROM chores WHERE name = $1 AND at > now() - $2 * interval '1 millisecond')
     ON CONFLICT (name) DO UPDATE SET at = now() WHERE c.at <= now() - $2 * interval '1 millisecond'`,
    [chore, milliseconds],
  )
  return rowCount === 1
}
