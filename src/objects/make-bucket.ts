/** `node dist/src/objects/make-bucket.js`: makes the bucket that S3_BUCKET names, where it is not there yet. */
import { ConfigError, readConfig } from '../config.ts'
import { ServiceError } from '../service-error.ts'
import { makeBucket } from './s3.ts'

try {
  const { s3 } = readConfig()
  if (s3 === undefined) throw new ConfigError(['S3_BUCKET is not set'])
  console.log((await makeBucket(s3)) ? `made the bucket ${s3.bucket}` : `the bucket ${s3.bucket} is there`)
} catch (error) {
  console.error(error instanceof ConfigError || error instanceof ServiceError ? error.message : error)
  process.exitCode = 1
}
