/** The table of units over the whole training, in whatever format it is wanted. */
import type { FastifyInstance } from 'fastify'
import type { SplitName } from '../../../spec/schema.ts'
import type { Reader } from '../../../store/experiments.ts'
import { NeuronRow } from '../../schemas/tables.ts'
import { findLedger, headOf } from '../../tables/ledger.ts'
import { columnsOf, type Table } from '../../tables/table.ts'
import { readNeurons } from './query.ts'

/** Throws as findLedger and readNeurons do. */
export async function neuronsTable(
  app: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  caller: Reader,
  id: string,
  { split, layer }: { split?: SplitName | undefined; layer?: string[] },
  signal: AbortSignal,
): Promise<Table> {
  const ledger = await findLedger(app, caller, id, split)
  return {
    head: headOf(ledger),
    columns: columnsOf(NeuronRow),
    batches: await readNeurons(app.ledgerDb, ledger, layer, signal),
    version: ledger.version,
    warning: ledger.unbalanced?.message,
  }
}
