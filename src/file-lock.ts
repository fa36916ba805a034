/**
 * A lock that the kernel keeps on an open file: it is there as long as some process has the file open as it was opened
 * here (its children inherit that), and gone with the last of them, however that one ended. It holds between containers
 * and, on NFS, between machines, where a pid means nothing. Nobody can forget to give it back.
 */
import { createRequire } from 'node:module'

type Native = { tryLock(fd: number, options: { shared: boolean }): boolean }

// Open file description locks on Linux, flock on macOS, LockFileEx on Windows: Node has none of them.
let native: Native | undefined
let missing: Error | undefined
try {
  native = createRequire(import.meta.url)('fs-native-extensions') as Native
} catch (error) {
  missing = error as Error
}

const unsupported = new Set(['ENOLCK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'])

/**
 * Tries to lock a file that is open for writing, so that nobody else can; or, `shared`, one that is open for reading, so
 * that nobody can lock it for himself. `busy`: somebody else has it. An Error: there are no such locks here,
 * and it says why (no addon for this platform, or a file system without locks). Throws what the system says otherwise.
 */
export function tryFileLock(fd: number, shared = false): 'locked' | 'busy' | Error {
  if (native === undefined) return missing!
  try {
    return native.tryLock(fd, { shared }) ? 'locked' : 'busy'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // What POSIX allows a file server to say instead of EAGAIN.
    if (code === 'EACCES') return 'busy'
    if (unsupported.has(code ?? '')) return error as Error
    throw error
  }
}
