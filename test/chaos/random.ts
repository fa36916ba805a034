/** Random numbers from a seed, so that what chaos did can be done again. */
export type Random = {
  /** In [0, 1). */
  next(): number
  between(low: number, high: number): number
  pick<T>(items: readonly T[]): T
}

/** mulberry32. */
export function makeRandom(seed: number): Random {
  let a = seed >>> 0
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    pick: items => items[Math.floor(next() * items.length)],
  }
}
