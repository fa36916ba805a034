/** A sweep's summary as tables for a terminal: a row per layer, a column per variant. */
import type { SweepSummaryRow } from '../../clients/typescript/src/index.ts'
import { pairedInWords } from '../figures/paired.ts'
import type { Summary } from '../figures/report.ts'
import { number } from '../figures/svg/panel.ts'
import { alarm, table } from './format.ts'

const titles: Partial<Record<SweepSummaryRow['measure'], string>> = {
  lca: 'LCA',
  helpFractionOfMoved: 'help fraction of what moved (allocations that are not zero)',
  helpFractionOfAll: 'help fraction of all (parameters × iterations)',
  finalLoss: 'final loss',
  finalAccuracy: 'final accuracy',
}

/** The tables, one for each measure and split that the summary has. */
export function summaryTables({ complete, baseline, confidence, variants, leftOut, items }: Summary): string {
  const without = leftOut.map(({ experiment, variant, seed, reason }) =>
    alarm(`left out: ${variant}, seed ${seed} (${experiment}): ${reason}`),
  )
  if (items.length === 0)
    return [
      leftOut.length === 0
        ? 'no experiment of this sweep has succeeded yet'
        : 'no experiment of this sweep has succeeded with books that balance',
      ...without,
    ].join('\n')
  // Of the whole network only, and many: a table with a row each.
  const isFigure = ({ measure }: SweepSummaryRow) => titles[measure] === undefined
  const kinds = [
    ...new Set(items.filter(row => !isFigure(row)).map(({ measure, split }) => `${measure} ${split}`)),
  ]
  const tables = kinds.map(kind => {
    const rows = items.filter(({ measure, split }) => `${measure} ${split}` === kind)
    const [{ measure, split }] = rows
    const layers = [...new Set(rows.map(({ layer }) => layer))].sort(
      (a, b) => Number(a === null) - Number(b === null),
    )
    const lines = layers.map(layer => [
      layer ?? 'all',
      ...variants.map(({ label }) => cell(rows.find(row => row.layer === layer && row.variant === label))),
    ])
    return `${titles[measure]}, ${split}\n${table(['layer', ...variants.map(({ label }) => label)], lines)}`
  })
  const figures = [...new Set(items.filter(isFigure).map(({ split }) => split))].map(split => {
    const rows = items.filter(row => isFigure(row) && row.split === split)
    const lines = [...new Set(rows.map(({ measure }) => measure))]
      .sort()
      .map(measure => [
        measure,
        ...variants.map(({ label }) =>
          cell(rows.find(row => row.measure === measure && row.variant === label)),
        ),
      ])
    return `figures of diagnostics, ${split}\n${table(['figure', ...variants.map(({ label }) => label)], lines)}`
  })
  const seeds = variants.map(({ label, seeds, experiments }) => `${label}: ${seeds.length} of ${experiments}`)
  const notes = [
    `mean ± sd over seeds [difference from the baseline, ${pairedInWords(items)}]; * its interval ` +
      `of ${100 * confidence} % is on one side of 0 (by chance so is one of ${Math.round(1 / (1 - confidence))} that do not differ). Baseline: ${baseline}.`,
    ...(complete && leftOut.length === 0
      ? []
      : [`${complete ? '' : 'Not all have succeeded. '}n, the seeds in the means: ${seeds.join('; ')}.`]),
    ...without,
  ]
  return `${[...tables, ...figures].join('\n\n')}\n\n${notes.join('\n')}`
}

function cell(row: SweepSummaryRow | undefined): string {
  if (row?.mean == null) return '–'
  const mean = number(row.mean, 4) + (row.sd === null ? '' : ` ± ${number(row.sd, 4)}`)
  return row.difference === null
    ? mean
    : `${mean} [${row.difference < 0 ? '' : '+'}${number(row.difference, 4)}${isApart(row) ? '*' : ''}]`
}

/** Whether the interval of the difference is on one side of zero. */
export const isApart = ({ differenceLow: low, differenceHigh: high }: SweepSummaryRow): boolean =>
  low !== null && high !== null && (low > 0 || high < 0)
