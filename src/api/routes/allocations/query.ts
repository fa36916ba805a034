/** The ledger itself, a row per span of iterations and layer or variable: summed by Postgres, read in batches. */
import type { Database } from '../../../store/database.ts'
import { type Grouping, type Ledger, ratio } from '../shared/ledger.ts'
import type { Cell } from '../shared/table.ts'

/** Stored rows that one query sums, unless a single span has more. */
const batchSize = 5000

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

type Row = [number, number, number, number, number, number, number, number, number, number]

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

  for (let next: number | null = from; next !== null; ) {
    const found = await db.pool.query<{ next: number | null }>(nextSql, [id, split, next, to])
    const start = found.rows[0].next
    if (start === null) return
    const end = Math.min(to, (Math.floor(start / bucket) + spansPerBatch) * bucket)
    const values = [id, split, start, end, bucket, groupOf, filter]
    const { rows } = await db.pool.query<Row>({ text: sumsSql, values, rowMode: 'array' })
    yield rows.map(([span, group, count, lca, helping, hurting, squared, moved, helped, hurt]) => {
      const { layer, variable, parameters, variables } = groups[group]
      const iterations = count / variables
      return [
        ...[span, iterations, layer],
        ...(by === 'variable' ? [variable] : []),
        ...[parameters, lca, helping, hurting, squared, moved, helped, hurt],
        ratio(helped, parameters * iterations),
      ]
    })
    next = end < to ? end : null
  }
}
