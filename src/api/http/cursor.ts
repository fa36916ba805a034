/** Cursors of pages: the last key of a page in base64url, so that nobody builds on what is in them. */
import { invalidQuery } from '../problem.ts'

export const encodeCursor = (key: string): string => Buffer.from(key).toString('base64url')

/** The key in a cursor, which must match. Throws 400 for anything that is not a cursor of such keys. */
export function decodeCursor(cursor: string | undefined, pattern: RegExp): string | undefined {
  if (cursor === undefined) return undefined
  const key = Buffer.from(cursor, 'base64url').toString()
  if (!pattern.test(key) || encodeCursor(key) !== cursor)
    throw invalidQuery('cursor', 'is not the nextCursor of a page of this list')
  return key
}
