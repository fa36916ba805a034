/** Who runs PostgreSQL and owns what it writes. It refuses to run as root, so root runs it as somebody else. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** A user and a group, by number. */
export type Owner = { uid: number; gid: number }

/**
 * Whom to run PostgreSQL as: for root, the owner of the data directory where there is one, otherwise the user postgres,
 * who is made if need be; where no user can be made (no useradd, a read-only /etc), nobody. undefined: as the user who
 * runs this. Throws where the data directory is another user's.
 */
export function databaseOwner(dataDirectory: string): Owner | undefined {
  const found = statSync(dataDirectory, { throwIfNoEntry: false })
  if (process.getuid === undefined) return undefined
  if (process.getuid() === 0) return found && found.uid !== 0 ? ownerOf(found) : unprivilegedUser()
  if (found !== undefined && found.uid !== process.getuid())
    throw new Error(
      `${dataDirectory} belongs to user ${found.uid}, who is not you: run as the user who created it (or as root), or set LEDGER_DIR`,
    )
  return undefined
}

const ownerOf = ({ uid, gid }: Owner): Owner => ({ uid, gid })

function unprivilegedUser(): Owner {
  return findUser('postgres') ?? makeUser('postgres') ?? findUser('nobody') ?? nobodyLeft()
}

function nobodyLeft(): never {
  throw new Error(
    'PostgreSQL does not run as root, and there is no user postgres or nobody to run it as: ' +
      'make one, run as an ordinary user, or set DATABASE_URL',
  )
}

/** initdb wants a user that has a name, so only these will do. */
function findUser(name: string): Owner | undefined {
  const id = (option: string) =>
    Number(execFileSync('id', [option, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    // No such user, or no such program.
    return findInPasswd(name)
  }
}

function findInPasswd(name: string): Owner | undefined {
  let lines: string[]
  try {
    lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  } catch {
    return undefined
  }
  // name:password:uid:gid:…
  const fields = lines.map(line => line.split(':')).find(([first]) => first === name)
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])]
  return uid > 0 && gid >= 0 ? { uid, gid } : undefined
}

/** Makes a system user with the program that the distribution has for it; undefined where that cannot be done. */
function makeUser(name: string): Owner | undefined {
  for (const [program, ...args] of [
    ['useradd', '--system', '--user-group', '--no-create-home', name],
    // Busybox's.
    ['adduser', '-S', '-D', '-H', name],
  ]) {
    try {
      execFileSync(program, args, { stdio: 'ignore' })
      break
    } catch {
      // The next one, then; whether a user came of it is looked at below.
    }
  }
  return findUser(name)
}

/** The first directory on the way to a path (and the path itself) that a user may not enter. */
export function closedTo(path: string, { uid, gid }: Owner): string | undefined {
  const parent = dirname(path)
  return (
    (parent === path ? undefined : closedTo(parent, { uid, gid })) ??
    (may(path, 1, uid, gid) ? undefined : path)
  )
}

/** Whether a user may read what lies there. */
export const mayRead = (path: string, { uid, gid }: Owner): boolean => may(path, 4, uid, gid)

// What access(2) would tell that user: an access control list may allow more, and is not asked.
function may(path: string, bit: 1 | 4, uid: number, gid: number): boolean {
  const found = statSync(path)
  const shift = found.uid === uid ? 6 : found.gid === gid ? 3 : 0
  return ((found.mode >> shift) & bit) !== 0
}
