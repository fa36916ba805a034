/**
 * Sums over windows of 1, 2, 4, … vectors in their order, each made of the two of half its length, as a binary number counts:
 * a window of 2^k begins at a multiple of 2^k. Of n vectors at most 1 + log₂ n sums are there at once, and each vector costs
 * two passes, however many lengths there are. float32, added in pairs: a sum is off by log₂ n roundings at most.
 */

import { hostLoops, rangesOf, valuesFound } from '../../host-loops.ts'

/** Values [offset, offset + size) belong to a group. */
export type Range = { offset: number; size: number; group: number }

/** Windows of one length that are complete, and how many of their sums are below and above 0, by group. */
export type Rung = { windows: number; helped: Float64Array; hurt: Float64Array }

export function makeLadder(length: number, ranges: Range[], groups: number) {
  const rungs: Rung[] = []
  /** By level, the sum that waits for its other half. */
  const waiting: (Float32Array | undefined)[] = []
  const free: Float32Array[] = []

  const rungAt = (level: number) => {
    rungs[level] ??= { windows: 0, helped: new Float64Array(groups), hurt: new Float64Array(groups) }
    return rungs[level]
  }
  const put = (level: number, group: number, helped: number, hurt: number) => {
    const rung = rungAt(level)
    rung.helped[group] += helped
    rung.hurt[group] += hurt
  }
  const parts = rangesOf(ranges)
  const found = new Float64Array(valuesFound.join * ranges.length)
  /**
   * Adds values to the sum, and counts them (where they are of single vectors) and what the sum is then: one pass over memory,
   * which is what it costs. With `isFirst` nothing is there to add them to.
   */
  const join = (level: number, values: Float32Array, sum: Float32Array, isFirst = false) => {
    if (!isFirst) rungAt(level + 1).windows++
    if (level === 0) rungAt(0).windows++
    hostLoops.join(values, sum, isFirst, parts, found)
    for (const [r, { group }] of ranges.entries()) {
      const [helpedOnce, hurtOnce, helped, hurt] = found.subarray(valuesFound.join * r)
      if (!isFirst) put(level + 1, group, helped, hurt)
      if (level === 0) put(0, group, helpedOnce, hurtOnce)
    }
  }
  return {
    /** The rungs that there are: windows of 2^level. */
    rungs,
    /** The next vector, of which nothing is kept. */
    add(values: Float32Array): void {
      let sum = waiting[0]
      if (sum === undefined) {
        waiting[0] = free.pop() ?? new Float32Array(length)
        join(0, values, waiting[0], true)
        return
      }
      waiting[0] = undefined
      join(0, values, sum)
      for (let level = 1; ; level++) {
        const other: Float32Array | undefined = waiting[level]
        if (other === undefined) {
          waiting[level] = sum
          return
        }
        waiting[level] = undefined
        join(level, sum, other)
        free.push(sum)
        sum = other
      }
    },
    /** The sum of all of them, float32 [length]. */
    total(): Float32Array {
      const total = new Float32Array(length)
      for (const sum of waiting) for (let i = 0; i < (sum?.length ?? 0); i++) total[i] += sum![i]
      return total
    },
    /** How many of the values are below and above 0, by group. */
    signsOf(values: Float32Array): Rung {
      const signs = makeLadder(length, ranges, groups)
      signs.add(values)
      return signs.rungs[0]
    },
  }
}
export type Ladder = ReturnType<typeof makeLadder>
