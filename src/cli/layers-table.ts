/** What the layers did, as a table for a terminal. */
import { percent, signed, table, whole } from './format.ts'

export type Sums = { parameters: number; lca: number; share: number | null; helpFraction: number | null }
/** A /layers table, as far as it is shown. */
export type Layers = { total: Sums; items: (Sums & { layer: string; variable?: string })[] }

/** One or more splits beside each other, a row per layer (or variable), and one for all of them. */
export function layersTable(...splits: [name: string, layers: Layers][]): string {
  const cells = ({ lca, share, helpFraction }: Sums) => [
    signed(lca),
    share === null ? '' : percent(share),
    helpFraction === null ? '' : percent(helpFraction),
  ]
  const [[, first]] = splits
  const rows = first.items.map(({ layer, variable, parameters }, i) => [
    variable ?? layer,
    whole(parameters),
    ...splits.flatMap(([, { items }]) => cells(items[i])),
  ])
  const all = ['all', whole(first.total.parameters), ...splits.flatMap(([, { total }]) => cells(total))]
  const header = ['layer', 'parameters', ...splits.flatMap(([name]) => [`LCA ${name}`, 'share', 'help'])]
  return table(header, [...rows, all])
}
