/** Tables, column by column: numbers as typed arrays, the rest as lists. */

/** The columns of rows: a Float64Array where a cell is a number or null (NaN then), a list of strings otherwise. */
export type Columns<Row> = {
  [Name in keyof Row]-?: NonNullable<Row[Name]> extends number
    ? Float64Array
    : Exclude<Row[Name], undefined>[]
}

export type Table<Head, Row> = Head & { length: number; columns: Columns<Row> }

/** Columns that hold text, also where every cell of an answer is null; others do where a cell says so. */
const textual = new Set(['layer', 'variable', 'variant', 'split', 'measure', 'experiment', 'path', 'value'])

/** Turns the JSON of a table into columns. A table without rows has no columns to know of: they are then empty. */
export function columnsOf<Head, Row extends object>({
  items,
  ...head
}: Head & { items: Row[] }): Table<Head, Row> {
  const names = Object.keys(items[0] ?? {}) as (keyof Row & string)[]
  const columns = Object.fromEntries(
    names.map(name => {
      const cells = items.map(row => row[name] as number | string | null)
      const numbers = () => Float64Array.from(cells as (number | null)[], cell => cell ?? Number.NaN)
      const isText = textual.has(name) || cells.some(cell => typeof cell === 'string')
      return [name, isText ? cells : numbers()]
    }),
  )
  return { ...(head as Head), length: items.length, columns: columns as Columns<Row> }
}

/** A float32 tensor in C order: row after row for two axes. */
export type Tensor = { shape: number[]; data: Float32Array }

/** Reads a .npy of float32, as every tensor here is. Throws for anything else. */
export function parseNpy(bytes: ArrayBuffer): Tensor {
  const view = new DataView(bytes)
  const latin1 = (from: number, to: number) => String.fromCharCode(...new Uint8Array(bytes.slice(from, to)))
  if (bytes.byteLength < 10 || latin1(0, 8) !== '\x93NUMPY\x01\x00')
    throw new Error('not a .npy file of version 1.0')
  const offset = 10 + view.getUint16(8, true)
  const header = latin1(10, offset)
  const shape = /'shape': \(([\d, ]*)\)/.exec(header)?.[1]
  if (shape === undefined || !header.includes("'descr': '<f4'") || !header.includes("'fortran_order': False"))
    throw new Error(`not a float32 array in C order: ${header.trim()}`)
  const axes = shape.split(',').flatMap(axis => (axis.trim() === '' ? [] : [Number(axis)]))
  const data = new Float32Array(axes.reduce((a, b) => a * b, 1))
  if (bytes.byteLength !== offset + data.length * 4) throw new Error('the .npy file is cut short')
  // By the format little-endian, whatever this machine is.
  for (let i = 0; i < data.length; i++) data[i] = view.getFloat32(offset + i * 4, true)
  return { shape: axes, data }
}
