/** Where files are written that an API has named: in the folder that the user chose, and nowhere else. */
import { createWriteStream, rmSync } from 'node:fs'
import { lstat, mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { makeFolder } from '../folders.ts'
import { printable } from '../printable.ts'
import { UsageError } from './exit.ts'
import { withAmends } from './interruption.ts'

/** As the API names its artifacts (objects/objects.ts): no empty, hidden, absolute or parent parts, on any system. */
const part = /^[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/
/** Devices to Windows, whatever follows the first dot. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** Throws where a name from elsewhere could mean anything but one file in a folder, here or on another system. */
export function checkName(name: string): string[] {
  const parts = name.split('/')
  if (name.length > 900 || parts.some(one => one.length > 200 || !part.test(one) || reserved.test(one)))
    throw new UsageError(
      `the API names a file "${printable(name.slice(0, 200))}", which is no name for one; nothing is written`,
    )
  return parts
}

/**
 * The path of a file of this name in a folder, which is made as far as it is not there. Throws UsageError where the name
 * leads out of it, or a link in the folder does: whoever named the file knows of the link, or has made it.
 */
export async function placeFor(folder: string, name: string): Promise<string> {
  const parts = checkName(name)
  await makeFolder(folder)
  let at = folder
  for (const [i, one] of parts.entries()) {
    at = path.join(at, one)
    const found = await lstat(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (found?.isSymbolicLink()) throw new UsageError(`${at} is a link: what it leads to is not written to`)
    if (found === undefined && i < parts.length - 1) await mkdir(at)
  }
  return at
}

/**
 * Writes a file that is seen whole or not at all: what comes lies beside it, called .part, until it is whole and `check`
 * does not throw. What fails, breaks off or is interrupted leaves nothing.
 */
export async function writeWhole(
  file: string,
  content: string | AsyncIterable<Uint8Array>,
  check: () => void = () => {},
): Promise<void> {
  const part = `${file}.part`
  const remove = () => rmSync(part, { force: true })
  // Of one that was killed; and not written through, should it be a link.
  remove()
  await withAmends(
    () => void remove(),
    async () => {
      try {
        const pieces = typeof content === 'string' ? [content] : content
        await pipeline(pieces, createWriteStream(part, { flags: 'wx' }))
        check()
        await rename(part, file)
      } catch (error) {
        // A disk that is full does not say which.
        const { syscall, path } = error as NodeJS.ErrnoException
        if (syscall !== undefined && path === undefined) Object.assign(error as Error, { path: file })
        throw error
      } finally {
        remove()
      }
    },
  )
}
