/**
 * Tables as the API sends them as Arrow IPC streams (https://arrow.apache.org/docs/format/Columnar.html), as far as it does:
 * int32, float64, dictionaries of utf8; little-endian, not compressed. Numbers come as they lie in memory, names once each.
 * The library that writes them is twice as large as all of the pages.
 */

/** Row i has names[indices[i]]; where there is no name, an empty one. */
export type Names = { indices: Int32Array; names: string[] }
export type ArrowColumn = Float64Array | Int32Array | Names

/** A table of a flatbuffer (https://flatbuffers.dev/internals): where its nth field is; 0: it has none. */
type Fields = (n: number) => number

type Field = { name: string; type: number; bits: number; dictionary: number | undefined }
type Batch = {
  length: number
  /** Of every column, in order: the buffers that it has, within the body. */
  buffers: [offset: number, length: number][]
  nulls: number[]
}

const kinds = { schema: 1, dictionary: 2, batch: 3 }
const types = { integer: 2, float: 3, text: 5 }
const unknown = (what: string) => new Error(`the table came in a form that this page cannot read: ${what}`)

/** The columns of a stream by their names: integers, numbers (NaN where there is none), names. Throws where it is cut short, or another kind of table. */
export function readArrow(stream: ArrayBuffer): { length: number; columns: Record<string, ArrowColumn> } {
  const view = new DataView(stream)
  const u32 = (at: number) => view.getUint32(at, true)
  // Lengths are 64 bits wide; what fits into memory is below 2^53.
  const i64 = (at: number) => u32(at) + view.getInt32(at + 4, true) * 2 ** 32
  const follow = (at: number) => at + u32(at)
  const tableAt = (at: number): Fields => {
    const places = at - view.getInt32(at, true)
    const size = view.getUint16(places, true)
    return n => {
      const offset = 4 + 2 * n < size ? view.getUint16(places + 4 + 2 * n, true) : 0
      return offset === 0 ? 0 : at + offset
    }
  }
  const decoder = new TextDecoder()
  const textAt = (at: number) => decoder.decode(new Uint8Array(stream, at + 4, u32(at)))

  const fieldAt = (at: number): Field => {
    const field = tableAt(at)
    const type = view.getUint8(field(2))
    const own = tableAt(follow(field(3)))
    // Of a number its width, or its precision: 2 is double.
    const bits =
      own(0) === 0 ? 0 : type === types.integer ? view.getInt32(own(0), true) : view.getInt16(own(0), true)
    const encoding = field(4) === 0 ? undefined : tableAt(follow(field(4)))
    const dictionary = encoding && (encoding(0) === 0 ? 0 : i64(encoding(0)))
    return { name: textAt(follow(field(0))), type, bits, dictionary }
  }
  const batchAt = (batch: Fields, body: number): Batch => {
    if (batch(3) !== 0) throw unknown('it is compressed')
    const [nodes, buffers] = [follow(batch(1)), follow(batch(2))]
    return {
      // A field that is 0 is not written.
      length: batch(0) === 0 ? 0 : i64(batch(0)),
      nulls: Array.from({ length: u32(nodes) }, (_, i) => i64(nodes + 4 + 16 * i + 8)),
      buffers: Array.from({ length: u32(buffers) }, (_, i) => {
        const at = buffers + 4 + 16 * i
        return [body + i64(at), i64(at + 8)]
      }),
    }
  }
  // Copies, which lie where numbers must.
  const int32 = (at: number, length: number) => new Int32Array(stream.slice(at, at + 4 * length))
  const float64 = (at: number, length: number) => new Float64Array(stream.slice(at, at + 8 * length))
  const isMissing = (bits: number, row: number) => ((view.getUint8(bits + (row >> 3)) >> (row & 7)) & 1) === 0

  let fields: Field[] | undefined
  const dictionaries = new Map<number, string[]>()
  let length = 0
  const parts: ArrowColumn[][] = []
  for (let at = 0; ; ) {
    // A message begins with −1 and the length of what describes it; 0 ends the stream.
    if (at + 8 > stream.byteLength) throw unknown('it is cut short')
    const described = u32(at) === 0xffffffff ? u32(at + 4) : 0
    if (described === 0) break
    const message = tableAt(follow(at + 8))
    const body = at + 8 + described
    at = body + (message(3) === 0 ? 0 : i64(message(3)))
    if (at > stream.byteLength) throw unknown('it is cut short')
    const kind = view.getUint8(message(1))
    const header = tableAt(follow(message(2)))
    if (kind === kinds.schema) {
      const all = follow(header(1))
      fields = Array.from({ length: u32(all) }, (_, i) => fieldAt(follow(all + 4 + 4 * i)))
    } else if (kind === kinds.dictionary) {
      const { length, nulls, buffers } = batchAt(tableAt(follow(header(1))), body)
      const [[bits], [places], [texts]] = buffers
      const ends = int32(places, length === 0 ? 0 : length + 1)
      const names = Array.from({ length }, (_, i) =>
        nulls[0] > 0 && isMissing(bits, i)
          ? ''
          : decoder.decode(new Uint8Array(stream, texts + ends[i], ends[i + 1] - ends[i])),
      )
      dictionaries.set(header(0) === 0 ? 0 : i64(header(0)), names)
    } else if (kind === kinds.batch) {
      if (!fields) throw unknown('it has no schema')
      const batch = batchAt(header, body)
      length += batch.length
      for (const [n, { name, type, bits, dictionary }] of fields.entries()) {
        const [[valid], [values]] = batch.buffers.slice(2 * n)
        let column: ArrowColumn
        if (dictionary !== undefined && type === types.text)
          column = { indices: int32(values, batch.length), names: dictionaries.get(dictionary) ?? [] }
        else if (type === types.integer && bits === 32) column = int32(values, batch.length)
        else if (type === types.float && bits === 2) {
          column = float64(values, batch.length)
          if (batch.nulls[n] > 0)
            for (let i = 0; i < column.length; i++) if (isMissing(valid, i)) column[i] = Number.NaN
        } else throw unknown(`the type of ${name}`)
        parts[n] ??= []
        parts[n].push(column)
      }
    }
  }
  if (!fields) throw unknown('it has no schema')
  return {
    length,
    columns: Object.fromEntries(fields.map(({ name }, n) => [name, joined(parts[n] ?? [], length)])),
  }
}

function joined(parts: ArrowColumn[], length: number): ArrowColumn {
  if (parts.length === 1) return parts[0]
  let at = 0
  if (parts.length > 0 && 'names' in parts[0]) {
    // A later list may have more names; most have the same.
    const placeOf = new Map<string, number>()
    const indices = new Int32Array(length)
    const [{ names }] = parts as Names[]
    if ((parts as Names[]).every(part => part.names === names)) {
      for (const part of parts as Names[]) {
        indices.set(part.indices, at)
        at += part.indices.length
      }
      return { indices, names }
    }
    for (const part of parts as Names[]) {
      const own = part.names.map(name => {
        if (!placeOf.has(name)) placeOf.set(name, placeOf.size)
        return placeOf.get(name)!
      })
      for (const index of part.indices) indices[at++] = own[index]
    }
    return { indices, names: [...placeOf.keys()] }
  }
  const all = parts[0] instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)
  for (const part of parts as (Int32Array | Float64Array)[]) {
    all.set(part, at)
    at += part.length
  }
  return all
}
