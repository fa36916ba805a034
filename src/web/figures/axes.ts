/** What stands at the axes of figures: where, and in which words. */
import { number } from '../format.ts'

/**
 * Where a logarithmic axis from low to high has its lines, so many at most: at powers of ten, as many of them as there is room
 * for; at 2 and 5 as well where that leaves few.
 */
export function powersOf(low: number, high: number, room: number): number[] {
  const first = Math.ceil(Math.log10(low))
  const last = Math.floor(Math.log10(high))
  const step = Math.max(1, Math.ceil((last - first + 1) / room))
  const factors = 3 * (last - first + 1) <= room ? [1, 2, 5] : [1]
  const places: number[] = []
  // From a power that others of the same step meet, so that a zoom moves no lines.
  for (let power = Math.floor((first - 1) / step) * step; power <= last; power += step)
    // Not 10 ** power: that is 9.999999999999999e22 for 23.
    for (const factor of factors) places.push(Number(`${factor}e${power}`))
  return places.filter(place => place >= low && place <= high)
}

/** What a linear axis takes for 0 after so many steps is not: of what is shown it has no height. */
export function labelsOf(values: number[], logarithmic: boolean): string[] {
  if (logarithmic) return values.map(value => number(value, 2))
  const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return values.map(value => number(Math.abs(value) < 1e-9 * most ? 0 : value, 3))
}

/** Steps of an axis of iterations. */
export const wholeSteps = [1, 2, 5]
  .flatMap((_, i, steps) => Array.from({ length: 9 }, (_, e) => steps[i] * 10 ** e))
  .sort((a, b) => a - b)

/** The middles of the rows that are named: all, or every nth where they would touch. */
export function namedRows(rows: number, height: number): number[] {
  const step = Math.ceil((rows * 15) / (height - 42))
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => i * step + 0.5)
}
