/** Whether this machine's clock can be trusted with the queue's locks. */
import type { Database } from '../src/store/database.ts'

/** Milliseconds that this machine's clock is ahead of Postgres's, to within half of what asking took. */
export async function clockSkew({ pool }: Pick<Database, 'pool'>): Promise<number> {
  // The first question opens the connection; its time would count as skew.
  await pool.query('SELECT 1')
  const asked = Date.now()
  const { rows } = await pool.query<{ now: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now',
  )
  return (asked + Date.now()) / 2 - rows[0].now
}

/**
 * Throws where the clocks differ by more than half a lock: on Postgres the queue compares times of the machines that
 * work, and one that is ahead would take living workers' jobs.
 */
export async function checkClock(db: Pick<Database, 'pool'>, lockDuration: number): Promise<void> {
  const skew = await clockSkew(db)
  if (Math.abs(skew) <= lockDuration / 2) return
  const apart = `${(Math.abs(skew) / 1000).toFixed(1)} s ${skew > 0 ? 'ahead of' : 'behind'}`
  throw new Error(
    `this machine's clock is ${apart} Postgres's: set it (NTP), or the queue's locks mean nothing`,
  )
}
