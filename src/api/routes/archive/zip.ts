/** ZIP archives that are made while they are read: memory does not grow with what is in them. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'

export type Packed = {
  /** Where it lies in the archive: parts of letters, digits, . _ - with / between. */
  name: string
  bytes: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>
  /** Numbers as they are in memory hardly shrink. */
  compress: boolean
  /** Called when it is in the archive, with its length and the SHA-256 of what it holds. */
  done?(bytes: number, sha256: string): void
}

/**
 * The archive, as its entries come: the next is asked for when the one before is in. An entry that fails breaks the stream
 * off, before the directory at the end without which nobody takes it for whole. `onError` hears why.
 */
export function zipOf(entries: AsyncGenerator<Packed>, onError: (error: unknown) => void): Readable {
  const zip = new ZipFile()
  // The library's stream is of Node's older kind to its types.
  const out = zip.outputStream as Readable
  let input: Readable | undefined
  // Fails the entry, which is told of here.
  zip.on('error', () => {})
  out.once('close', () => input?.destroy())
  const pack = async () => {
    for await (const { name, bytes, compress, done } of entries) {
      if (out.destroyed) return
      const hash = createHash('sha256')
      let length = 0
      input = Readable.from(
        counted(bytes, hash.update.bind(hash), n => (length += n)),
        { objectMode: false },
      )
      zip.addReadStream(input, name, { compressionLevel: compress ? 1 : 0, mode: 0o100644 })
      await finished(input)
      done?.(length, hash.digest('hex'))
    }
    zip.end()
  }
  pack().catch(error => {
    // Whoever has gone wants to know nothing.
    if (out.destroyed) return
    onError(error)
    out.destroy(error as Error)
  })
  return out
}

async function* counted(
  bytes: Packed['bytes'],
  update: (chunk: Uint8Array) => unknown,
  count: (length: number) => void,
): AsyncGenerator<Buffer> {
  for await (const piece of bytes) {
    const chunk =
      typeof piece === 'string'
        ? Buffer.from(piece)
        : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    // Read at once, or not at all: an empty chunk would end the stream.
    if (chunk.length === 0) continue
    update(chunk)
    count(chunk.length)
    yield chunk
  }
}
