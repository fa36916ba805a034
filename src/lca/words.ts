/** Numbers in sentences. */

/** Three digits; with an exponent where there would be many zeros. */
export function inDigits(value: number): string {
  const size = Math.abs(value)
  if (size > 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2).replace('e+', 'e')
  return String(Number(value.toPrecision(3)))
}

/** With its sign, so that what helped and what hurt stand apart. */
export const withSign = (value: number): string => (value > 0 ? `+${inDigits(value)}` : inDigits(value))

/** The ends of an interval. */
export const between = (low: number, high: number): string => `${withSign(low)} to ${withSign(high)}`

/** How large something is beside what it is compared to, with an interval: in percent where that is all of it at most, in times otherwise. */
export function besideIn(estimate: number, low: number, high: number): string {
  if (Math.max(estimate, high) <= 1)
    return `${inPercent(estimate)} (${inPercent(low)} to ${inPercent(high)}) of`
  return `${inDigits(estimate)} times (${inDigits(low)} to ${inDigits(high)})`
}

export const inPercent = (fraction: number): string => `${Number((100 * fraction).toPrecision(3))} %`
