/**
 * Spearman's rank correlation, with its interval and p, and Holm's correction for many of them.
 *
 * ρ is the correlation of the ranks, equal values having the mean of theirs. Its interval is Fisher's z with the standard
 * error of Bonett and Wright (Psychometrika 65, 2000): tanh(artanh ρ ∓ z √((1 + ρ²/2)/(n − 3))). p of ρ = 0 is two-sided,
 * by t = ρ √((n − 2)/(1 − ρ²)) with n − 2 degrees of freedom, and never below 2/n!, which is as small as the order of n
 * values can make it.
 */
import { studentQuantile, twoTails } from './student.ts'

/** Ranks from 1; equal values have the mean of theirs. */
export function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b])
  const ranks = new Float64Array(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start + 1
    while (end < order.length && values[order[end]] === values[order[start]]) end++
    for (let i = start; i < end; i++) ranks[order[i]] = (start + 1 + end) / 2
    start = end
  }
  return ranks
}

/** ρ of two equally long lists of finite numbers; NaN where one of them does not vary. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const [a, b] = [ranksOf(x), ranksOf(y)]
  const mean = (a.length + 1) / 2
  let [xy, xx, yy] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    xy += (a[i] - mean) * (b[i] - mean)
    xx += (a[i] - mean) ** 2
    yy += (b[i] - mean) ** 2
  }
  return xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))) : Number.NaN
}

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
