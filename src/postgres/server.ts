/** One PostgreSQL server process on a data directory: made, started, watched and stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { PostgresBinaries } from './binaries.ts'
import { closedTo, databaseOwner, type Owner } from './owner.ts'
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
 * leaves nothing that looks like a cluster. `lock` is an open file that initdb inherits.
 */
export async function initialise(
  directory: string,
  binaries: PostgresBinaries,
  lock: number,
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
  try {
    mkdirSync(making)
    // Whatever the umask says: who runs initdb looks into it.
    chmodSync(making, 0o755)
    mkdirSync(parts.data, { mode: 0o700 })
    const password = randomBytes(24).toString('base64url')
    writeFileSync(parts.password, password, { mode: 0o600 })
    // initdb runs as the owner and has to read the password once.
    writeFileSync(parts.given, password, { mode: 0o600 })
    if (owner !== undefined) giveAway([parts.data, parts.given], owner)
    const child = run(
      binaries.initdb,
      [
        `--pgdata=${nameOf(parts.data, owner)}`,
        `--username=${superuser}`,
        // From the data directory, where it runs.
        '--pwfile=../given',
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
      ],
      { owner, data: parts.data, output: 'pipe', lock },
    )
    const stop = () => child.kill('SIGKILL')
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', bytes => (said += bytes))
    const [code, killed] = await once(child, 'close')
    signal.removeEventListener('abort', stop)
    signal.throwIfAborted()
    if (code !== 0)
      throw new Error(
        `initdb ended with ${killed ?? `code ${code}`}: ${said.trim().split('\n').slice(-5).join('; ')}`,
      )
    rmSync(parts.given)
    renameSync(making, cluster)
  } catch (error) {
    rmSync(making, { recursive: true, force: true })
    throw error
  }
}

function giveAway(paths: string[], { uid, gid }: Owner): void {
  try {
    for (const path of paths) chownSync(path, uid, gid)
  } catch (error) {
    throw new Error(
      `PostgreSQL does not run as root, and this root may not give files to user ${uid} (${(error as Error).message}): ` +
        'run as an ordinary user, allow the container CAP_CHOWN, CAP_SETUID and CAP_SETGID, or set DATABASE_URL',
    )
  }
}

/**
 * What to call the data directory when speaking to its server, which runs in it. Where root runs it as a user who cannot
 * get there (a clone in /root, a `mktemp -d`), the server is put into it before it becomes that user, and knows it by no
 * other name than the place where it is: that needs no right on what lies above. Throws where there is no such name.
 */
function nameOf(data: string, owner: Owner | undefined): string {
  const closed = owner && closedTo(realpathSync(data), owner)
  if (closed === undefined) return data
  if (existsSync('/proc/self/cwd')) return '/proc/self/cwd'
  throw new Error(
    `PostgreSQL does not run as root, and user ${owner!.uid}, as whom it runs instead, cannot enter ${closed}: ` +
      'allow that (chmod o+x), run as an ordinary user, or set DATABASE_URL',
  )
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
  const { data, log } = layout(directory)
  await stopOrphan(data)
  const owner = databaseOwner(data)
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const chosen = port ?? (await freePort())
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

type Running = { owner: Owner | undefined; data: string; output: number | 'pipe'; lock: number }

/** Starts a program in the data directory, as its owner. */
function run(program: string, args: string[], { owner, data, output, lock }: Running): ChildProcess {
  // Nothing that is meant for another server. Messages in English whatever the user's locale: some are looked at.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_)/.test(name)))
  return spawn(program, args, {
    ...owner,
    env: { ...env, LC_ALL: 'C' },
    cwd: data,
    stdio: ['ignore', output, output, lock],
  })
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
