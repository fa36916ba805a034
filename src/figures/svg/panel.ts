/** A panel of a figure: scales, a quiet grid, ticks, and what the axes are. */
import { type ScaleContinuousNumeric, scaleLinear, scaleLog } from 'd3-scale'
import { el, muted, rule, text } from './svg.ts'

export type Box = { x: number; y: number; width: number; height: number }

export type Panel = {
  sx: (value: number) => number
  sy: (value: number) => number
  /** Grid and ticks, to be drawn first. */
  back: string
  /** The line at zero, to be drawn last. */
  front: string
}

export type PanelOptions = {
  x: [number, number]
  y: [number, number]
  /** Powers of ten. */
  log?: boolean
  /** What stands below: iterations, which are whole, or any values, or powers of ten. */
  xScale?: 'iterations' | 'linear' | 'log'
  xLabel?: string
  yLabel: string
  yFormat?: (value: number) => string
}

/** Typographic minus; as many digits as the steps between ticks need, with an exponent where there would be many more. */
export function number(value: number, digits?: number): string {
  const size = Math.abs(value)
  if (size >= 1e7 || (size > 0 && size < 1e-6 && digits === undefined)) return exponential(value)
  const words = digits === undefined ? String(Number(value.toPrecision(6))) : value.toFixed(digits)
  return words.replace('-', '−')
}

/** 1.5e14 */
function exponential(value: number): string {
  const words = Number(value.toPrecision(3)).toExponential()
  return words.replace('e+', 'e').replaceAll('-', '−')
}

export function panel(box: Box, options: PanelOptions): Panel {
  const { x, y, log = false, xScale = 'iterations', xLabel, yLabel, yFormat } = options
  const { x: left, y: top, width, height } = box
  const sx: ScaleContinuousNumeric<number, number> = (xScale === 'log' ? scaleLog() : scaleLinear())
    .domain(x)
    .range([left, left + width])
  const sy: ScaleContinuousNumeric<number, number> = log
    ? scaleLog()
        .domain(y)
        .range([top + height, top])
    : scaleLinear()
        .domain(y)
        .range([top + height, top])
  const count = Math.max(3, Math.round(height / 55))
  const yTicks = log ? decades(y) : sy.ticks(count)
  const largest = Math.max(Math.abs(y[0]), Math.abs(y[1]))
  // What stands at the left of the panel has room for six digits or so.
  const plain = largest < 1e5 && largest >= 1e-3
  const short = (value: number) =>
    plain || value === 0 ? (sy.tickFormat(count) as (v: number) => string)(value) : exponential(value)
  const format = yFormat ?? (log ? power : short)
  const xTicks = {
    iterations: () => sx.ticks(Math.round(width / 110)).filter(Number.isInteger),
    linear: () => sx.ticks(Math.round(width / 110)),
    log: () => decades(x),
  }[xScale]()
  const xFormat = xScale === 'log' ? power : number
  return {
    sx,
    sy,
    back: [
      ...yTicks.map(tick =>
        el('line', { x1: left, x2: left + width, y1: sy(tick), y2: sy(tick), stroke: rule }),
      ),
      ...yTicks.map(tick =>
        text(left - 8, sy(tick) + 4, format(tick).replace('-', '−'), {
          size: 12,
          anchor: 'end',
          fill: muted,
        }),
      ),
      ...xTicks.map(tick =>
        el('line', { x1: sx(tick), x2: sx(tick), y1: top + height, y2: top + height + 5, stroke: muted }),
      ),
      ...(xLabel === undefined
        ? []
        : [
            ...xTicks.map(tick =>
              text(sx(tick), top + height + 20, xFormat(tick), { size: 12, anchor: 'middle', fill: muted }),
            ),
            text(left + width, top + height + 38, xLabel, { size: 12, anchor: 'end', fill: muted }),
          ]),
      el('line', { x1: left, x2: left + width, y1: top + height, y2: top + height, stroke: muted }),
      text(left, top - 9, yLabel, { size: 12, fill: muted }),
    ].join(''),
    front:
      !log && y[0] < 0 && y[1] >= 0
        ? el('line', { x1: left, x2: left + width, y1: sy(0), y2: sy(0), stroke: muted })
        : '',
  }
}

function decades([low, high]: [number, number]): number[] {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)]
  const step = Math.max(1, Math.ceil((last - first) / 6))
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 10 ** (first + i * step))
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'
const power = (value: number) =>
  `10${String(Math.round(Math.log10(value)))
    .replace('-', '⁻')
    .replaceAll(/\d/g, digit => superscripts[Number(digit)])}`

/** The domain of values with a little room; with 0 in it where asked for. */
export function extent(values: Iterable<number>, zero = false): [number, number] {
  let [low, high] = zero ? [0, 0] : [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) return [0, 1]
  const room = (high - low || Math.abs(high) || 1) * 0.04
  return [zero && low === 0 ? 0 : low - room, zero && high === 0 ? 0 : high + room]
}

export type Label = { y: number; lines: { words: string; fill: string; weight?: number }[] }

/** Labels at the right of a panel, pushed apart where they would lie on each other, each beside what it names. */
export function sideLabels(x: number, labels: Label[], top: number, bottom: number): string {
  const sorted = [...labels].sort((a, b) => a.y - b.y)
  const room = (label: Label) => label.lines.length * 16 + 6
  const total = sorted.reduce((sum, label) => sum + room(label), 0)
  if (total > bottom - top) return ''
  let floor = top
  const places = sorted.map(label => {
    const y = Math.max(floor, label.y - room(label) / 2)
    floor = y + room(label)
    return y
  })
  for (let i = places.length - 1, ceiling = bottom; i >= 0; i--) {
    places[i] = Math.min(places[i], ceiling - room(sorted[i]))
    ceiling = places[i]
  }
  return sorted
    .flatMap(({ lines }, i) =>
      lines.map(({ words, fill, weight }, line) =>
        text(x, places[i] + 14 + line * 16, words, { size: 12, fill, ...(weight && { weight }) }),
      ),
    )
    .join('')
}
