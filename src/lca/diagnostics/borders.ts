/**
 * Columns that compare an iteration with the one before. A segment does not know what its first iteration comes after:
 * there it leaves them empty (NaN, or 0 where they are counts), and a table of the whole run, made of the seams, has them.
 * Here the two are one table again, which is the same however the run was cut.
 */
import type { Columns } from '../columns.ts'
import type { Source, StoredBlock } from './diagnostic.ts'
import { checkRows } from './sums.ts'

export type Borders = {
  /** Of the whole run, a row an iteration that begins a segment (but the first of all) and variable, in this order. */
  table: string
  /** Its columns beside `iteration`; the first is NaN in `table` wherever they are to come from here. */
  columns: string[]
}

/** Of int32, as they are stored in the smallest room; NaN is in float64 only. */
const asFloats = (values: Columns[string]) => Float64Array.from(values)

/**
 * The blocks of a table with a row a variable, with the columns of its borders where they belong. What there is none of (in
 * iteration 0, and at the border of segments until the run's table is made) is NaN in every one of them, counts too.
 */
export async function* joinBorders(
  source: Source,
  table: string,
  { table: bordersTable, columns: names }: Borders,
  variables: number,
  span?: { from: number; to: number },
): AsyncGenerator<StoredBlock> {
  let borders: Map<number, { row: number; columns: Columns }> | undefined
  const read = async () => {
    const found = new Map<number, { row: number; columns: Columns }>()
    for await (const { rows, columns } of source(bordersTable))
      for (let row = 0; row < rows; row += variables) found.set(columns.iteration[row], { row, columns })
    return found
  }
  for await (const block of source(table, span)) {
    checkRows(block, variables)
    const [mark] = names
    let joined: Columns | undefined
    for (let start = 0; start < block.rows; start += variables) {
      if (!Number.isNaN(block.columns[mark][start])) continue
      joined ??= {
        ...block.columns,
        ...Object.fromEntries(names.map(name => [name, asFloats(block.columns[name])])),
      }
      borders ??= await read()
      const border = borders.get(block.from + start / variables)
      for (const name of names)
        for (let v = 0; v < variables; v++)
          joined[name][start + v] = border ? border.columns[name][border.row + v] : Number.NaN
    }
    yield joined ? { ...block, columns: joined } : block
  }
}
