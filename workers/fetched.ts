/**
 * Uploaded datasets as a machine's workers keep them: copies of objects under DATASETS_DIR/.uploads, each called by its
 * SHA-256. A copy takes its name when it is whole and its digest is right; workers may fetch the same at once. Before it is
 * used it is hashed again: disks forget a bit now and then.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DatasetError } from '../src/data/errors.ts'
import { makeFolder } from '../src/folders.ts'
import { datasetKey } from '../src/objects/names.ts'
import { DamagedObjectError, MissingObjectError, type Objects } from '../src/objects/objects.ts'
import { type Known, verifiedBytes } from '../src/objects/verify.ts'
import type { StoredFile, Upload } from '../src/store/datasets.ts'

const day = 24 * 60 * 60 * 1000
const folderIn = (directory: string) => join(directory, '.uploads')

/**
 * The paths of a dataset's files, fetched where they are not here yet, or not as they were stored. Throws DatasetError
 * where the object store has them no more, or not as they were.
 */
export async function fetchUpload(
  objects: Objects,
  directory: string,
  { id, name, files }: Pick<Upload, 'id' | 'name' | 'files'>,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const folder = folderIn(directory)
  await makeFolder(folder)
  const paths: Record<string, string> = {}
  for (const file of files) {
    const path = join(folder, file.sha256)
    const key = datasetKey(id, file.name)
    if (!(await isHere(path, file, signal))) {
      try {
        await fetchFile(objects, { key, ...file }, path, signal)
      } catch (error) {
        const again = 'delete the dataset and upload the same files again'
        if (error instanceof MissingObjectError)
          throw new DatasetError(`${name}: ${file.name} is not in the object store any more; ${again}`)
        if (error instanceof DamagedObjectError) throw new DatasetError(`${name}: ${error.message}; ${again}`)
        throw error
      }
    }
    paths[file.name] = path
  }
  return paths
}

/** Whether a copy is here, and is what was stored. */
async function isHere(path: string, { bytes, sha256 }: StoredFile, signal: AbortSignal): Promise<boolean> {
  const here = await stat(path).catch(() => undefined)
  if (here?.size !== bytes) return false
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash, { signal })
  return hash.digest('hex') === sha256
}

async function fetchFile(objects: Objects, object: Known, path: string, signal: AbortSignal): Promise<void> {
  const partial = `${path}.${randomUUID()}.part`
  const file = await open(partial, 'wx')
  try {
    try {
      for await (const chunk of verifiedBytes(objects, object)) {
        signal.throwIfAborted()
        await file.writeFile(chunk)
      }
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
