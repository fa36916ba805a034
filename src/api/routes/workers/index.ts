/** Which workers live, on what they compute, and what they do. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { liveWorkers } from '../../../store/workers.ts'
import { List } from '../../schemas/catalogue.ts'
import { problems, ref } from '../../schemas/common.ts'
import { Worker } from '../../schemas/workers.ts'

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/workers',
    {
      schema: {
        operationId: 'listWorkers',
        tags: ['workers'],
        summary: 'Live workers',
        description:
          'The workers that have said within the last half minute that they live, by name: what they compute on and what they do. One that dies is gone from the list after that, and its work is with another.',
        response: { 200: List(ref(Worker), 'Every live worker.'), ...problems(400) },
      },
    },
    async request => ({ items: await liveWorkers(app.db, request.caller) }),
  )
}
export default routes
