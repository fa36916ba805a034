/** The figure of a sweep: how much each variant differs from the baseline, layer by layer, and how sure that is. */
import { scaleLinear } from 'd3-scale'
import type { SweepSummaryRow } from '../../../clients/typescript/src/index.ts'
import { colours } from './colours.ts'
import { width } from './curves.ts'
import { extent, number } from './panel.ts'
import { type About, el, fit, muted, page, rule, text, widthOf } from './svg.ts'

/** Differences of LCA with their intervals, on one split; rows of one measure. */
export function sweepFigure(
  about: About,
  split: string,
  rows: SweepSummaryRow[],
  variants: string[],
  baseline: string,
): string {
  const others = variants.filter(label => label !== baseline)
  const palette = colours(others.length)
  const layers = [...new Set(rows.map(({ layer }) => layer))].sort(
    (a, b) => Number(a === null) - Number(b === null),
  )
  const names = layers.map(layer => layer ?? 'whole network')
  const left = Math.min(300, 48 + Math.max(...names.map(name => widthOf(name, 13, 600))))
  const box = { x: left, y: 104, width: width - left - 60 }
  const group = Math.max(34, 14 + others.length * 16)
  const bottom = box.y + layers.length * group
  const ends = rows.flatMap(({ difference, differenceLow, differenceHigh }) =>
    [difference, differenceLow, differenceHigh].filter(value => value !== null),
  )
  const x = extent(ends, true)
  const scale = scaleLinear(x, [box.x, box.x + box.width])
  const marks = layers.flatMap((layer, l) => [
    text(left - 14, box.y + l * group + group / 2 + 4, fit(names[l], left - 30, 13, 600), {
      anchor: 'end',
      weight: 600,
    }),
    el('line', {
      x1: box.x,
      x2: box.x + box.width,
      y1: box.y + (l + 1) * group,
      y2: box.y + (l + 1) * group,
      stroke: rule,
    }),
    ...others.flatMap((label, v) => {
      const row = rows.find(one => one.layer === layer && one.variant === label)
      if (row?.difference == null) return []
      const y = box.y + l * group + group / 2 + (v - (others.length - 1) / 2) * 16
      const { differenceLow: low, differenceHigh: high, difference } = row
      return [
        ...(low === null || high === null
          ? []
          : [
              el('line', {
                x1: scale(low),
                x2: scale(high),
                y1: y,
                y2: y,
                stroke: palette[v],
                'stroke-width': 3,
                'stroke-opacity': 0.45,
                'stroke-linecap': 'round',
              }),
            ]),
        el('circle', { cx: scale(difference), cy: y, r: 5, fill: palette[v] }),
      ]
    }),
  ])
  return page(
    {
      width,
      height: bottom + 60 + 22 * others.length,
      title: `Change of LCA against “${baseline}”, ${split}`,
      ...about,
    },
    text(box.x, 88, '← helps more than the baseline', { size: 12, fill: muted }),
    text(box.x + box.width, 88, 'helps less, or hurts →', { size: 12, fill: muted, anchor: 'end' }),
    ...marks,
    el('line', { x1: scale(0), x2: scale(0), y1: box.y - 6, y2: bottom, stroke: muted }),
    ...scale
      .ticks(7)
      .map(tick => text(scale(tick), bottom + 20, number(tick), { size: 12, fill: muted, anchor: 'middle' })),
    ...others.flatMap((label, v) => [
      el('circle', { cx: box.x + 5, cy: bottom + 44 + v * 22, r: 5, fill: palette[v] }),
      text(box.x + 18, bottom + 48 + v * 22, fit(label, box.width - 20)),
    ]),
  )
}
