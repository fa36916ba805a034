/** What is asked of a bucket, request by request, and what its answers mean. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import type { S3Config } from '../config.ts'
import { type ByteRange, MissingObjectError, UnlistableError } from './objects.ts'

export type Bucket = { client: S3Client; bucket: string }

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

/**
 * Milliseconds without a byte in either direction, after which a request has failed; not of a whole request, for a part of an
 * upload may take as long as the line is slow. As long as the API waits for a client that does not read what is on its way.
 */
const mostSilence = 120_000

/** A client; nothing is asked of the server yet. */
export function connect(
  { region, credentials }: S3Config,
  endpoint: string | undefined,
  silence = mostSilence,
): S3Client {
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
    requestHandler: { connectionTimeout: 5000, socketTimeout: silence },
  })
}

/** As S3 wants it, in base64. */
export const md5 = (body: Uint8Array) => createHash('md5').update(body).digest('base64')
/** The status of HTTP in what the client threw. */
export const statusOf = (error: unknown) =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
export const outside = (key: string, { start, end }: ByteRange) =>
  new RangeError(`bytes ${start} to ${end} are not in object ${key}`)

/** Throws RangeError for a range that no object can have. */
export function checkRange(key: string, range: ByteRange): void {
  const { start, end } = range
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start)
    throw outside(key, range)
}

/**
 * An object, or a range of it; `etag`: only while it is that one. Throws MissingObjectError, and RangeError for a range outside
 * the object.
 */
export async function get({ client, bucket }: Bucket, key: string, range?: ByteRange, etag?: string) {
  // A Range of HTTP includes its last byte.
  const Range = range && `bytes=${range.start}-${range.end - 1}`
  try {
    const answer = await client.send(
      new GetObjectCommand({ Bucket: bucket, Key: key, Range, ...(etag !== undefined && { IfMatch: etag }) }),
    )
    return { body: answer.Body as Readable, bytes: answer.ContentLength!, etag: answer.ETag }
  } catch (error) {
    if (statusOf(error) === 416) throw outside(key, range!)
    // A missing bucket is a 404 as well, and not the same.
    if (statusOf(error) === 404 && (error as Error).name === 'NoSuchKey') throw new MissingObjectError(key)
    if ((error as Error).name === 'AccessDenied' && (await mayRead({ client, bucket })))
      throw new MissingObjectError(key)
    throw error
  }
}

/** All of a body; throws where it has not so many bytes. */
export async function collect(body: Readable, bytes: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(bytes)
  let filled = 0
  for await (const chunk of body) filled += (chunk as Buffer).copy(whole, filled)
  if (filled !== bytes) throw new Error(`the object store answered with ${filled} of ${bytes} bytes`)
  return whole
}

/** Bytes of an object; undefined where it is not there. */
export async function sizeOf({ client, bucket }: Bucket, key: string): Promise<number | undefined> {
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
export async function list(
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
export async function emptyRange(at: Bucket, key: string, range: ByteRange): Promise<Buffer> {
  const bytes = await sizeOf(at, key)
  if (bytes === undefined) throw new MissingObjectError(key)
  if (range.end > bytes) throw outside(key, range)
  return Buffer.alloc(0)
}

/** The keys that begin with a prefix, a page at a time; those of a page may be deleted before the next is asked for. */
export async function* pages({ client, bucket }: Bucket, Prefix: string): AsyncGenerator<string[]> {
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
