/** What every iteration did: read in batches along the primary key, or thinned out for plotting. */
import type { Database } from '../../../store/database.ts'
import { helpFractions, type Ledger } from '../shared/ledger.ts'
import { asText, type Cell } from '../shared/table.ts'

/** Rows that one query reads. */
const batchSize = 5000

/** All as Postgres writes it. */
type Row = [string, string, string, string, string, string, string, string]
const columns = 'iteration, loss_before, loss_after, lca, residual, splits, helped, hurt'
const span = 'experiment_id = $1::uuid AND split = $2 AND iteration >= $3::int AND iteration < $4::int'

const batchSql = `SELECT ${columns} FROM iterations WHERE ${span} ORDER BY iteration LIMIT $5::int`

// Parts 1 … $6 hold equally many of the rows between the first (part 0) and the last (part $6 + 1).
const pointsSql = `
  WITH numbered AS (
    SELECT ${columns}, row_number() OVER (ORDER BY iteration) - 1 AS n, count(*) OVER () AS total
      FROM iterations
     WHERE ${span}
  ), parted AS (
    SELECT *, CASE WHEN n = 0 THEN 0 WHEN n = total - 1 THEN $6::int + 1
                   ELSE 1 + (n - 1) * $6::int / (total - 2) END AS part
      FROM numbered
  ), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY part ORDER BY loss_before, iteration) AS from_lowest,
           row_number() OVER (PARTITION BY part ORDER BY loss_before DESC, iteration) AS from_highest
      FROM parted
  )
  SELECT ${columns} FROM ranked
   WHERE total <= $5::int OR from_lowest = 1 OR from_highest = 1
   ORDER BY iteration`

/** All rows of the span, in batches. */
export async function* readIterations(
  db: Database,
  { id, split }: Ledger,
  { from, to }: { from: number; to: number },
): AsyncGenerator<Cell[][]> {
  const parameters = await countParameters(db, id)
  for (let next = from; next < to; ) {
    const values = [id, split, next, to, batchSize]
    const { rows } = await db.pool.query<Row>({ text: batchSql, values, ...asText })
    yield rows.map(row => toCells(row, parameters))
    if (rows.length < batchSize) return
    next = Number(rows[rows.length - 1][0]) + 1
  }
}

/** At most `points` rows of the span: the first, the last, and the lowest and highest loss of each part between. */
export async function* readPoints(
  db: Database,
  { id, split }: Ledger,
  { from, to }: { from: number; to: number },
  points: number,
): AsyncGenerator<Cell[][]> {
  const parameters = await countParameters(db, id)
  const values = [id, split, from, to, points, Math.floor((points - 2) / 2)]
  const { rows } = await db.pool.query<Row>({ text: pointsSql, values, ...asText })
  yield rows.map(row => toCells(row, parameters))
}

async function countParameters(db: Database, id: string): Promise<number> {
  const sql =
    'SELECT coalesce(sum(size), 0)::float8 AS parameters FROM variables WHERE experiment_id = $1::uuid'
  const { rows } = await db.pool.query<{ parameters: number }>(sql, [id])
  return rows[0].parameters
}

function toCells([...row]: Row, parameters: number): Cell[] {
  const [helped, hurt] = row.splice(6)
  const { helpFractionOfMoved, helpFractionOfAll } = helpFractions(Number(helped), Number(hurt), parameters)
  return [...row, helpFractionOfMoved, helpFractionOfAll]
}
