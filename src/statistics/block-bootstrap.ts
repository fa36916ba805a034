/**
 * Sums of time series over many spans at once, with intervals that hold for all of them together: what a claim needs that
 * was picked as the largest of many.
 *
 * The points are cut into strata, within which a series is taken to be stationary. In a stratum of n points, with blocks
 * of b points that overlap and have the sums B_j, j = 0 … n − b,
 *
 *     V_b = n/b · mean (B_j − B̄)² · n/(n − b)
 *
 * estimates the variance of the stratum's sum for whatever dependence reaches less far than b (moving blocks: Künsch,
 * Annals of Statistics 17, 1989; the last factor makes it unbiased where there is none). What of the dependence blocks cut
 * off is of order 1/b, and 2 V_b − V_{b/2} is without it (Politis and Romano, Journal of Time Series Analysis 16, 1995);
 * the larger of the two is taken. Variances of strata add up, as the degrees of freedom n/b − 1 of each do after
 * Satterthwaite.
 *
 * How much higher than for one sum the bar is for the largest of all comes from the bootstrap: in each of the draws every
 * stratum is made anew of n/b of its blocks, the same ones for all series, so that what they have in common is kept. c is
 * the quantile over draws of the largest |deviation| / s.e. of any series and span (Romano and Wolf, Econometrica 73,
 * 2005, first step), p = P(|N(0, 1)| > c) the level of each sum for itself; its interval is then ∓ t · s.e., with
 * P(|T_ν| > t) = p for its own degrees of freedom ν.
 */
import type { RandomStream } from '../nn/random.ts'
import { studentQuantile, twoTails } from './student.ts'

/** Points [from, to). */
export type Stretch = { from: number; to: number }

export type Sum = {
  /** Which of the series. */
  series: number
  /** Strata [first, last]. */
  first: number
  last: number
  sum: number
  low: number
  high: number
}

/** Points of a stratum at least, and strata at most: below the first blocks are too few to tell how they vary. */
const fewestPoints = 32
const stratumPoints = 64
const mostStrata = 8

/** Strata of T points, of nearly equal lengths; none where T is too short to say anything. */
export function strataOf(points: number): Stretch[] {
  if (points < fewestPoints) return []
  const count = Math.max(1, Math.min(mostStrata, Math.floor(points / stratumPoints)))
  const bound = (i: number) => Math.round((i * points) / count)
  return Array.from({ length: count }, (_, i) => ({ from: bound(i), to: bound(i + 1) }))
}

/** Points of a block: 2√n, which covers a dependence over √n points. */
export const blockLength = (points: number): number =>
  Math.min(Math.floor(points / 3), Math.max(2, Math.round(2 * Math.sqrt(points))))

/** B_j − B̄ of all blocks of b points in a stretch of a series, and their mean square. */
export function blockDeviations(series: Float64Array, { from, to }: Stretch, length: number) {
  const deviations = new Float64Array(to - from - length + 1)
  let sum = 0
  for (let i = from; i < from + length; i++) sum += series[i]
  deviations[0] = sum
  let total = sum
  for (let j = 1; j < deviations.length; j++) {
    sum += series[from + j + length - 1] - series[from + j - 1]
    deviations[j] = sum
    total += sum
  }
  const mean = total / deviations.length
  let squares = 0
  let largest = 0
  for (let j = 0; j < deviations.length; j++) {
    deviations[j] -= mean
    squares += deviations[j] ** 2
    largest = Math.max(largest, Math.abs(deviations[j] + mean))
  }
  // Blocks that are all alike but for the rounding of running sums do not vary.
  const meanSquare = squares / deviations.length
  return { deviations, meanSquare: meanSquare <= (1e-12 * largest) ** 2 ? 0 : meanSquare }
}

/** The largest correlation of neighbours that is believed: beyond it a stretch has no more to say of its own spread. */
const mostMemory = 0.97

/** The correlation of neighbours within the strata, corrected for their means being taken off; at least 0. */
export function memoryOf(series: Float64Array, strata: Stretch[]): number {
  let [products, squares, points] = [0, 0, 0]
  for (const { from, to } of strata) {
    let mean = 0
    for (let i = from; i < to; i++) mean += series[i] / (to - from)
    for (let i = from; i < to; i++) {
      squares += (series[i] - mean) ** 2
      if (i > from) products += (series[i] - mean) * (series[i - 1] - mean)
    }
    points += to - from
  }
  if (squares === 0) return 0
  const found = products / squares
  return Math.max(0, Math.min(mostMemory, found + ((1 + 3 * found) * strata.length) / points))
}

/**
 * The variance of the sum over a stretch, and the degrees of freedom of that estimate; `memory`: the correlation of
 * neighbours that it is whitened by.
 */
