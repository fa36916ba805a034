/**
 * How far a listener has got in the events of an experiment, which is what an event's id says. Segments are numbered in
 * the order in which they were recorded (segments.sequence), whatever iterations they hold.
 *
 *     7             everything up to segment 7 is known
 *     8-412-train   and of segment 8 everything up to iteration 412 on train
 *     8-412-decision  and what was decided after iteration 412
 *     12-end        everything up to segment 12, and that the experiment has finished
 */
import { worded } from '../../../spec/patterns.ts'
import type { SplitName } from '../../../spec/schema.ts'

/** Events of an iteration, in their order: what it did to each split, and what was decided after it. */
export const rowNames = ['train', 'validation', 'decision'] as const

export type Position = {
  /** The segment that is known whole, or, where there is a row, in part. */
  sequence: number
  /** The last row that is known of the segment; undefined: all of them. */
  row?: { iteration: number; split: SplitName | 'decision' }
}

export const positionPattern = worded(
  '^\\d{1,9}(-\\d{1,9}-(train|validation|decision)|-end)?$',
  'the id of an event, as the stream gave it, such as 8-412-train; 0 is the beginning',
)

/** Reads an id that fits the pattern. */
export function parsePosition(id: string): Position & { ended: boolean } {
  const [sequence, second, split] = id.split('-')
  const row =
    split === undefined ? undefined : { iteration: Number(second), split: split as (typeof rowNames)[number] }
  return { sequence: Number(sequence), row, ended: second === 'end' }
}

export function formatPosition({ sequence, row }: Position): string {
  return row === undefined ? String(sequence) : `${sequence}-${row.iteration}-${row.split}`
}

/** Negative where a lies before b. */
export function comparePositions(a: Position, b: Position): number {
  if (a.sequence !== b.sequence) return a.sequence - b.sequence
  if (a.row === undefined || b.row === undefined)
    return Number(a.row === undefined) - Number(b.row === undefined)
  if (a.row.iteration !== b.row.iteration) return a.row.iteration - b.row.iteration
  return rowNames.indexOf(a.row.split) - rowNames.indexOf(b.row.split)
}
