/** Numbers in sentences. */

/** A number as it is written, with the minus sign that it is read with. */
export const minus = (text: string): string => text.replaceAll('-', '−')

/** So many digits; two less and an exponent where there would be many zeros: 0.6065, 2061, −3.12e−5. */
export function inDigits(value: number, digits = 4): string {
  const size = Math.abs(value)
  if (size > 0 && (size < 1e-4 || size >= 1e6))
    return minus(value.toExponential(Math.max(0, digits - 2)).replace('e+', 'e'))
  return minus(String(Number(value.toPrecision(digits))))
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

export const inPercent = (fraction: number): string =>
  `${minus(String(Number((100 * fraction).toPrecision(3))))} %`
