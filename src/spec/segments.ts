/** The spans of iterations that an experiment's work and objects are cut into. */
import type { ResolvedSpec } from './schema.ts'

/** The iterations [from, to), numbered in order: stored as one object, allocated as one job. */
export type SegmentSpan = { index: number; from: number; to: number }

/** The segments of an experiment: they tile [0, iterations), each segmentIterations long but for a shorter last one. */
export function segmentsOf({
  training,
  allocation,
}: Pick<ResolvedSpec, 'training' | 'allocation'>): SegmentSpan[] {
  const { iterations } = training
  const length = allocation.segmentIterations
  return Array.from({ length: Math.ceil(iterations / length) }, (_, index) => ({
    index,
    from: index * length,
    to: Math.min((index + 1) * length, iterations),
  }))
}
