/** Colours of the figures, in both themes. Canvases cannot use CSS variables, so they are read here. */
import { useEffect, useState } from 'preact/hooks'

/** What style.css says of its variables, as it is written there. */
const written = new Map<string, string>()

/**
 * The value of a CSS variable of style.css in the theme that is on. It is read once, and never of an element that is put into
 * the page for it, which would be laid out anew each time.
 */
export function themed(name: string): string {
  let value = written.get(name)
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim()
    written.set(name, value)
  }
  const [, light, dark] = /^light-dark\(\s*(.+?)\s*,\s*(.+?)\s*\)$/.exec(value) ?? [value, value, value]
  return isDark() ? dark : light
}

export function isDark(): boolean {
  const { theme } = document.documentElement.dataset
  return theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark'
}

/** Draws again when the theme changes. Returns its name. */
export function useTheme(): 'light' | 'dark' {
  const [dark, set] = useState(isDark)
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)')
    const look = () => set(isDark())
    media.addEventListener('change', look)
    addEventListener('themechange', look)
    return () => {
      media.removeEventListener('change', look)
      removeEventListener('themechange', look)
    }
  }, [])
  return dark ? 'dark' : 'light'
}

/** Okabe and Ito (2008), in an order whose neighbours differ in lightness too. */
const few = {
  light: ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'],
  dark: ['#3d9bdc', '#f0b429', '#2cb58c', '#e39bc4', '#9fd6f7', '#f07c33'],
}
/** Cividis (Nuñez, Anderton, Renslow 2018), as far as it shows on the paper of the theme. */
const many = {
  light: ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#e1cc55'],
  dark: ['#3f5f9e', '#4f6690', '#646b80', '#7b7a7a', '#938f7b', '#aba176', '#c4b46c', '#dec75c', '#fde737'],
}

/** A colour for each of n things in order: distinct hues while they last, then shades from first to last. */
export function colours(n: number, theme: 'light' | 'dark'): string[] {
  if (n <= few[theme].length) return few[theme].slice(0, n)
  return Array.from({ length: n }, (_, i) => along(many[theme], i / (n - 1)))
}

const along = (stops: string[], at: number): string => `rgb(${mixed(stops.map(channelsOf), at).join(' ')})`

const channelsOf = (colour: string): number[] =>
  [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16))

/** The colour at a place from 0, the first stop, to 1, the last. */
function mixed(stops: number[][], at: number): number[] {
  const position = at * (stops.length - 1)
  const index = Math.min(stops.length - 2, Math.floor(position))
  const part = position - index
  return stops[index].map((from, c) => Math.round(from * (1 - part) + stops[index + 1][c] * part))
}

/** From what helps (blue) over nothing (the paper) to what hurts (orange): apart for every colour vision. */
const diverging = {
  light: ['#023858', '#0571b0', '#74add1', '#d4e6f1', '#f7f7f7', '#fde0c5', '#f4a261', '#d0590c', '#7f2704'],
  dark: ['#d2ecff', '#7cc4f4', '#2f8fd0', '#1c4f77', '#1d2329', '#6b3a14', '#c9651b', '#f59a4c', '#ffe1c4'],
}

/** The diverging scale as a table of 511 colours, [r, g, b] each, from −1 to 1. */
export function divergingTable(theme: 'light' | 'dark'): Uint8ClampedArray {
  const made = tables[theme]
  if (made) return made
  const size = 511
  const table = new Uint8ClampedArray(size * 3)
  const stops = diverging[theme].map(channelsOf)
  for (let i = 0; i < size; i++) table.set(mixed(stops, i / (size - 1)), 3 * i)
  tables[theme] = table
  return table
}
const tables: { light?: Uint8ClampedArray; dark?: Uint8ClampedArray } = {}

/**
 * Signed logarithm: sign(v) · log(1 + |v| / c) / log(1 + most / c) with c = most / 1000, so that three decades show;
 * beyond ±most it stays at ±1.
 */
export function signedLog(value: number, most: number): number {
  if (most === 0) return 0
  const at = Math.log1p((1000 * Math.abs(value)) / most) / Math.log1p(1000)
  return Math.sign(value) * Math.min(1, at)
}
