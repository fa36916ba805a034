/** The loss of a run as a curve: what it is before every iteration, and after the last; empty where there is none. */
export function lossCurve(rows: Record<'iteration' | 'loss' | 'lossAfter', ArrayLike<number>>): {
  iteration: Float64Array
  values: Float64Array
} {
  const { length } = rows.iteration
  if (length === 0) return { iteration: new Float64Array(0), values: new Float64Array(0) }
  const withEnd = (values: ArrayLike<number>, end: number) => {
    const longer = new Float64Array(length + 1)
    longer.set(values)
    longer[length] = end
    return longer
  }
  return {
    iteration: withEnd(rows.iteration, rows.iteration[length - 1] + 1),
    values: withEnd(rows.loss, rows.lossAfter[length - 1]),
  }
}

/** The same as points: [iteration, loss]. */
export function lossPoints(rows: Parameters<typeof lossCurve>[0]): [number, number][] {
  const { iteration, values } = lossCurve(rows)
  return Array.from(iteration, (t, i) => [t, values[i]])
}
