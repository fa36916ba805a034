/** What every iteration did: page by page, or thinned out for plotting. */
import { type Block, countIterations, readBlockRows, readBlocks } from '../../../store/blocks.ts'
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
  /** So many times the points that are wanted are read whole; of more, the losses first. */
  fewRows = 40,
): AsyncGenerator<Batch, void> {
  const what = { id, kind: 'iterations', split }
  const [parameters, total] = await Promise.all([
    countParameters(db, id),
    countIterations(db.pool, { id, split }, span),
  ])
  const parts = Math.floor((points - 2) / 2)
  // Of many, first the losses alone, which decide, and then whole rows of those that are kept.
  const few = total <= fewRows * points
  const blocks: Block[] = []
  const kept: number[] = []
  let part = 0
  // Where the lowest and the highest of the part are so far; -1: it has none yet.
  let [lowest, lowestLoss, highest, highestLoss] = [-1, 0, -1, 0]
  const flush = () => {
    if (lowest >= 0) kept.push(Math.min(lowest, highest))
    if (lowest !== highest) kept.push(Math.max(lowest, highest))
    lowest = highest = -1
  }
  let n = 0
  for await (const page of ahead(readBlocks(db.pool, what, span, signal, few ? undefined : ['lossBefore'])))
    for (const block of page) {
      const { from, rows, columns } = block
      if (few) blocks.push(block)
      for (let at = 0; at < rows; at++, n++) {
        // The last of all is in no part.
        if (total <= points || n >= total - 1) {
          flush()
          kept.push(from + at)
          continue
        }
        const own = n === 0 ? 0 : Math.min(parts, 1 + Math.floor(((n - 1) * parts) / (total - 2)))
        if (own !== part) flush()
        part = own
        const loss = columns.lossBefore[at]
        if (lowest < 0 || isLower(loss, lowestLoss)) [lowest, lowestLoss] = [from + at, loss]
        if (highest < 0 || isLower(highestLoss, loss)) [highest, highestLoss] = [from + at, loss]
      }
    }
  flush()
  const rows = few
    ? pick(blocks, kept)
    : (await readBlockRows(db.pool, what, kept)).map(block => rowOf(block, 0))
  yield batchOf(rows, parameters)
}

/** The rows of these iterations, which ascend as the blocks do. */
function pick(blocks: Block[], iterations: number[]): Row[] {
  let n = 0
  return iterations.map(iteration => {
    while (iteration >= blocks[n].from + blocks[n].rows) n++
    return rowOf(blocks[n], iteration - blocks[n].from)
  })
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
