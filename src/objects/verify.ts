/** Objects that are read as what was written, or not at all: storage forgets a bit now and then, and says nothing. */
import { createHash } from 'node:crypto'
import { DamagedObjectError, MissingObjectError, type Objects } from './objects.ts'

/** What is known of an object since it was written; `sha256` is hexadecimal. */
export type Known = { key: string; bytes: number; sha256: string }

/**
 * The bytes of an object from `start` on, while all of it is hashed. The last of them are held back until the digest is
 * known to be right: who reads to the end has read what was written. Throws MissingObjectError, and DamagedObjectError
 * for another length or digest.
 */
export async function* verifiedBytes(objects: Objects, object: Known, start = 0): AsyncGenerator<Buffer> {
  const { key, bytes, sha256 } = object
  const hash = createHash('sha256')
  let seen = 0
  let held: Buffer | undefined
  for await (const chunk of objects.stream(key) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    const wanted = chunk.subarray(Math.max(0, start - seen))
    seen += chunk.length
    if (seen > bytes) break
    if (wanted.length === 0) continue
    if (held) yield held
    held = wanted
  }
  if (seen !== bytes) throw new DamagedObjectError(key, `${seen > bytes ? 'more' : seen} bytes`, `${bytes}`)
  const found = hash.digest('hex')
  if (found !== sha256) throw new DamagedObjectError(key, `SHA-256 ${found}`, sha256)
  if (held) yield held
}

/** All bytes of an object that fits memory; throws as verifiedBytes does. */
export async function readVerified(objects: Objects, object: Known): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of verifiedBytes(objects, object)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** How an object is in storage: as it was written, gone, or something else. Reads all of it. */
export async function inspect(
  objects: Objects,
  object: Known,
  signal?: AbortSignal,
): Promise<'whole' | 'missing' | 'damaged'> {
  try {
    // The length first: it costs nothing.
    const stored = await objects.stat(object.key)
    if (stored === undefined) return 'missing'
    if (stored.bytes !== object.bytes) return 'damaged'
    for await (const _ of verifiedBytes(objects, object)) signal?.throwIfAborted()
    return 'whole'
  } catch (error) {
    if (error instanceof MissingObjectError) return 'missing'
    if (error instanceof DamagedObjectError) return 'damaged'
    throw error
  }
}
