/**
 * Numbers, sizes and times as they are read, the same everywhere. Not by Intl, whose first use takes longer than a page's other
 * work before it shows something.
 */
import { counted, shareOf, whole, withCommas } from '../figures/numbers.ts'
import { inDigits, minus } from '../lca/words.ts'

export { counted, shareOf, whole }

/** A number with so many significant digits; very large and very small ones with an exponent. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return minus(whole(value))
  return withCommas(inDigits(value, digits))
}

/** With its sign: negative helps, positive hurts. */
export function signed(value: number | null | undefined, digits = 4): string {
  const text = number(value, digits)
  return value !== null && value !== undefined && value > 0 ? `+${text}` : text
}

export const percent = (value: number | null | undefined, digits = 1): string =>
  value === null || value === undefined || !Number.isFinite(value)
    ? '–'
    : `${minus((100 * value).toFixed(digits))} %`

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let rest = value
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${unit === 0 ? rest : rest.toPrecision(3)} ${units[unit]}`
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–'
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`
  return `${Math.round(seconds / 86_400)} days`
}

/** A time of day today, with the date otherwise. */
export function time(iso: string | null | undefined): string {
  if (!iso) return '–'
  const at = new Date(iso)
  const two = (value: number) => String(value).padStart(2, '0')
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`
  if (at.toDateString() === new Date().toDateString()) return `${minutes}:${two(at.getSeconds())}`
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${minutes}`
}

export const between = (from: string | null, to: string | null): number | null =>
  from === null || to === null ? null : (Date.parse(to) - Date.parse(from)) / 1000

/** The middle of a long text goes, not its end, which tells most names apart. */
export function shorten(text: string, most: number): string {
  const letters = [...text]
  if (letters.length <= most) return text
  const head = Math.ceil((most - 1) / 2)
  return `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (most - 1 - head)).join('')}`
}

/** A name within a sentence: what it does to the direction of text ends with it (first strong isolate, pop). */
export const isolated = (name: string): string => `\u2068${name}\u2069`

/** The class of a sum of allocations: below zero helps, above hurts, and zero does neither. */
export const toneOf = (lca: number | null | undefined): string | undefined =>
  !lca ? undefined : lca < 0 ? 'helps' : 'hurts'
