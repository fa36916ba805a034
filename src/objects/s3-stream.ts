/** An object as a stream that bears connections which break off: what is left is asked for again, of the same object. */
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import type { ByteRange } from './objects.ts'
import { type Bucket, get, statusOf } from './s3-requests.ts'

/** Answers that may break off one after the other without a byte between. */
const mostBroken = 3

/** The bytes of an object, or of a range of it; fails as `get` does, and where the object is replaced on the way. */
export function streamOf(at: Bucket, key: string, range?: ByteRange): Readable {
  const out = new PassThrough()
  let body: Readable | undefined
  // Whoever stops reading also ends what is waited for.
  const gone = once(out, 'close').catch(() => {})
  void gone.then(() => body?.destroy())

  const pass = async () => {
    const first = await get(at, key, range)
    const start = range?.start ?? 0
    let answer: Pick<typeof first, 'body'> = first
    let seen = 0
    for (let broken = 0; ; ) {
      body = answer.body
      // An answer that breaks off, and one that never ends, are errors of the body.
      body.on('error', () => {})
      if (out.destroyed) return void body.destroy()
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          seen += chunk.length
          broken = 0
          if (!out.write(chunk)) await Promise.race([once(out, 'drain'), gone])
        }
        if (seen === first.bytes) return void out.end()
        throw new Error(`the object store answered with ${seen} of ${first.bytes} bytes`)
      } catch (error) {
        if (out.destroyed) return
        if (++broken === mostBroken || seen > first.bytes) throw error
      }
      answer = await get(at, key, { start: start + seen, end: start + first.bytes }, first.etag)
    }
  }
  pass().catch(error => {
    const replaced =
      statusOf(error) === 412 && new Error(`object ${key} was replaced while it was read`, { cause: error })
    out.destroy(replaced || error)
  })
  return out
}
