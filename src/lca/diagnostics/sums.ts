/** Arithmetic that diagnostics share: columns to fill, and sums over them in one order. */
import type { SplitName } from '../../spec/schema.ts'
import type { ReadFacts, StoredBlock } from './diagnostic.ts'

/** float64 columns of so many rows for every split, and what puts a row's values there, in the order of the names. */
export function makeTables(names: string[], splits: SplitName[], rows: number) {
  const columns = splits.map(() => names.map(() => new Float64Array(rows)))
  return {
    tables: Object.fromEntries(
      splits.map((split, s) => [split, Object.fromEntries(names.map((name, n) => [name, columns[s][n]]))]),
    ) as Partial<Record<SplitName, Record<string, Float64Array>>>,
    put(split: SplitName, row: number, values: ArrayLike<number>) {
      const own = columns[splits.indexOf(split)]
      for (let n = 0; n < values.length; n++) own[n][row] = values[n]
    },
  }
}

/**
 * The sums over all variables of a table with a row a variable, iteration by iteration, variable after variable. Throws
 * where a block has not a row of every variable of each iteration.
 */
export async function* totalsOf<Name extends string>(
  blocks: AsyncIterable<StoredBlock>,
  { variables }: Pick<ReadFacts, 'variables'>,
  names: readonly Name[],
): AsyncGenerator<Record<Name, number> & { iteration: number }> {
  for await (const block of blocks) {
    checkRows(block, variables.length)
    for (let iteration = block.from; iteration < block.to; iteration++) {
      const start = (iteration - block.from) * variables.length
      const sums = names.map(name => {
        let sum = 0
        for (let row = start; row < start + variables.length; row++) sum += block.columns[name][row]
        return [name, sum]
      })
      yield { ...(Object.fromEntries(sums) as Record<Name, number>), iteration }
    }
  }
}

/** Throws where a block has not so many rows for each of its iterations. */
export function checkRows({ from, to, rows }: Omit<StoredBlock, 'columns'>, perIteration: number): void {
  if (rows !== (to - from) * perIteration)
    throw new Error(`a diagnostic has ${rows} rows for the iterations [${from}, ${to}), ${perIteration} each`)
}

/** What `of` makes for each split, by its name; it takes the split's index. */
export const perSplitOf = <Made>(splits: SplitName[], of: (s: number) => Made) =>
  Object.fromEntries(splits.map((split, s) => [split, of(s)])) as Partial<Record<SplitName, Made>>

/** Whole numbers as a column: int32 where they fit. */
export const counts = (values: Float64Array): Int32Array | Float64Array =>
  values.every(value => value < 2 ** 31) ? Int32Array.from(values) : values

/** The middle of the values, or the mean of the two in the middle; NaN of none. */
export function median(values: number[]): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
