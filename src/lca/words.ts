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

export const inPercent = (fraction: number): string => `${Number((100 * fraction).toPrecision(3))} %`
