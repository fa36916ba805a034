/** Why a bucket cannot be used, in a sentence. */
import type { S3Config } from '../config.ts'
import { connectionFailure, ServiceError } from '../service-error.ts'

type S3Failure = Error & {
  Code?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

/** What the client threw of any request, as a sentence with what to do about it. */
export function s3Error(error: unknown, config: S3Config): ServiceError {
  const { name, message, $metadata, $response } = error as S3Failure
  const at = config.endpoint ?? 'Amazon S3'
  const say = (words: string, passing = false) => new ServiceError(words, { passing, cause: error })
  const status = $metadata?.httpStatusCode
  if (name === 'NoSuchBucket')
    return say(`there is no bucket ${config.bucket} at ${at}: make it, or set S3_BUCKET`)
  if (name === 'InvalidAccessKeyId') return say(`${at} does not know S3_ACCESS_KEY_ID`)
  if (name === 'SignatureDoesNotMatch')
    return say(`${at} does not accept S3_SECRET_ACCESS_KEY: its signature is not what is expected`)
  if (name === 'RequestTimeTooSkewed')
    return say(`this machine's clock differs from that of ${at}: set it (NTP)`)
  if (name === 'ExpiredToken') return say(`the credentials for ${at} have expired`)
  if (name === 'AccessDenied')
    return say(
      `the S3 credentials may not use the bucket ${config.bucket} at ${at}: they need s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, and s3:ListBucket to find what to delete`,
    )
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed' || status === 301) {
    const region = $response?.headers?.['x-amz-bucket-region'] ?? /expecting '([\w-]+)'/.exec(message)?.[1]
    return say(
      `the bucket ${config.bucket} is not in the region ${config.region}: set S3_REGION${region === undefined ? '' : `=${region}`}`,
    )
  }
  if (name === 'CredentialsProviderError')
    return say(
      `no credentials for the bucket ${config.bucket}: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or what the AWS SDK looks for (${message})`,
    )
  const failure = connectionFailure(error)
  if (failure !== undefined)
    return say(
      `the object store at ${at} (S3_ENDPOINT) cannot be reached: ${failure.words}${failure.words.includes('TLS') ? ': write http://' : ''}`,
      failure.passing,
    )
  return say(
    `the object store at ${at} (S3_ENDPOINT) does not answer as S3 does: ${message}`,
    status === undefined || status >= 500,
  )
}
