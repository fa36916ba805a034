/** The ledger per iteration: the loss, its change, and how well the books balance. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { tableCompression } from '../../plugins/external/compression.ts'
import { ExperimentParams, exampleId, notModified, problems } from '../../schemas/common.ts'
import {
  IterationsQuery,
  IterationsTable,
  mostTogether,
  SeveralIterationsQuery,
  SeveralIterationsTable,
  TableHeaders,
  tableResponse,
} from '../../schemas/tables.ts'
import { sendTable } from '../../tables/send.ts'
import { severalTable } from './several.ts'
import { iterationsTable } from './table.ts'

const csvExample =
  'iteration,loss,lossAfter,lca,residual,splits,helpFractionOfMoved,helpFractionOfAll\n0,2.41,2.33,-0.08,0.00002,1,0.61,0.53\n'
const severalExample = csvExample.replace('iter', 'experiment,iter').replace('\n0', `\n${exampleId},0`)

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/iterations',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        operationId: 'getIterations',
        tags: ['ledger'],
        summary: 'The ledger per iteration',
        description:
          'For every iteration the loss over the whole split before and after it, the sum of all allocations, the residual, and how many parameters helped. Answers with what there is while the experiment still allocates.',
        params: ExperimentParams,
        headers: TableHeaders,
        querystring: IterationsQuery,
        response: {
          200: tableResponse('A row per iteration.', IterationsTable, csvExample),
          ...notModified,
          ...problems(400, 404, 406),
        },
      },
    },
    async (request, reply) =>
      sendTable(
        request,
        reply,
        await iterationsTable(app, request.caller, request.params.id, request.query, request.signal),
      ),
  )

  app.get(
    '/experiments/iterations',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        operationId: 'getIterationsOfSeveral',
        tags: ['ledger'],
        summary: 'The ledger per iteration of several experiments',
        description: `The same of up to ${mostTogether} experiments in one table, for curves beside each other; \`points\` and \`column\` leave little of it. Those that end earlier have fewer rows, those that do not allocate the split have none. Where there is no experiment of an id, a 404 says of which.`,
        headers: TableHeaders,
        querystring: SeveralIterationsQuery,
        response: {
          200: tableResponse('A row per experiment and iteration.', SeveralIterationsTable, severalExample),
          ...notModified,
          ...problems(400, 404, 406),
        },
      },
    },
    async (request, reply) =>
      sendTable(request, reply, await severalTable(app, request.caller, request.query, request.signal)),
  )
}
export default routes
