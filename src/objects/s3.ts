/**
 * The object store as a bucket on any server that speaks S3. An object of one part is a single PUT; a larger one is a
 * multipart upload, of which nothing is to be seen until it is completed. Every part carries its MD5, which servers of
 * every age check, so that what was damaged on the way is refused.
 */
import { createHash } from 'node:crypto'
import { PassThrough, type Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { S3Config } from '../config.ts'
import {
  type ByteRange,
  type CommittedObject,
  checkKey,
  MissingObjectError,
  markKey,
  type Objects,
  type ObjectWriter,
  UnlistableError,
} from './objects.ts'
import { s3Error } from './s3-error.ts'

type Bucket = { client: S3Client; bucket: string }

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
      const out = new PassThrough()
      if (range !== undefined && range.end <= range.start) return out.end()
      get(at, key, range).then(
        ({ body }) => {
          body.on('error', error => out.destroy(error))
          out.on('close', () => body.destroy())
          body.pipe(out)
        },
        error => out.destroy(error),
      )
      return out
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

/** Where S3_* say all, AWS_* variables and ~/.aws are about something else: nothing is looked up there. */
const itself: S3ClientConfig = {
  ignoreConfiguredEndpointUrls: true,
  defaultsMode: 'standard',
  retryMode: 'standard',
  authSchemePreference: ['sigv4'],
  sigv4aSigningRegionSet: ['*'],
  disableS3ExpressSessionAuth: false,
  useArnRegion: false,
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  userAgentAppId: async () => undefined,
}

function connect({ region, credentials }: S3Config, endpoint: string | undefined): S3Client {
  return new S3Client({
    ...{ region, credentials, endpoint },
    ...(credentials !== undefined && itself),
    // bucket.host needs a DNS that an own server rarely has; Amazon's knows both.
    forcePathStyle: endpoint !== undefined,
    maxAttempts: 5,
    // The newer checksums, which travel behind the body, are not understood by every server; parts carry an MD5.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A server that takes the connection and then says nothing must cost an attempt, not the worker.
    requestHandler: { connectionTimeout: 5000, requestTimeout: 60_000 },
  })
}

/** Parts must have 5 MiB and at most 10,000 make an object: they grow as it does, up to 400 GB. */
const partBytes = (part: number): number => (1 + Math.floor(part / 1000)) * 8 * 2 ** 20

async function openWriter(
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

const md5 = (body: Uint8Array) => createHash('md5').update(body).digest('base64')
const statusOf = (error: unknown) =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
const outside = (key: string, { start, end }: ByteRange) =>
  new RangeError(`bytes ${start} to ${end} are not in object ${key}`)

function checkRange(key: string, range: ByteRange): void {
  const { start, end } = range
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start)
    throw outside(key, range)
}

async function get({ client, bucket }: Bucket, key: string, range?: ByteRange) {
  // A Range of HTTP includes its last byte.
  const Range = range && `bytes=${range.start}-${range.end - 1}`
  try {
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range }))
    return { body: answer.Body as Readable, bytes: answer.ContentLength! }
  } catch (error) {
    if (statusOf(error) === 416) throw outside(key, range!)
    // A missing bucket is a 404 as well, and not the same.
    if (statusOf(error) === 404 && (error as Error).name === 'NoSuchKey') throw new MissingObjectError(key)
    if ((error as Error).name === 'AccessDenied' && (await mayRead({ client, bucket })))
      throw new MissingObjectError(key)
    throw error
  }
}

async function collect(body: Readable, bytes: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(bytes)
  let filled = 0
  for await (const chunk of body) filled += (chunk as Buffer).copy(whole, filled)
  if (filled !== bytes) throw new Error(`the object store answered with ${filled} of ${bytes} bytes`)
  return whole
}

async function sizeOf({ client, bucket }: Bucket, key: string): Promise<number | undefined> {
  try {
    return (await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).ContentLength
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    if (statusOf(error) === 403 && (await mayRead({ client, bucket }))) return undefined
    throw error
  }
}

/** The stores of which this is known. */
const readable = new WeakSet<S3Client>()

/**
 * Whether objects may be read. Who may not list a bucket gets 403 for an object that is not there, as for one that may not
 * be read: an object that is there tells the two apart.
 */
async function mayRead({ client, bucket }: Bucket): Promise<boolean> {
  if (readable.has(client)) return true
  const target = { Bucket: bucket, Key: 'ledger-access' }
  const Body = Buffer.from('whether what is written here can be read\n')
  await client.send(new PutObjectCommand({ ...target, Body, ContentMD5: md5(Body) }))
  try {
    await client.send(new HeadObjectCommand(target))
  } catch (error) {
    if (statusOf(error) === 403) return false
    throw error
  }
  readable.add(client)
  return true
}

/** A page of keys. Throws UnlistableError. */
async function list(
  { client, bucket }: Bucket,
  page: Omit<ListObjectsV2CommandInput, 'Bucket'>,
): Promise<ListObjectsV2CommandOutput> {
  try {
    return await client.send(new ListObjectsV2Command({ Bucket: bucket, ...page }))
  } catch (error) {
    if ((error as Error).name !== 'AccessDenied') throw error
    throw new UnlistableError(
      `the S3 credentials may not list the bucket ${bucket} (s3:ListBucket), which finding all objects under ${page.Prefix} takes`,
      { cause: error },
    )
  }
}

/** A range of no bytes cannot be asked for; it is in the object all the same, or not. */
async function emptyRange(at: Bucket, key: string, range: ByteRange): Promise<Buffer> {
  const bytes = await sizeOf(at, key)
  if (bytes === undefined) throw new MissingObjectError(key)
  if (range.end > bytes) throw outside(key, range)
  return Buffer.alloc(0)
}

/** The keys that begin with a prefix, a page at a time; those of a page may be deleted before the next is asked for. */
async function* pages({ client, bucket }: Bucket, Prefix: string): AsyncGenerator<string[]> {
  let token: string | undefined
  do {
    const answer: ListObjectsV2CommandOutput = await list(
      { client, bucket },
      { Prefix, ContinuationToken: token },
    )
    yield (answer.Contents ?? []).map(({ Key }) => Key!)
    token = answer.NextContinuationToken
  } while (token !== undefined)
}
