/**
 * What a worker reads and writes of an experiment while it trains and allocates. Everything here can be called twice, by
 * two workers at once, and for an experiment that has been cancelled or deleted meanwhile: the first result stays, and
 * nothing is brought back.
 */
import type pg from 'pg'
import type { EngineDescription } from '../engine/description.ts'
import type { Tables } from '../lca/aggregate.ts'
import type { Evaluation } from '../lca/ends.ts'
import type { NeuronSums } from '../lca/neurons.ts'
import type { FieldError } from '../spec/errors.ts'
import type { VariableFacts } from '../spec/facts.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import { type Database, transaction } from './database.ts'

export type Status = 'queued' | 'training' | 'allocating' | 'succeeded' | 'failed' | 'cancelled'

/** Who computes: stored beside what they computed. */
export type Computer = { worker: string; engine: EngineDescription }

/** An object of an experiment in storage: `name` is its key without the experiment's prefix. */
export type StoredArtifact = { name: string; bytes: number; sha256: string; contentType: string }

export type ExperimentState = { status: Status; cancelling: boolean; turn: number; spec: ResolvedSpec }

/** Where an experiment stands; undefined where there is none (any more). */
export async function readState(db: Database, id: string): Promise<ExperimentState | undefined> {
  const { rows } = await db.pool.query<ExperimentState>(
    'SELECT status, cancelling, turn, spec FROM experiments WHERE id = $1',
    [id],
  )
  return rows[0]
}

/**
 * Takes up a queued experiment, or one whose training was interrupted: it goes on to 'training', or to 'allocating' where
 * an earlier run has trained every segment. Resolves to the new status; undefined where it is not to be taken up.
 */
export async function startExperiment(
  db: Database,
  id: string,
  { worker, engine }: Computer,
): Promise<'training' | 'allocating' | undefined> {
  const { rows } = await db.pool.query<{ status: 'training' | 'allocating' }>(
    `WITH found AS (
       -- The variables come last: a worker may have died when every segment was stored, and they were not.
       SELECT NOT EXISTS (SELECT FROM segments WHERE experiment_id = $1 AND status = 'pending')
          AND EXISTS (SELECT FROM variables WHERE experiment_id = $1) AS whole,
         coalesce((SELECT max("to") FROM segments WHERE experiment_id = $1 AND status <> 'pending'), 0) AS trained,
         coalesce((SELECT sum(done) FROM segments WHERE experiment_id = $1), 0) AS allocated
     )
     UPDATE experiments
     SET status = CASE WHEN whole THEN 'allocating' ELSE 'training' END::experiment_status,
         started_at = CASE WHEN whole THEN started_at ELSE now() END,
         allocating_at = CASE WHEN whole THEN now() END,
         trained = found.trained,
         done_before = CASE WHEN whole THEN allocated ELSE found.trained END,
         attempts = attempts + 1, worker = $2, engine = $3, updated_at = now()
     FROM found
     WHERE id = $1 AND status IN ('queued', 'training') AND NOT cancelling
     RETURNING status`,
    [id, worker, JSON.stringify(engine)],
  )
  return rows[0]?.status
}

/** Whether work on the experiment in this phase is still wanted. */
export async function isWanted(db: Database, id: string, phase: 'training' | 'allocating'): Promise<boolean> {
  const { rows } = await db.pool.query<{ wanted: boolean }>(
    'SELECT status = $2 AND NOT cancelling AS wanted FROM experiments WHERE id = $1',
    [id, phase],
  )
  return rows[0]?.wanted === true
}

/** Notes how many iterations are trained. */
export async function noteTrained(db: Database, id: string, trained: number): Promise<void> {
  await db.pool.query(
    `UPDATE experiments SET trained = $2, updated_at = now() WHERE id = $1 AND status = 'training'`,
    [id, trained],
  )
}

/** The indices of the segments whose weights are not known to be stored, in order. */
export const pendingSegments = (db: Database, id: string) => segmentsThatAre(db, id, 'pending')

async function segmentsThatAre(db: Database, id: string, status: 'pending' | 'trained'): Promise<number[]> {
  const { rows } = await db.pool.query<{ index: number }>(
    'SELECT "index" FROM segments WHERE experiment_id = $1 AND status = $2 ORDER BY "index"',
    [id, status],
  )
  return rows.map(row => row.index)
}

/** Segments by their indices, and the objects that hold their weights. */
export type Trained = { segments: number[]; objects: StoredArtifact[] }

