/** What every iteration did: page by page, or thinned out for plotting. */
import { type Block, countIterations, readBlocks } from '../../../store/blocks.ts'
import type { Database } from '../../../store/database.ts'
import { ahead } from '../../tables/ahead.ts'
import { helpFractions, type Ledger } from '../../tables/ledger.ts'
import type { Batch } from '../../tables/table.ts'

type Span = { from: number; to: number }

/** All rows of the span, in batches. */
export async function* readIterations(
  db: Pick<Database, 'pool'>,
  { id, split }: Ledger,
  span: Span,
  signal: AbortSignal,
): AsyncGenerator<Batch, void> {
  const parameters = await countParameters(db, id)
  for await (const page of ahead(readBlocks(db.pool, { id, kind: 'iterations', split }, span, signal)))
    for (const block of page) {
      const rows = Array.from({ length: block.rows }, (_, row) => rowOf(block, row))
      yield batchOf(rows, parameters)
    }
}

/**
 * At most `points` rows of the span: the first, the last, and the lowest and highest loss of each part between. The parts
 * hold equally many of the rows between the first (part 0) and the last.
 */
export async function* readPoints(
  db: Pick<Database, 'pool'>,
  { id, split }: Ledger,
  span: Span,
  points: number,
  signal: AbortSignal,
): AsyncGenerator<Batch, void> {
  const parameters = await countParameters(db, id)
  const total = await countIterations(db.pool, { id, split }, span)
  const parts = Math.floor((points - 2) / 2)
  const kept: Row[] = []
  let part = 0
  let lowest: Row | undefined
  let highest: Row | undefined
  const flush = () => {
    if (lowest && highest && lowest !== highest)
      kept.push(...(lowest.iteration < highest.iteration ? [lowest, highest] : [highest, lowest]))
    else if (lowest) kept.push(lowest)
    lowest = highest = undefined
  }
  let last: Row | undefined
  let n = 0
  const pass = (row: Row, n: number) => {
    const own = n === 0 ? 0 : Math.min(parts, 1 + Math.floor(((n - 1) * parts) / (total - 2)))
    if (own !== part) flush()
    part = own
    if (lowest === undefined || isLower(row.loss, lowest.loss)) lowest = row
    if (highest === undefined || isLower(highest.loss, row.loss)) highest = row
  }
  for await (const page of ahead(readBlocks(db.pool, { id, kind: 'iterations', split }, span, signal)))
    for (const block of page)
      for (let at = 0; at < block.rows; at++) {
        const row = rowOf(block, at)
        if (total <= points) kept.push(row)
        else {
          // The one before: the last of all is in no part.
          if (last) pass(last, n++)
          last = row
        }
      }
  flush()
  if (last) kept.push(last)
  yield batchOf(kept, parameters)
}

/** What is not a number counts as the highest. */
const isLower = (x: number, y: number): boolean => x < y || (Number.isNaN(y) && !Number.isNaN(x))

type Row = { iteration: number; loss: number; lossAfter: number; lca: number; residual: number } & {
  splits: number
  helped: number
  hurt: number
}

const rowOf = ({ from, columns }: Block, row: number): Row => ({
  iteration: from + row,
  loss: columns.lossBefore[row],
  lossAfter: columns.lossAfter[row],
  lca: columns.lca[row],
  residual: columns.residual[row],
  splits: columns.splits[row],
  helped: columns.helped[row],
  hurt: columns.hurt[row],
})

function batchOf(rows: Row[], parameters: number): Batch {
  const floats = (name: keyof Row) => Float64Array.from(rows, row => row[name])
  const fractions = rows.map(({ helped, hurt }) => helpFractions(helped, hurt, parameters))
  return {
    length: rows.length,
    values: {
      iteration: Int32Array.from(rows, ({ iteration }) => iteration),
      ...{ loss: floats('loss'), lossAfter: floats('lossAfter'), lca: floats('lca') },
      residual: floats('residual'),
      splits: Int32Array.from(rows, ({ splits }) => splits),
      helpFractionOfMoved: Float64Array.from(fractions, one => one.helpFractionOfMoved ?? Number.NaN),
      helpFractionOfAll: Float64Array.from(fractions, one => one.helpFractionOfAll ?? Number.NaN),
    },
  }
}

async function countParameters(db: Pick<Database, 'pool'>, id: string): Promise<number> {
  const sql =
    'SELECT coalesce(sum(size), 0)::float8 AS parameters FROM variables WHERE experiment_id = $1::uuid'
  const { rows } = await db.pool.query<{ parameters: number }>(sql, [id])
  return rows[0].parameters
}
