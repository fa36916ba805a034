/**
 * One guard a data directory: a lock file that names the guard and the process it works for. PostgreSQL's own lock is
 * what makes two servers on one directory impossible; this one says who is in the way, and waits for a guard that is
 * only cleaning up.
 */
import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning, type ProcessMark } from './processes.ts'

type Holder = { guard: ProcessMark; parent: ProcessMark }

/** The directory is in use by another process that runs. */
export class InUseError extends Error {
  constructor(directory: string, pid: number) {
    super(
      `${directory} is in use by process ${pid}: stop that one first, or set LEDGER_DIR to another directory`,
    )
    this.name = 'InUseError'
  }
}

// How long a guard whose parent is gone may take to stop its server.
const patience = 60_000

/**
 * Takes the lock; resolves to the function that gives it back. Throws InUseError while the holder's parent runs. A
 * holder without a parent is waited for; one that was killed has lost the lock.
 */
export async function takeLock(directory: string, own: Holder, signal: AbortSignal): Promise<() => void> {
  const path = join(directory, 'guard.json')
  const content = JSON.stringify(own)
  const deadline = Date.now() + patience
  for (;;) {
    signal.throwIfAborted()
    if (create(path, content)) return () => release(path, content)
    const found = read(path)
    if (found === undefined) continue
    if (found.holder === undefined || !isRunning(found.holder.guard)) {
      evict(path, found.content)
    } else if (isRunning(found.holder.parent) || Date.now() > deadline) {
      throw new InUseError(directory, found.holder.parent.pid)
    } else {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

/** The pid of the process that uses the directory's server, if one does. */
export function lockHolder(directory: string): number | undefined {
  const found = read(join(directory, 'guard.json'))
  return found?.holder !== undefined && isRunning(found.holder.guard) ? found.holder.parent.pid : undefined
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

function release(path: string, content: string): void {
  if (read(path)?.content === content) rmSync(path, { force: true })
}
