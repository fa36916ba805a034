/** Figures of the loss and of the residuals: one point an iteration. Each is a function of tables of the API. */
import { median } from 'd3-array'
import { line } from 'd3-shape'
import { lossPoints } from '../losses.ts'
import { splitColours } from './colours.ts'
import { extent, number, panel, sideLabels } from './panel.ts'
import { type About, el, page } from './svg.ts'

export type Split = 'train' | 'validation'
/** Columns of /iterations. */
export type Iterations = {
  iteration: ArrayLike<number>
  loss: ArrayLike<number>
  lossAfter: ArrayLike<number>
  residual: ArrayLike<number>
}

export const width = 960
export const curve = (points: [number, number][], stroke: string, strokeWidth = 2) =>
  el('path', {
    d: line()(points) ?? '',
    fill: 'none',
    stroke,
    'stroke-width': strokeWidth,
    'stroke-linejoin': 'round',
  })

/** Loss on every split, by iteration. */
export function lossFigure(about: About, splits: Partial<Record<Split, Iterations>>): string {
  const entries = Object.entries(splits) as [Split, Iterations][]
  const points = entries.map(([split, iterations]) => ({ split, rows: lossPoints(iterations) }))
  const all = points.flatMap(({ rows }) => rows)
  const box = { x: 70, y: 96, width: width - 220, height: 300 }
  const { sx, sy, back } = panel(box, {
    x: [0, Math.max(...all.map(([t]) => t))],
    y: extent(
      all.map(([, loss]) => loss),
      true,
    ),
    xLabel: 'iteration',
    yLabel: 'mean cross-entropy over the whole split',
  })
  const curves = points.map(({ split, rows }) =>
    curve(
      rows.map(([t, loss]) => [sx(t), sy(loss)]),
      splitColours[split],
    ),
  )
  const labels = points.map(({ split, rows }) => ({
    y: sy(rows[rows.length - 1][1]),
    lines: [
      { words: `${split} ${number(rows[rows.length - 1][1], 4)}`, fill: splitColours[split], weight: 600 },
    ],
  }))
  return page(
    { width, height: 460, title: 'Loss', ...about },
    back,
    ...curves,
    sideLabels(box.x + box.width + 12, labels, box.y, box.y + box.height),
  )
}

/** How far the books are from balancing, iteration by iteration, against what the spec allows. */
export function residualsFigure(
  about: About,
  splits: Partial<Record<Split, Iterations>>,
  maxError: number,
): string {
  const entries = Object.entries(splits) as [Split, Iterations][]
  const points = entries.map(([split, { iteration, residual }]) => ({
    split,
    rows: Array.from(iteration, (t, i): [number, number] => [t, Math.abs(residual[i])]).filter(
      ([, value]) => value > 0,
    ),
  }))
  const values = [...points.flatMap(({ rows }) => rows.map(([, value]) => value)), maxError]
  const box = { x: 70, y: 96, width: width - 220, height: 300 }
  const { sx, sy, back } = panel(box, {
    x: [0, Math.max(1, ...points.flatMap(({ rows }) => rows.map(([t]) => t + 1)))],
    y: [
      10 ** Math.floor(Math.log10(Math.min(...values))),
      10 ** Math.ceil(Math.log10(Math.max(...values)) + 1e-9),
    ],
    log: true,
    xLabel: 'iteration',
    yLabel: '|change of the loss − sum of all allocations|',
  })
  const dots = points.map(({ split, rows }) =>
    el(
      'g',
      { fill: splitColours[split], 'fill-opacity': 0.75 },
      ...rows.map(([t, value]) => el('circle', { cx: sx(t), cy: sy(value), r: 2 })),
      '',
    ),
  )
  const limit = el('line', {
    x1: box.x,
    x2: box.x + box.width,
    y1: sy(maxError),
    y2: sy(maxError),
    stroke: '#1f2933',
    'stroke-dasharray': '5 4',
  })
  const labels = [
    { y: sy(maxError), lines: [{ words: 'maxError', fill: '#1f2933', weight: 600 }] },
    ...points.map(({ split, rows }) => ({
      y: sy(median(rows, ([, value]) => value) ?? maxError),
      lines: [{ words: split, fill: splitColours[split] as string, weight: 600 }],
    })),
  ]
  return page(
    { width, height: 460, title: 'Residuals: do the books balance?', ...about },
    back,
    ...dots,
    limit,
    sideLabels(box.x + box.width + 12, labels, box.y, box.y + box.height),
  )
}
