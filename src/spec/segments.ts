/** The spans of iterations that an experiment's work and objects are cut into. */
import type { ResolvedSpec } from './schema.ts'

/** The iterations [from, to), numbered in order: stored as one object, allocated as one job. */
export type SegmentSpan = { index: number; from: number; to: number }

/** How many segments an experiment has. */
export const segmentCount = ({ training, allocation }: Lengths): number =>
  Math.ceil(training.iterations / allocation.segmentIterations)

type Lengths = {
  training: Pick<ResolvedSpec['training'], 'iterations'>
  allocation: Pick<ResolvedSpec['allocation'], 'segmentIterations'>
}

/** The segments of an experiment: they tile [0, iterations), each segmentIterations long but for a shorter last one. */
export function segmentsOf(spec: Lengths): SegmentSpan[] {
  const { iterations } = spec.training
  const length = spec.allocation.segmentIterations
  return Array.from({ length: segmentCount(spec) }, (_, index) => ({
    index,
    from: index * length,
    to: Math.min((index + 1) * length, iterations),
  }))
}
