/** What the figures of an experiment are made of: columns of the API's tables, and sums over them. */

/** Rows of /iterations on one split. */
export type Iterations = {
  iteration: ArrayLike<number>
  loss: ArrayLike<number>
  lossAfter: ArrayLike<number>
  residual: ArrayLike<number>
  helpFractionOfMoved: ArrayLike<number>
}
export type Splits = Partial<Record<'train' | 'validation', Iterations>>

/** What each layer (or variable) did in each span of iterations: lca[row][span], rows in the order of the network. */
export type Ledger = { names: string[]; starts: number[]; ends: number[]; lca: Float64Array[] }

/** Turns rows of /allocations, by iteration and then in the order of the network, into a matrix. */
export function ledgerOf(columns: {
  iteration: ArrayLike<number>
  iterations: ArrayLike<number>
  /** Of which layer or variable each row is. */
  name: { indices: ArrayLike<number>; names: string[] }
  lca: ArrayLike<number>
}): Ledger {
  const { iteration, iterations, name, lca: values } = columns
  const starts: number[] = []
  const ends: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (starts[starts.length - 1] === iteration[i]) continue
    starts.push(iteration[i])
    ends.push(iteration[i] + iterations[i])
  }
  const lca = name.names.map(() => new Float64Array(starts.length))
  let span = -1
  for (let i = 0; i < values.length; i++) {
    if (iteration[i] !== starts[span]) span++
    lca[name.indices[i]][span] = values[i]
  }
  return { names: name.names, starts, ends, lca }
}

/** Iterations of the longest span: the first and the last may be shorter. */
export const longestSpan = ({ starts, ends }: Pick<Ledger, 'starts' | 'ends'>): number =>
  starts.reduce((most, start, i) => Math.max(most, ends[i] - start), 1)

/** Running sums of every row, from 0 before the first span: one longer than the row. */
export const cumulative = ({ lca }: Pick<Ledger, 'lca'>): Float64Array[] =>
  lca.map(row => {
    const sums = new Float64Array(row.length + 1)
    for (let i = 0; i < row.length; i++) sums[i + 1] = sums[i] + (Number.isFinite(row[i]) ? row[i] : 0)
    return sums
  })

/** Rows stacked away from zero: positive values upwards, negative ones downwards. Low and high end of each, and of all. */
export function stacked(rows: Float64Array[]): {
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

/** The value below which so large a part of the sizes lies; 0 of nothing. */
export function quantileOfSizes(rows: ArrayLike<number>[], part: number): number {
  const sizes: number[] = []
  for (const row of rows)
    for (let i = 0; i < row.length; i++) if (Number.isFinite(row[i])) sizes.push(Math.abs(row[i]))
  if (sizes.length === 0) return 0
  const sorted = Float64Array.from(sizes).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
}

/** The index of the last start that is not after x; −1: none. */
export function indexAt(starts: ArrayLike<number>, x: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (starts[middle] <= x) low = middle + 1
    else high = middle
  }
  return low - 1
}
