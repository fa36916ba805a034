/** The ledger per neuron: what every output unit or channel did over the whole training. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { tableCompression } from '../../plugins/external/compression.ts'
import { ExperimentParams, notModified, problems } from '../../schemas/common.ts'
import { NeuronsQuery, NeuronsTable, TableHeaders, tableResponse } from '../../schemas/tables.ts'
import { sendTable } from '../../tables/send.ts'
import { neuronsTable } from './table.ts'

const csvExample = 'layer,unit,parameters,lca,helping,hurting\nfc_1,0,785,-0.0121,-0.034,0.0219\n'

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/neurons',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        operationId: 'getNeurons',
        tags: ['ledger'],
        summary: 'The ledger per neuron',
        description:
          'For every output unit (of a dense layer), channel (of a convolution) or head (of attention) the sums of the allocations of its parameters over all allocated iterations: its column of the kernel, its bias, its scale and shift. Per iteration they are the artifacts neurons/{split}/{from}-{to}.npy, whose columns manifest.json explains.',
        params: ExperimentParams,
        headers: TableHeaders,
        querystring: NeuronsQuery,
        response: {
          200: tableResponse('A row per unit.', NeuronsTable, csvExample),
          ...notModified,
          ...problems(400, 404, 406),
        },
      },
    },
    async (request, reply) =>
      sendTable(
        request,
        reply,
        await neuronsTable(app, request.caller, request.params.id, request.query, request.signal),
      ),
  )
}
export default routes
