/** What can be said of an experiment, as finalize noted it. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Finding } from '../../../lca/findings/finding.ts'
import { experimentNotFound } from '../../problem.ts'
import { ExperimentParams, problems, ref } from '../../schemas/common.ts'
import { FindingList } from '../../schemas/findings.ts'

const findingsSql = `
  SELECT CASE status WHEN 'succeeded' THEN findings END AS findings FROM experiments
   WHERE id = $1::uuid AND ($2::text IS NULL OR tenant = $2)`

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/findings',
    {
      schema: {
        operationId: 'listFindings',
        tags: ['diagnostics'],
        summary: 'What can be said of an experiment',
        description:
          'Statements that its numbers support, each with its figures and their interval, the table it is from, and what one could do about it; what matters most (loss at stake) first. Intervals that look at many layers and spans hold for all of them together. Nothing is said that its interval does not carry: where nothing can be said, there are no items.',
        params: ExperimentParams,
        response: { 200: ref(FindingList), ...problems(400, 404) },
      },
    },
    async request => {
      const { id } = request.params
      const { rows } = await app.db.pool.query<{ findings: Finding[] | null }>(findingsSql, [
        id,
        request.caller.tenant,
      ])
      if (!rows[0]) throw experimentNotFound(id)
      const { findings } = rows[0]
      return { experimentId: id, recorded: findings !== null, items: findings ?? [] }
    },
  )
}
export default routes
