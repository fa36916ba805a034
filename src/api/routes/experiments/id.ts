/** UUIDs of version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then a counter, then randomness. */
import { randomBytes } from 'node:crypto'

let last = 0
let counter = 0

/** A new id, greater than every id that this process made before. */
export function newId(now = Date.now()): string {
  if (now > last) {
    last = now
    counter = randomBytes(1)[0]
  } else if (++counter > 0xfff) {
    // 12 bits are used up, or the clock stands still or went back: borrow from the next millisecond.
    last++
    counter = 0
  }
  const bytes = randomBytes(16)
  bytes.writeUIntBE(last, 0, 6)
  bytes.writeUInt16BE(0x7000 | counter, 6)
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
