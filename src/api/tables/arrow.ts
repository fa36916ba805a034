/** Tables as an Arrow IPC stream: record batches of a bounded number of rows, names as dictionaries. */
import type { Data, RecordBatch, Utf8, Vector } from 'apache-arrow'
import { turn } from '../../turns.ts'
import { type Batch, type Column, type Names, sliceOf, type Table } from './table.ts'

// Loaded when it is first asked for: it is large, and most processes never need it.
const load = () => import('apache-arrow')
type Arrow = Awaited<ReturnType<typeof load>>

/** Rows of a record batch: few milliseconds of work, 700 kB of allocations. */
const batchRows = 2 ** 13

export async function* arrowChunks({ columns, batches }: Table): AsyncGenerator<Uint8Array, void> {
  const arrow = await load()
  let chunks: Uint8Array[] = []
  // The library's own sink takes all that is written; this one keeps one batch, so that a slow reader is waited for.
  class Writer extends arrow.RecordBatchStreamWriter {
    protected override _write(chunk: ArrayBufferView | ArrayBufferLike) {
      const bytes = arrow.util.toUint8Array(chunk as Uint8Array)
      if (bytes.byteLength > 0) {
        chunks.push(bytes)
        this._position += bytes.byteLength
      }
      return this
    }
  }
  const writer = new Writer()
  const take = () => {
    const pieces = joined(chunks)
    chunks = []
    return pieces
  }
  const makeBatch = batchMaker(arrow, columns)
  let empty = true
  for await (const batch of batches) {
    for (let start = 0; start < batch.length; start += batchRows) {
      await turn()
      empty = false
      writer.write(makeBatch(sliceOf(batch, start, Math.min(batch.length, start + batchRows))))
      yield* take()
    }
  }
  // Where there is no row at all, the schema says which columns there would have been.
  if (empty) writer.write(makeBatch(emptyBatch(columns)))
  writer.finish()
  yield* take()
}

/** Bytes that leave as they are; what is smaller goes together. */
const large = 2 ** 14

/** The same bytes in fewer pieces: a column is not copied, for it is not written to again. */
function* joined(chunks: Uint8Array[]): Generator<Uint8Array, void> {
  let small: Uint8Array[] = []
  for (const chunk of chunks) {
    if (chunk.length < large) {
      small.push(chunk)
      continue
    }
    if (small.length > 0) yield Buffer.concat(small)
    small = []
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  }
  if (small.length > 0) yield Buffer.concat(small)
}

const emptyBatch = (columns: Column[]): Batch => ({
  length: 0,
  values: Object.fromEntries(
    columns.map(({ name, type }) => [
      name,
      type === 'name'
        ? { indices: new Int32Array(0), names: [] }
        : type === 'int32'
          ? new Int32Array(0)
          : new Float64Array(0),
    ]),
  ),
})

function batchMaker(arrow: Arrow, columns: Column[]): (batch: Batch) => RecordBatch {
  const types = columns.map(({ type }, id) => {
    if (type === 'int32') return new arrow.Int32()
    if (type === 'float64') return new arrow.Float64()
    // With an id of its own choosing the library would number on and on: the same table would be other bytes.
    return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id)
  })
  const schema = new arrow.Schema(
    columns.map(({ name, type }, i) => new arrow.Field(name, types[i], type === 'float64')),
  )
  // One that has not grown is not written again.
  const dictionaries: { length: number; vector: Vector<Utf8> }[] = []
  const dictionaryOf = (at: number, { names }: Names) => {
    if (dictionaries[at]?.length !== names.length)
      dictionaries[at] = { length: names.length, vector: arrow.vectorFromArray(names, new arrow.Utf8()) }
    return dictionaries[at].vector
  }

  return ({ length, values }) => {
    const children = columns.map(({ name }, at): Data => {
      const column = values[name]
      if ('names' in column) {
        const type = types[at] as InstanceType<Arrow['Dictionary']>
        return arrow.makeData({
          ...{ type, length, data: column.indices },
          dictionary: dictionaryOf(at, column),
        })
      }
      if (column instanceof Int32Array)
        return arrow.makeData({ type: types[at] as InstanceType<Arrow['Int32']>, length, data: column })
      const type = types[at] as InstanceType<Arrow['Float64']>
      return arrow.makeData({ type, length, ...finiteOrNull(column) })
    })
    const type = new arrow.Struct(schema.fields)
    return new arrow.RecordBatch(schema, arrow.makeData({ type, length, nullCount: 0, children }))
  }
}

/** Numbers, and a bit a row that says whether there is one: what is not finite is none, as in JSON. */
function finiteOrNull(column: Float64Array) {
  let data = column
  let nullBitmap: Uint8Array | undefined
  let nullCount = 0
  for (let i = 0; i < column.length; i++) {
    // 0 for every finite number, NaN for the rest.
    if (column[i] - column[i] === 0) continue
    if (nullBitmap === undefined) {
      data = column.slice()
      nullBitmap = new Uint8Array(Math.ceil(column.length / 64) * 8).fill(255)
    }
    data[i] = 0
    nullBitmap[i >> 3] &= ~(1 << (i & 7))
    nullCount++
  }
  return { data, nullBitmap, nullCount }
}
