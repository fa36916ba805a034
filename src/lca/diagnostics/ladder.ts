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

  const rungAt = (level: number) => {
    rungs[level] ??= { windows: 0, helped: new Float64Array(groups), hurt: new Float64Array(groups) }
    return rungs[level]
  }
  /**
   * One pass over memory, which is what it costs: adds the values to the sum, where there is one, and counts the signs of
   * what is there then. Signs are every other way, and a processor cannot guess them: they are added as numbers.
   */
  const count = (level: number, values: Float32Array, sum?: Float32Array) => {
    const rung = rungAt(level)
    rung.windows++
    for (const { offset, size, group } of ranges) {
      let helped = 0
      let hurt = 0
      if (sum === undefined)
        for (let i = offset; i < offset + size; i++) {
          const value = values[i]
          helped += Number(value < 0)
          hurt += Number(value > 0)
        }
      else
        for (let i = offset; i < offset + size; i++) {
          const value = Math.fround(sum[i] + values[i])
          sum[i] = value
          helped += Number(value < 0)
          hurt += Number(value > 0)
        }
      rung.helped[group] += helped
      rung.hurt[group] += hurt
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
      waiting[0] = undefined
      count(1, values, sum)
      for (let level = 1; ; level++) {
        const other: Float32Array | undefined = waiting[level]
        if (other === undefined) {
          waiting[level] = sum
          return
        }
        waiting[level] = undefined
        count(level + 1, sum, other)
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
