/** What every layer or variable did over all iterations. */

import { isSample } from '../../../spec/sample.ts'
import type { Database } from '../../../store/database.ts'
import { readSpread } from '../../../store/sampling.ts'
import { readTotals, sumLedger } from '../../../store/totals.ts'
import type { LayersTable } from '../../schemas/tables.ts'
import { type Grouping, helpFractions, type Ledger, ratio } from '../../tables/ledger.ts'

type Sums = Record<'lca' | 'helping' | 'hurting' | 'squared' | 'helped' | 'hurt', number>
const nothing: Sums = { lca: 0, helping: 0, hurting: 0, squared: 0, helped: 0, hurt: 0 }

/**
 * The sums of every group, and of all of them, over the variables in the order of the network: of the totals that are
 * stored once an experiment has succeeded, of what there is in the ledger before, and of a span of iterations.
 */
export async function sumLayers(
  db: Pick<Database, 'pool'>,
  { id, split, sample, iterations: trained, version }: Ledger,
  { groups, groupOf }: Grouping,
  by: 'layer' | 'variable',
  signal: AbortSignal,
  span = { from: 0, to: trained },
): Promise<Pick<LayersTable, 'iterations' | 'total' | 'items'>> {
  const variables = groupOf.length
  const isWhole = span.from === 0 && span.to === trained
  const stored = isWhole && version && (await readTotals(db.pool, { id, split }, variables))
  const totals = stored || (await sumLedger(db.pool, { id, split }, variables, span, signal)).variables
  const { iterations } = totals
  const spread = isSample(sample)
    ? await readSpread(
        db.pool,
        ...([{ id, split }, sample.of, groupOf, groups.length, span, signal] as const),
      )
    : undefined
  // While segments are being recorded the two readings may be of different ones; and of a segment there are all chunks or
  // none, whatever part of it is asked for.
  const errorOf = (group: number) =>
    spread?.iterations === iterations ? finite(spread.standardErrors[group]) : null
  const sums = groups.map((): Sums => ({ ...nothing }))
  const network: Sums = { ...nothing }
  for (const [variable, group] of groupOf.entries())
    for (const name of Object.keys(nothing) as (keyof Sums)[]) {
      sums[group][name] += totals[name][variable]
      network[name] += totals[name][variable]
    }
  const derive = (parameters: number, sums: Sums, group: number) => ({
    parameters,
    lca: sums.lca,
    standardError: errorOf(group),
    helping: sums.helping,
    hurting: sums.hurting,
    rms: root(ratio(sums.squared, parameters * iterations)),
    ...helpFractions(sums.helped, sums.hurt, parameters * iterations),
    // A layer that did nothing has a share of 0, not of −0.
    share: network.lca === 0 ? null : sums.lca / network.lca + 0,
  })
  return {
    iterations,
    total: derive(
      groups.reduce((sum, group) => sum + group.parameters, 0),
      network,
      groups.length,
    ),
    items: groups.map(({ layer, variable, parameters }, index) => ({
      layer,
      ...(by === 'variable' && { variable }),
      ...derive(parameters, sums[index], index),
    })),
  }
}

const finite = (x: number) => (Number.isFinite(x) ? x : null)
const root = (x: number | null) => (x === null ? null : Math.sqrt(x))
