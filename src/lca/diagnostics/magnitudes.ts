/**
 * A histogram of numbers by the binary logarithm of their magnitude, signs apart, and what it says of their tails. A bin is
 * the exponent field of float32: bin b holds 2^(b−127) ≤ |x| < 2^(b−126). What is smaller than 2⁻⁴⁶ is in one bin, the
 * lowest; zeros are in none.
 */

/** Of float32's exponents. */
export const bins = 256
/** Holds all that is smaller than its upper edge, 1.4e-14: a third of the bins, and next to nothing of any sum. */
export const lowestBin = 80

/** The edges of a bin. */
export const edgesOf = (bin: number): { low: number; high: number } => ({
  low: bin === lowestBin ? 0 : 2 ** (bin - 127),
  high: 2 ** (bin - 126),
})

/** By bin: how many are negative, how many positive, and Σ|x| of both. float64 [bins] each. */
export type Magnitudes = { negative: Float64Array; positive: Float64Array; absolute: Float64Array }

export const noMagnitudes = (): Magnitudes => ({
  negative: new Float64Array(bins),
  positive: new Float64Array(bins),
  absolute: new Float64Array(bins),
})

const countIn = ({ negative, positive }: Magnitudes, bin: number) => negative[bin] + positive[bin]

/** How many there are, and Σ|x|. */
export function totalOf(magnitudes: Magnitudes): { count: number; absolute: number } {
  const total = { count: 0, absolute: 0 }
  for (let bin = 0; bin < bins; bin++) {
    total.count += countIn(magnitudes, bin)
    total.absolute += magnitudes.absolute[bin]
  }
  return total
}

/**
 * The share of Σ|x| that the ⌈fraction · count⌉ largest magnitudes have: between `low` and `high`, which are one where their
 * number ends at the edge of a bin. Within a bin [a, b) of c values whose sum is s, the r largest have at least r/c of it
 * and at least s − (c − r)·b, at most r·b and at most s − (c − r)·a. NaN of none.
 */
export function topShare(magnitudes: Magnitudes, fraction: number): { low: number; high: number } {
  const { count, absolute } = totalOf(magnitudes)
  let rest = Math.ceil(fraction * count)
  let sum = 0
  for (let bin = bins - 1; bin >= 0 && rest > 0; bin--) {
    const c = countIn(magnitudes, bin)
    const s = magnitudes.absolute[bin]
    if (c > rest) {
      const { low: a, high: b } = edgesOf(bin)
      const low = Math.max((rest * s) / c, s - (c - rest) * b)
      const high = Math.max(low, Math.min(rest * b, s - (c - rest) * a))
      return { low: (sum + low) / absolute, high: (sum + high) / absolute }
    }
    sum += s
    rest -= c
  }
  return { low: sum / absolute, high: sum / absolute }
}

export type Tail = {
  /** α of P(|X| > x) ∝ x^−α beyond the threshold: below 4 the kurtosis, below 2 the variance would be infinite. */
  index: number
  standardError: number
  /** u, the edge of a bin, and how many magnitudes lie above it. */
  threshold: number
  count: number
}
const noTail: Tail = { index: NaN, standardError: NaN, threshold: NaN, count: 0 }

const fewest = 50
const leastShare = 0.01
const largestShare = 0.25

/**
 * The tail index by the estimator of Hill (Annals of Statistics 3, 1975), maximum likelihood of a Pareto tail above u, for
 * values that are known by their bins (Virkar and Clauset, Annals of Applied Statistics 8, 2014, §3). In bins whose edges
 * double, the number j of doublings above u of a Pareto variable is geometric with ratio q = 2^−α, so that with N values
 * above u
 *
 *     q̂ = Σ j / (N + Σ j),   α̂ = −log₂ q̂,   s.e.(α̂) = (1 − q̂) / (√(q̂ N) · ln 2)
 *
 * the last by the delta method from Var q̂ = q (1 − q)² / N. u is the highest edge that 1 % of the values, and 50, lie above.
 * NaN where a quarter or more lie above that: it would be no tail; and where all that do are in one bin.
 */
export function tailOf(magnitudes: Magnitudes): Tail {
  const { count } = totalOf(magnitudes)
  const wanted = Math.max(fewest, leastShare * count)
  let above = 0
  let bin = bins
  while (bin > 0 && above < wanted) above += countIn(magnitudes, --bin)
  if (above < wanted || above >= largestShare * count || bin <= lowestBin) return noTail
  let doublings = 0
  for (let one = bin + 1; one < bins; one++) doublings += (one - bin) * countIn(magnitudes, one)
  if (doublings === 0) return noTail
  const q = doublings / (above + doublings)
  return {
    index: -Math.log2(q),
    standardError: (1 - q) / (Math.sqrt(q * above) * Math.LN2),
    threshold: edgesOf(bin).low,
    count: above,
  }
}
