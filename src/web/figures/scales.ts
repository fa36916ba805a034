/**
 * Where values lie in a figure, in pixels, and where its axes have lines. The ticks are d3-array's; d3-scale, which has the same
 * and formats numbers, dates and colours besides, is a tenth of all that the pages load.
 */
import { nice, ticks } from 'd3-array'
import { powersOf } from './axes.ts'

export type Span = readonly [number, number]
export type Scale = {
  (value: number): number
  /** About so many places for lines. */
  ticks(count: number): number[]
}

/** Proportional; the middle where both ends of the values are one. */
export function linear([low, high]: Span, [from, to]: Span): Scale {
  const at = (value: number) => from + (to - from) * (high === low ? 0.5 : (value - low) / (high - low))
  return Object.assign(at, { ticks: (count: number) => ticks(low, high, count) })
}

/** The ends of values moved outwards to where a line would be. */
export const rounded = ([low, high]: Span, count: number): Span => nice(low, high, count)

/** By logarithms: for values above 0. */
export function logarithmic([low, high]: Span, pixels: Span): Scale {
  const scale = linear([Math.log(low), Math.log(high)], pixels)
  return Object.assign((value: number) => scale(Math.log(value)), {
    ticks: (count: number) => powersOf(low, high, count),
  })
}
