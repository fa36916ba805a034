/** The table of iterations, in whatever format it is wanted. */
import type { FastifyInstance } from 'fastify'
import type { SplitName } from '../../../spec/schema.ts'
import type { Reader } from '../../../store/experiments.ts'
import { IterationRow } from '../../schemas/tables.ts'
import { findLedger, headOf, spanOf } from '../../tables/ledger.ts'
import { columnsOf, type Table } from '../../tables/table.ts'
import { readIterations, readPoints } from './query.ts'

type Query = { split?: SplitName | undefined; from: number; to?: number } & {
  points?: number | undefined
  column?: string[] | undefined
}

/** Throws as findLedger and spanOf do. */
export async function iterationsTable(
  app: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  caller: Reader,
  id: string,
  query: Query,
  signal: AbortSignal,
): Promise<Table> {
  const { split, points, column } = query
  const options = { signal, columns: column }
  const ledger = await findLedger(app, caller, id, split)
  const span = spanOf(query, ledger)
  return {
    head: headOf(ledger),
    columns: columnsOf(IterationRow),
    batches:
      points === undefined
        ? readIterations(app.ledgerDb, ledger, span, options)
        : readPoints(app.ledgerDb, ledger, span, points, options),
    version: ledger.version,
    warning: ledger.unbalanced?.message,
  }
}
