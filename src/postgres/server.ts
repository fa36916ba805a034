/** One PostgreSQL server process on a data directory: started, watched and stopped. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { PostgresBinaries } from './binaries.ts'
import { layout, superuser } from './cluster.ts'
import { databaseOwner } from './owner.ts'
import { ended, isPostgresOf, markOf } from './processes.ts'
import { nameOf, run } from './run.ts'

// Small, local, and durable: a commit is on the disk when it returns. What is left out serves replication and parallel
// queries, which one machine's ledger has no use for.
const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Four a worker, and a fleet may be put beside it. One that nobody uses costs some 20 kB.
  max_connections: '1000',
  shared_buffers: '128MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  io_method: 'sync',
  jit: 'off',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

export type PostgresServer = {
  port: number
  pid: number
  /** Resolves when the process has ended, however it ended, to how. */
  ended: Promise<string>
  /** Stops it cleanly, as stopPostgres does. Resolves when the process has ended. */
  stop(courtesy?: number): Promise<void>
}

/**
 * Starts the server on `port`; where none is given on the one it last had, or on another where that is taken. Resolves when it accepts connections. Rejects with the end of the
 * server's log where it does not start, also because the signal aborts. `lock` is an open file that the server inherits,
 * and all of its processes with it.
 */
export async function startServer(
  directory: string,
  binaries: PostgresBinaries,
  port: number | undefined,
  lock: number,
  signal: AbortSignal,
): Promise<PostgresServer> {
  const { data, log, port: portFile } = layout(directory)
  await stopOrphan(data)
  const owner = databaseOwner(data)
  let former = formerPort(portFile)
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const chosen = port ?? former ?? (await freePort())
    const output = openSync(log, 'w', 0o600)
    const flags = Object.entries({ ...settings, port: String(chosen) }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const child = run(binaries.postgres, ['-D', nameOf(data, owner), ...flags], { owner, data, output, lock })
    closeSync(output)
    const end = new Promise<string>(resolve => {
      child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
      child.once('error', error => resolve(error.message))
    })
    // A recovery may take minutes, for which nobody who stops has to wait.
    const interrupt = () => child.kill('SIGINT')
    signal.addEventListener('abort', interrupt, { once: true })
    if (signal.aborted) interrupt()
    const ready = await acceptsConnections(child, data, end)
    signal.removeEventListener('abort', interrupt)
    if (ready) {
      const pid = child.pid!
      if (chosen !== former) rememberPort(portFile, chosen)
      const watch = finishShutdowns(pid, data)
      void end.then(() => clearInterval(watch))
      const stop = (courtesy?: number) => {
        clearInterval(watch)
        return stopPostgres(pid, data, courtesy)
      }
      return { port: chosen, pid, ended: end, stop }
    }
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    if (/could not bind/.test(lines.join('\n'))) former = undefined
    // The port was taken between finding it and using it; or backends of a server that was killed are still ending.
    const passing = /could not bind|still in use/.test(lines.join('\n'))
    if (!passing || attempt === 10) {
      throw new Error(
        `PostgreSQL did not start (${await end}): ${lines.slice(-6).join('; ') || 'it said nothing'}`,
      )
    }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

/**
 * The URL of a server's database, with the password in it. It says all that there is to say, so that nothing is taken
 * from variables that are meant for another server (PGSSLMODE, PGOPTIONS and the like).
 */
export function serverUrl(directory: string, port: number, database = 'postgres'): string {
  const url = new URL(`postgresql://${superuser}@127.0.0.1:${port}/${database}`)
  url.password = readFileSync(layout(directory).password, 'utf8').trim()
  // What is empty would count as not said: options that change nothing are.
  const said = {
    sslmode: 'disable',
    sslnegotiation: 'postgres',
    options: '-cjit=off',
    client_encoding: 'UTF8',
    replication: 'false',
  }
  url.search = new URLSearchParams(said).toString()
  return url.href
}

type Postmaster = { pid: number; port: number; state: string | undefined; ready: boolean }

/** postmaster.pid, which the server writes: pid, data directory, start, port, …, and on line 8 what state it is in. */
export function readPostmaster(data: string): Postmaster | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const state = lines[7]?.trim()
  return { pid: Math.abs(Number(lines[0])), port: Number(lines[3]), state, ready: state === 'ready' }
}

/**
 * A server that somebody sends a SIGTERM takes no new connections and waits, for good, until the old ones are gone; those
 * that listen for jobs never go. A look each second hurries it on, so that it ends and can be started again.
 */
const finishShutdowns = (pid: number, data: string): NodeJS.Timeout =>
  setInterval(() => {
    const found = readPostmaster(data)
    if (found?.pid === pid && found.state === 'stopping' && isPostgresOf(pid, data))
      process.kill(pid, 'SIGINT')
  }, 1000)

function formerPort(path: string): number | undefined {
  const found = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
  return found > 1023 && found < 65_536 ? found : undefined
}

function rememberPort(path: string, port: number): void {
  try {
    writeFileSync(path, String(port))
  } catch {
    // No room: the next start finds a port all the same.
  }
}

/**
 * Stops the server with this pid if it is one of the data directory. Clients have `courtesy` milliseconds to finish and
 * leave; then a fast shutdown rolls back what runs and writes a checkpoint. Throws if the server outlives that.
 */
export async function stopPostgres(pid: number, data: string, courtesy = 0): Promise<void> {
  const mark = markOf(pid)
  if (mark === undefined || !isPostgresOf(pid, data)) return
  for (const [signal, patience] of [
    ['SIGTERM', courtesy],
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
  ] as const) {
    if (patience === 0) continue
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    if (await ended(mark, patience)) return
  }
  throw new Error(`PostgreSQL (process ${pid}) does not stop`)
}

/**
 * A server whose guard was killed still runs: stop it. A pid file left by a server that is gone, whose pid now belongs
 * to somebody else, would make PostgreSQL refuse to start: remove it. (Where the pid belongs to nobody, PostgreSQL sees
 * that itself, and also looks for backends that outlived their server.)
 */
export async function stopOrphan(data: string): Promise<void> {
  const found = readPostmaster(data)
  if (found === undefined || markOf(found.pid) === undefined) return
  if (isPostgresOf(found.pid, data)) await stopPostgres(found.pid, data)
  else rmSync(join(data, 'postmaster.pid'), { force: true })
}

async function acceptsConnections(child: ChildProcess, data: string, end: Promise<string>): Promise<boolean> {
  let over = false
  void end.then(() => {
    over = true
  })
  while (!over) {
    const found = readPostmaster(data)
    if (found?.pid === child.pid && found?.ready) return true
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return false
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
