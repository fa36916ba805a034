/** A diagnostic as a table, in whatever format it is wanted. */
import type { FastifyInstance } from 'fastify'
import type { Asked, Diagnostic } from '../../../lca/diagnostics/diagnostic.ts'
import { hasDiagnostic, recordedBy } from '../../../spec/recording.ts'
import type { SplitName } from '../../../spec/schema.ts'
import type { Reader } from '../../../store/experiments.ts'
import { columnRules } from '../../schemas/diagnostics.ts'
import { findLedger, headOf, spanOf } from '../../tables/ledger.ts'
import type { Table } from '../../tables/table.ts'
import { readDiagnostic } from './query.ts'

export type Query = Partial<Asked> & { split?: SplitName; layer?: string[]; from?: number; to?: number }

/** With whether the experiment recorded it: where it did not, there are no rows. Throws as findLedger and spanOf do. */
export async function diagnosticTable(
  app: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  caller: Reader,
  id: string,
  diagnostic: Diagnostic,
  asked: Query,
  signal: AbortSignal,
): Promise<{ table: Table; recorded: boolean }> {
  const ledger = await findLedger(app, caller, id, asked.split)
  const span = spanOf({ from: asked.from ?? 0, to: asked.to }, ledger)
  const found = recordedBy(ledger.recording).find(one => one.diagnostic === diagnostic)
  const recorded = hasDiagnostic(diagnostic, ledger.recording)
  const table: Table = {
    head: { ...headOf(ledger), recorded },
    columns: columnRules(diagnostic).map(({ name, type }) => ({ name, type })),
    batches: recorded
      ? await readDiagnostic(app, ledger, diagnostic, found?.options, { ...asked, ...span }, signal)
      : [],
    version: ledger.version,
    warning: ledger.unbalanced?.message,
  }
  return { table, recorded }
}
