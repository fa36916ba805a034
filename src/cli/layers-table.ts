/** What the layers did, as a table for a terminal. */
import type { LayersTable } from '../api/schemas/tables.ts'
import { unbalancedLines } from './balance.ts'
import { helpHeader, helpNote, percentOr, shareOf, signed, table, whole } from './format.ts'

export type Sums = {
  parameters: number
  lca: number
  /** Where a sample of the split was allocated; older servers say nothing of it. */
  standardError?: number | null
  share: number | null
  helpFractionOfMoved: number | null
  helpFractionOfAll: number | null
}
/** A /layers table, as far as it is shown. */
export type Layers = {
  unbalanced: LayersTable['unbalanced']
  total: Sums
  items: (Sums & { layer: string; variable?: string })[]
}

/** One or more splits beside each other, a row per layer (or variable), and one for all of them. */
function layersTable(...splits: [name: string, layers: Layers][]): string {
  const hasErrors = splits.map(([, { total }]) => typeof total.standardError === 'number')
  const cells = (
    { lca, standardError, share, helpFractionOfMoved, helpFractionOfAll }: Sums,
    split: number,
  ) => [
    signed(lca),
    ...(hasErrors[split] ? [standardError == null ? '' : standardError.toFixed(4)] : []),
    share === null ? '' : shareOf(share),
    percentOr('', helpFractionOfMoved),
    percentOr('', helpFractionOfAll),
  ]
  const [[, first]] = splits
  const rows = first.items.map(({ layer, variable, parameters }, i) => [
    variable ?? layer,
    whole(parameters),
    ...splits.flatMap(([, { items }], split) => cells(items[i], split)),
  ])
  const all = [
    'all',
    whole(first.total.parameters),
    ...splits.flatMap(([, { total }], split) => cells(total, split)),
  ]
  const titles = splits.flatMap(([name], split) => [
    ...[`LCA ${name}`, ...(hasErrors[split] ? ['s.e.'] : []), 'share'],
    ...helpHeader,
  ])
  const header = ['layer', 'parameters', ...titles]
  return table(header, [...rows, all])
}

/**
 * The splits' tables, beside each other or, on a terminal that is too narrow for that, under each other; what their help
 * columns mean, and what is wrong with their books.
 */
export function describeLayers(...splits: [split: string, layers: Layers][]): string {
  const beside = layersTable(...splits)
  const fits = beside.indexOf('\n') <= (process.stdout.columns ?? Number.POSITIVE_INFINITY)
  const tables = fits ? beside : splits.map(split => layersTable(split)).join('\n\n')
  const warnings = splits.flatMap(([split, { unbalanced }]) =>
    unbalanced ? unbalancedLines({ [split]: unbalanced }) : [],
  )
  return [tables, '', helpNote, ...warnings].join('\n')
}