/** Records the weights of segments while the rest is being trained: another attempt goes on behind them. */
export async function recordTrainedSegments(
  db: Database,
  id: string,
  trained: Trained,
  computer: Computer,
): Promise<void> {
  await transaction(db.pool, async client => {
    const { rows } = await client.query(
      `SELECT FROM experiments WHERE id = $1 AND status = 'training' AND NOT cancelling FOR KEY SHARE`,
      [id],
    )
    if (rows.length === 0) return
    await recordWeights(client, id, trained, computer)
    await client.query(
      `UPDATE segments SET status = 'trained'
       WHERE experiment_id = $1 AND "index" = ANY ($2::int[]) AND status = 'pending'`,
      [id, trained.segments],
    )
  })
}

/** Records weights that were lost and have been made again. Nothing where the experiment is gone. */
export async function recordAgain(
  db: Database,
  id: string,
  trained: Trained,
  computer: Computer,
): Promise<void> {
  await transaction(db.pool, async client => {
    const { rows } = await client.query(`SELECT FROM experiments WHERE id = $1 FOR KEY SHARE`, [id])
    if (rows.length > 0) await recordWeights(client, id, trained, computer)
  })
}

async function recordWeights(
  client: pg.ClientBase,
  id: string,
  { segments, objects }: Trained,
  { worker, engine }: Computer,
): Promise<void> {
  await recordArtifacts(client, id, objects)
  await client.query(
    'UPDATE segments SET trained_by = $3 WHERE experiment_id = $1 AND "index" = ANY ($2::int[])',
    [id, segments, JSON.stringify({ worker, engine })],
  )
}

/**
 * Records what training produced, and goes on to 'allocating'. `trained` are all segments that were pending. Says whether
 * it was wanted: not where the experiment is no longer training, or is to be cancelled.
 */
export function recordTraining(
  db: Database,
  id: string,
  variables: VariableFacts[],
  trained: Trained,
  computer: Computer,
): Promise<boolean> {
  return transaction(db.pool, async client => {
    const { rowCount } = await client.query(
      `UPDATE experiments
       SET status = 'allocating', allocating_at = now(), done_before = 0, trained = (spec #>> '{training,iterations}')::int,
           updated_at = now()
       WHERE id = $1 AND status = 'training' AND NOT cancelling`,
      [id],
    )
    if (rowCount === 0) return false
    // The attempt before may have got this far: the variables are the same then.
    await client.query('DELETE FROM variables WHERE experiment_id = $1', [id])
    for (const [index, { name, layer, shape, offset, size }] of variables.entries()) {
      await client.query('INSERT INTO variables VALUES ($1, $2, $3, $4, $5, $6, $7)', [
        ...[id, index, name, layer, shape, offset, size],
      ])
    }
    await recordWeights(client, id, trained, computer)
    await client.query(
      `UPDATE segments SET status = 'trained' WHERE experiment_id = $1 AND status = 'pending'`,
      [id],
    )
    return true
  })
}

/**
 * Says of segments that they are to be allocated again. Their rows and their number in /events stay until recordSegment
 * replaces the rows: whoever follows the experiment is told of them once, before, meanwhile or afterwards.
 */
export async function resetSegments(db: Database, id: string, indices: number[]): Promise<void> {
  await db.pool.query(
    `UPDATE segments SET status = 'trained', done = 0
     WHERE experiment_id = $1 AND "index" = ANY ($2::int[]) AND status = 'allocated'`,
    [id, indices],
  )
}

/** The indices of the segments that are trained and not yet allocated, in order. */
export const unallocatedSegments = (db: Database, id: string) => segmentsThatAre(db, id, 'trained')

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

/** Notes how many iterations of a segment are allocated. */
export async function noteAllocated(db: Database, id: string, index: number, done: number): Promise<void> {
  await db.pool.query(
    `UPDATE segments SET done = $3 WHERE experiment_id = $1 AND "index" = $2 AND status = 'trained'`,
    [id, index, done],
  )
}

export type SegmentResult = {
  tables: Tables
  neurons: NeuronSums[]
  evaluations: Evaluation[]
  objects: StoredArtifact[]
  seconds: number
  gradients: number
}

/**
 * Records a segment's rows and objects in one transaction. recorded: they are in. already: another worker was faster, and
 * its result stays. disputed: it was, on a device whose bits are others, and these objects have taken the place of the
 * recorded ones: the segment is to be allocated again. unwanted: the experiment is gone, or no longer allocating.
 */
