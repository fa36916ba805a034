/** Figures of diagnostics: α over iterations, tails with their fit, counterfactuals against prediction, peaks. */
import { median } from 'd3-array'
import { inDigits } from '../../lca/words.ts'
import { type Explained, fitOf, survivalOf } from '../explained.ts'
import { colours, helpColour, hurtColour, readable } from './colours.ts'
import { curve, width } from './curves.ts'
import { extent, type Label, number, panel, sideLabels } from './panel.ts'
import { type About, el, fit, ink, muted, page, rule, text } from './svg.ts'

const box = { x: 80, y: 100, width: width - 260, height: 300 }
const right = box.x + box.width + 14
const labelled = (labels: Label[]) => sideLabels(right, labels, box.y, box.y + box.height)
const dashed = { stroke: ink, 'stroke-dasharray': '5 4' }

/** α of every span: where on its line each step ends. Beyond ±3 it is drawn at the edge. */
export function alphaFigure(
  title: string,
  about: About,
  { starts, ends, alpha }: NonNullable<Explained['curvature']>,
): string {
  const edge = 3
  const points = alpha.flatMap((value, i): [number, number][] =>
    value === null ? [] : [[(starts[i] + ends[i]) / 2, Math.max(-edge, Math.min(edge, value))]],
  )
  const values = points.map(([, value]) => value)
  const { sx, sy, back } = panel(box, {
    x: [starts[0], ends[ends.length - 1]],
    y: extent([...values, -1.1, 1.1]),
    xLabel: 'iteration',
    yLabel: 'α = −E/F of the whole network',
  })
  const level = (at: number, words: string): Label => ({
    y: sy(at),
    lines: [{ words, fill: at === 0 ? ink : muted }],
  })
  const over = values.filter(value => value > 0).length / values.length
  const middle = median(values)
  return page(
    { width, height: 470, title, ...about },
    back,
    ...[-1, 0, 1].map(at =>
      el('line', {
        x1: box.x,
        x2: box.x + box.width,
        y1: sy(at),
        y2: sy(at),
        ...dashed,
        'stroke-opacity': at === 0 ? 1 : 0.4,
      }),
    ),
    el(
      'g',
      { 'fill-opacity': 0.75 },
      ...points.map(([t, value]) =>
        el('circle', { cx: sx(t), cy: sy(value), r: 2.4, fill: value > 0 ? hurtColour : helpColour }),
      ),
      '',
    ),
    labelled([
      level(1, '1: as high as it began'),
      level(0, '0: at the minimum'),
      level(-1, '−1: only begun'),
    ]),
    text(right, box.y + box.height + 38, `median ${middle === undefined ? '–' : number(middle, 2)}`, {
      size: 12,
    }),
    text(box.x, box.y + box.height + 38, `${number(100 * over, 0)} % go past the minimum along their line`, {
      ...{ size: 12, fill: muted },
    }),
  )
}

/** The share of allocations at least so large, on logarithmic axes, and the tail that is fitted. */
export function tailsFigure(title: string, about: About, tails: NonNullable<Explained['tails']>): string {
  const points = survivalOf(tails.bins)
  const fitted = fitOf(tails)
  const whole = (value: number, up: boolean) => 10 ** (up ? Math.ceil : Math.floor)(Math.log10(value))
  const lows = points.map(([low]) => low)
  const shares = [...points, ...fitted].map(([, share]) => share)
  const { sx, sy, back } = panel(box, {
    x: [whole(Math.min(...lows), false), whole(2 * Math.max(...lows), true)],
    y: [whole(Math.min(...shares), false), 1],
    ...{ log: true, xScale: 'log', xLabel: 'x: |LCA| of a parameter in an iteration' },
    yLabel: 'share of allocations that are at least x',
  })
  const place = ([x, y]: [number, number]): [number, number] => [sx(x), sy(y)]
  const labels: Label[] = []
  if (fitted.length > 0 && tails.index !== null)
    labels.push({
      y: sy(Math.sqrt(fitted[0][1] * fitted[1][1])),
      lines: [
        { words: `tail index ${number(tails.index, 2)}`, fill: hurtColour, weight: 600 },
        { words: `± ${inDigits(tails.error ?? Number.NaN)} s.e.`, fill: muted },
        { words: 'below 2: no variance', fill: muted },
      ],
    })
  return page(
    { width, height: 470, title, ...about },
    back,
    curve(points.map(place), helpColour),
    ...points.map(([x, y]) => el('circle', { cx: sx(x), cy: sy(y), r: 2.6, fill: helpColour })),
    fitted.length > 0
      ? el('line', {
          ...{ x1: sx(fitted[0][0]), y1: sy(fitted[0][1]), x2: sx(fitted[1][0]), y2: sy(fitted[1][1]) },
          ...{ stroke: hurtColour, 'stroke-width': 2, 'stroke-dasharray': '6 4' },
        })
      : '',
    labelled(labels),
  )
}

