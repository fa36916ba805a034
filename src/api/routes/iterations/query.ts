/** What every iteration did: page by page, or thinned out for plotting. */
import { countIterations, readBlockRows, readBlocks, readShort } from '../../../store/blocks.ts'
import { begun, extremes, type Piece, readSpans } from '../../../store/coarse.ts'
import type { Database } from '../../../store/database.ts'
import { ahead } from '../../tables/ahead.ts'
import type { Ledger } from '../../tables/ledger.ts'
import type { Batch } from '../../tables/table.ts'
import { batchOf, type Place, type Rows, rowsAt, rowsOf, type StoredName, storedFor } from './rows.ts'
import { everyOf, makeThinner } from './thin.ts'

export type Span = { from: number; to: number }
type Pool = Pick<Database, 'pool'>
export type Options = {
  signal: AbortSignal
  /** Columns of the table that are wanted; all if absent. */
  columns?: readonly string[] | undefined
}

/** All rows of the span, in batches. */
export async function* readIterations(
  db: Pool,
  ledger: Pick<Ledger, 'id' | 'split'>,
  span: Span,
  { signal, columns }: Options,
): AsyncGenerator<Batch, void> {
  const parameters = await countParameters(db, [ledger.id])
  for await (const rows of readRows(db, ledger, span, { signal, columns }))
    yield batchOf({ ...rows, parameters: parameters.get(ledger.id) ?? 0 })
}

/** The same, a block at a time. */
export async function* readRows(
  db: Pool,
  { id, split }: Pick<Ledger, 'id' | 'split'>,
  span: Span,
  { signal, columns }: Options,
): AsyncGenerator<Rows, void> {
  const only = columns && storedFor(columns)
  for await (const page of ahead(readBlocks(db.pool, { id, kind: 'iterations', split }, span, signal, only)))
    for (const block of page) yield rowsOf(block)
}

/** At most `points` rows of the span (thin.ts). */
export async function* readPoints(
  db: Pool,
  ledger: Pick<Ledger, 'id' | 'split' | 'complete'>,
  span: Span,
  points: number,
  options: Options,
  fewRows?: number,
): AsyncGenerator<Batch, void> {
  const counted = countParameters(db, [ledger.id])
  counted.catch(() => {})
  const { id, split, complete } = ledger
  const total = complete
    ? span.to - span.from
    : (await countIterations(db.pool, split, [{ id, ...span }])).get(id)!
  const rows = await readThinned(db, ledger, span, { points, total }, options, fewRows)
  yield batchOf({ ...rows, parameters: (await counted).get(id) ?? 0 })
}

/** Bytes that are read with one statement, where it is not known how they lie. */
const shortBytes = 2 ** 20
/** So many times the points that are wanted are read whole; of more, the losses first. */
const usualFewRows = 160

/** At most `points` of the `total` rows of the span. */
export async function readThinned(
  db: Pool,
  { id, split }: Pick<Ledger, 'id' | 'split'>,
  span: Span,
  { points, total }: { points: number; total: number },
  { signal, columns }: Options,
  fewRows = usualFewRows,
): Promise<Rows> {
  const what = { id, kind: 'iterations', split } as const
  const wanted = storedFor(columns)
  const thinner = makeThinner(total, points)
  // Of many, first the losses alone, which decide, and then whole rows of those that are kept.
  const only = total <= fewRows * points ? columns && wanted : ['lossBefore']
  // What is short is waited for once.
  if (only && everyOf(total, points) === 1 && 8 * (span.to - span.from) * only.length <= shortBytes) {
    const [blocks] = await readShort(db.pool, split, [{ id, ...span, only }])
    for (const block of blocks) thinner.add({ ...block, every: 1 })
    return wholeRows(db, what, thinner.end(), wanted)
  }
  for await (const page of ahead(readEnds(db, what, span, everyOf(total, points), { signal, only, wanted })))
    for (const piece of page) thinner.add(piece)
  return wholeRows(db, what, thinner.end(), wanted)
}

/** The rows of what is kept, read where they are not yet. */
async function wholeRows(
  { pool }: Pool,
  what: { id: string; kind: 'iterations'; split: string },
  kept: Place[],
  wanted: StoredName[],
): Promise<Rows> {
  // Places of a piece are all whole, or none.
  const known = new Map<Place['columns'], boolean>()
  for (const { columns, prefix } of kept)
    if (!known.has(columns))
      known.set(
        columns,
        wanted.every(name => prefix + name in columns),
      )
  const missing = kept.filter(({ columns }) => !known.get(columns)).map(({ iteration }) => iteration)
  if (missing.length === 0) return rowsAt(kept, wanted)
  const read = new Map((await readBlockRows(pool, what, missing)).map(({ from, columns }) => [from, columns]))
  const places = kept.flatMap((place): Place[] => {
    if (known.get(place.columns)) return [place]
    // One that went meanwhile, as it is recorded anew, is not there.
    const columns = read.get(place.iteration)
    return columns ? [{ iteration: place.iteration, columns, at: 0, prefix: '' }] : []
  })
  return rowsAt(places, wanted)
}

/** Blocks where the span begins and ends, for its first and last iteration are in no part; between them, extremes. */
async function* readEnds(
  { pool }: Pool,
  what: { id: string; kind: 'iterations'; split: string },
  { from, to }: Span,
  every: number,
  { signal, only, wanted }: { signal: AbortSignal; only: string[] | undefined; wanted: string[] },
): AsyncGenerator<Piece[], void> {
  if (every === 1) return yield* readSpans(pool, what, { from, to }, 1, { signal, only })
  const begin = (Math.floor(from / every) + 1) * every
  const end = Math.floor((to - 1) / every) * every
  const few = { signal, only: wanted }
  const onlyCoarse = extremes.flatMap(extreme => ['iteration', ...wanted].map(name => `${extreme}.${name}`))
  const parts = [
    readSpans(pool, what, { from, to: begin }, 1, few),
    readSpans(pool, what, { from: begin, to: end }, every, { signal, only, onlyCoarse }),
    readSpans(pool, what, { from: end, to }, 1, few),
  ]
  for (const part of parts.map(begun)) yield* part
}

/** The parameters of networks; none where training has not laid them out yet. */
export async function countParameters({ pool }: Pool, ids: string[]): Promise<Map<string, number>> {
  const sql = `SELECT experiment_id AS id, sum(size)::float8 AS parameters FROM variables
                WHERE experiment_id = ANY ($1::uuid[]) GROUP BY experiment_id`
  const { rows } = await pool.query<{ id: string; parameters: number }>(sql, [ids])
  return new Map(rows.map(({ id, parameters }) => [id, parameters]))
}
