/** The ledger itself, a row per span of iterations and layer or variable: summed by Postgres, read in batches. */
import type { Database } from '../../../store/database.ts'
import { type Grouping, helpFractions, type Ledger } from '../shared/ledger.ts'
import { asText, type Cell } from '../shared/table.ts'

/**
 * Stored rows that one query reads, unless a single span has more. So many that a query costs little beside them, so few
 * that most are written before the garbage collector would have to move them: 10,000 take a fifth longer.
 */
const batchSize = 4000

// Gaps are skipped: segments are allocated in any order.
const nextSql = `
  SELECT min(iteration) AS next FROM iterations
   WHERE experiment_id = $1::uuid AND split = $2 AND iteration >= $3::int AND iteration < $4::int`

// $6[variable + 1] is the group of a variable (Postgres counts from 1); $7 are the variables that are in one.
const sumsSql = `
  SELECT iteration / $5::int * $5::int AS span, ($6::int[])[variable + 1] AS "group", count(*)::int AS rows,
         sum(lca), sum(helping), sum(hurting), sum(squared), sum(moved), sum(helped)::float8, sum(hurt)::float8
    FROM allocations
   WHERE experiment_id = $1::uuid AND split = $2 AND iteration >= $3::int AND iteration < $4::int
     AND ($7::int[] IS NULL OR variable = ANY ($7::int[]))
   GROUP BY 1, 2
   ORDER BY 1, 2`

// The same where every row is a group of its own: nothing to sum, and the primary key has the order.
const rowsSql = `
  SELECT iteration AS span, ($6::int[])[variable + 1] AS "group", 1 AS rows,
         lca, helping, hurting, squared, moved, helped::float8, hurt::float8
    FROM allocations
   WHERE experiment_id = $1::uuid AND split = $2 AND iteration >= $3::int AND iteration < $4::int
     AND ($7::int[] IS NULL OR variable = ANY ($7::int[])) AND $5::int = 1
   ORDER BY iteration, variable`

/** All as Postgres writes it. */
type Row = [string, string, string, string, string, string, string, string, string, string]

export type AllocationsRequest = { from: number; to: number; bucket: number; by: 'layer' | 'variable' }

/** The rows of the table in the order of AllocationRow's columns, in batches. */
export async function* readAllocations(
  db: Database,
  { id, split }: Ledger,
  { groups, groupOf }: Grouping,
  { from, to, bucket, by }: AllocationsRequest,
): AsyncGenerator<Cell[][]> {
  const chosen = groupOf.flatMap((group, variable) => (group < 0 ? [] : [variable]))
  if (chosen.length === 0) return
  const filter = chosen.length === groupOf.length ? null : chosen
  const spansPerBatch = Math.max(1, Math.floor(batchSize / (chosen.length * bucket)))
  const text = bucket === 1 && groups.length === chosen.length ? rowsSql : sumsSql

  for (let start = from; start < to; ) {
    const end = Math.min(to, (Math.floor(start / bucket) + spansPerBatch) * bucket)
    const values = [id, split, start, end, bucket, groupOf, filter]
    const { rows } = await db.pool.query<Row>({ text, values, ...asText })
    if (rows.length > 0) {
      yield rows.map(([span, group, count, lca, helping, hurting, squared, moved, helped, hurt]): Cell[] => {
        const { layer, variable, parameters, variables } = groups[Number(group)]
        const iterations = Number(count) / variables
        const fractions = helpFractions(Number(helped), Number(hurt), parameters * iterations)
        return [
          ...[span, iterations, layer, ...(by === 'variable' ? [variable] : []), parameters],
          ...[lca, helping, hurting, squared, moved, helped, hurt],
          ...[fractions.helpFractionOfMoved, fractions.helpFractionOfAll],
        ]
      })
      start = end
    } else {
      const found = await db.pool.query<{ next: number | null }>(nextSql, [id, split, end, to])
      start = found.rows[0].next ?? to
    }
  }
}
