/** `node dist/src/objects/make-bucket.js`: makes the bucket that S3_BUCKET names, where it is not there yet. */
import { readConfig } from '../config.ts'
import { makeBucket } from './s3.ts'

const { s3 } = readConfig()
if (s3 === undefined) throw new Error('S3_BUCKET is not set')
console.log((await makeBucket(s3)) ? `made the bucket ${s3.bucket}` : `the bucket ${s3.bucket} is there`)
