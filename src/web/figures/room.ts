/** The room that words have in figures, on this screen. */
import { whole } from '../format.ts'

export const font = '12px system-ui, "DejaVu Sans", sans-serif'

/** The left margin of figures that stand one above the other: room for numbers and for the longest name, within reason. */
export const gutterOf = (names: string[]): number =>
  Math.min(innerWidth < 640 ? 74 : 150, 22 + Math.max(7, ...names.map(name => name.length)) * 7)

/** The right margin: half of what stands below the end of the axis of time reaches into it. */
export const marginOf = ([, to]: [from: number, to: number]): number =>
  Math.max(12, 2 + Math.ceil(widthOf(whole(to)) / 2))

const measure = document.createElement('canvas').getContext('2d')
/** In pixels; 0 where nothing can be measured. */
function widthOf(text: string): number {
  if (!measure) return 0
  measure.font = font
  return measure.measureText(text).width
}

/** The text as far as there is room for it, in pixels. */
export function fit(text: string, room: number): string {
  let letters = [...text]
  if (widthOf(text) <= room) return text
  while (letters.length > 1 && widthOf(`${letters.join('')}…`) > room) letters = letters.slice(0, -1)
  return `${letters.join('')}…`
}
