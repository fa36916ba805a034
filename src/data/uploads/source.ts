/** Bytes that arrive piece by piece, read as a parser wants them; gzip is unzipped on the way. */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DatasetError, TooLargeError } from '../errors.ts'

export type ByteSource = {
  /** Of the file, for messages. */
  name: string
  /** Bytes taken so far: of the contents, where the file is zipped. */
  offset(): number
  /** The next `count` bytes, fewer at the end; they stay to be taken. */
  peek(count: number): Promise<Buffer>
  /** The next `count` bytes, fewer at the end. */
  take(count: number): Promise<Buffer>
  /** The next bytes, at most `most`, as they come; none at the end. */
  some(most: number): Promise<Buffer>
  /** Lets go of what the bytes come from. */
  close(): Promise<void>
}

/** Bytes that several files may still have together. */
export type Room = { left: number; total: number }

/** The contents of a file as it is sent, unzipped where it begins as gzip does: no more of them than there is room. */
export async function openSource(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  room: { sent: Room; contents: Room },
): Promise<ByteSource> {
  const sent = makeSource(name, within(chunks, name, room.sent))
  const magic = await sent.peek(2)
  const zipped = magic[0] === 0x1f && magic[1] === 0x8b
  return makeSource(name, within(zipped ? unzip(sent) : pieces(sent), name, room.contents))
}

/** Bytes that arrive in chunks, as a source. */
export function makeSource(name: string, chunks: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]()
  let held = Buffer.alloc(0)
  let offset = 0
  const fill = async (count: number) => {
    const parts: Uint8Array[] = [held]
    for (let size = held.length; size < count; ) {
      const { value, done } = await iterator.next()
      if (done) break
      parts.push(value)
      size += value.length
    }
    if (parts.length > 1) held = Buffer.concat(parts)
  }
  const takeHeld = (count: number) => {
    const taken = held.subarray(0, count)
    held = held.subarray(taken.length)
    offset += taken.length
    return taken
  }
  return {
    name,
    offset: () => offset,
    async peek(count) {
      await fill(count)
      return held.subarray(0, count)
    },
    async take(count) {
      await fill(count)
      return takeHeld(count)
    },
    async some(most) {
      if (held.length === 0) await fill(1)
      return takeHeld(most)
    },
    async close() {
      await iterator.return?.()
    },
  }
}

/** The same bytes, counted against the room that there is: what goes beyond it is never passed on. */
export async function* within(chunks: AsyncIterable<Uint8Array>, name: string, room: Room) {
  for await (const chunk of chunks) {
    if (chunk.length > room.left)
      throw new TooLargeError(`${name}: with it the upload has more than ${room.total} bytes`)
    room.left -= chunk.length
    yield chunk
  }
}

async function* pieces(source: ByteSource) {
  try {
    for (let piece = await source.some(65_536); piece.length > 0; piece = await source.some(65_536))
      yield piece
  } finally {
    await source.close()
  }
}

async function* unzip(source: ByteSource) {
  const gunzip = createGunzip()
  pipeline(Readable.from(pieces(source), { highWaterMark: 1 }), gunzip, () => {})
  try {
    for await (const chunk of gunzip) yield chunk as Buffer
  } catch (error) {
    // What the bytes come from may have failed as well, which is no fault of the file.
    if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error
    throw new DatasetError(
      `${source.name}: expected a whole gzip file, found one that is damaged or cut short before byte ${source.offset()} (${(error as Error).message})`,
    )
  }
}
