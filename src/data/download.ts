/** Dataset files: found where the user put them, else fetched from their public home and checked. */
import { createHash, randomUUID } from 'node:crypto'
import { access, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from '../folders.ts'
import { DatasetError } from './errors.ts'

/** A file as its public homes have it: gzipped, so many bytes, with this SHA-256. */
export type PublicFile = { name: string; bytes: number; sha256: string }

/** Where a dataset's files can be had: base URLs, tried in order. */
export type PublicSource = { dataset: string; homes: string[]; files: PublicFile[] }

/** A file on its way: where from, and how many of its bytes have arrived; all of them once it is checked and in place. */
export type DownloadProgress = { url: string; bytes: number; received: number }

export type DownloadOptions = {
  signal?: AbortSignal
  /** Called for each file when it is asked for, with about every tenth of it, and when it is there. */
  onProgress?: (progress: DownloadProgress) => void
  /** A home that sends nothing for so long is given up; 30 s. */
  idleMs?: number
}

/**
 * The paths of a dataset's files by name, each `folder/name` or `folder/name.gz`, whichever is there. Missing ones are
 * downloaded as .gz: to a temporary file in the folder, which takes its name only once length and SHA-256 are right, so
 * no half a file is ever found there and two processes may do it at once.
 *
 * Throws one DatasetError that names every file still missing, and why, when no home could be reached.
 */
export async function ensureFiles(
  folder: string,
  source: PublicSource,
  options: DownloadOptions = {},
): Promise<Record<string, string>> {
  const paths: Record<string, string> = {}
  const missing: PublicFile[] = []
  for (const file of source.files) {
    const path = await existing(join(folder, file.name), join(folder, file.name + '.gz'))
    if (path) paths[file.name] = path
    else missing.push(file)
  }
  if (missing.length === 0) return paths

  for (const file of missing) {
    const target = join(folder, file.name + '.gz')
    const failures: string[] = []
    for (const home of source.homes) {
      try {
        await download(`${home}/${file.name}.gz`, file, target, options)
        paths[file.name] = target
        break
      } catch (error) {
        options.signal?.throwIfAborted()
        failures.push(`${home}: ${reason(error)}`)
      }
    }
    if (!paths[file.name])
      throw unavailable(
        folder,
        source,
        missing.filter(({ name }) => !paths[name]),
        failures,
      )
  }
  return paths
}

async function download(
  url: string,
  { bytes, sha256 }: PublicFile,
  target: string,
  options: DownloadOptions,
): Promise<void> {
  const idle = new AbortController()
  const idleMs = options.idleMs ?? 30_000
  const timer = setTimeout(() => idle.abort(new Error(`sent nothing for ${idleMs / 1000} s`)), idleMs)
  const signals = options.signal ? [options.signal, idle.signal] : [idle.signal]
  const partial = `${target}.${randomUUID()}.part`
  const tell = (received: number) => options.onProgress?.({ url, bytes, received })
  try {
    tell(0)
    await makeFolder(dirname(target))
    const response = await fetch(url, { signal: AbortSignal.any(signals) })
    if (!response.ok || !response.body) throw new Error(`answered ${response.status} ${response.statusText}`)
    const hash = createHash('sha256')
    let received = 0
    let told = 0
    const file = await open(partial, 'wx')
    try {
      for await (const chunk of response.body) {
        timer.refresh()
        received += chunk.length
        if (received > bytes) throw new Error(`sent more than the ${bytes} bytes the file has`)
        hash.update(chunk)
        await file.writeFile(chunk)
        const tenth = Math.floor((10 * received) / bytes)
        if (tenth > told && tenth < 10) tell(received)
        told = tenth
      }
      await file.sync()
    } finally {
      await file.close()
    }
    if (received < bytes) throw new Error(`sent only ${received} of ${bytes} bytes`)
    const found = hash.digest('hex')
    if (found !== sha256) throw new Error(`sent another file: its SHA-256 is ${found}, not ${sha256}`)
    await rename(partial, target)
    tell(bytes)
  } finally {
    clearTimeout(timer)
    await rm(partial, { force: true })
  }
}

/** The one thing to read when a dataset cannot be had: what is missing, where it goes, where it comes from. */
function unavailable(
  folder: string,
  source: PublicSource,
  missing: PublicFile[],
  failures: string[],
): DatasetError {
  return new DatasetError(
    `The dataset ${source.dataset} is not complete and could not be downloaded. Put these files, as they are or ` +
      `unzipped, into ${folder}: ${missing.map(({ name }) => name + '.gz').join(', ')}. ` +
      `They can be had from ${source.homes.join(' or ')}. (${failures.join('; ')})`,
  )
}

/** In one or a few words: fetch says only "fetch failed", what happened is its cause; files say it in their code. */
function reason(error: unknown): string {
  const { cause } = error as Error
  const { code, message } = (cause ?? error) as NodeJS.ErrnoException
  return code ?? message
}

async function existing(...paths: string[]): Promise<string | null> {
  for (const path of paths) {
    const found = await access(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return null
}
