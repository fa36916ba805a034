/** The workers that live: each says so every few seconds; one that has stopped saying so is not there any more. */
import type { EngineDescription } from '../engine/description.ts'
import type { Database } from './database.ts'
import type { Reader } from './experiments.ts'

/** How often a worker says that it lives, and after how long without a word it counts as gone. */
export const heartbeatEvery = 5000
export const silence = 30_000

/** What a worker does at the moment. */
export type Doing = {
  task: 'train' | 'allocate'
  /** null: somebody else's. */
  experiment: string | null
  /** The iterations of a segment, where it is one. */
  from?: number
  to?: number
  since: string
}

export type WorkerCard = {
  /** UUID of this life of the worker. */
  id: string
  name: string
  host: string
  pid: number
  engine: EngineDescription
  memoryBytes: number
}

export type LiveWorker = WorkerCard & {
  doing: Doing | null
  examplesPerSecond: number | null
  startedAt: string
  seenAt: string
}

/** Says that the worker lives, and what it does. */
export async function noteWorker(
  db: Database,
  card: WorkerCard,
  doing: Doing | undefined,
  examplesPerSecond: number | undefined,
): Promise<void> {
  await db.pool.query(
    `INSERT INTO workers (id, name, host, pid, engine, memory_bytes, doing, examples_per_second)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (id) DO UPDATE
     SET engine = excluded.engine, doing = excluded.doing,
         examples_per_second = excluded.examples_per_second, seen_at = now()`,
    [
      ...[card.id, card.name, card.host, card.pid, JSON.stringify(card.engine), card.memoryBytes],
      ...[doing === undefined ? null : JSON.stringify(doing), examplesPerSecond ?? null],
    ],
  )
}

/** Takes a worker off the list that stops in order, and forgets those that never said goodbye. */
export async function removeWorker(db: Database, id: string): Promise<void> {
  await db.pool.query(`DELETE FROM workers WHERE id = $1 OR seen_at < now() - interval '1 hour'`, [id])
}

/** The workers that live, by name, by the database's clock. Which experiment one is at, only its owner learns. */
export async function liveWorkers(
  db: Database,
  { tenant }: Reader = { tenant: null },
): Promise<LiveWorker[]> {
  const utc = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  const { rows } = await db.pool.query<LiveWorker>(
    `SELECT id, name, host, pid, engine, memory_bytes::float8 AS "memoryBytes",
            CASE WHEN doing IS NULL OR $2::text IS NULL OR EXISTS (
                   SELECT FROM experiments WHERE id = (doing ->> 'experiment')::uuid AND tenant = $2)
                 THEN doing
                 ELSE jsonb_build_object('task', doing -> 'task', 'experiment', NULL, 'since', doing -> 'since')
            END AS doing,
            examples_per_second AS "examplesPerSecond",
            ${utc('started_at')} AS "startedAt", ${utc('seen_at')} AS "seenAt"
     FROM workers
     WHERE seen_at > now() - $1 * interval '1 millisecond'
     ORDER BY name, started_at`,
    [silence, tenant],
  )
  return rows
}
