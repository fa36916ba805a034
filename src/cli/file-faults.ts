/** What is wrong with a file or folder that was named, by the code of the system's error. */

/** `words` follow its name; `advice` follows them where it was to be written or made: what to do instead. */
export type FileFault = { words: string; advice: string }

const elsewhere = ': choose another place, or have it allowed'
const faults: Record<string, FileFault> = {
  EACCES: { words: 'may not be used by this user', advice: elsewhere },
  EEXIST: { words: 'is in the way', advice: ': choose another place, or move it' },
  EISDIR: { words: 'is a folder, where a file is wanted', advice: '' },
  ENAMETOOLONG: { words: 'is too long a name', advice: '' },
  ENOENT: { words: 'is not there', advice: ', or cannot be made where it is to lie' },
  ENOSPC: { words: 'has no room', advice: ': make some on its disk, or choose another place' },
  ENOTDIR: { words: 'is no folder, or lies in something that is none', advice: ': choose another place' },
  EPERM: { words: 'may not be used by this user', advice: elsewhere },
  EROFS: { words: 'lies on a disk that is read-only', advice: ': choose another place' },
}

/** Undefined where the error is of another kind. */
export const fileFault = (code: string | undefined): FileFault | undefined =>
  code !== undefined && Object.hasOwn(faults, code) ? faults[code] : undefined
