/**
 * The columns of a block as bytes: one after another, each all of its values, little-endian, as `lca f8` and the like name them.
 * `lca sum` has no bytes: it is helping + hurting, value by value, to the last bit.
 */
import type { Columns } from '../lca/columns.ts'

export type Block = { from: number; to: number; rows: number; columns: Columns }

/** A block as Postgres answers: its columns with commas between, its bytes in the other order where they are `swapped`. */
export type Stored = { from: number; to: number; columns: string; data: Buffer; swapped: boolean }

const sizes = { f8: 8, i4: 4, u2: 2, sum: 0 }
type Type = keyof typeof sizes

/** What is stored as a sum, and of which columns. SQL knows it too (ledger_column). */
export const summed = { name: 'lca', of: ['helping', 'hurting'] } as const

/** A column as it is stored: integers in two bytes where they fit. */
function packed(values: Float64Array | Int32Array): { type: Type; values: ArrayBufferView } {
  if (values instanceof Float64Array) return { type: 'f8', values }
  return values.every(value => value >= 0 && value < 2 ** 16)
    ? { type: 'u2', values: Uint16Array.from(values) }
    : { type: 'i4', values }
}

/** Name and type of each column that a block has. */
function typesOf(columns: string[]): [name: string, type: Type][] {
  return columns.map(column => {
    const [name, type] = column.split(' ')
    if (!(type in sizes)) throw new Error(`a block of the ledger has a column of unknown type: ${column}`)
    return [name, type as Type]
  })
}

/** Bytes of one row. */
export const rowBytes = (columns: string[]): number =>
  typesOf(columns).reduce((sum, [, type]) => sum + sizes[type], 0)

/** Columns of so many rows, packed, and what they are called then. Throws where one is not as long. */
export function encode(columns: Columns, rows: number): { names: string[]; data: Buffer } {
  const names: string[] = []
  const parts = Object.entries(columns).map(([name, column]) => {
    if (column.length !== rows)
      throw new Error(`the column ${name} has ${column.length} values where ${rows} were to be`)
    if (name === summed.name && isSum(column, columns)) {
      names.push(`${name} sum`)
      return Buffer.alloc(0)
    }
    const { type, values } = packed(column)
    names.push(`${name} ${type}`)
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  })
  return { names, data: Buffer.concat(parts) }
}

/**
 * Whether the sums that a reader would make are these values, bit for bit (any NaN is as good as another). Postgres, which makes
 * them for its views, refuses to make infinity of two numbers.
 */
function isSum(column: Float64Array | Int32Array, columns: Columns): boolean {
  const [a, b] = summed.of.map(name => columns[name])
  if (![column, a, b].every(values => values instanceof Float64Array && values.length === column.length))
    return false
  return column.every(
    (value, i) =>
      Object.is(value, a[i] + b[i]) &&
      (Number.isFinite(value) || !Number.isFinite(a[i]) || !Number.isFinite(b[i])),
  )
}

function sumOf(decoded: Columns, rows: number): Float64Array {
  const [a, b] = summed.of.map(name => decoded[name])
  if (a === undefined || b === undefined)
    throw new Error(`a block of the ledger has ${summed.name} as a sum of what it does not have`)
  const sums = new Float64Array(rows)
  for (let i = 0; i < rows; i++) sums[i] = a[i] + b[i]
  return sums
}

/** A block as it was. Throws where it is cut short. */
export function decode({ from, to, columns, data, swapped }: Stored): Block {
  const names = columns.split(',')
  const types = typesOf(names)
  const rows = data.length / rowBytes(names)
  if (!Number.isInteger(rows)) throw new Error(`the block [${from}, ${to}) of the ledger is cut short`)
  let offset = 0
  const next = (type: Exclude<Type, 'sum'>): Float64Array | Int32Array => {
    const own = data.subarray(offset, offset + rows * sizes[type])
    offset += own.length
    // A copy only where numbers do not lie where numbers must.
    const bytes = own.byteOffset % sizes[type] === 0 ? own : new Uint8Array(own)
    if (swapped) swap(bytes, type)
    const { buffer, byteOffset } = bytes
    if (type === 'f8') return new Float64Array(buffer, byteOffset, rows)
    return type === 'i4'
      ? new Int32Array(buffer, byteOffset, rows)
      : new Int32Array(new Uint16Array(buffer, byteOffset, rows))
  }
  const decoded: Columns = {}
  // A sum is made last, and stands where it was.
  for (const [name, type] of types) decoded[name] = type === 'sum' ? nothing : next(type)
  for (const [name, type] of types) if (type === 'sum') decoded[name] = sumOf(decoded, rows)
  return { from, to, rows, columns: decoded }
}

const nothing = new Float64Array(0)

/** The other byte order. */
function swap({ buffer, byteOffset, byteLength }: Uint8Array, type: Type): void {
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  if (type === 'f8') bytes.swap64()
  else bytes.swap32()
}
