/**
 * Spearman's rank correlation: Pearson's of the ranks, equal values sharing the mean of theirs (Kendall and Gibbons, Rank
 * Correlation Methods, 1990, §3.8 and 8.12). It says how far one grows with the other, whatever the scales are.
 */

/** The rank of each value, from 1; equal values have the mean of the ranks they take up. Throws where one is NaN. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(values).sort()
  // A sort puts NaN last.
  if (sorted.length > 0 && Number.isNaN(sorted[sorted.length - 1])) throw new RangeError('NaN has no rank')
  /** How many are below the value, or with `orEqual` not above it. */
  const count = (value: number, orEqual: boolean) => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sorted[middle] < value || (orEqual && sorted[middle] === value)) low = middle + 1
      else high = middle
    }
    return low
  }
  return Float64Array.from(values, value => (count(value, false) + 1 + count(value, true)) / 2)
}

/** Of two columns of ranks; NaN where one of them does not vary. The mean of ranks is (n + 1)/2, ties or not. */
export function rankCorrelation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const mean = (x.length + 1) / 2
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i] - mean, y[i] - mean]
    xx += dx * dx
    yy += dy * dy
    xy += dx * dy
  }
  return xx === 0 || yy === 0 ? Number.NaN : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)))
}

/** Of two columns of equal length. NaN where one of them does not vary; throws where a value is NaN. */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  rankCorrelation(ranks(x), ranks(y))
