/** Folders that set-up writes to beside the clone: in the user's home, unless that is read-only. */
import { accessSync, constants, mkdirSync } from 'node:fs'

/** The first of the folders that can be made and written to; undefined where none can. */
export const firstWritable = (...folders) => folders.find(isWritable)

function isWritable(folder) {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
