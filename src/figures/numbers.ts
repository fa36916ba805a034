/** Numbers as pages, figures and terminals show them alike. */
import { minus } from '../lca/words.ts'

/** A number in decimal digits with commas between thousands. Not by Intl, whose first use takes a page longer than its other work. */
export const withCommas = (digits: string): string => digits.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',')

/** 78500 → 78,500, with three decimals at most. */
export const whole = (value: number): string => withCommas(String(Math.round(value * 1000) / 1000))

/** A count with what it counts: 1 run, 2 runs. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : several}`

/**
 * One of the parts of a sum, over the sum: in percent up to the whole. Where others take back what it did it is more than
 * that, and no share any more: 8.1 ×, times as much as all of them together.
 */
export function shareOf(fraction: number | null | undefined, digits = 1): string {
  if (fraction === null || fraction === undefined || !Number.isFinite(fraction)) return '–'
  const percent = (100 * fraction).toFixed(digits)
  if (Math.abs(Number(percent)) <= 100)
    return `${Number(percent) === 0 ? percent.replace('-', '') : percent.replace('-', '−')} %`
  const size = Math.abs(fraction)
  const times =
    size >= 100
      ? size >= 1e6
        ? size.toExponential(1).replace('e+', 'e')
        : whole(Math.round(size))
      : size.toPrecision(2)
  return `${fraction < 0 ? '−' : ''}${times} ×`
}

/** So many decimals; with an exponent where the number would be longer than it says anything. null: –. */
export function short(value: number | null, digits = 4): string {
  if (value === null) return '–'
  return minus(Math.abs(value) < 1e6 ? value.toFixed(digits) : value.toExponential(2).replace('e+', 'e'))
}

/** A change of the loss with its sign, so that what helps and what hurts stand apart. */
export const signed = (value: number, digits = 4) =>
  `${value < 0 ? '−' : '+'}${short(Math.abs(value), digits)}`
