/** Rewrites what versions before blocks left (earlier-blocks.ts) as blocks: in the background, a segment a transaction. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { ColumnsKind, SegmentColumns } from '../lca/columns.ts'
import type { SplitName } from '../spec/schema.ts'
import { type Block, insertBlocks, type Queryable, readBlocks } from './blocks.ts'
import type { OnFailure } from './chores.ts'
import { type Database, transaction, whileAlone } from './database.ts'

const tables = ['earlier_iterations', 'earlier_allocations', 'earlier_neuron_segments'] as const

/** Removes what is left of a segment's rows. */
export async function removeEarlierRows(
  client: Queryable,
  id: string,
  index: number,
  { from, to }: { from: number; to: number },
): Promise<void> {
  for (const table of ['earlier_iterations', 'earlier_allocations'])
    await client.query(
      `DELETE FROM ${table} WHERE experiment_id = $1 AND iteration >= $2 AND iteration < $3`,
      [id, from, to],
    )
  await client.query('DELETE FROM earlier_neuron_segments WHERE experiment_id = $1 AND segment = $2', [
    id,
    index,
  ])
}

// Any number that nothing else locks.
const rewriteLock = 0x1ed9e3

/**
 * Rewrites every experiment's rows as blocks; resolves to how many segments that were, or undefined where another process
 * is at it. Whoever reads sees each segment either as it was or as it is; a process that dies leaves what it had not
 * committed as it was, and the next one goes on from there. As long again as the work takes is waited in between, so that
 * it never takes more than half of a processor from the server.
 */
export function rewriteEarlierRows(db: Database, onFailure: OnFailure): Promise<number | undefined> {
  return whileAlone(db.pool, rewriteLock, async () => {
    let rewritten = 0
    for (let id = await nextExperiment(db, undefined); id !== undefined; id = await nextExperiment(db, id))
      try {
        rewritten += await rewriteExperiment(db, id, { pause: true })
      } catch (error) {
        onFailure(id, error as Error)
      }
    await truncateEmpty(db)
    return rewritten
  })
}

/** The first experiment behind `last` that has rows. */
async function nextExperiment({ pool }: Database, last: string | undefined): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string | null }>(
    `SELECT least(${tables.map(table => `(SELECT min(experiment_id::text) FROM (SELECT experiment_id FROM ${table} WHERE $1::uuid IS NULL OR experiment_id > $1::uuid ORDER BY experiment_id LIMIT 1) found)`).join(', ')}) AS id`,
    [last ?? null],
  )
  return rows[0].id ?? undefined
}

/** Rewrites the rows of one experiment; resolves to how many segments that were. */
export async function rewriteExperiment(
  db: Database,
  id: string,
  { pause }: { pause: boolean },
): Promise<number> {
  const { rows: segments } = await db.pool.query<Segment>(
    `SELECT "index", "from", "to" FROM segments s
      WHERE experiment_id = $1
        AND (EXISTS (SELECT FROM earlier_iterations i WHERE i.experiment_id = $1 AND i.split IN ('train', 'validation')
                        AND i.iteration >= s."from" AND i.iteration < s."to")
          OR EXISTS (SELECT FROM earlier_allocations a WHERE a.experiment_id = $1 AND a.split IN ('train', 'validation')
                        AND a.iteration >= s."from" AND a.iteration < s."to")
          OR EXISTS (SELECT FROM earlier_neuron_segments n WHERE n.experiment_id = $1 AND n.segment = s."index"))
      ORDER BY "index"`,
    [id],
  )
  let rewritten = 0
  for (const segment of segments) {
    const start = performance.now()
    if (await transaction(db.pool, client => rewriteSegment(client, id, segment))) rewritten += 1
    if (pause) await sleep(performance.now() - start)
  }
  return rewritten
}

type Segment = { index: number; from: number; to: number }

/** Says whether it was: not where the experiment is gone, or rows are missing, which stay as they are. */
async function rewriteSegment(client: pg.ClientBase, id: string, segment: Segment): Promise<boolean> {
  // The locks of recordSegment, in its order: it replaces these rows, and a deletion removes them.
  const held = await client.query('SELECT FROM experiments WHERE id = $1 FOR KEY SHARE', [id])
  if (held.rows.length === 0) return false
  await client.query('SELECT FROM segments WHERE experiment_id = $1 AND "index" = $2 FOR UPDATE', [
    id,
    segment.index,
  ])
  const { rows: found } = await client.query<{ kind: ColumnsKind; split: SplitName; rows: number }>(
    `SELECT 'iterations' AS kind, split, count(*)::int AS rows FROM earlier_iterations
      WHERE experiment_id = $1 AND iteration >= $2 AND iteration < $3 GROUP BY split
      UNION ALL
     SELECT 'allocations', split, count(*)::int FROM earlier_allocations
      WHERE experiment_id = $1 AND iteration >= $2 AND iteration < $3 GROUP BY split
      UNION ALL
     SELECT 'neurons', split, 0 FROM earlier_neuron_segments WHERE experiment_id = $1 AND segment = $4`,
    [id, segment.from, segment.to, segment.index],
  )
  if (found.length === 0) return false
  const rewritten: SegmentColumns[] = []
  for (const { kind, split, rows } of found) {
    const blocks: Block[] = []
    for await (const page of readBlocks(client, { id, kind, split }, segment)) blocks.push(...page)
    const table = joined(blocks, kind, split)
    const length = blocks.reduce((sum, { from, to }) => sum + to - from, 0)
    const read = blocks.reduce((sum, block) => sum + block.rows, 0)
    // Rows are missing, or there are blocks besides: not what any version writes, and not to be made worse.
    if (length !== segment.to - segment.from || (kind !== 'neurons' && read !== rows)) return false
    rewritten.push(table)
  }
  await insertBlocks(client, id, segment, rewritten)
  await removeEarlierRows(client, id, segment.index, segment)
  return true
}

function joined(blocks: Block[], kind: ColumnsKind, split: SplitName): SegmentColumns {
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0)
  const columns = Object.fromEntries(
    Object.entries(blocks[0]?.columns ?? {}).map(([name, values]) => {
      const all = values instanceof Int32Array ? new Int32Array(rows) : new Float64Array(rows)
      let at = 0
      for (const block of blocks) {
        all.set(block.columns[name], at)
        at += block.rows
      }
      return [name, all]
    }),
  )
  return { kind, split, of: kind === 'neurons' ? 'segment' : 'iterations', columns }
}

/** Gives back the disk of tables that nothing is left in. One that somebody reads just now is left for the next time. */
async function truncateEmpty({ pool }: Database): Promise<void> {
  for (const table of tables) {
    const { rows } = await pool.query<{ worth: boolean }>(
      `SELECT pg_relation_size('${table}') > 0 AND NOT EXISTS (SELECT FROM ${table}) AS worth`,
    )
    if (!rows[0].worth) continue
    await transaction(pool, async client => {
      await client.query(`SET LOCAL lock_timeout = '100ms'`)
      await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
      const { rows: left } = await client.query(`SELECT FROM ${table} LIMIT 1`)
      if (left.length === 0) await client.query(`TRUNCATE ${table}`)
    }).catch((error: { code?: string }) => {
      // 55P03: the lock was not to be had.
      if (error.code !== '55P03') throw error
    })
  }
}
