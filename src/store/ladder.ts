/**
 * Sums over spans of iterations, in the one order in which the ledger is summed up over spans: those of 10 iterations whose
 * first is a multiple of 10, then those of 100 of which ten of these are, and so on. What is added up of single
 * iterations and what is added up of sums that are stored (coarse.ts) has the same bits.
 */
import type { Columns } from '../lca/columns.ts'

/** Iterations of a span, level by level. */
export const levels = [10, 100, 1000, 10_000] as const

/** Sums of `width` values a column, over a span [from, to) that begin names, of what add is given in order. */
export function makeLadder<Name extends string>(names: readonly Name[], width: number) {
  const fresh = () =>
    Object.fromEntries(names.map(name => [name, new Float64Array(width)])) as Record<Name, Float64Array>
  const totals = fresh()
  const steps = levels.map(size => ({ size, sums: fresh(), begin: -1 }))
  let [low, high] = [0, 0]
  /** The step of this level or higher that takes up what begins at t; undefined: the whole does, for its span is not all inside. */
  const stepAt = (t: number, level: number) => {
    const step = steps[level]
    const begin = step && t - (t % step.size)
    return step && begin >= low && begin + step.size <= high ? { step, begin } : undefined
  }
  const take = (into: Record<Name, Float64Array>, from: Record<Name, Float64Array>) => {
    for (const name of names)
      for (let i = 0, to = into[name], of = from[name]; i < width; i++) {
        to[i] += of[i]
        of[i] = 0
      }
  }
  /** A span is over: its sum goes to the next step, or to the whole. */
  const climb = (level: number) => {
    const { size, sums, begin } = steps[level]
    steps[level].begin = -1
    const next = stepAt(begin, level + 1)
    take(next ? next.step.sums : totals, sums)
    if (!next) return
    next.step.begin = next.begin
    if (next.begin + next.step.size === begin + size) climb(level + 1)
  }
  /** Spans that end before t are over, also where iterations of them are missing. */
  const climbBefore = (t: number) => {
    for (const [level, { begin, size }] of steps.entries()) if (begin >= 0 && begin + size <= t) climb(level)
  }
  return {
    begin(from: number, to: number) {
      low = from
      high = to
      for (const name of names) totals[name].fill(0)
    },
    /**
     * Adds what is of [from, to), inside the span: of each `every` iterations `width` values, from `row` of the columns on.
     * Iterations may be missing between one call and the next.
     */
    add(from: number, to: number, every: number, columns: Columns, row: number) {
      climbBefore(from)
      const level = levels.findIndex(size => size > every)
      const size = level < 0 ? Number.POSITIVE_INFINITY : levels[level]
      for (let t = from; t < to; ) {
        const at = level < 0 ? undefined : stepAt(t, level)
        const end = Math.min(to, size === Number.POSITIVE_INFINITY ? to : t - (t % size) + size)
        const into = at ? at.step.sums : totals
        const items = (end - t) / every
        for (const name of names) addTo(into[name], columns[name], row, items)
        row += items * width
        if (at) {
          at.step.begin = at.begin
          if (end === at.begin + size) climb(level)
        }
        t = end
      }
    },
    /** The sums, which are its own until the next begins. */
    end(): Record<Name, Float64Array> {
      climbBefore(Number.POSITIVE_INFINITY)
      return totals
    },
  }
}

function addTo(into: Float64Array, values: Float64Array | Int32Array, from: number, items: number): void {
  const width = into.length
  for (let item = 0, row = from; item < items; item++)
    for (let i = 0; i < width; i++, row++) into[i] += values[row]
}
