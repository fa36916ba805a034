/** Where an experiment stands, and who computes it. */
import type { EngineDescription } from '../engine/description.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import type { Database } from './database.ts'

export type Status = 'queued' | 'training' | 'allocating' | 'succeeded' | 'failed' | 'cancelled'

/** Who computes: stored beside what they computed. */
export type Computer = { worker: string; engine: EngineDescription }

export type ExperimentState = {
  status: Status
  cancelling: boolean
  spec: ResolvedSpec
  /** Whether it has succeeded before: its ledger is whole, whatever has become of its objects. */
  finished: boolean
  /** When its segments are due (queue/turns.ts). */
  allocationTurn: number
  segmentCost: number
  segmentCount: number
}

/** Where an experiment stands; undefined where there is none (any more). */
export async function readState(db: Database, id: string): Promise<ExperimentState | undefined> {
  const { rows } = await db.pool.query<ExperimentState>(
    `SELECT status, cancelling, spec, summary IS NOT NULL AS finished, allocation_turn AS "allocationTurn",
            segment_cost AS "segmentCost", segment_count AS "segmentCount"
       FROM experiments WHERE id = $1`,
    [id],
  )
  return rows[0]
}

/** The indices of an experiment's segments with a status, in order. */
export async function segmentsThatAre(
  db: Database,
  id: string,
  status: 'pending' | 'trained',
): Promise<number[]> {
  const { rows } = await db.pool.query<{ index: number }>(
    'SELECT "index" FROM segments WHERE experiment_id = $1 AND status = $2 ORDER BY "index"',
    [id, status],
  )
  return rows.map(row => row.index)
}
