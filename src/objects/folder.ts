/**
 * The object store as a folder. Objects are written to `.incoming/` and renamed into place after an fsync, so a key
 * holds a whole object or none; no key can name anything in `.incoming/`.
 */
import { createHash, randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, type FileHandle, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { tryFileLock } from '../file-lock.ts'
import { makeFolder } from '../folders.ts'
import { ServiceError } from '../service-error.ts'
import {
  type ByteRange,
  type CommittedObject,
  checkKey,
  MissingObjectError,
  type Objects,
  type ObjectWriter,
} from './objects.ts'

/** Bytes. Every read is a turn through the event loop and its threads: in Node's own 64 KiB they cost as much as a SHA-256. */
const readAtOnce = 2 ** 20
const day = 24 * 60 * 60 * 1000
const hasCode = (error: unknown, code: string) => (error as NodeJS.ErrnoException).code === code

/** The objects under a directory, which is made when first written to. */
export function openFolder(directory: string): Objects {
  const incoming = join(directory, '.incoming')
  const path = (key: string): string => {
    checkKey(key)
    return join(directory, key)
  }
  let swept: Promise<void> | undefined

  return {
    async write(key, contentType) {
      const target = path(key)
      await makeFolder(incoming)
      swept ??= sweep(incoming)
      await swept
      return openWriter(key, target, await begin(incoming), contentType)
    },

    async read(key, range) {
      const file = await openExisting(key, path(key))
      try {
        const { size } = await file.stat()
        const { start, end } = checkRange(key, size, range)
        const bytes = Buffer.allocUnsafe(end - start)
        // One read returns at most 2 GiB.
        for (let filled = 0; filled < bytes.length; ) {
          const { bytesRead } = await file.read(
            bytes,
            filled,
            Math.min(bytes.length - filled, 2 ** 30),
            start + filled,
          )
          if (bytesRead === 0) throw new Error(`object ${key} became shorter while it was read`)
          filled += bytesRead
        }
        return bytes
      } finally {
        await file.close()
      }
    },

    stream(key, range) {
      const target = path(key)
      if (range !== undefined && range.end <= range.start) return emptyStream()
      // createReadStream's end is inclusive.
      const part = range && { start: range.start, end: range.end - 1 }
      const source = createReadStream(target, { highWaterMark: readAtOnce, ...part })
      return namingMissing(source, key)
    },

    async stat(key) {
      try {
        const found = await stat(path(key))
        return found.isFile() ? { bytes: found.size } : undefined
      } catch (error) {
        if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
        throw error
      }
    },

    async remove(prefix) {
      await rm(path(prefix), { recursive: true, force: true, maxRetries: 3 })
    },

    async names(prefix) {
      try {
        return (await readdir(path(prefix))).sort()
      } catch (error) {
        if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return []
        throw error
      }
    },

    async ping() {
      try {
        await makeFolder(directory)
        await access(directory, constants.W_OK)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        throw new ServiceError(
          `the folder for objects, ${directory}, cannot be written to (${code}): set LEDGER_DIR`,
          { cause: error },
        )
      }
    },

    async sweep() {
      await sweep(incoming)
    },

    async downloadUrl() {
      return undefined
    },
  }
}

async function openWriter(
  key: string,
  target: string,
  { file, temporary }: { file: FileHandle; temporary: string },
  contentType: string,
): Promise<ObjectWriter> {
  const hash = createHash('sha256')
  let bytes = 0
  let state: 'open' | 'committed' | 'aborted' = 'open'
  return {
    async append(chunk) {
      if (state !== 'open') throw new Error(`object ${key} is already ${state}`)
      hash.update(chunk)
      for (let written = 0; written < chunk.byteLength; ) {
        const result = await file.write(chunk, written, Math.min(chunk.byteLength - written, 2 ** 30))
        written += result.bytesWritten
      }
      bytes += chunk.byteLength
    },
    async commit(): Promise<CommittedObject> {
      if (state !== 'open') throw new Error(`object ${key} is already ${state}`)
      await file.sync()
      await makeFolder(dirname(target))
      // Closing gives up the lock, and who sweeps would take the file for one that a dead writer left: it must have gone
      // by then. (Windows renames nothing that is open, and lets nobody remove it either.)
      if (process.platform === 'win32') await file.close()
      await rename(temporary, target)
      state = 'committed'
      if (process.platform !== 'win32') await file.close()
      await syncDirectory(dirname(target))
      return { key, bytes, sha256: hash.digest('hex'), contentType }
    },
    async abort() {
      if (state !== 'open') return
      state = 'aborted'
      await file.close().catch(() => {})
      await unlink(temporary).catch(() => {})
    },
  }
}

async function openExisting(key: string, path: string) {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error
  }
  throw new MissingObjectError(key)
}

function checkRange(key: string, size: number, range: ByteRange = { start: 0, end: size }): ByteRange {
  const { start, end } = range
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start || end > size) {
    throw new RangeError(`bytes ${start} to ${end} are not in object ${key} of ${size} bytes`)
  }
  return range
}

const emptyStream = (): Readable => new PassThrough().end()

/** The same stream, with "no such file" told as a missing object. */
function namingMissing(source: Readable, key: string): Readable {
  const out = new PassThrough()
  source.on('error', error => out.destroy(hasCode(error, 'ENOENT') ? new MissingObjectError(key) : error))
  // A reader that goes away closes the file too.
  out.on('close', () => source.destroy())
  return source.pipe(out)
}

/** Makes the rename itself durable; directories cannot be synced everywhere (Windows), and need not be there. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// What ends so is locked by its writer as long as that one lives.
const locked = '.locked'

/**
 * A new file for a writer, who holds the kernel's lock on it: so everybody who shares the folder, in whatever container
 * or on whatever machine, can tell whether the writer is still there. Where there are no locks, it has another name.
 */
async function begin(incoming: string): Promise<{ file: FileHandle; temporary: string }> {
  for (let suffix = locked; ; ) {
    const temporary = join(incoming, randomUUID() + suffix)
    const file = await open(temporary, 'wx', 0o644)
    if (suffix === '') return { file, temporary }
    const answer = tryFileLock(file.fd)
    // Whoever sweeps may have come between the two.
    if (answer === 'locked' && (await file.stat()).nlink > 0) return { file, temporary }
    await file.close()
    await unlink(temporary).catch(() => {})
    if (answer instanceof Error) suffix = ''
  }
}

/** Removes what writers that are gone left behind; where locks do not tell, what has not been written to for a day. */
async function sweep(incoming: string): Promise<void> {
  const names = await readdir(incoming).catch(error => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  for (const name of names) {
    const path = join(incoming, name)
    const file = await open(path, 'r').catch(() => undefined)
    if (file === undefined) continue
    try {
      const answer = name.endsWith(locked) ? tryFileLock(file.fd, true) : undefined
      const old = (await file.stat()).mtimeMs < Date.now() - day
      // Another user's is left to that one.
      if (answer === 'locked' || (answer !== 'busy' && old)) await unlink(path).catch(() => {})
    } finally {
      await file.close()
    }
  }
}
