/**
 * Whose turn it is. Every experiment has a turn, a virtual time that Postgres gives out when it is posted or tried again
 * (next_turn): behind what its own lane has waiting, and not before what is being worked on now. A lane is a submitter's
 * sweep, or everything else of that submitter; an experiment takes as much of that time as it costs (spec/cost.ts, in
 * TFLOP). So two lanes that both have work get the same share of the workers, however much either has posted before and
 * however large its segments are (start-time fair queueing, Goyal, Vin & Cheng 1996).
 */
import type pg from 'pg'

/** BullMQ's largest priority; smaller numbers go first, and 0 would go before them all. */
const latest = 2 ** 21 - 1

/** Of the octaves of virtual time, from one TFLOP on, that priorities tell apart. */
const octaves = 53

/**
 * The queue's priority of a job that is due at a turn: 1 + ⌊K·log₂(1 + turn)⌋, with K such that 2⁵³ TFLOP have room. Two
 * turns that lie more than 2·10⁻⁵ of them apart are told apart, nearer ones go as they were queued: integers for the turns
 * themselves would end after two million.
 */
export const priorityOf = (turn: number): number =>
  Math.min(latest, 1 + Math.floor(((latest - 1) / octaves) * Math.log2(1 + Math.max(turn, 0))))

/** What says when the segments of an experiment are due. */
export type Allocation = { allocationTurn: number; segmentCost: number; segmentCount: number }

/**
 * When the n-th (from 0) of the segments that are left is due, of so many that are: each as much later than the one before
 * as that costs, from `allocationTurn` on, where the first of all is.
 */
export const segmentTurn = (
  { allocationTurn, segmentCost, segmentCount }: Allocation,
  left: number,
  n: number,
): number => allocationTurn + (segmentCount - left + n) * segmentCost

/** The turns of experiments; those that are gone have none. */
export async function readTurns(pool: pg.Pool, ids: string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; turn: number }>(
    'SELECT id, turn FROM experiments WHERE id = ANY ($1::uuid[])',
    [ids],
  )
  return new Map(rows.map(({ id, turn }) => [id, turn]))
}
