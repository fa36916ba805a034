/**
 * One guard a data directory. The kernel keeps the lock, on a file that the guard opens and its server inherits: it is
 * given back when the last process of both has ended, and holds between containers that share the directory. Beside it
 * lies guard.json, which says who has it: to be named to others, and to know whom one waits for.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryFileLock } from '../file-lock.ts'
import { layout } from './cluster.ts'
import { isFromHere, isRunning, type ProcessMark } from './processes.ts'
import { stopOrphan } from './server.ts'

export type Holder = { guard: ProcessMark; parent: ProcessMark; host?: string }

/** The directory is in use by another process that runs. */
export class InUseError extends Error {
  constructor(directory: string, who: string) {
    super(`${directory} is in use by ${who}: stop that one first, or set LEDGER_DIR to another directory`)
    this.name = 'InUseError'
  }
}

export type Lock = {
  /** The open file: whoever inherits it holds the lock too. */
  fd: number
  /** Why the kernel keeps no lock there, where it does not: then guard.json is all there is. */
  weak: Error | undefined
  release(): void
}

// How long a guard whose parent is gone may take to stop its server.
const patience = 60_000
// How long whoever has just taken the lock may take to say so.
const introduction = 1000

/**
 * Takes the lock. Throws InUseError while the process that its holder works for runs, or where the holder is in another
 * container or on another machine. A holder without a parent is waited for; the server of one that was killed is stopped,
 * also where the killed one worked for the same process as this one.
 */
export async function takeLock(
  directory: string,
  own: { guard: ProcessMark; parent: ProcessMark },
  signal: AbortSignal,
): Promise<Lock> {
  const path = join(directory, 'guard.json')
  const content = JSON.stringify({ ...own, host: hostname() })
  const fd = openSync(join(directory, 'lock'), 'a+', 0o600)
  const lock = (weak: Error | undefined): Lock => ({
    ...{ fd, weak },
    release() {
      if (read(path)?.content === content) rmSync(path, { force: true })
      closeSync(fd)
    },
  })
  try {
    const began = Date.now()
    for (;;) {
      signal.throwIfAborted()
      const answer = tryFileLock(fd)
      const found = read(path)
      const holder = found?.holder
      // Where its guard runs, somebody took the locked file away from under it, and there is another by the same name.
      if (answer === 'locked' && !(holder !== undefined && isRunning(holder.guard))) {
        replace(path, content)
        return lock(undefined)
      }
      if (answer instanceof Error) {
        if (create(path, content)) return lock(answer)
        const mine = isOf(holder, own.parent)
        const uses = [holder?.guard, mine ? undefined : holder?.parent]
        if (found !== undefined && !uses.some(mark => mark && isRunning(mark))) evict(path, found.content)
      }
      const waited = Date.now() - began
      if (holder !== undefined && isFromHere(holder.guard)) {
        const killed = !isRunning(holder.guard)
        const left = killed && isOf(holder, own.parent)
        if ((isRunning(holder.parent) && !left) || waited > patience)
          throw new InUseError(directory, `process ${holder.parent.pid}`)
        if (killed) await stopOrphan(layout(directory).data)
      } else if (answer === 'busy' && waited > introduction) {
        const where = holder?.host === undefined ? '' : ` (process ${holder.parent.pid} on ${holder.host})`
        throw new InUseError(directory, `another container or machine${where}`)
      }
      await sleep(20)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

const isOf = (holder: Holder | undefined, parent: ProcessMark): boolean =>
  holder?.parent.pid === parent.pid && holder.parent.started === parent.started && isFromHere(holder.parent)

/** Whether the last to hold the lock was a guard of this parent's that was killed: its server may still run. */
export function leftBy(directory: string, parent: ProcessMark): boolean {
  const holder = read(join(directory, 'guard.json'))?.holder
  return holder !== undefined && isOf(holder, parent) && !isRunning(holder.guard)
}

/** The pid of the process that uses the directory's server, if one does. */
export function lockHolder(directory: string): number | undefined {
  const found = read(join(directory, 'guard.json'))
  return found?.holder !== undefined && isRunning(found.holder.guard) ? found.holder.parent.pid : undefined
}

/** Puts the file there whole, whatever was there. */
function replace(path: string, content: string): void {
  const temporary = `${path}.${randomUUID()}`
  writeFileSync(temporary, content)
  renameSync(temporary, path)
}

/** Puts the file there with its content or not at all: a link either appears or fails. */
function create(path: string, content: string): boolean {
  const temporary = `${path}.${randomUUID()}`
  writeFileSync(temporary, content)
  try {
    linkSync(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(temporary, { force: true })
  }
}

function read(path: string): { content: string; holder: Holder | undefined } | undefined {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return { content, holder: JSON.parse(content) as Holder }
  } catch {
    // A power cut can leave a file without its content; whoever wrote it is gone with the power.
    return { content, holder: undefined }
  }
}

/** Takes a dead holder's file away, unless somebody else did so and holds the lock by now: then puts theirs back. */
function evict(path: string, content: string): void {
  const aside = `${path}.${randomUUID()}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const taken = readFileSync(aside, 'utf8')
  if (taken !== content) create(path, taken)
  rmSync(aside, { force: true })
}
