/**
 * The object store as a bucket on any server that speaks S3. An object of one part is a single PUT; a larger one is a
 * multipart upload, of which nothing is to be seen until it is completed. Every part carries its MD5, which servers of
 * every age check, so that what was damaged on the way is refused.
 */
import { PassThrough } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { S3Config } from '../config.ts'
import { checkKey, MissingObjectError, markKey, type Objects, UnlistableError } from './objects.ts'
import { s3Error } from './s3-error.ts'
import {
  checkRange,
  collect,
  connect,
  emptyRange,
  get,
  list,
  outside,
  pages,
  sizeOf,
  statusOf,
} from './s3-requests.ts'
import { streamOf } from './s3-stream.ts'
import { openWriter } from './s3-writer.ts'

/** Milliseconds. A writer is open as long as its segment is computed, which may be days where there is only a CPU. */
const abandonedAfter = 7 * 24 * 60 * 60 * 1000
/** Seconds that a presigned URL is good for: to begin a download, which may then take longer. */
const presignedFor = 900

/** The objects of a bucket, which must exist. Nothing is asked of the server until something is read or written. */
export function openS3(config: S3Config): Objects {
  const { bucket } = config
  const client = connect(config, config.endpoint)
  const visible = connect(config, config.publicEndpoint ?? config.endpoint)
  const at = { client, bucket }

  return {
    async write(key, contentType) {
      checkKey(key)
      return openWriter(at, key, contentType)
    },

    async read(key, range) {
      checkKey(key)
      if (range !== undefined) checkRange(key, range)
      if (range !== undefined && range.end === range.start) return emptyRange(at, key, range)
      // The client repeats requests that fail, but not answers that break off: a read of ours is short and can be.
      for (let attempt = 1; ; attempt++) {
        const { body, bytes } = await get(at, key, range)
        try {
          const whole = await collect(body, bytes)
          if (range !== undefined && whole.length !== range.end - range.start) throw outside(key, range)
          return whole
        } catch (error) {
          if (error instanceof RangeError || attempt === 3) throw error
        }
      }
    },

    stream(key, range) {
      checkKey(key)
      if (range !== undefined && range.end <= range.start) return new PassThrough().end()
      return streamOf(at, key, range)
    },

    async stat(key) {
      checkKey(key)
      const bytes = await sizeOf(at, key)
      return bytes === undefined ? undefined : { bytes }
    },

    async remove(prefix, known) {
      for (const key of [prefix, ...(known ?? [])]) checkKey(key)
      // One request an object: bulk deletion needs checksums that not every server understands. Ten at a time.
      const remove = (Key: string) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
      const removeAll = async (keys: string[]) => {
        for (let i = 0; i < keys.length; i += 10) await Promise.all(keys.slice(i, i + 10).map(remove))
      }
      await remove(prefix)
      try {
        for await (const keys of pages(at, `${prefix}/`)) await removeAll(keys)
      } catch (error) {
        if (!(error instanceof UnlistableError) || known === undefined) throw error
        await removeAll(known)
      }
    },

    async names(prefix) {
      checkKey(prefix)
      const found = new Set<string>()
      let token: string | undefined
      do {
        const answer = await list(at, { Prefix: `${prefix}/`, Delimiter: '/', ContinuationToken: token })
        for (const { Key } of answer.Contents ?? []) found.add(Key!.slice(prefix.length + 1))
        for (const common of answer.CommonPrefixes ?? [])
          found.add(common.Prefix!.slice(prefix.length + 1, -1))
        token = answer.NextContinuationToken
      } while (token !== undefined)
      return [...found].sort()
    },

    async ping() {
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }))
      } catch {
        // The answer to HEAD has no words, and asks for the permission to list: an object says why, or that all is well.
        await get(at, markKey).then(
          ({ body }) => body.destroy(),
          error => {
            if (!(error instanceof MissingObjectError)) throw s3Error(error, config)
          },
        )
      }
    },

    async sweep() {
      // The bucket may hold other things than ours.
      for (const Prefix of ['experiments/', 'datasets/']) {
        let next: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
        while (next !== undefined) {
          const page: ListMultipartUploadsCommandOutput = await client.send(
            new ListMultipartUploadsCommand({ Bucket: bucket, Prefix, ...next }),
          )
          for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
            if (Initiated !== undefined && Initiated.getTime() > Date.now() - abandonedAfter) continue
            await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
          }
          next = page.IsTruncated
            ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
            : undefined
        }
      }
    },

    async downloadUrl(key, { contentType, filename }) {
      checkKey(key)
      if (config.downloads === 'proxy') return undefined
      const command = new GetObjectCommand({
        ...{ Bucket: bucket, Key: key, ResponseContentType: contentType },
        ResponseContentDisposition: `attachment; filename="${filename}"`,
      })
      const expiresAt = new Date(Date.now() + presignedFor * 1000)
      return { url: await getSignedUrl(visible, command, { expiresIn: presignedFor }), expiresAt }
    },
  }
}

/** Makes the bucket; says whether it was not there. Throws a ServiceError. */
export async function makeBucket(config: S3Config): Promise<boolean> {
  const client = connect(config, config.endpoint)
  try {
    await client.send(new HeadBucketCommand({ Bucket: config.bucket }))
    return false
  } catch (error) {
    if (statusOf(error) !== 404) {
      // Why, it says of an object; and one that is there may only not be listed.
      await openS3(config).ping()
      return false
    }
    await client.send(new CreateBucketCommand({ Bucket: config.bucket })).catch(reason => {
      throw s3Error(reason, config)
    })
    return true
  } finally {
    client.destroy()
  }
}
