/** The cluster: what PostgreSQL keeps of its databases, in a folder that initdb makes. */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { PostgresBinaries } from './binaries.ts'
import { databaseOwner, type Owner } from './owner.ts'
import { nameOf, run } from './run.ts'

/** What lies where under the directory that the server is given. */
export const layout = (directory: string) => ({
  cluster: join(directory, 'cluster'),
  data: join(directory, 'cluster', 'data'),
  /** The superuser's password, readable by who started the server only. */
  password: join(directory, 'cluster', 'password'),
  log: join(directory, 'postgres.log'),
  /** The port that the server last had, and has again where it is free: processes beside its own know it by that. */
  port: join(directory, 'port'),
})

/** The user that owns the databases. */
export const superuser = 'postgres'

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
    if (/user does not exist/.test(said))
      throw new Error(
        `PostgreSQL asks for the name of the user who runs it, and user ${process.getuid?.()} has none: ` +
          'give it a line in /etc/passwd, run as another, or set DATABASE_URL',
      )
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
