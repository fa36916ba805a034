/**
 * Whose turn it is. Every experiment has a turn, a virtual time that Postgres gives out when it is posted (the trigger
 * take_turn): behind what its own lane has waiting, and not before what is being worked on now. A lane is a submitter's
 * sweep, or everything else of that submitter; an experiment takes as many turns as it has segments. So two lanes that
 * both have work get a segment each in turn, however much either has posted before (start-time fair queueing).
 */
import type pg from 'pg'
import type { SegmentSpan } from '../spec/segments.ts'

/** BullMQ's largest priority; smaller numbers go first, and 0 would go before them all. */
const latest = 2 ** 21 - 1

/** The queue's priority of an experiment's own job: training, and in the end finalizing. */
export const experimentPriority = (turn: number): number => Math.min(Math.max(turn, 1), latest)

/** The queue's priority of a segment: each a turn later than the one before. */
export const segmentPriority = (turn: number, { index }: Pick<SegmentSpan, 'index'>): number =>
  experimentPriority(turn + index)

/** The turns of experiments; those that are gone have none. */
export async function readTurns(pool: pg.Pool, ids: string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; turn: number }>(
    'SELECT id, turn FROM experiments WHERE id = ANY ($1::uuid[])',
    [ids],
  )
  return new Map(rows.map(({ id, turn }) => [id, turn]))
}
