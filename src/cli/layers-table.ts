/** What the layers did, as a table for a terminal. */
import { percent, signed, table, whole } from './format.ts'

export type Sums = {
  parameters: number
  lca: number
  /** Where a sample of the split was allocated; older servers say nothing of it. */
  standardError?: number | null
  share: number | null
  helpFraction: number | null
}
/** A /layers table, as far as it is shown. */
export type Layers = { total: Sums; items: (Sums & { layer: string; variable?: string })[] }

/** One or more splits beside each other, a row per layer (or variable), and one for all of them. */
export function layersTable(...splits: [name: string, layers: Layers][]): string {
  const hasErrors = splits.map(([, { total }]) => typeof total.standardError === 'number')
  const cells = ({ lca, standardError, share, helpFraction }: Sums, split: number) => [
    signed(lca),
    ...(hasErrors[split] ? [standardError == null ? '' : standardError.toFixed(4)] : []),
    share === null ? '' : percent(share),
    helpFraction === null ? '' : percent(helpFraction),
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
    `LCA ${name}`,
    ...(hasErrors[split] ? ['s.e.'] : []),
    ...['share', 'help'],
  ])
  const header = ['layer', 'parameters', ...titles]
  return table(header, [...rows, all])
}
