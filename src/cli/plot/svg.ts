/** SVG as text: elements, numbers short enough to read, and a page with a title. No DOM. */

export type Attributes = Record<string, string | number | undefined>

/** An element; children are SVG already, see `text` for what is not. */
export function el(name: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escaped(String(value))}"`)
  return children.length === 0
    ? `<${name}${list.join('')}/>`
    : `<${name}${list.join('')}>${children.join('')}</${name}>`
}

/** Two decimals of a pixel are finer than any screen. */
export const short = (value: number): string => String(Math.round(value * 100) / 100)

// Control characters are not XML, however they are written.
const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[\p{Cc}\p{Surrogate}]/gu, '\ufffd')

export const ink = '#1f2933'
export const muted = '#616e7c'
export const rule = '#e4e7eb'

export type TextOptions = {
  size?: number
  anchor?: 'start' | 'middle' | 'end'
  fill?: string
  weight?: number
  rotate?: number
}

export function text(x: number, y: number, words: string, options: TextOptions = {}): string {
  const { size = 13, anchor = 'start', fill = ink, weight, rotate } = options
  const transform = rotate === undefined ? undefined : `rotate(${rotate} ${short(x)} ${short(y)})`
  const attributes = {
    x,
    y,
    'font-size': size,
    'text-anchor': anchor,
    fill,
    'font-weight': weight,
    transform,
  }
  return el('text', attributes, escaped(words))
}

/** About how wide a text is, in pixels: good enough to keep labels apart. */
export const widthOf = (words: string, size = 13): number => words.length * size * 0.56

/** The text, shortened to fit. */
export function fit(words: string, width: number, size = 13): string {
  const most = Math.max(1, Math.floor(width / (size * 0.56)))
  return words.length <= most ? words : `${words.slice(0, most - 1)}…`
}

const fonts = "'Inter', 'Helvetica Neue', 'Segoe UI', 'Liberation Sans', Arial, sans-serif"

/** The lines under the title. */
export type About = Pick<Page, 'about' | 'warning'>

export type Page = {
  width: number
  height: number
  title: string
  about: string
  /** Why not to believe the figure; in red. */
  warning?: string | undefined
}

const alarming = '#b91c1c'

/** A figure: a title that says what to see, a line about what it is, a warning, and under them, from y = 78 on, what is drawn. */
export function page({ width, height, title, about, warning }: Page, ...content: string[]): string {
  return `${el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      'font-family': fonts,
      role: 'img',
      'aria-label': [title, about, ...(warning ? [warning] : [])].join('. '),
    },
    el('rect', { width, height, fill: '#ffffff' }),
    text(24, 34, fit(title, width - 48, 18), { size: 18, weight: 600 }),
    text(24, 55, fit(about, width - 48), { fill: muted }),
    ...(warning
      ? [text(24, 73, fit(warning, width - 48, 11), { size: 11, weight: 600, fill: alarming })]
      : []),
    ...content,
  )}\n`
}
