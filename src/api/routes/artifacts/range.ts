/** Byte ranges (RFC 9110, 14). */
import type { ByteRange } from '../../../objects/objects.ts'

/**
 * The range that a Range header asks for of an object of `size` bytes. undefined: answer with the whole object, since
 * there is no header, or one that is not understood or asks for several ranges, which a server may ignore.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=[ \t]*(\d{0,16})-(\d{0,16})[ \t]*$/i.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  if (match[1] === '') {
    // The last so many bytes.
    const length = Math.min(Number(match[2]), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(match[1])
  const end = match[2] === '' ? size : Math.min(Number(match[2]) + 1, size)
  if (match[2] !== '' && Number(match[2]) < start) return undefined
  return start < size ? { start, end } : 'unsatisfiable'
}
