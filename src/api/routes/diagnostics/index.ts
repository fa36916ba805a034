/** What explains a ledger: which diagnostics an experiment has, and each as a table. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { diagnostics } from '../../../lca/diagnostics/registry.ts'
import { hasDiagnostic, recordedBy } from '../../../spec/recording.ts'
import { tableCompression } from '../../plugins/external/compression.ts'
import { ExperimentParams, notModified, problems, ref } from '../../schemas/common.ts'
import { columnRules, DiagnosticList, diagnosticSchemas } from '../../schemas/diagnostics.ts'
import { TableHeaders, tableResponse } from '../../schemas/tables.ts'
import { findLedger } from '../../tables/ledger.ts'
import { sendTable } from '../../tables/send.ts'
import { csvExampleOf } from './query.ts'
import { diagnosticTable, type Query } from './table.ts'

const recordedWhere = {
  ...{ free: '', reading: '', asked: ' Recorded where allocation.diagnostics asks for it.' },
  training: ' Recorded where training did it.',
}

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/diagnostics',
    {
      schema: {
        operationId: 'listDiagnostics',
        tags: ['diagnostics'],
        summary: 'Which diagnostics there are',
        description:
          'Every diagnostic, what its columns mean, and whether this experiment has it. Each is a table at …/diagnostics/{name}.',
        params: ExperimentParams,
        response: { 200: ref(DiagnosticList), ...problems(400, 404) },
      },
    },
    async request => {
      const { id, recording } = await findLedger(app, request.caller, request.params.id, undefined)
      const recorded = recordedBy(recording)
      return {
        experimentId: id,
        items: diagnostics.map(diagnostic => {
          const { name, description, cost, figures } = diagnostic
          const found = recorded.find(one => one.diagnostic === diagnostic)
          return {
            ...{ name, description, cost, figures },
            recorded: hasDiagnostic(diagnostic, recording),
            every: found?.options.every ?? null,
            examples: found?.options.examples ?? null,
            columns: columnRules(diagnostic),
          }
        }),
      }
    },
  )

  for (const { diagnostic, row, document, query } of diagnosticSchemas) {
    const { name, description, cost } = diagnostic
    app.get(
      `/experiments/:id/diagnostics/${name}`,
      {
        compress: tableCompression,
        config: { table: true },
        schema: {
          operationId: `get${row.$id.replace(/Row$/, '')}`,
          tags: ['diagnostics'],
          summary: `Diagnostics: ${name}`,
          description: `${description}${recordedWhere[cost]} Of an experiment that did not record it there are no rows, and the header ledger-not-recorded says so.`,
          params: ExperimentParams,
          headers: TableHeaders,
          querystring: query,
          response: {
            200: tableResponse('Its rows.', document, csvExampleOf(row)),
            ...notModified,
            ...problems(400, 404, 406),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const asked = request.query as Query
        const { caller, signal } = request
        const { table, recorded } = await diagnosticTable(app, caller, id, diagnostic, asked, signal)
        if (!recorded) reply.header('ledger-not-recorded', name)
        return sendTable(request, reply, table)
      },
    )
  }
}
export default routes
