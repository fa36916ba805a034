/** Tables as an Arrow IPC stream: a record batch for every batch of rows, names as dictionaries. */
import type { RecordBatch } from 'apache-arrow'
import type { Cell, Column, Table } from './table.ts'

// Loaded when it is first asked for: it is large, and most processes never need it.
const load = () => import('apache-arrow')
type Arrow = Awaited<ReturnType<typeof load>>

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
    const bytes = Buffer.concat(chunks)
    chunks = []
    return bytes
  }
  const makeBatch = batchMaker(arrow, columns)
  let empty = true
  for await (const rows of batches) {
    if (rows.length === 0) continue
    empty = false
    writer.write(makeBatch(rows))
    yield take()
  }
  // Where there is no row at all, the schema says which columns there would have been.
  if (empty) writer.write(makeBatch([]))
  writer.finish()
  yield take()
}

function batchMaker(arrow: Arrow, columns: Column[]): (rows: Cell[][]) => RecordBatch {
  const types = columns.map(({ type }, id) => {
    if (type === 'int32') return new arrow.Int32()
    if (type === 'float64') return new arrow.Float64()
    // With an id of its own choosing the library would number on and on: the same table would be other bytes.
    return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id)
  })
  const schema = new arrow.Schema(
    columns.map(({ name, type }, i) => new arrow.Field(name, types[i], type === 'float64')),
  )
  // The dictionaries grow as names appear; the writer sends what is new of them.
  const names = columns.map(() => new Map<string, number>())

  return rows => {
    const children = columns.map(({ type }, at) => {
      const length = rows.length
      if (type === 'name') {
        const known = names[at]
        const data = new Int32Array(length)
        for (let i = 0; i < length; i++) {
          const name = rows[i][at] as string
          let index = known.get(name)
          if (index === undefined) {
            index = known.size
            known.set(name, index)
          }
          data[i] = index
        }
        const dictionary = arrow.vectorFromArray([...known.keys()], new arrow.Utf8())
        return arrow.makeData({
          type: types[at] as InstanceType<Arrow['Dictionary']>,
          length,
          data,
          dictionary,
        })
      }
      if (type === 'int32') {
        const data = new Int32Array(length)
        for (let i = 0; i < length; i++) data[i] = Number(rows[i][at])
        return arrow.makeData({ type: types[at] as InstanceType<Arrow['Int32']>, length, data })
      }
      const data = new Float64Array(length)
      // A bit a row: whether there is a number. What is not finite is none, as in JSON.
      const nullBitmap = new Uint8Array(Math.ceil(length / 64) * 8)
      let nullCount = 0
      for (let i = 0; i < length; i++) {
        const cell = rows[i][at]
        const value = cell === null ? Number.NaN : Number(cell)
        if (Number.isFinite(value)) {
          data[i] = value
          nullBitmap[i >> 3] |= 1 << (i & 7)
        } else nullCount++
      }
      return arrow.makeData({
        ...{ type: types[at] as InstanceType<Arrow['Float64']>, length, nullCount },
        ...{ data, nullBitmap },
      })
    })
    const type = new arrow.Struct(schema.fields)
    return new arrow.RecordBatch(
      schema,
      arrow.makeData({ type, length: rows.length, nullCount: 0, children: children as never }),
    )
  }
}
