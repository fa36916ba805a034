/** Matrices in storage, row by row: written without holding more than one row, read by ranges. */
import { crc32 } from 'node:zlib'
import { npyHeader, npyHeaderBytes, parseNpyHeader } from '../../src/objects/npy.ts'
import { DamagedObjectError, type Objects, objectKey } from '../../src/objects/objects.ts'
import { type Known, verifiedBytes } from '../../src/objects/verify.ts'
import type { StoredObject } from '../protocol.ts'

const contentType = 'application/octet-stream'

export type RowWriter = {
  append(row: Float32Array): Promise<void>
  commit(): Promise<StoredObject>
  abort(): Promise<void>
}

/** A float32 [rows, columns] .npy object of an experiment; visible, whole, once committed. */
export async function openRows(
  objects: Objects,
  experimentId: string,
  name: string,
  rows: number,
  columns: number,
): Promise<RowWriter> {
  const writer = await objects.write(objectKey(experimentId, name), contentType)
  await writer.append(npyHeader('float32', [rows, columns]))
  return {
    append: row => writer.append(new Uint8Array(row.buffer, row.byteOffset, row.byteLength)),
    commit: async () => {
      const { bytes, sha256, contentType } = await writer.commit()
      return { name, bytes, sha256, contentType }
    },
    abort: () => writer.abort(),
  }
}

/**
 * Reads single rows of a float32 .npy object of an experiment, a range request each. All of it is read and its SHA-256 compared
 * before: that costs nothing beside a gradient, and a bit that storage forgot would be wrong numbers that nobody sees. What is
 * read later must have the CRC-32 that its row had then, which misses no change within 32 bits in a row, and of others one in
 * 2³², in a fraction of the time. Throws MissingObjectError where the object is not there, DamagedObjectError where it
 * is not what was written, and an error where it has another type or number of columns.
 */
export async function readRows(
  objects: Objects,
  known: Known,
  columns: number,
  signal?: AbortSignal,
): Promise<(row: number) => Promise<Float32Array>> {
  const { key, bytes } = known
  const rowBytes = 4 * columns
  const checksums: number[] = []
  let header = Buffer.alloc(0)
  let checksum = 0
  let filled = 0
  for await (let chunk of verifiedBytes(objects, known)) {
    signal?.throwIfAborted()
    if (header.length < npyHeaderBytes) {
      const rest = npyHeaderBytes - header.length
      header = Buffer.concat([header, chunk.subarray(0, rest)])
      chunk = chunk.subarray(rest)
    }
    while (chunk.length > 0) {
      const part = chunk.subarray(0, rowBytes - filled)
      checksum = crc32(part, checksum)
      filled += part.length
      chunk = chunk.subarray(part.length)
      if (filled < rowBytes) continue
      checksums.push(checksum)
      checksum = 0
      filled = 0
    }
  }
  const { shape, dtype, offset } = parseNpyHeader(header)
  if (
    dtype !== 'float32' ||
    shape.length !== 2 ||
    shape[1] !== columns ||
    bytes !== offset + shape[0] * rowBytes
  )
    throw new Error(`${key} is ${dtype} [${shape}] in ${bytes} bytes, expected float32 [*, ${columns}]`)
  return async row => {
    const start = offset + row * rowBytes
    const read = await objects.read(key, { start, end: start + rowBytes })
    const found = crc32(read)
    if (found !== checksums[row])
      throw new DamagedObjectError(key, `a row ${row} of CRC-32 ${found}`, `${checksums[row]}`)
    // A view of what was read, or of a copy where that lies askew for its numbers.
    const { buffer, byteOffset } = read.byteOffset % 4 === 0 ? read : new Uint8Array(read)
    return new Float32Array(buffer as ArrayBuffer, byteOffset, columns)
  }
}
