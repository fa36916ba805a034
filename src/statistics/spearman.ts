/**
 * Spearman's rank correlation, with its interval and p, and Holm's correction for many of them.
 *
 * ρ is the correlation of the ranks, equal values having the mean of theirs. Its interval is Fisher's z with the standard
 * error of Bonett and Wright (Psychometrika 65, 2000): tanh(artanh ρ ∓ z √((1 + ρ²/2)/(n − 3))). p of ρ = 0 is two-sided,
 * by t = ρ √((n − 2)/(1 − ρ²)) with n − 2 degrees of freedom, and never below 2/n!, which is as small as the order of n
 * values can make it.
 */
import { studentQuantile, twoTails } from './student.ts'

/** Ranks from 1; equal values have the mean of theirs. Throws where one is NaN, which has none. */
export function ranksOf(values: ArrayLike<number>): Float64Array {
  // Sorted as numbers and looked up: of millions of values far sooner than an order of places.
  const sorted = Float64Array.from(values).sort()
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
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const mean = (a.length + 1) / 2
  let [xy, xx, yy] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    xy += (a[i] - mean) * (b[i] - mean)
    xx += (a[i] - mean) ** 2
    yy += (b[i] - mean) ** 2
  }
  return xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))) : Number.NaN
}

/** ρ of two equally long lists of finite numbers; NaN where one of them does not vary. */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  rankCorrelation(ranksOf(x), ranksOf(y))

/** Pairs below which there is no interval. */
export const fewestPairs = 4

/** The interval and p of ρ, found on n ≥ `fewestPairs` pairs. */
export function correlationInterval(rho: number, n: number, confidence: number) {
  const z = studentQuantile(confidence, 1e6)
  const middle = Math.atanh(rho)
  const half = z * Math.sqrt((1 + rho ** 2 / 2) / (n - 3))
  const t = Math.abs(rho) * Math.sqrt((n - 2) / (1 - rho ** 2))
  let least = 2
  for (let i = 2; i <= n; i++) least /= i
  return {
    low: Number.isFinite(middle) ? Math.tanh(middle - half) : rho,
    high: Number.isFinite(middle) ? Math.tanh(middle + half) : rho,
    p: Math.min(1, Math.max(least, Number.isFinite(t) ? twoTails(t, n - 2) : 0)),
  }
}

/** p of each of m that were tried, so that any is below α by chance with probability α at most (Holm 1979). */
export function holm(ps: number[]): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a] - ps[b])
  const adjusted = new Array<number>(ps.length)
  let largest = 0
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (ps.length - rank) * ps[i]))
    adjusted[i] = largest
  }
  return adjusted
}
