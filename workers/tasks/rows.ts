/** Matrices in storage, row by row: written without holding more than one row, read by ranges. */
import { npyHeader, npyHeaderBytes, parseNpyHeader } from '../../src/objects/npy.ts'
import { MissingObjectError, type Objects, objectKey } from '../../src/objects/objects.ts'
import type { StoredObject } from '../protocol.ts'

const contentType = 'application/octet-stream'

export type RowWriter = {
  append(row: Float32Array | Float64Array): Promise<void>
  commit(): Promise<StoredObject>
  abort(): Promise<void>
}

/** A [rows, columns] .npy object of an experiment; visible, whole, once committed. */
export async function openRows(
  objects: Objects,
  experimentId: string,
  name: string,
  rows: number,
  columns: number,
  dtype: 'float32' | 'float64' = 'float32',
): Promise<RowWriter> {
  const writer = await objects.write(objectKey(experimentId, name), contentType)
  await writer.append(npyHeader(dtype, [rows, columns]))
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
 * Reads single rows of a .npy object of an experiment; a range request each. Throws MissingObjectError where the object is
 * not there or has been cut short, and an error where it has another type or number of columns.
 */
export async function readRows(
  objects: Objects,
  experimentId: string,
  name: string,
  columns: number,
): Promise<(row: number) => Promise<Float32Array>> {
  const rowAt = await openMatrix(objects, experimentId, name, 'float32', columns)
  return async row => new Float32Array(...(await rowAt(row)))
}

/** All rows of a float64 .npy object of an experiment; throws as readRows does. */
export async function readDoubles(
  objects: Objects,
  experimentId: string,
  name: string,
  rows: number,
  columns: number,
): Promise<Float64Array[]> {
  const rowAt = await openMatrix(objects, experimentId, name, 'float64', columns)
  const found: Float64Array[] = []
  for (let row = 0; row < rows; row++) found.push(new Float64Array(...(await rowAt(row))))
  return found
}

async function openMatrix(
  objects: Objects,
  experimentId: string,
  name: string,
  wanted: 'float32' | 'float64',
  columns: number,
): Promise<(row: number) => Promise<[buffer: ArrayBuffer, byteOffset: number, length: number]>> {
  const key = objectKey(experimentId, name)
  const stat = await objects.stat(key)
  if (stat === undefined || stat.bytes < npyHeaderBytes) throw new MissingObjectError(key)
  const header = await objects.read(key, { start: 0, end: npyHeaderBytes })
  const { shape, dtype, offset } = parseNpyHeader(header)
  if (dtype !== wanted || shape.length !== 2 || shape[1] !== columns)
    throw new Error(`${name} is ${dtype} [${shape}], expected ${wanted} [*, ${columns}]`)
  const bytesPerRow = columns * (wanted === 'float64' ? 8 : 4)
  if (stat.bytes !== offset + shape[0] * bytesPerRow) throw new MissingObjectError(key)
  return async row => {
    const start = offset + row * bytesPerRow
    const bytes = await objects.read(key, { start, end: start + bytesPerRow })
    // A view of what was read, or of a copy where that lies askew for its numbers.
    const { buffer, byteOffset } = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
    return [buffer as ArrayBuffer, byteOffset, columns]
  }
}
