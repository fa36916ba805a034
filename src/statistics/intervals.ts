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

/** Mean, standard deviation and Student's interval of independent values; NaN is none. */
export function estimate(values: ArrayLike<number>, confidence: number): Estimate {
  // Not `[n, sum] = [0, 0]`: of what came out of an array the engine does not know that it is a number, and keeps each sum in an
  // object of its own, megabytes of them for a sweep.
  let n = 0
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (Number.isNaN(value)) continue
    n++
    sum += value
  }
  if (n === 0) return { n, mean: null, sd: null, low: null, high: null }
  const mean = sum / n
  if (n === 1) return { n, mean, sd: null, low: null, high: null }
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    // A product: powers are ten times as slow.
    const deviation = values[i] - mean
    if (!Number.isNaN(deviation)) squares += deviation * deviation
  }
  const sd = Math.sqrt(squares / (n - 1))
  const half = (studentQuantile(confidence, n - 1) * sd) / Math.sqrt(n)
  return { n, mean, sd, low: mean - half, high: mean + half }
}

/** Seeds that x and y both have: their places in x and in y, in x's order, and room for a difference of each. */
export type SharedSeeds = { x: Int32Array; y: Int32Array; room: Float64Array }

/** Of seeds of which each has none twice. */
export function sharedSeeds(x: number[], y: number[]): SharedSeeds {
  const places = new Map(y.map((seed, place) => [seed, place]))
  const own = Int32Array.from(x.keys()).filter(place => places.has(x[place]))
  const other = own.map(place => places.get(x[place])!)
  return { x: own, y: other, room: new Float64Array(own.length) }
}

/**
 * How much x is above y, of whose runs those at the places `shared` have a seed in common. Runs of one seed have their batches
 * and first weights in common, so they are no independent samples: where x and y share seeds, d = x − y is taken seed by seed,
 * over those that both have a value of,
 *
 *     d̄ ∓ t_{n−1} · s_d/√n        (Student’s paired t)
 *
 * which leaves out what all variants of a seed have in common. Where they share none, Welch’s of x̄ − ȳ. `pairs` is how many
 * seeds both have. No interval below two.
 */
export function differenceBySeed(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  shared: SharedSeeds,
  confidence: number,
): Difference & { pairs: number } {
  // Kept as what is estimated besides is: a loop over two kinds of arrays is a slow one, and a sweep has 100,000 of them.
  const { x: own, y: other, room } = shared
  for (let pair = 0; pair < room.length; pair++) room[pair] = x[own[pair]] - y[other[pair]]
  const { n: pairs, mean, low, high } = estimate(room, confidence)
  if (pairs === 0) return { ...welch(estimate(x, confidence), estimate(y, confidence), confidence), pairs }
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
