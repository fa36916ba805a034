/** The iterations of several experiments as one table: of many short ones with one statement, of long ones one by one. */
import type { FastifyInstance } from 'fastify'
import type { SplitName } from '../../../spec/schema.ts'
import { countIterations, readShort } from '../../../store/blocks.ts'
import type { Database } from '../../../store/database.ts'
import type { Reader } from '../../../store/experiments.ts'
import { invalidQuery } from '../../problem.ts'
import { SeveralIterationRow } from '../../schemas/tables.ts'
import { ahead } from '../../tables/ahead.ts'
import { findLedgers, headOf, type Ledger, spanOf } from '../../tables/ledger.ts'
import { type Batch, columnsOf, type Table } from '../../tables/table.ts'
import { countParameters, type Options, readRows, readThinned, type Span } from './query.ts'
import { batchOf, type Rows, rowsAt, rowsOf, storedFor } from './rows.ts'
import { everyOf, makeThinner } from './thin.ts'

type Query = {
  id: string[]
  split?: SplitName | undefined
  from: number
  to?: number
  points?: number | undefined
  column?: string[] | undefined
}

/** Bytes of a run that is read together with others, and of all that are read with one statement. */
const shortBytes = 2 ** 18
const pageBytes = 2 ** 21

/** Throws as findLedgers does, and 400 where none of them has an iteration of the span. */
export async function severalTable(
  app: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  caller: Reader,
  query: Query,
  signal: AbortSignal,
): Promise<Table> {
  const { split, ledgers, without } = await findLedgers(app, caller, query.id, query.split)
  const last = Math.max(...ledgers.map(({ iterations }) => iterations))
  if (query.from >= last) throw invalidQuery('from', `must be below ${last}, where the last of them ends`)
  const wrong = ledgers.filter(({ unbalanced }) => unbalanced !== null).map(({ id }) => id)
  const versions = ledgers.map(({ version }) => version)
  return {
    head: {
      split,
      experiments: ledgers.map(ledger => {
        const { split: _, ...own } = headOf(ledger)
        return own
      }),
      without,
    },
    columns: columnsOf(SeveralIterationRow),
    batches: readSeveral(app.ledgerDb, ledgers, query, { signal, columns: query.column }),
    ...(versions.every(version => version !== undefined) && { version: versions.join(' ') }),
    warning: wrong.length === 0 ? undefined : `the books of these do not balance: ${wrong.join(', ')}`,
  }
}

type Run = { ledger: Ledger; span: Span; total: number }

/** Rows of a batch, or more: what is made for each batch takes longer than a short curve. */
const batchRows = 2 ** 12

/** The rows of each of them, one after the other. */
async function* readSeveral(
  db: Pick<Database, 'pool'>,
  ledgers: Ledger[],
  query: Query,
  options: Options,
): AsyncGenerator<Batch, void> {
  const names = ledgers.map(({ id }) => id)
  const [parameters, runs] = await Promise.all([countParameters(db, names), runsOf(db, ledgers, query)])
  let waiting: (Rows & { parameters: number; name: number })[] = []
  let length = 0
  const take = (): Batch => {
    const indices = new Int32Array(length)
    let at = 0
    for (const { iteration, name } of waiting) {
      indices.fill(name, at, at + iteration.length)
      at += iteration.length
    }
    const { values } = batchOf(...waiting)
    const batch = { length, values: { experiment: { indices, names }, ...values } }
    waiting = []
    length = 0
    return batch
  }
  for await (const { ledger, rows } of ahead(rowsOfRuns(db, runs, query, options))) {
    const name = names.indexOf(ledger.id)
    waiting.push({ ...rows, parameters: parameters.get(ledger.id) ?? 0, name })
    length += rows.iteration.length
    if (length >= batchRows) yield take()
  }
  if (length > 0) yield take()
}

/** What is read of each: its part of the span, and how many rows there are in it. */
async function runsOf(db: Pick<Database, 'pool'>, ledgers: Ledger[], query: Query): Promise<Run[]> {
  const runs = ledgers
    .filter(({ iterations }) => iterations > query.from)
    .map((ledger): Run => {
      const span = spanOf(query, ledger)
      return { ledger, span, total: span.to - span.from }
    })
  const going = runs.filter(({ ledger }) => !ledger.complete)
  if (query.points === undefined || going.length === 0) return runs
  const spans = going.map(({ ledger, span }) => ({ id: ledger.id, ...span }))
  const counts = await countIterations(db.pool, ledgers[0].split, spans)
  return runs.map(run => ({ ...run, total: counts.get(run.ledger.id) ?? run.total }))
}

async function* rowsOfRuns(
  db: Pick<Database, 'pool'>,
  runs: Run[],
  { points }: Query,
  options: Options,
): AsyncGenerator<{ ledger: Ledger; rows: Rows }, void> {
  const wanted = storedFor(options.columns)
  const bytesOf = ({ total }: Run) => 8 * total * wanted.length
  const isShort = (run: Run) =>
    bytesOf(run) <= shortBytes && (points === undefined || everyOf(run.total, points) === 1)
  for (let at = 0; at < runs.length; ) {
    const together: Run[] = []
    for (let bytes = 0; at < runs.length && isShort(runs[at]); at++) {
      bytes += bytesOf(runs[at])
      if (bytes > pageBytes) break
      together.push(runs[at])
    }
    if (together.length > 0) {
      options.signal.throwIfAborted()
      const spans = together.map(({ ledger, span }) => ({ id: ledger.id, ...span, only: wanted }))
      const found = await readShort(db.pool, together[0].ledger.split, spans)
      for (const [i, { ledger, total }] of together.entries()) {
        if (points === undefined) {
          for (const block of found[i]) yield { ledger, rows: rowsOf(block) }
          continue
        }
        const thinner = makeThinner(total, points)
        for (const block of found[i]) thinner.add({ ...block, every: 1 })
        yield { ledger, rows: rowsAt(thinner.end(), wanted) }
      }
      continue
    }
    const { ledger, span, total } = runs[at++]
    if (points === undefined)
      for await (const rows of readRows(db, ledger, span, options)) yield { ledger, rows }
    else yield { ledger, rows: await readThinned(db, ledger, span, { points, total }, options) }
  }
}
