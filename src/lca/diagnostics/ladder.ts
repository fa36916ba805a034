/**
 * Sums over windows of 1, 2, 4, … vectors in their order, each made of the two of half its length, as a binary number counts:
 * a window of 2^k begins at a multiple of 2^k. Of n vectors at most 1 + log₂ n sums are there at once, and each vector costs
 * two passes, however many lengths there are. float32, added in pairs: a sum is off by log₂ n roundings at most.
 */

/** Values [offset, offset + size) belong to a group. */
export type Range = { offset: number; size: number; group: number }

/** Windows of one length that are complete, and how many of their sums are below and above 0, by group. */
export type Rung = { windows: number; helped: Float64Array; hurt: Float64Array }

export function makeLadder(length: number, ranges: Range[], groups: number) {
  const rungs: Rung[] = []
  /** By level, the sum that waits for its other half. */
  const waiting: (Float32Array | undefined)[] = []
  const free: Float32Array[] = []

  const count = (level: number, values: Float32Array) => {
    rungs[level] ??= { windows: 0, helped: new Float64Array(groups), hurt: new Float64Array(groups) }
    const { helped, hurt } = rungs[level]
    rungs[level].windows++
    // Signs are every other way: as bits they spare the processor its guesses. ±0 is neither (what is smaller than any
    // float32 is stored as −0 where it was negative).
    const words = new Uint32Array(values.buffer, values.byteOffset, length)
    for (const { offset, size, group } of ranges) {
      let negative = 0
      let zero = 0
      for (let i = offset; i < offset + size; i++) {
        const word = words[i]
        if (word << 1 === 0) zero++
        else negative += word >>> 31
      }
      helped[group] += negative
      hurt[group] += size - negative - zero
    }
  }
  return {
    /** The rungs that there are: windows of 2^level. */
    rungs,
    /** The next vector, of which nothing is kept. */
    add(values: Float32Array): void {
      count(0, values)
      let sum = waiting[0]
      if (sum === undefined) {
        const own = free.pop() ?? new Float32Array(length)
        own.set(values)
        waiting[0] = own
        return
      }
      for (let i = 0; i < length; i++) sum[i] += values[i]
      waiting[0] = undefined
      for (let level = 1; ; level++) {
        count(level, sum)
        const other: Float32Array | undefined = waiting[level]
        if (other === undefined) {
          waiting[level] = sum
          return
        }
        for (let i = 0; i < length; i++) other[i] += sum[i]
        free.push(sum)
        waiting[level] = undefined
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
