/** Matrices in storage, row by row: written without holding more than one row, read by ranges. */
import { npyHeader, parseNpyHeader } from '../../src/store/npy.ts'
import { type Objects, objectKey } from '../../src/store/objects.ts'
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

/** Reads single rows of a float32 .npy object; a range request each. Throws where it has another number of columns. */
export async function readRows(
  objects: Objects,
  experimentId: string,
  name: string,
  columns: number,
): Promise<(row: number) => Promise<Float32Array>> {
  const key = objectKey(experimentId, name)
  const { shape, dtype, offset } = parseNpyHeader(await objects.read(key, { start: 0, end: 128 }))
  if (dtype !== 'float32' || shape.length !== 2 || shape[1] !== columns)
    throw new Error(`${name} is ${dtype} [${shape}], expected float32 [*, ${columns}]`)
  return async row => {
    const start = offset + row * columns * 4
    const bytes = await objects.read(key, { start, end: start + columns * 4 })
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  }
}
