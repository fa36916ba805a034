/**
 * Student's t distribution, for intervals around means of a few seeds.
 *
 *     P(|T_ν| > t) = I_x(ν/2, 1/2),   x = ν / (ν + t²)
 *
 * (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1 and 26.5.27), I the regularised incomplete beta
 * function by its continued fraction (26.5.8), evaluated as Lentz does (Numerical Recipes, §6.4).
 */

/** Of whole degrees of freedom, which all measures of a sweep share, as they were; the oldest are forgotten. */
const known = new Map<string, number>()
const mostKnown = 1000

/** The t that |T| exceeds with probability 1 − confidence; ν > 0 need not be whole. 2.776 for 0.95 and ν = 4. */
export function studentQuantile(confidence: number, degrees: number): number {
  if (!(confidence > 0 && confidence < 1) || !(degrees > 0))
    throw new RangeError(`no t for a confidence of ${confidence} and ${degrees} degrees of freedom`)
  if (!Number.isInteger(degrees)) return findQuantile(confidence, degrees)
  const key = `${confidence} ${degrees}`
  const found = known.get(key) ?? findQuantile(confidence, degrees)
  known.set(key, found)
  if (known.size > mostKnown) known.delete(known.keys().next().value!)
  return found
}

function findQuantile(confidence: number, degrees: number): number {
  const tails = 1 - confidence
  let low = 0
  let high = 1
  while (twoTails(high, degrees) > tails) {
    low = high
    high *= 2
  }
  // Bisection to the last bit: the tails fall monotonically. It takes some 50 µs.
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) return middle
    if (twoTails(middle, degrees) > tails) low = middle
    else high = middle
  }
}

/** P(|T_ν| > t) for t ≥ 0. */
export function twoTails(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
}

/** I_x(a, b) = B_x(a, b) / B(a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  // The fraction converges fast below the mean; above it, I_x(a, b) = 1 − I_{1−x}(b, a).
  return x < (a + 1) / (a + b + 2)
    ? (front * continuedFraction(x, a, b)) / a
    : 1 - (front * continuedFraction(1 - x, b, a)) / b
}

function continuedFraction(x: number, a: number, b: number): number {
  const apart = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value)
  let c = 1
  let d = 1 / apart(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / apart(1 + even * d)
    c = apart(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / apart(1 + odd * d)
    c = apart(1 + odd / c)
    value *= d * c
    if (Math.abs(d * c - 1) < 1e-15) return value
  }
  throw new RangeError(`the incomplete beta function did not converge for a = ${a}, b = ${b}, x = ${x}`)
}

const lanczos = [
  ...[0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313],
  ...[-176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6],
  1.5056327351493116e-7,
]

/** ln Γ(x) for x > 0, after Lanczos (1964) with g = 7, n = 9: about 15 digits. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const z = x - 1
  let sum = lanczos[0]
  for (let i = 1; i < lanczos.length; i++) sum += lanczos[i] / (z + i)
  const t = z + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum)
}
