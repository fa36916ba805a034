/** The losses of experiments beside each other, over spans of the common axis. */
import type { SplitName } from '../../../spec/schema.ts'
import { type Queryable, readBlocks } from '../../../store/blocks.ts'
import type { ComparedLossRow } from '../../schemas/compare.ts'

type Curve = {
  /** By span, from the first that is asked for: the sum of the losses, and of how many iterations. */
  sums: Float64Array
  counts: Int32Array
}

/** Where a member lies on the axis, and which of its splits are allocated. */
export type OnAxis = { id: string; offset: number; iterations: number; splits: SplitName[] }

/** Spans of so many iterations of the axis, each beginning at a multiple of it, over [from, to). */
export type Buckets = { from: number; to: number; bucket: number }

const firstOf = ({ from, bucket }: Buckets) => Math.floor(from / bucket)
export const bucketsIn = (buckets: Buckets): number =>
  Math.max(0, Math.ceil(buckets.to / buckets.bucket) - firstOf(buckets))

async function curveOf(
  db: Queryable,
  { id, offset, iterations }: OnAxis,
  split: SplitName,
  buckets: Buckets,
  signal: AbortSignal,
): Promise<Curve> {
  const count = bucketsIn(buckets)
  const curve = { sums: new Float64Array(count), counts: new Int32Array(count) }
  const span = {
    from: Math.max(0, buckets.from - offset),
    to: Math.min(iterations, buckets.to - offset),
  }
  if (span.from >= span.to) return curve
  for await (const page of readBlocks(db, { id, kind: 'iterations', split }, span, signal))
    for (const { from, rows, columns } of page)
      for (let row = 0; row < rows; row++) {
        const at = Math.floor((offset + from + row) / buckets.bucket) - firstOf(buckets)
        curve.sums[at] += columns.lossBefore[row]
        curve.counts[at]++
      }
  return curve
}

/** Spans whose rows are handed over at once. */
const spansAtOnce = 250

/** Rows by split, span and experiment, in pieces; where one has no loss there is no row of it. */
export async function* compareLosses(
  db: Queryable,
  members: OnAxis[],
  splits: SplitName[],
  buckets: Buckets,
  signal: AbortSignal,
): AsyncGenerator<ComparedLossRow[]> {
  for (const split of splits) {
    const curves: (Curve | undefined)[] = []
    for (const member of members)
      curves.push(
        member.splits.includes(split) ? await curveOf(db, member, split, buckets, signal) : undefined,
      )
    const meanOf = (curve: Curve, at: number) => curve.sums[at] / curve.counts[at]
    const [first] = curves
    let rows: ComparedLossRow[] = []
    for (let at = 0; at < bucketsIn(buckets); at++) {
      for (const [i, curve] of curves.entries()) {
        const iterations = curve?.counts[at]
        if (!curve || !iterations) continue
        const isComparable = i > 0 && first?.counts[at] === iterations
        rows.push({
          ...{ split, iteration: Math.max(buckets.from, (firstOf(buckets) + at) * buckets.bucket) },
          ...{ experiment: members[i].id, iterations, loss: finite(meanOf(curve, at)) },
          difference: isComparable ? finite(meanOf(curve, at) - meanOf(first, at)) : null,
        })
      }
      if (at % spansAtOnce < spansAtOnce - 1) continue
      yield rows
      rows = []
    }
    yield rows
  }
}

const finite = (x: number) => (Number.isFinite(x) ? x : null)
