/** Colours that stay apart for every kind of colour vision. */

/** Okabe and Ito (2008), without black and the yellow that white paper swallows. */
const few = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00']

/** Cividis (Nuñez, Anderton, Renslow 2018), from dark to light, as far as it shows on white. */
const scale = [
  '#00224e',
  '#123570',
  '#3b496c',
  '#575d6d',
  '#707173',
  '#8a8678',
  '#a59c74',
  '#c3b369',
  '#e1cc55',
]

/** A colour for each of n things in order: distinct hues while they last, then shades from first to last. */
export function colours(n: number): string[] {
  if (n <= few.length) return few.slice(0, n)
  return Array.from({ length: n }, (_, i) => shade(i / (n - 1)))
}

/** The colour as text on white: dark enough to be read. */
export function readable(colour: string): string {
  const channels = [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16))
  const light = (0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]) / 255
  const factor = light > 0.4 ? 0.4 / light : 1
  return `#${channels
    .map(value =>
      Math.round(value * factor)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`
}

export const helpColour = '#0072b2'
export const hurtColour = '#d55e00'
export const splitColours = { train: '#0072b2', validation: '#d55e00' } as const

function shade(at: number): string {
  const position = at * (scale.length - 1)
  const index = Math.min(scale.length - 2, Math.floor(position))
  const channel = (colour: string, c: number) => Number.parseInt(colour.slice(1 + 2 * c, 3 + 2 * c), 16)
  const mixed = [0, 1, 2].map(c => {
    const [a, b] = [channel(scale[index], c), channel(scale[index + 1], c)]
    return Math.round(a + (b - a) * (position - index))
  })
  return `#${mixed.map(value => value.toString(16).padStart(2, '0')).join('')}`
}
