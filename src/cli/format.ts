/** Numbers and tables for a terminal. */

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

/** 78500 → 78,500 */
export const whole = (value: number) => value.toLocaleString('en-US')

/** A change of the loss with its sign, so that what helps and what hurts stand apart. */
export const signed = (value: number, digits = 4) =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`

export const percent = (fraction: number, digits = 1) => `${(100 * fraction).toFixed(digits)} %`

/** 75 → 1 min 15 s */
export function duration(seconds: number): string {
  const rounded = Math.round(seconds)
  if (rounded < 60) return `${rounded} s`
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`
  return `${Math.floor(rounded / 3600)} h ${Math.floor((rounded % 3600) / 60)} min`
}
