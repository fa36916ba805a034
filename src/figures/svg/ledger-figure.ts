/** The figure that the project is about: which layer lowered the loss, and when. */
import { area } from 'd3-shape'
import { shareOf } from '../numbers.ts'
import { type Band, crossed, stacked } from '../stacks.ts'
import { colours, readable } from './colours.ts'
import { curve, width } from './curves.ts'
import { extent, number, panel, sideLabels } from './panel.ts'
import { type About, el, fit, ink, muted, page, text } from './svg.ts'

/** What each layer did in each span of iterations: rows of `lca` by layer, in the order of the network. */
export type LayerSeries = { layers: string[]; starts: number[]; ends: number[]; lca: number[][] }
/** Who lowered the loss, and when: every layer's LCA per iteration, and what it adds up to. */
export function ledgerFigure(
  title: string,
  about: About,
  { layers, starts, ends, lca }: LayerSeries,
): string {
  const palette = colours(layers.length)
  const right = 180
  const upper = { x: 80, y: 100, width: width - 80 - right, height: 190 }
  const lower = { ...upper, y: 346, height: 250 }
  const x: [number, number] = [starts[0], ends[ends.length - 1]]
  const rates = lca.map(row => row.map((value, i) => value / (ends[i] - starts[i])))
  const { bands: rateBands, extent: rateExtent } = stacked(rates)
  const running = lca.map(row => {
    let sum = 0
    return [0, ...row.map(value => (sum += value))]
  })
  const times = [starts[0], ...ends]
  const corners = crossed(times, running)
  const cumulative = stacked(corners.rows)
  const total = times.map((_, i) => running.reduce((sum, row) => sum + row[i], 0))

  const top = panel(upper, { x, y: extent(rateExtent, true), yLabel: 'LCA per iteration' })
  const bottom = panel(lower, {
    x,
    y: extent(cumulative.extent, true),
    xLabel: 'iteration',
    yLabel: 'cumulative LCA',
  })
  const bars = rateBands.map(({ from, to }, l) =>
    el('path', {
      d: Array.from(from, (low, i) =>
        low === to[i] ? '' : rectangle(top.sx(starts[i]), top.sy(low), top.sx(ends[i]), top.sy(to[i])),
      ).join(''),
      fill: palette[l],
    }),
  )
  const shape = ({ from, to }: Band) =>
    area<number>()
      .x(time => bottom.sx(time))
      .y0((_, i) => bottom.sy(from[i]))
      .y1((_, i) => bottom.sy(to[i]))(corners.times)
  const areas = cumulative.bands.map((band, l) =>
    el('path', { d: shape(band) ?? '', fill: palette[l], 'fill-opacity': 0.88 }),
  )
  const sum = curve(
    total.map((value, i) => [bottom.sx(times[i]), bottom.sy(value)]),
    '#1f2933',
    1.6,
  )
  const end = times.length - 1
  const whole = total[end]
  const labels = layers.map((layer, l) => {
    const { from, to } = cumulative.bands[l]
    return {
      y: bottom.sy((from.at(-1)! + to.at(-1)!) / 2),
      lines: [
        { words: fit(layer, right - 20, 12, 600), fill: readable(palette[l]), weight: 600 },
        { words: `${number(running[l][end], 3)} · ${shareIn(running[l][end] / whole)}`, fill: muted },
      ],
    }
  })
  labels.push({
    y: bottom.sy(whole) + 16,
    lines: [{ words: `all ${number(whole, 3)}`, fill: ink, weight: 600 }],
  })
  const key = sideLabels(upper.x + upper.width + 14, labels, lower.y - 8, lower.y + lower.height + 24)
  const names = { x: upper.x + upper.width + 14, y: upper.y + 30, width: right - 40 }
  const step = key === '' ? legendStep(layers.length, lower.y + lower.height - names.y) : 0
  return page(
    { width, height: Math.max(660, names.y + layers.length * step + 24), title, ...about },
    ...[top.back, ...bars, top.front, bottom.back, ...areas, sum, bottom.front],
    text(lower.x + lower.width + 14, upper.y + 8, '↑ hurts', { size: 12, fill: muted }),
    text(lower.x + lower.width + 72, upper.y + 8, '↓ helps', { size: 12, fill: muted }),
    key === '' ? legend(layers, palette, names, step) : key,
  )
}

const rectangle = (x0: number, y0: number, x1: number, y1: number) =>
  `M${[x0, y0].map(v => v.toFixed(2)).join(' ')}H${x1.toFixed(2)}V${y1.toFixed(2)}H${x0.toFixed(2)}Z`

const shareIn = (fraction: number) => shareOf(fraction, Math.abs(fraction) < 0.0995 ? 1 : 0)

/** A line for each name, as far apart as there is room, and never so near that they could not be read. */
const legendStep = (count: number, room: number) => Math.min(18, Math.max(11, room / count))

function legend(
  names: string[],
  palette: string[],
  { x, y, width }: { x: number; y: number; width: number },
  step: number,
): string {
  const size = Math.min(12, step - 2)
  return names
    .map((name, i) => {
      const place = y + (i + 0.5) * step
      return [
        el('rect', { x, y: place - step / 2, width: 12, height: step - 3, fill: palette[i] }),
        text(x + 18, place + size / 2 - 3, fit(name, width, size), { size }),
      ].join('')
    })
    .join('')
}
