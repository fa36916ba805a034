/** The table of layers or variables and iterations, in whatever format it is wanted. */
import type { FastifyInstance } from 'fastify'
import type { SplitName } from '../../../spec/schema.ts'
import { bucketFor } from '../../../statistics/spans.ts'
import type { Reader } from '../../../store/experiments.ts'
import { invalidQuery } from '../../problem.ts'
import { AllocationRow } from '../../schemas/tables.ts'
import { findLedger, groupVariables, headOf, spanOf } from '../../tables/ledger.ts'
import { columnsOf, type Table, wantedBy } from '../../tables/table.ts'
import { readAllocations } from './query.ts'

type Query = {
  split?: SplitName | undefined
  by: 'layer' | 'variable'
  layer?: string[]
  from: number
  to?: number
  bucket: number
  spans?: number | undefined
  column?: string[] | undefined
}

/** Throws as findLedger, spanOf and groupVariables do, and 400 where both bucket and spans are asked for. */
export async function allocationsTable(
  app: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  caller: Reader,
  id: string,
  query: Query,
  signal: AbortSignal,
): Promise<Table> {
  const { by, split, layer, spans, column } = query
  if (spans !== undefined && query.bucket !== 1)
    throw invalidQuery('spans', 'stands in the place of bucket: give one of them')
  const ledger = await findLedger(app, caller, id, split)
  const span = spanOf(query, ledger)
  const bucket = spans === undefined ? query.bucket : bucketFor(span, spans)
  const grouping = await groupVariables(app.db, ledger.id, by, layer)
  return {
    head: { ...headOf(ledger), by, bucket },
    columns: columnsOf(AllocationRow, wantedBy(by)),
    batches: readAllocations(
      app.ledgerDb,
      ledger,
      grouping,
      { ...span, bucket, by, columns: column },
      signal,
    ),
    version: ledger.version,
    warning: ledger.unbalanced?.message,
  }
}
