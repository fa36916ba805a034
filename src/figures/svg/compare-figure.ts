/** Figures of experiments beside each other: losses with their differences to the first, and LCA by layer. */
import { scaleLinear } from 'd3-scale'
import type { Comparison } from '../../../clients/typescript/src/index.ts'
import { colours, readable } from './colours.ts'
import { curve, width } from './curves.ts'
import { type Box, extent, number, panel, sideLabels } from './panel.ts'
import { type About, el, fit, muted, page, rule, text, widthOf } from './svg.ts'

type Losses = Comparison['losses']
type Layers = Comparison['layers']
type Compared = { id: string; label: string }

/** The losses of one split over the common axis, and below them their differences to the first's. */
export function lossesFigure(about: About, split: string, rows: Losses, compared: Compared[]): string {
  const palette = colours(compared.length)
  const points = (of: (row: Losses[number]) => number | null) =>
    compared.map(({ id }) =>
      rows.flatMap((row): [number, number][] => {
        const value = row.experiment === id ? of(row) : null
        return value === null ? [] : [[row.iteration, value]]
      }),
    )
  const ends = rows.map(({ iteration, iterations }) => iteration + iterations)
  const x: [number, number] = [Math.min(...rows.map(({ iteration }) => iteration)), Math.max(1, ...ends)]
  const part = (box: Box, lines: [number, number][][], yLabel: string, xLabel: string | undefined) => {
    const y = extent(
      lines.flat().map(([, value]) => value),
      true,
    )
    const { sx, sy, back, front } = panel(box, { x, y, yLabel, ...(xLabel && { xLabel }) })
    const drawn = lines.map((line, i) =>
      curve(
        line.map(([t, value]) => [sx(t), sy(value)]),
        palette[i],
      ),
    )
    const labels = lines.flatMap((line, i) => {
      const last = line[line.length - 1]
      if (last === undefined) return []
      const words = `${fit(compared[i].label, 130, 12, 600)} ${number(last[1], 4)}`
      return [{ y: sy(last[1]), lines: [{ words, fill: readable(palette[i]), weight: 600 }] }]
    })
    return [back, front, ...drawn, sideLabels(box.x + box.width + 12, labels, box.y, box.y + box.height)]
  }
  const above: Box = { x: 70, y: 96, width: width - 280, height: 260 }
  const below: Box = { ...above, y: 400, height: 180 }
  const differences = points(({ difference }) => difference)
  return page(
    { width, height: 640, title: `Loss on ${split}, and its difference to the first`, ...about },
    ...part(
      above,
      points(({ loss }) => loss),
      'mean loss over the split',
      undefined,
    ),
    ...part(below, differences, 'difference to the first', 'iteration'),
  )
}

/** LCA of every layer, and at last of the network, a bar an experiment. */
export function comparedLayersFigure(
  about: About,
  split: string,
  rows: Layers,
  compared: Compared[],
): string {
  const palette = colours(compared.length)
  const names = [...new Set(rows.map(({ layer }) => layer))]
  const shown = (layer: string | null) => layer ?? 'all'
  const left = Math.min(300, 40 + Math.max(...names.map(name => widthOf(shown(name), 13, 600))))
  const row = 14
  const group = compared.length * row + 12
  const top = 96 + 18 * compared.length
  const x = extent(
    rows.flatMap(({ lca }) => (lca === null ? [] : [lca])),
    true,
  )
  const scale = scaleLinear(x, [left, width - 110])
  const key = compared.map(({ label }, i) =>
    [
      el('rect', { x: left, y: 86 + 18 * i, width: 11, height: 11, fill: palette[i] }),
      text(left + 18, 96 + 18 * i, fit(label, width - left - 60, 12), { size: 12 }),
    ].join(''),
  )
  const bars = names.flatMap((name, n) => [
    text(left - 12, top + n * group + group / 2, fit(shown(name), left - 30, 13, 600), {
      anchor: 'end',
      weight: 600,
    }),
    ...compared.flatMap(({ id }, i) => {
      const found = rows.find(one => one.experiment === id && one.layer === name)
      if (found?.lca == null) return []
      const y = top + n * group + i * row
      const ends = [scale(0), scale(found.lca)]
      return [
        el('rect', {
          x: Math.min(...ends),
          y,
          width: Math.abs(ends[1] - ends[0]),
          height: row - 3,
          fill: palette[i],
        }),
        text(width - 24, y + row - 4, number(found.lca, 4), { size: 11, anchor: 'end', fill: muted }),
      ]
    }),
  ])
  const bottom = top + names.length * group
  return page(
    { width, height: bottom + 30, title: `LCA by layer on ${split}: negative helped`, ...about },
    el('line', { x1: scale(0), x2: scale(0), y1: top - 6, y2: bottom, stroke: rule }),
    ...key,
    ...bars,
  )
}
