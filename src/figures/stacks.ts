/** Sums of several rows on top of each other, as they are drawn: what helped below zero, what hurt above. */

/**
 * Running sums at their times, and in between, where one of the rows changes its sign, at the time at which the straight line
 * between both is zero: drawn without it, a band that leaves one side of zero and comes to the other has a gap there, and those
 * that lie on it jump.
 */
export function crossed(
  times: number[],
  rows: ArrayLike<number>[],
): { times: number[]; rows: ArrayLike<number>[] } {
  const places: number[] = []
  for (let i = 0; i < times.length; i++) {
    places.push(i)
    // Parts of the way to the next time.
    const parts = rows.flatMap(row => (row[i] * row[i + 1] < 0 ? [row[i] / (row[i] - row[i + 1])] : []))
    for (const part of new Set(parts.sort((a, b) => a - b))) if (part > 0 && part < 1) places.push(i + part)
  }
  if (places.length === times.length) return { times, rows }
  const between = (values: ArrayLike<number>, place: number) => {
    const i = Math.floor(place)
    if (i === place) return values[i]
    // Rounding must not leave it on the other side.
    if (values[i] * values[i + 1] < 0 && i + values[i] / (values[i] - values[i + 1]) === place) return 0
    return values[i] + (values[i + 1] - values[i]) * (place - i)
  }
  const at = (values: ArrayLike<number>) => Float64Array.from(places, place => between(values, place))
  return { times: Array.from(at(times)), rows: rows.map(at) }
}

/** Rows stacked away from zero: positive values upwards, negative ones downwards. Low and high end of each, and of all. */
export function stacked(rows: ArrayLike<number>[]): {
  bands: [from: number, to: number][][]
  extent: [number, number]
} {
  const length = rows[0]?.length ?? 0
  const up = new Float64Array(length)
  const down = new Float64Array(length)
  const bands = rows.map(row =>
    Array.from(row, (value, i): [number, number] => {
      const base = value < 0 ? down : up
      const from = base[i]
      base[i] += value
      return [from, base[i]]
    }),
  )
  return { bands, extent: [Math.min(0, ...down), Math.max(0, ...up)] }
}
