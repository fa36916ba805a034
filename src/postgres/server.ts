/** One PostgreSQL server process on a data directory: made, started, watched and stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { databaseOwner, type PostgresBinaries, type RunAs, runAs } from './binaries.ts'
import { ended, isPostgresOf, markOf } from './processes.ts'

/** What lies where under the directory that the server is given. */
export const layout = (directory: string) => ({
  cluster: join(directory, 'cluster'),
  data: join(directory, 'cluster', 'data'),
  /** The superuser's password, readable by who started the server only. */
  password: join(directory, 'cluster', 'password'),
  log: join(directory, 'postgres.log'),
})

const superuser = 'postgres'

// Small, local, and durable: a commit is on the disk when it returns. What is left out serves replication and parallel
// queries, which one machine's ledger has no use for.
const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  io_method: 'sync',
  jit: 'off',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

/**
 * Makes the cluster if there is none yet, in a directory of its own that is renamed when complete: being killed half way
 * leaves nothing that looks like a cluster.
 */
export async function initialise(
  directory: string,
  binaries: PostgresBinaries,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, data } = layout(directory)
  for (const name of readdirSync(directory)) {
    if (name.startsWith('cluster.')) rmSync(join(directory, name), { recursive: true, force: true })
  }
  if (existsSync(cluster)) return
  const owner = databaseOwner(data)
  const making = join(directory, `cluster.${randomUUID()}`)
  const parts = {
    data: join(making, 'data'),
    password: join(making, 'password'),
    given: join(making, 'given'),
  }
  mkdirSync(making, { mode: 0o755 })
  mkdirSync(parts.data, { mode: 0o700 })
  const password = randomBytes(24).toString('base64url')
  writeFileSync(parts.password, password, { mode: 0o600 })
  // initdb runs as the owner and has to read the password once.
  writeFileSync(parts.given, password, { mode: 0o600 })
  if (owner !== undefined) for (const path of [parts.data, parts.given]) chownSync(path, owner.uid, owner.gid)
  const child = run(
    runAs(parts.data, [making, binaries.initdb]),
    binaries.initdb,
    [
      `--pgdata=${parts.data}`,
      `--username=${superuser}`,
      `--pwfile=${parts.given}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
    ],
    'pipe',
    making,
  )
  const stop = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', bytes => (said += bytes))
  const [code, killed] = await once(child, 'close')
  signal.removeEventListener('abort', stop)
  if (code !== 0 || signal.aborted) {
    rmSync(making, { recursive: true, force: true })
    signal.throwIfAborted()
    throw new Error(
      `initdb ended with ${killed ?? `code ${code}`}: ${said.trim().split('\n').slice(-5).join('; ')}`,
    )
  }
  rmSync(parts.given)
  renameSync(making, cluster)
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
 * Starts the server on `port`, or on one that is free. Resolves when it accepts connections. Rejects with the end of the
 * server's log where it does not start.
 */
export async function startServer(
  directory: string,
  binaries: PostgresBinaries,
  port: number | undefined,
): Promise<PostgresServer> {
  const { data, log } = layout(directory)
  await stopOrphan(data)
  for (let attempt = 1; ; attempt++) {
    const chosen = port ?? (await freePort())
    const output = openSync(log, 'w', 0o600)
    const flags = Object.entries({ ...settings, port: String(chosen) }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const child = run(
      runAs(data, [data, binaries.postgres]),
      binaries.postgres,
      ['-D', data, ...flags],
      output,
      data,
    )
    closeSync(output)
    const end = new Promise<string>(resolve => {
      child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
      child.once('error', error => resolve(error.message))
    })
    if (await acceptsConnections(child, data, end)) {
      const pid = child.pid!
      return { port: chosen, pid, ended: end, stop: courtesy => stopPostgres(pid, data, courtesy) }
    }
    const lines = readFileSync(log, 'utf8').trim().split('\n')
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

/** The URL of a server's database, with the password in it. */
export function serverUrl(directory: string, port: number, database = 'postgres'): string {
  const password = readFileSync(layout(directory).password, 'utf8').trim()
  return `postgresql://${superuser}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
}

/** postmaster.pid, which the server writes: pid, data directory, start, port, …, and on line 8 what state it is in. */
export function readPostmaster(data: string): { pid: number; port: number; ready: boolean } | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return { pid: Math.abs(Number(lines[0])), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
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
async function stopOrphan(data: string): Promise<void> {
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

function run(as: RunAs, program: string, args: string[], output: number | 'pipe', cwd: string): ChildProcess {
  const [file, ...rest] = [...as.prefix, program, ...args]
  // Messages in English whatever the user's locale: some are looked at.
  const env = { ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C', PGDATA: undefined, PGOPTIONS: undefined }
  return spawn(file, rest, { uid: as.uid, gid: as.gid, env, cwd, stdio: ['ignore', output, output] })
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
