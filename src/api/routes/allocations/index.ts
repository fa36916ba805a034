/** The ledger itself: per layer or variable and iteration. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { tableCompression } from '../../plugins/external/compression.ts'
import { ExperimentParams, notModified, problems } from '../../schemas/common.ts'
import { AllocationsQuery, AllocationsTable, TableHeaders, tableResponse } from '../../schemas/tables.ts'
import { sendTable } from '../../tables/send.ts'
import { allocationsTable } from './table.ts'

const csvExample =
  'iteration,iterations,layer,parameters,lca,standardError,helping,hurting,squared,moved,helped,hurt,helpFractionOfMoved,helpFractionOfAll\n0,1,fc_1,78500,-0.05,,-0.08,0.03,0.0000012,0.021,36000,24000,0.6,0.459\n'

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/allocations',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        operationId: 'getAllocations',
        tags: ['ledger'],
        summary: 'The ledger per layer and iteration',
        description:
          'What every layer (or variable) did in every iteration (or span of iterations). The columns are sums, so they add up over layers, spans and the network. The answer is streamed, however long it is. Answers with what there is while the experiment still allocates.',
        params: ExperimentParams,
        headers: TableHeaders,
        querystring: AllocationsQuery,
        response: {
          200: tableResponse(
            'A row per iteration (or span) and layer (or variable).',
            AllocationsTable,
            csvExample,
          ),
          ...notModified,
          ...problems(400, 404, 406),
        },
      },
    },
    async (request, reply) =>
      sendTable(
        request,
        reply,
        await allocationsTable(app, request.caller, request.params.id, request.query, request.signal),
      ),
  )
}
export default routes