export function recordSegment(
  db: Database,
  id: string,
  index: number,
  { tables, neurons, evaluations, objects, seconds, gradients }: SegmentResult,
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
      'SELECT status, "from", "to", sequence FROM segments WHERE experiment_id = $1 AND "index" = $2 FOR UPDATE',
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
    if (again) await removeRows(client, id, index, segment)
    await insertRows(client, 'iterations', id, iterationColumns, tables.iterations)
    await insertRows(client, 'allocations', id, allocationColumns, tables.allocations)
    for (const { split, lca, helping, hurting } of neurons) {
      const sums = [lca, helping, hurting].map(values => `{${values.join(',')}}`)
      await client.query('INSERT INTO neuron_segments VALUES ($1, $2, $3, $4, $5, $6)', [
        ...[id, split, index, ...sums],
      ])
    }
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

type Recorded = { status: string; from: number; to: number; sequence: number | null }

/** Removes what is left of a segment's rows. */
async function removeRows(
  client: pg.ClientBase,
  id: string,
  index: number,
  { from, to }: Recorded,
): Promise<void> {
  await client.query('DELETE FROM neuron_segments WHERE experiment_id = $1 AND segment = $2', [id, index])
  for (const table of ['iterations', 'allocations'])
    await client.query(
      `DELETE FROM ${table} WHERE experiment_id = $1 AND iteration >= $2 AND iteration < $3`,
      [id, from, to],
    )
}

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

/** Adds or replaces artifacts: an object written again has the same name, and what it holds now is what counts. */
export async function recordArtifacts(
  client: pg.ClientBase,
  id: string,
  objects: StoredArtifact[],
): Promise<void> {
  await client.query(
    `INSERT INTO artifacts (experiment_id, name, bytes, sha256, content_type)
     SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[])
     ON CONFLICT (experiment_id, name) DO UPDATE
     SET bytes = excluded.bytes, sha256 = excluded.sha256, content_type = excluded.content_type`,
    [
      id,
      objects.map(object => object.name),
      objects.map(object => object.bytes),
      objects.map(object => object.sha256),
      objects.map(object => object.contentType),
    ],
  )
}

type Columns<Table> = [column: keyof Table & string, name: string, type: string][]

const iterationColumns: Columns<Tables['iterations']> = [
  ['split', 'split', 'text'],
  ['iteration', 'iteration', 'int'],
  ['lossBefore', 'loss_before', 'float8'],
  ['lossAfter', 'loss_after', 'float8'],
  ['lca', 'lca', 'float8'],
  ['residual', 'residual', 'float8'],
  ['splits', 'splits', 'int'],
  ['helped', 'helped', 'int'],
  ['hurt', 'hurt', 'int'],
]
const allocationColumns: Columns<Tables['allocations']> = [
  ['split', 'split', 'text'],
  ['iteration', 'iteration', 'int'],
  ['variable', 'variable', 'int'],
  ['lca', 'lca', 'float8'],
  ['helping', 'helping', 'float8'],
  ['hurting', 'hurting', 'float8'],
  ['squared', 'squared', 'float8'],
  ['moved', 'moved', 'float8'],
  ['helped', 'helped', 'int'],
  ['hurt', 'hurt', 'int'],
]

// Rows of one statement: its text holds every number, so a long segment goes in parts.
const batch = 20_000

/** Inserts a table's columns as rows. The numbers travel as array literals: shortest digits that read back the same. */
async function insertRows<Table extends Record<keyof Table, ArrayLike<string | number>>>(
  client: pg.ClientBase,
  name: 'iterations' | 'allocations',
  id: string,
  columns: Columns<Table>,
  table: Table,
): Promise<void> {
  const rows = table[columns[0][0]].length
  const targets = columns.map(([, target]) => target).join(', ')
  const arrays = columns.map(([, , type], i) => `$${i + 2}::${type}[]`).join(', ')
  const sql = `INSERT INTO ${name} (experiment_id, ${targets}) SELECT $1, * FROM unnest(${arrays})`
  for (let start = 0; start < rows; start += batch) {
    const literals = columns.map(([column]) => {
      const values = table[column] as unknown as Float64Array | string[]
      return `{${values.slice(start, start + batch).join(',')}}`
    })
    await client.query(sql, [id, ...literals])
  }
}
