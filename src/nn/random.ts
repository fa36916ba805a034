/**
 * Random numbers as pure functions of a key: every consumer names what it draws for, so any worker can redo any part
 * without replaying what came before it.
 *
 * xoshiro128** 1.1 (D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021; public
 * domain reference at prng.di.unimi.it): 128 bits of state, period 2^128 − 1, 32-bit integer arithmetic only.
 */
import { createHash } from 'node:crypto'

export type RandomStream = {
  /** An integer in [0, 2^32). */
  uint32: () => number
  /** A multiple of 2^-53 in [0, 1). */
  uniform: () => number
  /** N(0, 1) by Box–Muller, in pairs: √(−2 ln(1 − u)) · (cos 2πv, sin 2πv). */
  normal: () => number
  /** An integer in [0, n), each equally likely; n is an integer from 1 to 2^32, else a RangeError. */
  integer: (n: number) => number
}

/** The xoshiro128** generator started from four 32-bit words, not all 0 (that state never leaves itself). */
export function xoshiro128(words: ArrayLike<number>): () => number {
  let a = words[0] | 0
  let b = words[1] | 0
  let c = words[2] | 0
  let d = words[3] | 0
  return () => {
    const scrambled = Math.imul(b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }
}

/**
 * The stream that belongs to a key such as ('init', seed, 'fc_1/kernel'): the generator's state is the first 16 bytes,
 * as little-endian words, of the SHA-256 of the parts joined by '/'. Keys that differ anywhere give unrelated streams.
 */
export function randomStream(...key: (string | number)[]): RandomStream {
  const digest = createHash('sha256').update(key.join('/')).digest()
  const uint32 = xoshiro128([0, 4, 8, 12].map(offset => digest.readUInt32LE(offset)))
  const uniform = () => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53

  let spare: number | null = null
  const normal = () => {
    if (spare !== null) {
      const value = spare
      spare = null
      return value
    }
    // 1 − u lies in (0, 1], where the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  const integer = (n: number) => {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
      throw new RangeError(`integer(n) needs 1 ≤ n ≤ 2^32, got ${n}`)
    // Draws from the incomplete last block of n are thrown away; keeping them would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % n)
    let drawn = uint32()
    while (drawn >= limit) drawn = uint32()
    return drawn % n
  }

  return { uint32, uniform, normal, integer }
}

/** A uniformly random order of 0 … n − 1 (Fisher–Yates; Knuth, TAOCP vol. 2, §3.4.2, algorithm P). */
export function permutation(n: number, stream: RandomStream): Uint32Array {
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  for (let i = n - 1; i > 0; i--) {
    const j = stream.integer(i + 1)
    const moved = order[i]
    order[i] = order[j]
    order[j] = moved
  }
  return order
}