const maskColours: Record<string, string> = { helpers: helpColour, hurters: hurtColour, random: '#616e7c' }

/** What a part of a step alone changed the loss by, against what LCA says: on the line where they agree. */
export function counterfactualsFigure(
  title: string,
  about: About,
  masks: NonNullable<Explained['counterfactuals']>,
): string {
  const points = masks.flatMap(({ mask, change, predicted }) =>
    change.flatMap((y, i) => (y === null || predicted[i] === null ? [] : [{ mask, x: predicted[i], y }])),
  )
  const ends = extent(
    points.flatMap(({ x, y }) => [x, y]),
    true,
  )
  const square = { ...box, width: 520, height: 400 }
  const { sx, sy, back, front } = panel(square, {
    ...{ x: ends, y: ends, xScale: 'linear' },
    xLabel: 'what LCA predicts',
    yLabel: 'change of the loss by that part of the step alone',
  })
  const key = masks.map(({ mask, change, predicted }, m) => {
    const known = change.map((value, i) => (value === null || predicted[i] === null ? 0 : value))
    const sums = [known, predicted.map((value, i) => (change[i] === null ? 0 : (value ?? 0)))].map(values =>
      values.reduce((a, b) => a + b, 0),
    )
    const y = square.y + 20 + 40 * m
    return [
      el('circle', { cx: square.x + square.width + 30, cy: y - 4, r: 5, fill: maskColours[mask] }),
      text(square.x + square.width + 44, y, `${mask} alone`, { weight: 600 }),
      text(
        square.x + square.width + 44,
        y + 16,
        `Σ change ${number(sums[0], 3)}, predicted ${number(sums[1], 3)}`,
        {
          ...{ size: 12, fill: muted },
        },
      ),
    ].join('')
  })
  return page(
    { width, height: 570, title, ...about },
    back,
    el('line', { x1: sx(0), x2: sx(0), y1: square.y, y2: square.y + square.height, stroke: rule }),
    el('line', { x1: sx(ends[0]), y1: sy(ends[0]), x2: sx(ends[1]), y2: sy(ends[1]), ...dashed }),
    front,
    ...points.map(({ mask, x, y }) =>
      el('circle', { cx: sx(x), cy: sy(y), r: 3.6, fill: maskColours[mask], 'fill-opacity': 0.7 }),
    ),
    ...key,
  )
}

/** The iterations in which each layer learns most beside its neighbours: marks below each other are shared. */
export function peaksFigure(title: string, about: About, peaks: NonNullable<Explained['peaks']>): string {
  const { names, at, from, to, shared, expected, p } = peaks
  const palette = colours(names.length)
  const step = Math.max(9, Math.min(26, 420 / names.length))
  const left = 190
  const raster = { x: left, y: 100, width: width - left - 40, height: step * names.length }
  const { sx, back } = panel(raster, {
    ...{ x: [from, to], y: [0, 1], yFormat: () => '' },
    ...{ xLabel: 'iteration', yLabel: '' },
  })
  const marks = names.map((name, l) => {
    const y = raster.y + l * step
    return [
      text(left - 10, y + step / 2 + 4, fit(name, left - 30, Math.min(12, step - 1)), {
        ...{ size: Math.min(12, step - 1), anchor: 'end', fill: readable(palette[l]) },
      }),
      el('path', {
        ...{
          d: at[l]
            .map(t => `M${sx(t + 0.5).toFixed(2)} ${(y + 1).toFixed(2)}v${(step - 2).toFixed(2)}`)
            .join(''),
        },
        ...{
          stroke: palette[l],
          'stroke-width': Math.max(1, Math.min(4, (0.6 * raster.width) / (to - from))),
        },
      }),
    ].join('')
  })
  const words = `Pairs of layers peak together ${number(shared)} times; independent layers would ${number(expected, 1)} times: p = ${inDigits(p)}`
  return page(
    { width, height: raster.y + raster.height + 84, title, ...about },
    back,
    ...marks,
    text(left, raster.y + raster.height + 62, words, { size: 12, fill: muted }),
  )
}
