/** Sums of several rows on top of each other, as they are drawn: what helped below zero, what hurt above. */

/**
 * Running sums at their times, and in between, where one of the rows changes its sign, at the time at which the straight line
 * between both is zero: drawn without it, a band that leaves one side of zero and comes to the other has a gap there, and those
 * that lie on it jump. That time is there twice, with the zero of the side that is left (−0 below) and that of the side it comes
 * to: it changes sides there, at once and without height.
 */
export function crossed(
  times: number[],
  rows: ArrayLike<number>[],
): { times: number[]; rows: ArrayLike<number>[] } {
  // Of each place the time before it, and the part of the way to the next.
  const befores: number[] = []
  const parts: number[] = []
  for (let i = 0; i < times.length; i++) {
    befores.push(i)
    parts.push(0)
    const own: number[] = []
    for (const row of rows) {
      if (!(row[i] * row[i + 1] < 0)) continue
      const part = row[i] / (row[i] - row[i + 1])
      if (part > 0 && part < 1) own.push(part)
    }
    if (own.length > 1) own.sort((a, b) => a - b)
    for (const [n, part] of own.entries()) {
      if (part === own[n - 1]) continue
      befores.push(i, i)
      parts.push(part, part)
    }
  }
  if (befores.length === times.length) return { times, rows }
  const at = (values: ArrayLike<number>) => {
    const there = new Float64Array(befores.length)
    for (let n = 0; n < there.length; n++) {
      const [value, next, part] = [values[befores[n]], values[befores[n] + 1], parts[n]]
      if (part === 0) there[n] = value
      // Rounding must not leave it on the other side.
      else if (value * next < 0 && value / (value - next) === part)
        there[n] = value < 0 === (parts[n - 1] === part) ? 0 : -0
      else there[n] = value + (next - value) * part
    }
    return there
  }
  return { times: Array.from(at(times)), rows: rows.map(at) }
}

/** Where each value of a row begins and ends in a stack. */
export type Band = { from: Float64Array; to: Float64Array }

/** Rows stacked away from zero: positive values upwards, negative ones downwards. The bands, and the low and high end of all. */
export function stacked(rows: ArrayLike<number>[]): { bands: Band[]; extent: [number, number] } {
  const length = rows[0]?.length ?? 0
  const up = new Float64Array(length)
  const down = new Float64Array(length)
  const bands = rows.map((row): Band => {
    const [from, to] = [new Float64Array(length), new Float64Array(length)]
    for (let i = 0; i < length; i++) {
      const value = row[i]
      const base = value < 0 || Object.is(value, -0) ? down : up
      from[i] = base[i]
      to[i] = base[i] += value
    }
    return { from, to }
  })
  return {
    bands,
    extent: [down.reduce((a, b) => Math.min(a, b), 0), up.reduce((a, b) => Math.max(a, b), 0)],
  }
}
