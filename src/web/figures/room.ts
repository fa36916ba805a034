/** The room that words have in figures, on this screen. */

export const font = '12px system-ui, "DejaVu Sans", sans-serif'

/** The left margin of figures that stand one above the other: room for numbers and for the longest name, within reason. */
export const gutterOf = (names: string[]): number =>
  Math.min(innerWidth < 640 ? 74 : 150, 22 + Math.max(7, ...names.map(name => name.length)) * 7)

const measure = document.createElement('canvas').getContext('2d')
/** The text as far as there is room for it, in pixels. */
export function fit(text: string, room: number): string {
  if (!measure) return text
  measure.font = font
  let letters = [...text]
  if (measure.measureText(text).width <= room) return text
  while (letters.length > 1 && measure.measureText(`${letters.join('')}…`).width > room)
    letters = letters.slice(0, -1)
  return `${letters.join('')}…`
}
