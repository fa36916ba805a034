/** Which object store the configuration names: a folder, or a bucket. */
import type { Config } from '../config.ts'
import { openFolder } from './folder.ts'
import type { Objects } from './objects.ts'
import { openS3 } from './s3.ts'

/** The object store that the configuration names: a bucket where there is one, else a folder. Chosen here only. */
export function openObjects(config: Pick<Config, 'objectsDir'> & Partial<Pick<Config, 's3'>>): Objects {
  return config.s3 === undefined ? openFolder(config.objectsDir) : openS3(config.s3)
}

/** What a person calls the store that the configuration names. */
export function storeName({ objectsDir, s3 }: Pick<Config, 'objectsDir' | 's3'>): string {
  return s3 === undefined
    ? `the folder ${objectsDir}`
    : `the bucket ${s3.bucket} at ${s3.endpoint ?? 'Amazon S3'}`
}
