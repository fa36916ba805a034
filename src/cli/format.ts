/** Numbers and tables for a terminal. */
import { styleText } from 'node:util'
import { inDigits, minus } from '../lca/words.ts'

export { counted, shareOf, short, signed, whole } from '../figures/numbers.ts'
export { minus }

/** Columns padded to their widest cell: numbers flush right, text and the first column flush left. */
export function table(header: string[], rows: string[][]): string {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map(line => line[column].length)))
  const isText = header.map((_, column) => column === 0 || rows.some(row => /^[^\d+−–-]/.test(row[column])))
  return lines
    .map(line =>
      line
        .map((cell, column) => (isText[column] ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A text in lines that fit the terminal (100 columns at most): `first` before the first, `indent` blanks before the others. */
export function fold(words: string, indent: number, first = ''): string[] {
  const width = Math.max(40, Math.min(100, process.stdout.columns ?? 100))
  const lines: string[] = []
  for (const word of words.split(' ')) {
    const last = lines.length - 1
    if (last >= 0 && lines[last].length + 1 + word.length <= width) lines[last] += ` ${word}`
    else lines.push((last < 0 ? first : ' '.repeat(indent)) + word)
  }
  return lines
}

/** Four digits, with an exponent where the number is very large or very small: 12, 0.6065, −3.12e−5. */
export function figure(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? minus(String(value)) : inDigits(value)
}

export const percent = (fraction: number, digits = 1) => `${(100 * fraction).toFixed(digits)} %`

/** The percent of a fraction that there may be none of. */
export const percentOr = (none: string, fraction: number | null) =>
  fraction === null ? none : percent(fraction)

/** Columns of the two help fractions, helpFractionOfMoved first; `helpNote` says what they are. */
export const helpHeader = ['helped', 'of all']
export const helpNote =
  'helped: of what moved (allocations that are not zero) the share that lowered the loss; of all: of parameters × iterations.'

/** 75 → 1 min 15 s */
export function duration(seconds: number): string {
  const rounded = Math.round(seconds)
  if (rounded < 60) return `${rounded} s`
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`
  return `${Math.floor(rounded / 3600)} h ${Math.floor((rounded % 3600) / 60)} min`
}

/** Red on a terminal that has colours and where NO_COLOR does not object; the words alone elsewhere. */
export const alarm = (words: string): string =>
  process.stdout.isTTY && process.stdout.hasColors() ? styleText('red', words) : words

/** 1536 → 1.5 KiB */
export function bytesInWords(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}
