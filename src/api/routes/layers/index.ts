/** The ledger per layer: what each did over the whole training. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { tableCompression } from '../../plugins/external/compression.ts'
import { ExperimentParams, notModified, problems } from '../../schemas/common.ts'
import { LayersQuery, LayersTable, TableHeaders, tableResponse } from '../../schemas/tables.ts'
import { sendTable } from '../../tables/send.ts'
import { layersTable } from './table.ts'

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
    async (request, reply) =>
      sendTable(
        request,
        reply,
        await layersTable(app, request.caller, request.params.id, request.query, request.signal),
      ),
  )
}
export default routes
