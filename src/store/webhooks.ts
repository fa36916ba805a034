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

/** Tries of a delivery, and the seconds before each further one: 10, 40, 160, … about eleven hours in all. */
export const mostAttempts = 8
const delaySql = `make_interval(secs => least(21600, 10 * 4 ^ (attempts - 1)))`

/**
 * Takes deliveries that are due. They are nobody else's for a minute, after which, whatever became of the taker, they
 * are due again.
 */
export async function takeDeliveries({ pool }: Database, limit: number): Promise<Delivery[]> {
  const { rows } = await pool.query<Delivery>(
    `UPDATE deliveries SET attempts = attempts + 1, next_at = now() + interval '1 minute'
      WHERE id IN (SELECT id FROM deliveries WHERE next_at <= now() ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING id, experiment_id AS "experimentId", tenant, url, event, payload, attempts`,
    [limit],
  )
  return rows
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
