/** What the figures of an experiment are made of: columns of the API's tables, and sums over them. */
import { isAbove } from '../../lca/balance.ts'
import { number, shareOf, signed, whole } from '../format.ts'

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

/** What most of a sum is by, in words: the part that did most of it, as a share of what went its way. */
export function mostOf(names: string[], sums: ArrayLike<number>): string {
  const total = sumOf(sums)
  // What the loss went: where it did not move, what lowered it.
  const way = total > 0 ? 1 : -1
  const with_ = Array.from(sums, sum => Math.max(0, way * sum))
  const against = Array.from(sums, sum => Math.max(0, -way * sum))
  const [all, back] = [way * sumOf(with_), -way * sumOf(against)]
  const name = (sizes: number[]) => names[sizes.indexOf(Math.max(...sizes))]
  const most = Math.max(...with_)
  const part = (sizes: number[], of: number) => `${shareOf(Math.max(...sizes) / Math.abs(of), 0)}`
  if (all === 0) return ''
  if (back === 0) return `Most of it by ${name(with_)}: ${signed(way * most)} (${part(with_, all)}).`
  const [did, undid] = way < 0 ? ['lowered', 'raised'] : ['raised', 'lowered']
  return (
    `What ${did} it is ${signed(all)}, most of that by ${name(with_)}: ${signed(way * most)} (${part(with_, all)}); ` +
    `what ${undid} it is ${signed(back)}, most of that by ${name(against)}: ${signed(-way * Math.max(...against))} (${part(against, back)}).`
  )
}

/** The residuals of a split against what the spec allows, counted as the books are judged (lca/balance.ts). */
export function residualsInWords(
  split: string,
  { residual, loss, lossAfter }: Pick<Iterations, 'residual' | 'loss' | 'lossAfter'>,
  maxError: number,
): string {
  const sizes = Array.from(residual, Math.abs)
  const above = sizes.filter((size, i) =>
    isAbove(size, { before: loss[i], after: lossAfter[i], maxError }),
  ).length
  const rounding = sizes.filter(size => size > maxError).length - above
  return (
    `On ${split} the largest residual shown is ${number(Math.max(...sizes), 3)}, ${above === 0 ? 'none above' : `${whole(above)} of ${whole(sizes.length)} above`} maxError` +
    `${rounding === 0 ? '' : `; ${whole(rounding)} more by no more than float32 can tell of so large a loss`}.`
  )
}

const sumOf = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0)

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
