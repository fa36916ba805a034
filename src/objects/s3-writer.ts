/** How an object gets into a bucket: whole, or in parts of which nothing is to be seen until they are put together. */
import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { CommittedObject, ObjectWriter } from './objects.ts'
import { type Bucket, md5 } from './s3-requests.ts'

/** Parts must have 5 MiB and at most 10,000 make an object: they grow as it does, up to 400 GB. */
const partBytes = (part: number): number => (1 + Math.floor(part / 1000)) * 8 * 2 ** 20

/** A writer of the object `key`, which must be valid. */
export async function openWriter(
  { client, bucket }: Bucket,
  key: string,
  ContentType: string,
): Promise<ObjectWriter> {
  const target = { Bucket: bucket, Key: key }
  const hash = createHash('sha256')
  const parts: { ETag: string; PartNumber: number }[] = []
  let bytes = 0
  let upload: string | undefined
  let state: 'open' | 'committed' | 'aborted' = 'open'
  let buffer = Buffer.allocUnsafe(64 * 2 ** 10)
  let filled = 0

  const sendPart = async () => {
    const body = buffer.subarray(0, filled)
    if (upload === undefined) {
      const begun = await client.send(new CreateMultipartUploadCommand({ ...target, ContentType }))
      upload = begun.UploadId!
    }
    const PartNumber = parts.length + 1
    const { ETag } = await client.send(
      new UploadPartCommand({
        ...{ ...target, UploadId: upload, PartNumber, Body: body, ContentMD5: md5(body) },
      }),
    )
    parts.push({ ETag: ETag!, PartNumber })
    filled = 0
  }
  /** Room for more, up to the size of a part. Small objects never hold a large buffer. */
  const grow = (wanted: number, limit: number) => {
    if (wanted <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(wanted, 2 * buffer.length)))
    buffer.copy(larger, 0, 0, filled)
    buffer = larger
  }

  return {
    async append(chunk) {
      if (state !== 'open') throw new Error(`object ${key} is already ${state}`)
      hash.update(chunk)
      bytes += chunk.byteLength
      for (let taken = 0; taken < chunk.byteLength; ) {
        const limit = partBytes(parts.length)
        const count = Math.min(limit - filled, chunk.byteLength - taken)
        grow(filled + count, limit)
        buffer.set(chunk.subarray(taken, taken + count), filled)
        filled += count
        taken += count
        if (filled === limit) await sendPart()
      }
    },
    async commit(): Promise<CommittedObject> {
      if (state !== 'open') throw new Error(`object ${key} is already ${state}`)
      if (upload === undefined) {
        const body = buffer.subarray(0, filled)
        await client.send(new PutObjectCommand({ ...target, ContentType, Body: body, ContentMD5: md5(body) }))
      } else {
        if (filled > 0) await sendPart()
        await client.send(
          new CompleteMultipartUploadCommand({
            ...{ ...target, UploadId: upload, MultipartUpload: { Parts: parts } },
          }),
        )
      }
      state = 'committed'
      return { key, bytes, sha256: hash.digest('hex'), contentType: ContentType }
    },
    async abort() {
      if (state !== 'open') return
      state = 'aborted'
      if (upload === undefined) return
      // A server that is away keeps the parts until the next sweep.
      await client.send(new AbortMultipartUploadCommand({ ...target, UploadId: upload })).catch(() => {})
    },
  }
}
