/** What a download is made of: bytes that are at hand, and stretches of objects, one after the other. */

import { type ByteRange, MissingObjectError, type Objects } from '../../../objects/objects.ts'
import { type Known, verifiedBytes } from '../../../objects/verify.ts'

/** A stretch of an object: from `start` to before `end`. */
export type Stretch = ByteRange & {
  object: Known
  /** Whether it is all that the object has to give, so that reading it all and hashing it costs next to nothing more. */
  whole: boolean
}

export type Download = {
  /** As it is to be saved. */
  filename: string
  contentType: string
  etag: string
  /** The SHA-256 of all of it, hexadecimal; undefined where nobody has worked it out. */
  sha256: string | undefined
  head: Buffer
  stretches: Stretch[]
}

export const sizeOf = ({ head, stretches }: Download): number =>
  stretches.reduce((sum, { start, end }) => sum + end - start, head.length)

/** What of a download lies in a range of its bytes. */
export function cut({ head, stretches }: Download, { start, end }: ByteRange) {
  const cuts: Stretch[] = []
  let at = head.length
  for (const stretch of stretches) {
    const length = stretch.end - stretch.start
    const from = Math.max(0, start - at)
    const to = Math.min(length, end - at)
    if (from < to)
      cuts.push({
        ...stretch,
        ...{ start: stretch.start + from, end: stretch.start + to },
        whole: stretch.whole && from === 0 && to === length,
      })
    at += length
  }
  return { head: head.subarray(start, end), stretches: cuts }
}

/** How many objects are looked for before an answer begins; what further ones lack breaks it off. */
const mostLooked = 256
const atOnce = 16

/** The first of the objects that is not in the store, or not as long as it was; undefined where all are. */
export async function findLost(objects: Objects, stretches: Stretch[]): Promise<Known | undefined> {
  const wanted = stretches.slice(0, mostLooked).map(({ object }) => object)
  for (let i = 0; i < wanted.length; i += atOnce) {
    const some = wanted.slice(i, i + atOnce)
    const found = await Promise.all(some.map(({ key }) => objects.stat(key)))
    const lost = some.find(({ bytes }, j) => found[j]?.bytes !== bytes)
    if (lost) return lost
  }
  return undefined
}

/** The bytes, read as they are taken. Throws before the last of an object that proves to be damaged. */
export async function* bytesOf(
  objects: Objects,
  { head, stretches }: { head: Buffer; stretches: Stretch[] },
): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  for (const { object, start, end, whole } of stretches)
    if (whole) yield* verifiedBytes(objects, object, start)
    else yield* inFull(object, end - start, objects.stream(object.key, { start, end }))
}

/** Passes bytes on. Throws where there are fewer: an answer must not go on with the next object in their place. */
async function* inFull({ key }: Known, length: number, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let seen = 0
  try {
    for await (const chunk of bytes) {
      seen += chunk.length
      yield chunk
    }
  } catch (error) {
    // Of a range that it does not have any more a bucket says so.
    if (error instanceof RangeError) throw new MissingObjectError(key)
    throw error
  }
  if (seen !== length) throw new MissingObjectError(key)
}
