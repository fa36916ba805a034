/** The figure of whole layers: what helped, what hurt, and how many parameters did. */
import { scaleLinear } from 'd3-scale'
import { helpColour, hurtColour, splitColours } from './colours.ts'
import { type Split, width } from './curves.ts'
import { extent, number } from './panel.ts'
import { type About, el, fit, muted, page, rule, text, widthOf } from './svg.ts'

/** Rows of /layers. */
export type LayerSums = {
  layer: string
  parameters: number
  lca: number
  helping: number
  hurting: number
  helpFractionOfMoved: number
  helpFractionOfAll: number
}[]

/** Every layer over the whole run: what helped, what hurt, what is left, and the share of parameters that helped. */
export function layersFigure(about: About, splits: Partial<Record<Split, LayerSums>>): string {
  const entries = Object.entries(splits) as [Split, LayerSums][]
  const names = entries[0][1].map(({ layer }) => layer)
  const left = Math.min(300, 40 + Math.max(...names.map(name => widthOf(name, 13, 600))))
  const row = 20
  const group = entries.length * row + 10
  const height = 128 + names.length * group + 50
  // Between the two: the numbers.
  const between = 124
  // At the right: the help fraction of all.
  const ofAll = 58
  const lcaWidth = (width - left - between - ofAll - 24) * 0.56
  const helpWidth = width - left - between - ofAll - 24 - lcaWidth
  const x = extent(
    entries.flatMap(([, rows]) => rows.flatMap(({ helping, hurting }) => [helping, hurting])),
    true,
  )
  const scale = scaleLinear(x, [left, left + lcaWidth])
  const fractions = entries
    .flatMap(([, rows]) => rows.map(({ helpFractionOfMoved }) => helpFractionOfMoved))
    .filter(value => value > 0)
  const most = Math.max(0.02, ...fractions.map(value => Math.abs(value - 0.5))) * 1.15
  const middle = left + lcaWidth + between + helpWidth / 2
  const help = (value: number) => middle + ((value - 0.5) / most) * (helpWidth / 2 - 44)
  const bottom = 118 + names.length * group
  const rows = names.flatMap((name, n) => [
    text(left - 12, 128 + n * group + (entries.length * row) / 2 + 1, fit(name, left - 30, 13, 600), {
      anchor: 'end',
      weight: 600,
    }),
    ...entries.flatMap(([split, sums], s) => {
      const { lca, helping, hurting, helpFractionOfMoved: helped, helpFractionOfAll } = sums[n]
      const y = 122 + n * group + s * row
      return [
        el('rect', {
          x: scale(helping),
          y,
          width: scale(0) - scale(helping),
          height: 12,
          fill: helpColour,
          'fill-opacity': 0.28,
        }),
        el('rect', {
          x: scale(0),
          y,
          width: scale(hurting) - scale(0),
          height: 12,
          fill: hurtColour,
          'fill-opacity': 0.28,
        }),
        el('rect', {
          x: Math.min(scale(0), scale(lca)),
          y: y + 2,
          width: Math.abs(scale(lca) - scale(0)),
          height: 8,
          fill: lca < 0 ? helpColour : hurtColour,
        }),
        text(scale(x[1]) + 6, y + 10, `${split} ${number(lca, 3)}`, { size: 11, fill: muted }),
        ...(helped >= 0
          ? [
              el('line', { x1: middle, x2: help(helped), y1: y + 6, y2: y + 6, stroke: muted }),
              el('circle', { cx: help(helped), cy: y + 6, r: 4.5, fill: splitColours[split] }),
              text(help(helped) + (helped < 0.5 ? -9 : 9), y + 10, `${number(100 * helped, 1)} %`, {
                size: 11,
                fill: muted,
                anchor: helped < 0.5 ? 'end' : 'start',
              }),
            ]
          : [text(middle + 9, y + 10, 'did not move', { size: 11, fill: muted })]),
        text(width - 24, y + 10, `${number(100 * helpFractionOfAll, 1)} %`, {
          size: 11,
          fill: muted,
          anchor: 'end',
        }),
      ]
    }),
  ])
  return page(
    { width, height, title: 'What each layer did', ...about },
    text(left, 96, 'LCA: what helped (left), hurt (right), their balance (solid)', {
      size: 12,
      fill: muted,
    }),
    text(middle, 96, 'helped, of what moved', { size: 12, fill: muted, anchor: 'middle' }),
    text(width - 24, 96, 'of all', { size: 12, fill: muted, anchor: 'end' }),
    ...scale
      .ticks(6)
      .map(tick => el('line', { x1: scale(tick), x2: scale(tick), y1: 108, y2: bottom, stroke: rule })),
    ...rows,
    ...[scale(0), middle].map(at => el('line', { x1: at, x2: at, y1: 108, y2: bottom, stroke: muted })),
    ...scale
      .ticks(6)
      .map(tick => text(scale(tick), bottom + 18, number(tick), { size: 12, fill: muted, anchor: 'middle' })),
    text(middle, bottom + 18, '50 %', { size: 12, fill: muted, anchor: 'middle' }),
  )
}
