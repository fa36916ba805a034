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

/**
 * What stands at the lines of an axis: on a linear one as many digits as tell where they are, three at least, so that no line at 2.375
 * is called 2.38. What it takes for 0 after so many steps is not 0: of what is shown it has no height.
 */
export function labelsOf(values: number[], logarithmic: boolean): string[] {
  if (logarithmic) return values.map(value => number(value, 2))
  const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const places = values.map(value => (Math.abs(value) < 1e-9 * most ? 0 : value))
  const step = places
    .slice(1)
    .reduce((least, value, i) => Math.min(least, Math.abs(value - places[i])), Infinity)
  const asWritten = (value: number, digits: number) =>
    Number(number(value, digits).replaceAll('−', '-').replaceAll(',', ''))
  let digits = 3
  while (digits < 12 && places.some(value => Math.abs(asWritten(value, digits) - value) > step / 100))
    digits++
  return places.map(value => number(value, digits))
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
