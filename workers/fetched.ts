/**
 * Uploaded datasets as a machine's workers keep them: copies of objects under DATASETS_DIR/.uploads, each called by its
 * SHA-256. A copy takes its name when it is whole and its digest is right; workers may fetch the same at once.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '../src/data/errors.ts'
import { MissingObjectError, type Objects } from '../src/objects/objects.ts'
import { datasetKey, type StoredFile, type Upload } from '../src/store/datasets.ts'

const day = 24 * 60 * 60 * 1000
const folderIn = (directory: string) => join(directory, '.uploads')

/** The paths of a dataset's files, fetched where they are not here yet. */
export async function fetchUpload(
  objects: Objects,
  directory: string,
  { id, name, files }: Pick<Upload, 'id' | 'name' | 'files'>,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const folder = folderIn(directory)
  await mkdir(folder, { recursive: true })
  const paths: Record<string, string> = {}
  for (const file of files) {
    const path = join(folder, file.sha256)
    const here = await stat(path).catch(() => undefined)
    if (here?.size !== file.bytes) {
      try {
        await fetchFile(objects, datasetKey(id, file.name), file, path, signal)
      } catch (error) {
        if (!(error instanceof MissingObjectError)) throw error
        throw new DatasetError(`${name}: ${file.name} is not in the object store any more`)
      }
    }
    paths[file.name] = path
  }
  return paths
}

async function fetchFile(
  objects: Objects,
  key: string,
  { bytes, sha256 }: StoredFile,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${path}.${randomUUID()}.part`
  const file = await open(partial, 'wx')
  try {
    try {
      const hash = createHash('sha256')
      let received = 0
      for await (const chunk of objects.stream(key)) {
        signal.throwIfAborted()
        hash.update(chunk)
        received += chunk.length
        await file.writeFile(chunk)
      }
      const found = hash.digest('hex')
      if (received !== bytes || found !== sha256)
        throw new Error(
          `object ${key} has ${received} bytes of SHA-256 ${found}, not ${bytes} bytes of ${sha256}`,
        )
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
}

/** Removes copies that are a day old and of no dataset any more, and what fetches that died left. */
export async function sweepFetched(directory: string, isKnown: (sha256: string) => boolean): Promise<void> {
  const folder = folderIn(directory)
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found && found.mtimeMs < Date.now() - day && !isKnown(name)) await rm(path, { force: true })
  }
}
