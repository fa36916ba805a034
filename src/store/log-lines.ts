/** What workers say of an experiment while they work on it: kept with it, the newest thousand lines, and deleted with it. */
import type { Database } from './database.ts'

/** Lines that are kept of one experiment. */
export const mostLines = 1000

export type LogLine = {
  /** ISO 8601. */
  at: string
  level: 'info' | 'warn' | 'error'
  message: string
  worker: string
  facts: Record<string, unknown>
}
export type NewLine = LogLine & { experiment: string }

/** Adds lines of any experiments, in their order; those of experiments that are gone are dropped. */
export async function addLogLines({ pool }: Pick<Database, 'pool'>, lines: NewLine[]): Promise<void> {
  if (lines.length === 0) return
  const ids = [...new Set(lines.map(({ experiment }) => experiment))]
  await pool.query(
    `WITH held AS (SELECT id FROM experiments WHERE id = ANY ($1::uuid[]) ORDER BY id FOR KEY SHARE)
     INSERT INTO log_lines (experiment_id, at, level, message, worker, facts)
     SELECT id, at, level, message, worker, facts
       FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
            WITH ORDINALITY AS said (id, at, level, message, worker, facts, n) JOIN held USING (id)
      ORDER BY n`,
    [
      ids,
      lines.map(({ experiment }) => experiment),
      lines.map(({ at }) => at),
      lines.map(({ level }) => level),
      lines.map(({ message }) => message),
      lines.map(({ worker }) => worker),
      lines.map(({ facts }) => JSON.stringify(facts)),
    ],
  )
  await pool.query(
    `DELETE FROM log_lines l USING unnest($1::uuid[]) AS said (id)
      WHERE l.experiment_id = said.id AND l.number <= (
        SELECT number FROM log_lines WHERE experiment_id = said.id ORDER BY number DESC OFFSET $2 LIMIT 1)`,
    [ids, mostLines],
  )
}

/** Lines of an experiment, oldest first: so many after a number. */
export async function readLogLines(
  { pool }: Pick<Database, 'pool'>,
  id: string,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<(LogLine & { number: string })[]> {
  const { rows } = await pool.query<LogLine & { number: string }>(
    `SELECT number::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at, level, message, worker, facts
       FROM log_lines l WHERE experiment_id = $1 AND l.number > $2::bigint ORDER BY l.number LIMIT $3`,
    [id, after ?? '0', limit],
  )
  return rows
}
