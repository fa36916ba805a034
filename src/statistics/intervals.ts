/** Means of a few values with their intervals, and differences of means. */
import { studentQuantile } from './student.ts'

export type Estimate = {
  n: number
  /** null where there is nothing to average. */
  mean: number | null
  /** s = √(Σ (x − x̄)² / (n − 1)); null below two values. */
  sd: number | null
  /** x̄ ∓ t_{n−1} · s/√n; null below two values. */
  low: number | null
  high: number | null
}

export type Difference = {
  difference: number | null
  low: number | null
  high: number | null
}

/** Mean, standard deviation and Student's interval of independent values. */
export function estimate(values: number[], confidence: number): Estimate {
  const n = values.length
  if (n === 0) return { n, mean: null, sd: null, low: null, high: null }
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n === 1) return { n, mean, sd: null, low: null, high: null }
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const half = (studentQuantile(confidence, n - 1) * sd) / Math.sqrt(n)
  return { n, mean, sd, low: mean - half, high: mean + half }
}

/**
 * How much x is above y, each a value by its seed. Runs of one seed have their batches and first weights in common, so they are
 * no independent samples: where x and y share seeds, d = x − y is taken seed by seed, over those that both have,
 *
 *     d̄ ∓ t_{n−1} · s_d/√n        (Student’s paired t)
 *
 * which leaves out what all variants of a seed have in common. Where they share none, Welch’s of x̄ − ȳ. `pairs` is how many
 * seeds both have. No interval below two.
 */
export function differenceBySeed(
  x: ReadonlyMap<number, number>,
  y: ReadonlyMap<number, number>,
  confidence: number,
): Difference & { pairs: number } {
  const differences = [...x].flatMap(([seed, value]) => (y.has(seed) ? [value - y.get(seed)!] : []))
  const pairs = differences.length
  if (pairs === 0)
    return {
      ...welch(estimate([...x.values()], confidence), estimate([...y.values()], confidence), confidence),
      pairs,
    }
  const { mean, low, high } = estimate(differences, confidence)
  return { difference: mean, low, high, pairs }
}

/**
 * x̄ − ȳ with Welch's interval, for independent groups whose variances need not be equal (Welch, Biometrika 34, 1947):
 *
 *     (x̄ − ȳ) ∓ t_ν · √(s_x²/n_x + s_y²/n_y)
 *     ν = (s_x²/n_x + s_y²/n_y)² / ((s_x²/n_x)²/(n_x − 1) + (s_y²/n_y)²/(n_y − 1))
 *
 * No interval where a group has fewer than two values. Where neither varies (both frozen) it is the difference alone.
 */
export function welch(x: Estimate, y: Estimate, confidence: number): Difference {
  if (x.mean === null || y.mean === null) return { difference: null, low: null, high: null }
  const difference = x.mean - y.mean
  if (x.sd === null || y.sd === null) return { difference, low: null, high: null }
  const [a, b] = [x.sd ** 2 / x.n, y.sd ** 2 / y.n]
  if (a + b === 0) return { difference, low: difference, high: difference }
  const degrees = (a + b) ** 2 / (a ** 2 / (x.n - 1) + b ** 2 / (y.n - 1))
  const half = studentQuantile(confidence, degrees) * Math.sqrt(a + b)
  return { difference, low: difference - half, high: difference + half }
}
