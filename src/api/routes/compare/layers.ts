/** What the layers of experiments did, beside each other, over the iterations that all have. */
import type { FastifyInstance } from 'fastify'
import type { SplitName } from '../../../spec/schema.ts'
import type { Reader } from '../../../store/experiments.ts'
import type { ComparedLayerRow } from '../../schemas/compare.ts'
import type { LayersTable } from '../../schemas/tables.ts'
import { findLedger, groupVariables } from '../../tables/ledger.ts'
import { sumLayers } from '../layers/query.ts'
import type { OnAxis } from './losses.ts'

type Sums = Omit<LayersTable['total'], 'rms' | 'share' | 'helpFractionOfAll'> & {
  helpFractionOfAll: number | null
}
type Own = { iterations: number; layers: Map<string | null, Sums> }

/** Rows by split, layer and experiment; the whole network is the last. A layer that one has not has no row of it. */
export async function compareLayers(
  app: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  reader: Reader,
  members: OnAxis[],
  splits: SplitName[],
  span: { from: number; to: number },
  signal: AbortSignal,
): Promise<ComparedLayerRow[]> {
  const rows: ComparedLayerRow[] = []
  for (const split of splits) {
    const all: (Own | undefined)[] = []
    for (const member of members) {
      if (!member.splits.includes(split)) {
        all.push(undefined)
        continue
      }
      const ledger = await findLedger(app, reader, member.id, split)
      const grouping = await groupVariables(app.db, member.id, 'layer')
      const own = { from: span.from - member.offset, to: span.to - member.offset }
      const { iterations, total, items } = await sumLayers(
        app.ledgerDb,
        ledger,
        grouping,
        'layer',
        signal,
        own,
      )
      const layers = new Map<string | null, Sums>(items.map(item => [item.layer, item]))
      // Before training has laid the network out there is nothing of it.
      if (items.length > 0) layers.set(null, total)
      all.push({ iterations, layers })
    }
    const names = new Set(all.flatMap(own => [...(own?.layers.keys() ?? [])]))
    names.delete(null)
    for (const layer of [...names, null])
      for (const [i, own] of all.entries()) {
        const sums = own?.layers.get(layer)
        if (!own || !sums) continue
        const first = i > 0 && all[0]?.iterations === own.iterations ? all[0].layers.get(layer) : undefined
        const { parameters, lca, standardError, helping, hurting, helpFractionOfMoved, helpFractionOfAll } =
          sums
        rows.push({
          ...{ split, layer, experiment: members[i].id, iterations: own.iterations, parameters },
          ...{ lca, standardError, helping, hurting, helpFractionOfMoved, helpFractionOfAll },
          lcaDifference: difference(lca, first?.lca),
          helpFractionDifference: difference(helpFractionOfMoved, first?.helpFractionOfMoved),
        })
      }
  }
  return rows
}

const difference = (own: number | null, first: number | null | undefined) =>
  own === null || first == null ? null : own - first
