/** Numbers as pages, figures and terminals show them alike. */

/** 78500 → 78,500, with three decimals at most. Not by Intl, whose first use takes a page longer than its other work. */
export const whole = (value: number): string =>
  String(Math.round(value * 1000) / 1000).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',')

/** So many decimals; with an exponent where the number would be longer than it says anything. null: –. */
export function short(value: number | null, digits = 4): string {
  if (value === null) return '–'
  return Math.abs(value) < 1e6 ? value.toFixed(digits) : value.toExponential(2).replace('e+', 'e')
}

/** A change of the loss with its sign, so that what helps and what hurts stand apart. */
export const signed = (value: number, digits = 4) =>
  `${value < 0 ? '−' : '+'}${short(Math.abs(value), digits)}`
