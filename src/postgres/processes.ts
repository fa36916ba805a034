/**
 * Which process is it? A pid alone does not say: it may have been given to somebody else since, and to others in other
 * containers. A pid, the moment at which the process started, and where its pid counts do.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'

export type ProcessMark = {
  pid: number
  started: string
  /** The boot and the pid namespace, on Linux: what runs elsewhere cannot be seen from here. */
  place?: string
}

/** The mark of a process that runs; undefined where there is none (a zombie has ended). */
export function markOf(pid: number): ProcessMark | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const started = process.platform === 'linux' ? startedLinux(pid) : ps(pid, 'lstart')
  return started === undefined ? undefined : { pid, started, place: place() }
}

/** Whether the very process that was marked still runs, here. */
export const isRunning = (mark: ProcessMark): boolean =>
  isFromHere(mark) && markOf(mark.pid)?.started === mark.started

/** Whether a process was marked where this one runs: if not (another container or machine), it cannot be looked for. */
export const isFromHere = (mark: ProcessMark): boolean => mark.place === place()

/** Whether the process is a Postgres server of this data directory. A server changes into its data directory. */
export function isPostgresOf(pid: number, dataDirectory: string): boolean {
  if (markOf(pid) === undefined) return false
  if (process.platform !== 'linux') {
    const command = ps(pid, 'command') ?? ''
    return command.includes('postgres') && command.includes(dataDirectory)
  }
  try {
    const program = basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''))
    return program === 'postgres' && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDirectory)
  } catch {
    // Gone in the meantime, or another user's: not a server that this user started.
    return false
  }
}

/** Resolves to whether the process ended within the time. */
export async function ended(mark: ProcessMark, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  while (isRunning(mark)) {
    if (Date.now() > deadline) return false
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return true
}

let here: string | undefined

function place(): string | undefined {
  if (process.platform !== 'linux') return undefined
  here ??= `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  return here
}

function startedLinux(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // "pid (any name, even with parentheses) state ppid …": the state is field 3, the start in ticks since boot field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return fields[19]
}

function ps(pid: number, column: 'lstart' | 'command'): string | undefined {
  try {
    const out = execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return out.trim() || undefined
  } catch {
    return undefined
  }
}
