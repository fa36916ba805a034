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

/** About how wide a text is at most, in pixels: of the fonts below the widest. */
export const widthOf = (words: string, size = 13, weight = 400): number =>
  words.length * size * (weight >= 600 ? 0.64 : 0.57)

/** A line of words, shortened at its end to fit. */
export function fitLine(words: string, width: number, size = 13, weight = 400): string {
  const most = Math.max(1, Math.floor(width / widthOf('x', size, weight)))
  return words.length <= most ? words : `${words.slice(0, most - 1)}…`
}

/**
 * A name, shortened to fit. It goes from the middle: names of layers begin alike, and what tells them apart is often at
 * their end.
 */
export function fit(words: string, width: number, size = 13, weight = 400): string {
  const most = Math.max(1, Math.floor(width / widthOf('x', size, weight)))
  if (words.length <= most) return words
  const end = Math.floor((most - 1) / 2)
  return `${words.slice(0, most - 1 - end)}…${end > 0 ? words.slice(-end) : ''}`
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
    text(24, 34, fitLine(title, width - 48, 18, 600), { size: 18, weight: 600 }),
    text(24, 55, fitLine(about, width - 48), { fill: muted }),
    ...(warning
      ? [text(24, 73, fitLine(warning, width - 48, 11), { size: 11, weight: 600, fill: alarming })]
      : []),
    ...content,
  )}\n`
}
