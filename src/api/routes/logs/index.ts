/** What workers said of an experiment. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '../../../spec/type.ts'
import { mostLines, readLogLines } from '../../../store/log-lines.ts'
import { decodeCursor, encodeCursor } from '../../http/cursor.ts'
import { ExperimentParams, Page, pageQuery, problems, ref } from '../../schemas/common.ts'
import { LogLine } from '../../schemas/experiments.ts'

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/logs',
    {
      schema: {
        operationId: 'listLogLines',
        tags: ['experiments'],
        summary: 'What workers said of an experiment',
        description: `Oldest first: which worker began what and how long it took, what was tried again and why. The newest ${mostLines} lines are kept, as long as the experiment is.`,
        params: ExperimentParams,
        querystring: Type.Object(pageQuery, { additionalProperties: false }),
        response: { 200: Page(ref(LogLine), 'A page of lines.'), ...problems(400, 404) },
      },
    },
    async request => {
      const { id } = request.params
      const { limit, cursor } = request.query
      const { experiment } = await app.watch.find(id, request.caller)
      const after = decodeCursor(cursor, /^\d{1,18}$/)
      const lines = await readLogLines(app.db, experiment.id, { after, limit: limit + 1 })
      const page = lines.slice(0, limit)
      return {
        items: page.map(({ number: _, ...line }) => line),
        nextCursor: lines.length > limit ? encodeCursor(page[limit - 1].number) : null,
      }
    },
  )
}
export default routes
