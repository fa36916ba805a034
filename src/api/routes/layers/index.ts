/** The ledger per layer: what each did over the whole training. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { tableCompression } from '../../plugins/external/compression.ts'
import { ExperimentParams, notModified, problems } from '../../schemas/common.ts'
import { LayerRow, LayersQuery, LayersTable, TableHeaders, tableResponse } from '../../schemas/tables.ts'
import { findLedger, groupVariables, headOf } from '../../tables/ledger.ts'
import { sendTable } from '../../tables/send.ts'
import { batchOf, columnsOf, wantedBy } from '../../tables/table.ts'
import { sumLayers } from './query.ts'

const csvExample =
  'layer,parameters,lca,standardError,helping,hurting,rms,helpFractionOfMoved,helpFractionOfAll,share\nfc_1,78500,-1.21,,-3.4,2.19,0.00012,0.612,0.507,0.62\n'

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/layers',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        operationId: 'getLayers',
        tags: ['ledger'],
        summary: 'The ledger per layer',
        description:
          'For every layer (or variable) its parameters and what they did to the loss over all allocated iterations, in the order of the network. Answers with what there is while the experiment still allocates.',
        params: ExperimentParams,
        headers: TableHeaders,
        querystring: LayersQuery,
        response: {
          200: tableResponse('A row per layer or variable.', LayersTable, csvExample),
          ...notModified,
          ...problems(400, 404, 406),
        },
      },
    },
    async (request, reply) => {
      const { by, split } = request.query
      const ledger = await findLedger(app, request.caller, request.params.id, split)
      const grouping = await groupVariables(app.db, ledger.id, by)
      const { iterations, total, items } = await sumLayers(app.ledgerDb, ledger, grouping, by, request.signal)
      const columns = columnsOf(LayerRow, wantedBy(by))
      return sendTable(request, reply, {
        head: { ...headOf(ledger), by, iterations, total },
        columns,
        batches: [batchOf(columns, items)],
        version: ledger.version,
        warning: ledger.unbalanced?.message,
      })
    },
  )
}
export default routes