export function sumVariance(
  series: Float64Array,
  stretch: Stretch,
  memory = memoryOf(series, [stretch]),
): { variance: number; degrees: number } {
  const points = stretch.to - stretch.from
  const length = blockLength(points)
  const of = (b: number, { values, from, to }: Stretch & { values: Float64Array }) =>
    ((points / b) * blockDeviations(values, { from, to }, b).meanSquare * points) / (points - b)
  const own = { values: series, ...stretch }
  const whole = of(length, own)
  const white = Float64Array.from(
    { length: points - 1 },
    (_, i) => series[stretch.from + i + 1] - memory * series[stretch.from + i],
  )
  const whitened = of(length, { values: white, from: 0, to: points - 1 }) / (1 - memory) ** 2
  return {
    variance: Math.max(whole, 2 * whole - of(Math.max(1, length >> 1), own), memory > 0 ? whitened : 0),
    degrees: Math.max(1, points / length - 1),
  }
}

const draws = 999

/**
 * The sums of every series over all spans of whole strata whose interval lies on one side of 0. `series` are equally long,
 * finite, and cut into `strata`; together the intervals hold with probability `confidence`. `breathe` is awaited between
 * pieces of the work, of some milliseconds each.
 */
export async function sumsApartFromZero(
  series: Float64Array[],
  strata: Stretch[],
  { confidence, random, breathe }: { confidence: number; random: RandomStream; breathe: () => Promise<void> },
): Promise<Sum[]> {
  if (strata.length === 0) return []
  const positions = strata.map(({ from, to }) => {
    const length = blockLength(to - from)
    const blocks = Math.round((to - from) / length)
    return Int32Array.from({ length: draws * blocks }, () => random.integer(to - from - length + 1))
  })
  const largest = new Float64Array(draws)
  const parts: { sum: number; variance: number; degrees: number }[][] = []
  for (const values of series) {
    await breathe()
    const memory = memoryOf(values, strata)
    const own = strata.map(stretch => {
      let sum = 0
      for (let i = stretch.from; i < stretch.to; i++) sum += values[i]
      return { sum, ...sumVariance(values, stretch, memory) }
    })
    parts.push(own)
    // What each stratum of each draw is off by, as large on average as its sum may be.
    const drawn = strata.map((stretch, i) => {
      const { deviations, meanSquare } = blockDeviations(
        values,
        stretch,
        blockLength(stretch.to - stretch.from),
      )
      const blocks = positions[i].length / draws
      const scale = meanSquare > 0 ? Math.sqrt(own[i].variance / (blocks * meanSquare)) : 0
      const off = new Float64Array(draws)
      for (let draw = 0, k = 0; draw < draws; draw++)
        for (const end = k + blocks; k < end; k++) off[draw] += scale * deviations[positions[i][k]]
      return off
    })
    await breathe()
    for (let first = 0; first < strata.length; first++) {
      const off = new Float64Array(draws)
      let variance = 0
      for (let last = first; last < strata.length; last++) {
        variance += own[last].variance
        const each = variance > 0 ? 1 / Math.sqrt(variance) : 0
        for (let draw = 0; draw < draws; draw++) {
          off[draw] += drawn[last][draw]
          const size = Math.abs(off[draw]) * each
          if (size > largest[draw]) largest[draw] = size
        }
      }
    }
  }
  const c = largest.sort()[Math.ceil(confidence * (draws + 1)) - 1]
  // With very many degrees of freedom Student's distribution is the normal one.
  const level = 1 - twoTails(c, 1e6)
  const found: Sum[] = []
  for (const [s, own] of parts.entries())
    for (let first = 0; first < strata.length; first++) {
      let sum = 0
      let variance = 0
      let spread = 0
      for (let last = first; last < strata.length; last++) {
        const part = own[last]
        sum += part.sum
        variance += part.variance
        spread += part.variance ** 2 / part.degrees
        // Student's quantile is never below the normal one, and takes long.
        if (sum === 0 || sum ** 2 <= c * c * variance) continue
        const half = variance === 0 ? 0 : studentQuantile(level, variance ** 2 / spread) * Math.sqrt(variance)
        if (Math.abs(sum) > half)
          found.push({ series: s, first, last, sum, low: sum - half, high: sum + half })
      }
    }
  return found
}

/**
 * A share of points that have a property (1 or 0 in a series), with its interval: Wilson's (Journal of the American
 * Statistical Association 22, 1927), of as many independent points as have the variance that blocks show, at most all;
 * where all points are alike, as many as there are blocks. t with n/b − 1 degrees of freedom stands for z.
 */
export function shareOf(
  series: Float64Array,
  confidence: number,
): { share: number; low: number; high: number; effective: number } {
  const points = series.length
  const share = series.reduce((sum, value) => sum + value, 0) / points
  const { variance, degrees } = sumVariance(series, { from: 0, to: points })
  const blocks = degrees + 1
  const effective =
    variance > 0 ? Math.min(points, Math.max(blocks, (share * (1 - share) * points ** 2) / variance)) : blocks
  const t = studentQuantile(confidence, degrees)
  const factor = t ** 2 / effective
  const middle = (share + factor / 2) / (1 + factor)
  const half = (t / (1 + factor)) * Math.sqrt((share * (1 - share)) / effective + factor / (4 * effective))
  return { share, low: Math.max(0, middle - half), high: Math.min(1, middle + half), effective }
}
