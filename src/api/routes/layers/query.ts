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
 * stored once an experiment has succeeded, of what there is in the ledger before.
 */
export async function sumLayers(
  db: Pick<Database, 'pool'>,
  { id, split, sample, iterations: trained, version }: Ledger,
  { groups, groupOf }: Grouping,
  by: 'layer' | 'variable',
  signal: AbortSignal,
): Promise<Pick<LayersTable, 'iterations' | 'total' | 'items'>> {
  const variables = groupOf.length
  const stored = version && (await readTotals(db.pool, { id, split }, variables))
  const totals =
    stored || (await sumLedger(db.pool, { id, split }, variables, { from: 0, to: trained }, signal)).variables
  const { iterations } = totals
  const spread = isSample(sample)
    ? await readSpread(
        db.pool,
        ...([{ id, split }, sample.of, groupOf, groups.length, { from: 0, to: trained }, signal] as const),
      )
    : undefined
  // While segments are being recorded the two readings may be of different ones.
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
    share: network.lca === 0 ? null : sums.lca / network.lca,
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
