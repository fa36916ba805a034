/** The processes of the product, started as users start them, and what they have started themselves. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The processes that a process has started, where there is /proc. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        // "pid (any name) state ppid …"
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(pid)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** The compute processes of a worker, where there is /proc. For a moment a worker has others: it asks for GPUs. */
export const computesOf = (worker: number): number[] =>
  childrenOf(worker).filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('compute.js')
    } catch {
      return false
    }
  })

/** Resident memory in bytes, where there is /proc; 0 where the process is gone. */
export function memoryOf(pid: number): number {
  try {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

export const isAlive = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null && child.pid !== undefined

/** Starts a compiled entry of the product; what it says goes to a file. */
export function startNode(
  entry: 'src/cli/main.js' | 'workers/main.js',
  args: string[],
  env: NodeJS.ProcessEnv,
  logFile: string,
): ChildProcess {
  const path = fileURLToPath(new URL(`../../${entry}`, import.meta.url))
  const log = openSync(logFile, 'a')
  // Pressure on the event loop of three processes on a small machine must not count as a crash.
  return spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  })
}

/** Ends a process with a signal; resolves when it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isAlive(child)) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
