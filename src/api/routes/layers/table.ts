/** The table of layers or variables over the whole training, in whatever format it is wanted. */
import type { FastifyInstance } from 'fastify'
import type { SplitName } from '../../../spec/schema.ts'
import type { Reader } from '../../../store/experiments.ts'
import { LayerRow } from '../../schemas/tables.ts'
import { findLedger, groupVariables, headOf } from '../../tables/ledger.ts'
import { batchOf, columnsOf, type Table, wantedBy } from '../../tables/table.ts'
import { sumLayers } from './query.ts'

/** Throws as findLedger does. */
export async function layersTable(
  app: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  caller: Reader,
  id: string,
  { by, split }: { by: 'layer' | 'variable'; split?: SplitName | undefined },
  signal: AbortSignal,
): Promise<Table> {
  const ledger = await findLedger(app, caller, id, split)
  const grouping = await groupVariables(app.db, ledger.id, by)
  const { iterations, total, items } = await sumLayers(app.ledgerDb, ledger, grouping, by, signal)
  const columns = columnsOf(LayerRow, wantedBy(by))
  return {
    head: { ...headOf(ledger), by, iterations, total },
    columns,
    batches: [batchOf(columns, items)],
    version: ledger.version,
    warning: ledger.unbalanced?.message,
  }
}
