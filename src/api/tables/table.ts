/** A table on its way out: columns, and batches of rows of which there is never more than one or two in memory. */

/** What a column holds: names that repeat, whole numbers of 32 bits, or anything else as float64. */
export type ColumnType = 'name' | 'int32' | 'float64'
export type Column = { name: string; type: ColumnType }

/** A column of names: row i has names[indices[i]]. A later batch of the table may share the list, longer by then. */
export type Names = { indices: Int32Array; names: (string | null)[] }

/** The values of a batch, by the names of the columns. What is not finite in a Float64Array is shown as null. */
export type Batch = { length: number; values: Record<string, Float64Array | Int32Array | Names> }

export type Table = {
  /** The fields of the JSON document before `items`; the other formats have the items only. */
  head: Record<string, unknown>
  columns: Column[]
  batches: AsyncIterable<Batch> | Iterable<Batch>
  /** What is wrong with the books that it is out of: for a header, as not every format has a head. */
  warning?: string | undefined
  /** Says which state of the experiment or sweep the table shows, where it has finished; undefined: it has not. */
  version?: string
}

/** The columns of a table: the properties of its row schema, as far as they are wanted, in order. */
export function columnsOf(
  row: { properties: Record<string, object> },
  wanted: (name: string) => boolean = () => true,
): Column[] {
  const types = { string: 'name', integer: 'int32' } as Record<string, ColumnType>
  return Object.entries(row.properties)
    .filter(([name]) => wanted(name))
    .map(([name, schema]) => {
      const { type, enum: names } = schema as { type?: string | string[]; enum?: unknown[] }
      const isName = names !== undefined || [type].flat().includes('string')
      return { name, type: isName ? 'name' : (types[String(type)] ?? 'float64') }
    })
}

/** `by=layer` tables have no column for variables. */
export function wantedBy(by: 'layer' | 'variable'): (name: string) => boolean {
  return name => by === 'variable' || name !== 'variable'
}

/** Rows as the one batch of a table that is small. A number that is null is NaN here. */
export function batchOf(columns: Column[], rows: Record<string, unknown>[]): Batch {
  const values = columns.map(({ name, type }) => {
    const cells = rows.map(row => row[name])
    if (type === 'int32') return [name, Int32Array.from(cells, Number)]
    if (type === 'float64') return [name, Float64Array.from(cells, cell => Number(cell ?? Number.NaN))]
    const names = [...new Set(cells as (string | null)[])]
    const at = new Map(names.map((value, i) => [value, i]))
    return [name, { names, indices: Int32Array.from(cells, cell => at.get(cell as string | null)!) }]
  })
  return { length: rows.length, values: Object.fromEntries(values) }
}

/** A column whose names come again and again in one order, a whole number of times: of so many rows. */
export function repeatedNames(all: (string | null)[]): (length: number) => Names {
  const names = [...new Set(all)]
  const own = Int32Array.from(all, name => names.indexOf(name))
  return length => {
    const indices = new Int32Array(length)
    for (let row = 0; row < length; row += own.length) indices.set(own, row)
    return { names, indices }
  }
}

/** Rows [start, end) of a batch. */
export function sliceOf({ values }: Batch, start: number, end: number): Batch {
  const parts = Object.entries(values).map(([name, all]) => [
    name,
    'names' in all
      ? { names: all.names, indices: all.indices.subarray(start, end) }
      : all.subarray(start, end),
  ])
  return { length: end - start, values: Object.fromEntries(parts) }
}
