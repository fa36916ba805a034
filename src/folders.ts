/** Folders that are made where they are not there yet. */
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder, and those it lies in, as far as they are not there. Rejects with the system's error, which has a code
 * and the path. In place of mkdir's `recursive`, which never returns (seen with Node 20) where a folder is there and the system
 * says of anything in it that it is not, as in /proc.
 */
export async function makeFolder(folder: string): Promise<void> {
  const make = () =>
    mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST' || !(await isFolder(folder))) throw error
    })
  for (let tries = 1; ; tries++) {
    try {
      return await make()
    } catch (error) {
      const parent = dirname(folder)
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder || tries === 5) throw error
      // Where the parent is there by now, others make and remove it meanwhile, or nothing can be made in it.
      if (!(await isFolder(parent))) await makeFolder(parent)
    }
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
