/** What every layer or variable did over all iterations. */
import type { Database } from '../../../store/database.ts'
import type { LayersTable } from '../../schemas/tables.ts'
import { type Grouping, helpFractions, type Ledger, ratio } from '../shared/ledger.ts'

// $3[variable + 1] is the group of a variable: Postgres counts from 1.
const sumsSql = `
  SELECT ($3::int[])[variable + 1] AS "group", count(*)::float8 AS rows,
         sum(lca) AS lca, sum(helping) AS helping, sum(hurting) AS hurting, sum(squared) AS squared,
         sum(helped)::float8 AS helped, sum(hurt)::float8 AS hurt
    FROM allocations
   WHERE experiment_id = $1::uuid AND split = $2
   GROUP BY 1`

type Sums = Record<'rows' | 'lca' | 'helping' | 'hurting' | 'squared' | 'helped' | 'hurt', number>

/** The sums of every group, and of all of them. */
export async function sumLayers(
  db: Database,
  { id, split }: Ledger,
  { groups, groupOf }: Grouping,
  by: 'layer' | 'variable',
): Promise<Pick<LayersTable, 'iterations' | 'total' | 'items'>> {
  const { rows } = await db.pool.query<Sums & { group: number }>(sumsSql, [id, split, groupOf])
  const sumsOf = new Map(rows.map(row => [row.group, row]))
  const network = { rows: 0, lca: 0, helping: 0, hurting: 0, squared: 0, helped: 0, hurt: 0 }
  for (const row of rows)
    for (const name of Object.keys(network) as (keyof Sums)[]) network[name] += row[name]

  // Every iteration has a row for every variable.
  const iterations = groupOf.length > 0 ? network.rows / groupOf.length : 0
  const derive = (parameters: number, sums: Sums) => ({
    parameters,
    lca: sums.lca,
    helping: sums.helping,
    hurting: sums.hurting,
    rms: root(ratio(sums.squared, parameters * iterations)),
    ...helpFractions(sums.helped, sums.hurt, parameters * iterations),
    share: network.lca === 0 ? null : sums.lca / network.lca,
  })
  const nothing: Sums = { rows: 0, lca: 0, helping: 0, hurting: 0, squared: 0, helped: 0, hurt: 0 }
  return {
    iterations,
    total: derive(
      groups.reduce((sum, group) => sum + group.parameters, 0),
      network,
    ),
    items: groups.map(({ layer, variable, parameters }, index) => ({
      layer,
      ...(by === 'variable' && { variable }),
      ...derive(parameters, sumsOf.get(index) ?? nothing),
    })),
  }
}

const root = (x: number | null) => (x === null ? null : Math.sqrt(x))
