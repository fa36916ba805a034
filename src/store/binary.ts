/**
 * Answers of Postgres as the bytes that it sends, for what comes in megabytes. Of a SELECT the driver makes text, whatever it
 * is, so bytes would have to be written as text and read again; what a COPY answers it hands on as it comes. A COPY takes no parameters:
 * values stand in it as literals.
 */
import pg from 'pg'

/** A pool, or one of its connections within a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>

type Done = (error: Error | null | undefined) => void
type Value = string | number | null | readonly string[] | readonly number[]

/**
 * What a field of an answer is: the type that its column must have, as Postgres sends it (its *_send functions). `bytea` begins at
 * a multiple of 8 bytes of its memory, so that numbers in it lie where numbers must.
 */
export type Kind = 'text' | 'int4' | 'float8' | 'bool' | 'bytea'
const sizes: Partial<Record<Kind, number>> = { int4: 4, float8: 8, bool: 1 }

/**
 * The rows of a query, as `db.query` has them; `fields` are its columns, in their order, and what each is. Rejects as `db.query`
 * does, and where a column is something else than was said.
 */
export function queryBinary<Row extends object>(
  db: Queryable,
  sql: string,
  values: readonly Value[],
  fields: { [Name in keyof Row]: Kind },
): Promise<Row[]> {
  const rows: Row[] = []
  const take = rowReader<Row>(fields)
  let failure: unknown
  const copy = new Copy(`COPY (${withValues(sql, values)}) TO STDOUT (FORMAT binary)`)
  copy.take = bytes => {
    // Thrown here, it would end the process.
    try {
      if (failure === undefined) take(bytes, row => rows.push(row))
    } catch (error) {
      failure = error
    }
  }
  return new Promise((resolve, reject) => {
    const done: Done = error => {
      if (error ?? failure) reject(error ?? failure)
      else resolve(rows)
    }
    // A pool, too, tells of its end by this alone; whoever stands between may refuse it before.
    const asked = (db.query as (query: Copy, done: Done) => unknown)(copy, done)
    if (asked instanceof Promise) asked.catch(reject)
  })
}

/** A query whose answer is that of a COPY. */
class Copy extends pg.Query {
  /** Takes a message of the answer. */
  take: (bytes: Buffer) => void = () => {}

  /** Called by the driver, whose memory the chunk is: it is another's when this returns. */
  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.take(chunk)
  }
}

/** What the values are called in a query: $1, $2, … */
const withValues = (sql: string, values: readonly Value[]): string =>
  sql.replace(/\$(\d+)/g, (_, place) => literal(values[place - 1]))

function literal(value: Value | undefined): string {
  if (value === undefined) throw new Error('a query has more places than values')
  if (value === null) return 'NULL'
  // It would end the query as the server reads it. No text of Postgres has one.
  if (typeof value === 'string' && value.includes('\0')) throw new Error('a value has a character NUL')
  if (typeof value === 'string') return pg.escapeLiteral(value)
  if (typeof value !== 'number') return `ARRAY[${value.map(literal).join()}]`
  if (!Number.isInteger(value)) throw new Error(`${value} is no integer`)
  return String(value)
}

/** The signature, flags, and the length of what may follow them. */
const headBytes = 19
/** Memory that small fields share; larger ones have their own. */
const slabBytes = 2 ** 18

/** Takes the messages of an answer in order, and hands on each row that they have. */
function rowReader<Row extends object>(fields: { [Name in keyof Row]: Kind }) {
  const kinds = Object.entries(fields) as [string, Kind][]
  let begun = false
  let slab = Buffer.alloc(0)
  let used = 0
  const kept = (bytes: Buffer, start: number, end: number) => {
    const length = end - start
    const own = length > slabBytes / 8 ? Buffer.allocUnsafeSlow(length) : room(length)
    bytes.copy(own, 0, start, end)
    return own
  }
  const room = (length: number) => {
    let begin = 8 * Math.ceil(used / 8)
    if (begin + length > slab.length) {
      slab = Buffer.allocUnsafeSlow(slabBytes)
      begin = 0
    }
    used = begin + length
    return slab.subarray(begin, used)
  }
  const read = (kind: Kind, bytes: Buffer, start: number, end: number) => {
    if (kind === 'bytea') return kept(bytes, start, end)
    if (kind === 'text') return bytes.toString('utf8', start, end)
    if (kind === 'int4') return bytes.readInt32BE(start)
    return kind === 'float8' ? bytes.readDoubleBE(start) : bytes[start] === 1
  }
  return (bytes: Buffer, each: (row: Row) => void) => {
    // A message is a row, the first has the head before it.
    let at = begun ? 0 : headBytes + bytes.readInt32BE(headBytes - 4)
    begun = true
    if (at === bytes.length) return
    const count = bytes.readInt16BE(at)
    // The end.
    if (count === -1) return
    if (count !== kinds.length) throw new Error(`${count} columns where ${kinds.length} were to be`)
    at += 2
    const row: Record<string, unknown> = {}
    for (const [name, kind] of kinds) {
      const length = bytes.readInt32BE(at)
      at += 4
      if (length !== -1 && length !== (sizes[kind] ?? length))
        throw new Error(`the column ${name} is no ${kind}: it has ${length} bytes`)
      row[name] = length === -1 ? null : read(kind, bytes, at, at + length)
      at += Math.max(0, length)
    }
    each(row as Row)
  }
}
