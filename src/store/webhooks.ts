/**
 * The outbox of webhooks. A trigger writes it in the transaction that changes an experiment's status; any number of
 * processes send from it. A delivery is made at least once: its id tells a receiver that it has seen it.
 */
import { randomBytes } from 'node:crypto'
import type { Database } from './database.ts'

export type Delivery = {
  id: string
  experimentId: string
  tenant: string
  url: string
  event: string
  payload: unknown
  /** Tries, this one among them. */
  attempts: number
}

/** Tries of a delivery, and the seconds before each further one: 10, 40, 160, … almost ten hours in all. */
export const mostAttempts = 8
const delaySql = `make_interval(secs => least(21600, 10 * 4 ^ (attempts - 1)))`

// A tenant that has as many under way as it may have is left out before the oldest are picked, so that nobody's backlog,
// however long, hides what the others have due.
const takeSql = `
  UPDATE deliveries SET attempts = attempts + 1, next_at = now() + interval '1 minute'
   WHERE id IN (
     SELECT id FROM deliveries
      WHERE next_at <= now() AND id = ANY (ARRAY(
        SELECT id
          FROM (SELECT id, next_at, cardinality(array_positions($3::text[], tenant))
                       + row_number() OVER (PARTITION BY tenant ORDER BY next_at) AS place
                  FROM (SELECT id, tenant, next_at FROM deliveries
                         WHERE next_at <= now() AND cardinality(array_positions($3::text[], tenant)) < $2::int
                         ORDER BY next_at LIMIT 1000) oldest) due
         WHERE place <= $2::int
         ORDER BY place, next_at LIMIT $1::int))
        FOR UPDATE SKIP LOCKED)
  RETURNING id, experiment_id AS "experimentId", tenant, url, event, payload, attempts`

/**
 * Takes at most `limit` deliveries that are due, so few of each tenant that with those it has under way (`busy`, a
 * tenant a delivery) it has at most `perTenant`. They are nobody else's for a minute, after which, whatever became of
 * the taker, they are due again.
 */
export async function takeDeliveries(
  { pool }: Database,
  { limit, perTenant, busy }: { limit: number; perTenant: number; busy: string[] },
): Promise<Delivery[]> {
  return (await pool.query<Delivery>(takeSql, [limit, perTenant, busy])).rows
}

/** Done with, delivered or given up. */
export async function removeDelivery({ pool }: Database, id: string): Promise<void> {
  await pool.query('DELETE FROM deliveries WHERE id = $1', [id])
}

/** To be tried again. */
export async function postponeDelivery({ pool }: Database, id: string): Promise<void> {
  await pool.query(`UPDATE deliveries SET next_at = now() + ${delaySql} WHERE id = $1`, [id])
}

/** What a tenant's webhooks are signed with: 256 random bits, made when it is first asked for. */
export async function webhookSecret({ pool }: Database, tenant: string): Promise<Uint8Array> {
  const sql = 'SELECT secret FROM webhook_secrets WHERE tenant = $1'
  const known = await pool.query<{ secret: Uint8Array }>(sql, [tenant])
  if (known.rows[0]) return known.rows[0].secret
  await pool.query('INSERT INTO webhook_secrets VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    tenant,
    randomBytes(32),
  ])
  return (await pool.query<{ secret: Uint8Array }>(sql, [tenant])).rows[0].secret
}
