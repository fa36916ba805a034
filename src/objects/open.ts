/** Which object store the configuration names: a folder, or a bucket. */
import type { Config } from '../config.ts'
import { openFolder } from './folder.ts'
import type { Objects } from './objects.ts'

/** The object store that the configuration names: a bucket where there is one, else a folder. Chosen here only. */
export async function openObjects(
  config: Pick<Config, 'objectsDir'> & Partial<Pick<Config, 's3'>>,
): Promise<Objects> {
  if (config.s3 === undefined) return openFolder(config.objectsDir)
  // The SDK takes as long to load as a small process of ours, and 15 MB: where there is no bucket nothing needs it.
  const { openS3 } = await import('./s3.ts')
  return openS3(config.s3)
}

/** What a person calls the store that the configuration names. */
export function storeName({ objectsDir, s3 }: Pick<Config, 'objectsDir' | 's3'>): string {
  return s3 === undefined
    ? `the folder ${objectsDir}`
    : `the bucket ${s3.bucket} at ${s3.endpoint ?? 'Amazon S3'}`
}
