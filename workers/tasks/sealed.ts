/** Objects that say themselves whether they are whole: behind what they hold is its SHA-256, 32 bytes. Nobody records them. */
import { createHash } from 'node:crypto'
import { npyHeader, parseNpyHeader } from '../../src/objects/npy.ts'
import { DamagedObjectError, type Objects } from '../../src/objects/objects.ts'

export const digestBytes = 32

/** Writes the parts one after the other, and their digest. */
export async function writeSealed(objects: Objects, key: string, parts: Iterable<Uint8Array>): Promise<void> {
  const writer = await objects.write(key, 'application/octet-stream')
  const hash = createHash('sha256')
  try {
    for (const part of parts) {
      hash.update(part)
      await writer.append(part)
    }
    await writer.append(hash.digest())
    await writer.commit()
  } catch (error) {
    await writer.abort()
    throw error
  }
}

/** Columns of a table, equally long, as float64 [columns, rows]: integers are exact in it. */
export function writeTable(
  objects: Objects,
  key: string,
  columns: Record<string, Float64Array | Int32Array>,
): Promise<void> {
  const all = Object.values(columns)
  const header = npyHeader('float64', [all.length, all[0].length])
  return writeSealed(objects, key, [
    header,
    ...all.map(column => new Uint8Array(Float64Array.from(column).buffer)),
  ])
}

/** The rows of such a table. Throws MissingObjectError, and DamagedObjectError where it is not what was written. */
export async function readTable(objects: Objects, key: string): Promise<Float64Array[]> {
  const bytes = await objects.read(key)
  const end = bytes.length - digestBytes
  const found = createHash('sha256').update(bytes.subarray(0, end)).digest()
  const expected = bytes.subarray(end)
  if (!found.equals(expected))
    throw new DamagedObjectError(key, `SHA-256 ${found.toString('hex')}`, expected.toString('hex'))
  const { shape, offset } = parseNpyHeader(bytes)
  const [columns, rows] = shape
  return Array.from({ length: columns }, (_, c) => {
    const start = offset + 8 * rows * c
    return new Float64Array(Uint8Array.prototype.slice.call(bytes, start, start + 8 * rows).buffer)
  })
}
