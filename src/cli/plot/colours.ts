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
