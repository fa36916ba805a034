/** The figures of a report (figures/report.ts), drawn from the tables where they are made. */
import type { FastifyInstance } from 'fastify'
import type { Experiment } from '../../../../clients/typescript/src/index.ts'
import { NothingToShow } from '../../../figures/nothing.ts'
import type { FigureSource } from '../../../figures/report.ts'
import { diagnosticNamed, diagnostics } from '../../../lca/diagnostics/registry.ts'
import { printableData } from '../../../printable.ts'
import { hasDiagnostic } from '../../../spec/recording.ts'
import type { ResolvedSpec } from '../../../spec/resolved.ts'
import type { Reader } from '../../../store/experiments.ts'
import type { Table } from '../../tables/table.ts'
import { allocationsTable } from '../allocations/table.ts'
import { diagnosticTable, type Query } from '../diagnostics/table.ts'
import type { FoundWhole } from '../experiments/query.ts'
import { iterationsTable } from '../iterations/table.ts'
import { layersTable } from '../layers/table.ts'

type App = Pick<FastifyInstance, 'db' | 'ledgerDb'>

/** SVG by name; in words, why there are none. What they show is bounded, however long the experiment is. */
export async function figuresOf(
  app: App,
  caller: Reader,
  experiment: FoundWhole['experiment'] & { spec: ResolvedSpec },
  signal: AbortSignal,
): Promise<Record<string, string> | string> {
  const { experimentReport } = await import('../../../figures/report.ts')
  const source: FigureSource = {
    iterations: async (id, { split, points } = {}) =>
      collected(await iterationsTable(app, caller, id, { split, points, from: 0 }, signal)),
    layers: async (id, { split } = {}) =>
      collected(await layersTable(app, caller, id, { split, by: 'layer' }, signal)),
    allocations: async (id, { split, from = 0, to, bucket = 1 } = {}) =>
      collected(await allocationsTable(app, caller, id, { split, by: 'layer', from, to, bucket }, signal)),
    diagnostics: async () =>
      diagnostics.map(diagnostic => ({
        name: diagnostic.name,
        recorded: hasDiagnostic(diagnostic, experiment.spec),
      })),
    diagnostic: async (id, name, query = {}) => {
      const { from = 0, ...rest } = query
      const asked = { ...rest, from } as Query
      const { table } = await diagnosticTable(app, caller, id, diagnosticNamed(name)!, asked, signal)
      return collected(table)
    },
  }
  try {
    // What is posted and what the client's types say of it are the same.
    return await experimentReport(source, printableData(experiment) as unknown as Experiment)
  } catch (error) {
    if (error instanceof NothingToShow) return error.message
    throw error
  }
}

/** A table as the client has it: its head, and a column for each name. */
async function collected<T>({ head, columns, batches }: Table): Promise<T> {
  const parts = new Map<string, unknown[][]>(columns.map(({ name }) => [name, []]))
  let length = 0
  for await (const batch of batches) {
    length += batch.length
    for (const { name } of columns) {
      const values = batch.values[name]
      parts
        .get(name)!
        .push(
          'names' in values
            ? Array.from(values.indices, index => values.names[index])
            : Array.from(values, value => (Number.isFinite(value) ? value : Number.NaN)),
        )
    }
  }
  const whole = Object.fromEntries([...parts].map(([name, all]) => [name, all.flat()]))
  return { ...head, length, columns: whole } as T
}
