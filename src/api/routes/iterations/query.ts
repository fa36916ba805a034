/** What every iteration did: page by page, or thinned out for plotting. */
import { type Block, countIterations, readBlockRows, readBlocks } from '../../../store/blocks.ts'
import { begun, extremeLevels, type extremes, isLower, type Piece, readSpans } from '../../../store/coarse.ts'
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
 * hold equally many of the rows between the first (part 0) and the last; where these are many, a part begins at the next
 * multiple of a hundred iterations, or of more, up to an eighth of what a part has: of such spans the lowest and the highest
 * are stored (store/coarse.ts).
 */
export async function* readPoints(
  db: Pick<Database, 'pool'>,
  { id, split, complete }: Pick<Ledger, 'id' | 'split' | 'complete'>,
  span: Span,
  points: number,
  signal: AbortSignal,
  /** So many times the points that are wanted are read whole; of more, the losses first. */
  fewRows = 160,
): AsyncGenerator<Batch, void> {
  const what = { id, kind: 'iterations', split } as const
  const counted = countParameters(db, id)
  counted.catch(() => {})
  const total = complete ? span.to - span.from : await countIterations(db.pool, { id, split }, span)
  const parts = Math.floor((points - 2) / 2)
  const every = total <= points ? 1 : (extremeLevels.findLast(level => 8 * level * parts <= total - 2) ?? 1)
  const kept: Found[] = []
  let part = 0
  // The lowest and the highest of the part so far.
  let lowest: Found | undefined
  let highest: Found | undefined
  const flush = () => {
    if (!lowest || !highest) return
    if (lowest.iteration === highest.iteration) kept.push(lowest)
    else kept.push(...[lowest, highest].sort((a, b) => a.iteration - b.iteration))
    lowest = highest = undefined
  }
  // Of many, first the losses alone, which decide, and then whole rows of those that are kept.
  const only = total <= fewRows * points ? undefined : ['lossBefore']
  const foundIn = (piece: Piece, at: number, extreme: Extreme): Found => {
    if (piece.every > 1) return extremeOf(piece, extreme, at)
    const found = { iteration: piece.from + at, loss: piece.columns.lossBefore[at] }
    return piece.columns.lossAfter ? { ...found, row: () => rowOf(piece, at) } : found
  }
  // Rows so far, and those before the span of `every` iterations that this one is in.
  let n = 0
  let [beforeSpan, inSpan] = [0, Number.NaN]
  for await (const page of ahead(readEnds(db, what, span, every, { signal, only })))
    for (const piece of page) {
      const { columns } = piece
      const [lows, highs] =
        piece.every > 1
          ? [columns['lowest.lossBefore'], columns['highest.lossBefore']]
          : [columns.lossBefore, columns.lossBefore]
      for (let at = 0; at < lows.length; at++) {
        const own = Math.floor((piece.from + at * piece.every) / every)
        if (own !== inSpan) [beforeSpan, inSpan] = [n, own]
        const first = n
        n += piece.every
        // The last of all is in no part.
        if (total <= points || first >= total - 1) {
          flush()
          kept.push(foundIn(piece, at, 'lowest'))
          continue
        }
        const before = Math.max(1, beforeSpan) - 1
        const place = first === 0 ? 0 : Math.min(parts, 1 + Math.floor((before * parts) / (total - 2)))
        if (place !== part) flush()
        part = place
        if (!lowest || isLower(lows[at], lowest.loss)) lowest = foundIn(piece, at, 'lowest')
        if (!highest || isLower(highest.loss, highs[at])) highest = foundIn(piece, at, 'highest')
      }
    }
  flush()
  const missing = kept.filter(({ row }) => !row).map(({ iteration }) => iteration)
  const others = missing.length === 0 ? [] : await readBlockRows(db.pool, what, missing)
  const read = new Map(others.map(block => [block.from, block]))
  const rows = kept.flatMap(({ iteration, row }) => {
    if (row) return [row()]
    // One that went meanwhile, as it is recorded anew, is not there.
    const block = read.get(iteration)
    return block ? [rowOf(block, 0)] : []
  })
  yield batchOf(rows, await counted)
}

type Extreme = (typeof extremes)[number]

/** An iteration that may be kept, and its row where that is read already. */
type Found = { iteration: number; loss: number; row?: () => Row }

/** Blocks where the span begins and ends, for its first and last iteration are in no part; between them, extremes. */
async function* readEnds(
  { pool }: Pick<Database, 'pool'>,
  what: { id: string; kind: 'iterations'; split: string },
  { from, to }: Span,
  every: number,
  options: { signal: AbortSignal; only: string[] | undefined },
): AsyncGenerator<Piece[], void> {
  if (every === 1) return yield* readSpans(pool, what, { from, to }, 1, options)
  const begin = (Math.floor(from / every) + 1) * every
  const end = Math.floor((to - 1) / every) * every
  // Named, for of these the rows that are wanted are read alone.
  const few = { ...options, only: ['lossBefore', 'lossAfter', 'lca', 'residual', 'splits', 'helped', 'hurt'] }
  const parts = [
    readSpans(pool, what, { from, to: begin }, 1, few),
    readSpans(pool, what, { from: begin, to: end }, every, options),
    readSpans(pool, what, { from: end, to }, 1, few),
  ]
  for (const part of parts.map(begun)) yield* part
}

/** The lowest or the highest of a span whose extremes are stored. */
function extremeOf({ columns }: Piece, extreme: Extreme, at: number): Found {
  const iteration = columns[`${extreme}.iteration`][at]
  const row = (): Row => ({
    iteration,
    loss: columns[`${extreme}.lossBefore`][at],
    lossAfter: columns[`${extreme}.lossAfter`][at],
    lca: columns[`${extreme}.lca`][at],
    residual: columns[`${extreme}.residual`][at],
    splits: columns[`${extreme}.splits`][at],
    helped: columns[`${extreme}.helped`][at],
    hurt: columns[`${extreme}.hurt`][at],
  })
  return { iteration, loss: columns[`${extreme}.lossBefore`][at], row }
}

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
