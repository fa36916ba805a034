/**
 * What a worker reads and writes of a segment while it allocates. Everything here can be called twice, by
 * two workers at once, and for an experiment that has been cancelled or deleted meanwhile: the first result stays, and
 * nothing is brought back.
 */
import type pg from 'pg'
import type { SegmentColumns } from '../lca/columns.ts'
import type { Evaluation } from '../lca/ends.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import { recordArtifacts, type StoredArtifact } from './artifacts.ts'
import { insertBlocks, removeBlocks } from './blocks.ts'
import { type Database, transaction } from './database.ts'
import { removeEarlierRows } from './earlier-rows.ts'
import { type Computer, segmentsThatAre } from './state.ts'

/** The indices of the segments that are trained and not yet allocated, in order. */
export const unallocatedSegments = (db: Database, id: string) => segmentsThatAre(db, id, 'trained')

/** Whether a segment is allocated. */
export async function isAllocated(db: Database, id: string, index: number): Promise<boolean> {
  const { rows } = await db.pool.query(
    `SELECT FROM segments WHERE experiment_id = $1 AND "index" = $2 AND status = 'allocated'`,
    [id, index],
  )
  return rows.length > 0
}

/** Takes up a segment. undefined where it is allocated already, or its experiment is not to be worked on. */
export async function startSegment(
  db: Database,
  id: string,
  index: number,
  worker: string,
): Promise<{ from: number; to: number; spec: ResolvedSpec } | undefined> {
  const { rows } = await db.pool.query<{ from: number; to: number; spec: ResolvedSpec }>(
    `UPDATE segments s
     SET attempts = s.attempts + 1, done = 0, worker = $3
     FROM experiments e
     WHERE s.experiment_id = $1 AND s."index" = $2 AND s.status = 'trained'
       AND e.id = $1 AND e.status = 'allocating' AND NOT e.cancelling
     RETURNING s."from", s."to", e.spec`,
    [id, index, worker],
  )
  return rows[0]
}

/** Notes how many iterations of a segment are allocated; says whether its experiment is still to be allocated. */
export async function noteAllocated(db: Database, id: string, index: number, done: number): Promise<boolean> {
  const { rows } = await db.pool.query<{ wanted: boolean; first: boolean }>(
    `WITH noted AS (
       UPDATE segments SET done = $3 WHERE experiment_id = $1 AND "index" = $2 AND status = 'trained')
     SELECT status = 'allocating' AND NOT cancelling AS wanted, paced_at IS NULL AS first FROM experiments WHERE id = $1`,
    [id, index, done],
  )
  if (rows[0]?.first) await beginPace(db.pool, id)
  return rows[0]?.wanted === true
}

/** Remembers when the first iterations of a phase were told of, and how many: the pace counts from there. */
async function beginPace(client: Pick<pg.ClientBase, 'query'>, id: string): Promise<void> {
  await client.query(
    `UPDATE experiments
     SET paced_at = now(), done_before = (SELECT coalesce(sum(done), 0) FROM segments WHERE experiment_id = $1)
     WHERE id = $1 AND status = 'allocating' AND paced_at IS NULL`,
    [id],
  )
}

export type SegmentResult = {
  columns: SegmentColumns[]
  evaluations: Evaluation[]
  objects: StoredArtifact[]
  seconds: number
  gradients: number
}

/**
 * Records a segment's tables and objects in one transaction. recorded: they are in. already: another worker was faster, and
 * its result stays. disputed: it was, on a device whose bits are others, and these objects have taken the place of the
 * recorded ones: the segment is to be allocated again. unwanted: the experiment is gone, or no longer allocating.
 */
export function recordSegment(
  db: Database,
  id: string,
  index: number,
  { columns, evaluations, objects, seconds, gradients }: SegmentResult,
  { worker, engine }: Computer,
): Promise<'recorded' | 'already' | 'disputed' | 'unwanted'> {
  return transaction(db.pool, async client => {
    // The experiment first, as its deletion does, so that neither waits for the other in a circle.
    const experiment = await client.query<{ wanted: boolean }>(
      `SELECT status = 'allocating' AND NOT cancelling AS wanted FROM experiments WHERE id = $1 FOR KEY SHARE`,
      [id],
    )
    if (experiment.rows[0]?.wanted !== true) return 'unwanted'
    const { rows: segments } = await client.query<Recorded>(
      'SELECT status, "from", "to", sequence, finished_at IS NOT NULL AS before FROM segments WHERE experiment_id = $1 AND "index" = $2 FOR UPDATE',
      [id, index],
    )
    const [segment] = segments
    if (segment.status === 'allocated') {
      if (await areRecorded(client, id, objects)) return 'already'
      // Held against being finished as it is.
      const { rows } = await client.query(
        `SELECT FROM experiments WHERE id = $1 AND status = 'allocating' FOR SHARE`,
        [id],
      )
      if (rows.length === 0) return 'unwanted'
      await client.query(
        `UPDATE segments SET status = 'trained', done = 0 WHERE experiment_id = $1 AND "index" = $2`,
        [id, index],
      )
      return 'disputed'
    }
    const again = segment.sequence !== null
    // Also of one that was shorter when it was recorded (store/extension.ts).
    if (segment.before) {
      await removeBlocks(client, id, segment)
      await removeEarlierRows(client, id, index, segment)
    }
    await insertBlocks(client, id, segment, columns)
    await recordArtifacts(client, id, objects)
    // The number that /events goes by: the row is locked from here to the commit, so numbers become visible in order. A
    // segment that is recorded again keeps its own.
    const { rows } = await client.query<{ recorded: number }>(
      'UPDATE experiments SET recorded = recorded + $2, updated_at = now() WHERE id = $1 RETURNING recorded',
      [id, again ? 0 : 1],
    )
    await client.query(
      `UPDATE segments
       SET status = 'allocated', done = "to" - "from", worker = $3, engine = $4, seconds = $5, gradients = $6,
           sequence = coalesce(sequence, $7), evaluations = $8, finished_at = now()
       WHERE experiment_id = $1 AND "index" = $2`,
      [
        ...[id, index, worker, JSON.stringify(engine), seconds, gradients, rows[0].recorded],
        JSON.stringify(evaluations),
      ],
    )
    await beginPace(client, id)
    return 'recorded'
  })
}

/** Whether what is recorded of these objects is what they are. */
async function areRecorded(client: pg.ClientBase, id: string, objects: StoredArtifact[]): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM artifacts a JOIN unnest($2::text[], $3::text[]) AS o (name, sha256) USING (name)
     WHERE a.experiment_id = $1 AND a.sha256 <> o.sha256`,
    [id, objects.map(object => object.name), objects.map(object => object.sha256)],
  )
  return rows.length === 0
}

type Recorded = { status: string; from: number; to: number; sequence: number | null; before: boolean }
