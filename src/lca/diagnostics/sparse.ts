/** Tables of diagnostics that are not computed at each iteration: of segments, with the iteration in each row. */
import type { SplitName } from '../../spec/schema.ts'
import type { Columns } from '../columns.ts'
import type { Source } from './diagnostic.ts'

export const isDue = (iteration: number, { every = 1 }: { every?: number }): boolean =>
  iteration % every === 0

/** How often in a run, or in a segment that begins with one. */
export const timesDue = (iterations: number, { every = 1 }: { every?: number }): number =>
  Math.ceil(iterations / every)

type Types<Name extends string> = Record<Name, 'int32' | 'float64'>

/** A growing table for every split: rows are put in the order of iterations. */
export function makeSparse<Name extends string>(types: Types<Name>, splits: SplitName[]) {
  const names = Object.keys(types) as Name[]
  const grown = new Map(splits.map(split => [split, names.map((): number[] => [])]))
  return {
    put(split: SplitName, row: Record<Name, number>) {
      const columns = grown.get(split)!
      for (let n = 0; n < names.length; n++) columns[n].push(row[names[n]])
    },
    tables: (): Partial<Record<SplitName, Columns>> =>
      Object.fromEntries(
        splits.map(split => [
          split,
          Object.fromEntries(
            grown
              .get(split)!
              .map((values, n) => [
                names[n],
                types[names[n]] === 'int32' ? Int32Array.from(values) : Float64Array.from(values),
              ]),
          ),
        ]),
      ),
  }
}

/** The rows of such a table over [from, to), in batches, in their order. */
export async function* sparseRows<Name extends string>(
  source: Source,
  kind: string,
  types: Types<Name>,
  { from, to }: { from: number; to: number },
): AsyncGenerator<Record<Name, number>[]> {
  const names = Object.keys(types) as Name[]
  for await (const { rows, columns } of source(kind, { from, to })) {
    const found: Record<Name, number>[] = []
    for (let row = 0; row < rows; row++) {
      const { iteration } = columns
      if (iteration[row] < from || iteration[row] >= to) continue
      found.push(Object.fromEntries(names.map(name => [name, columns[name][row]])) as Record<Name, number>)
    }
    if (found.length > 0) yield found
  }
}
