/** All of an experiment to take along, as one file. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '../../../spec/type.ts'
import { closed, ExperimentParams, problems } from '../../schemas/common.ts'
import { entriesOf } from './entries.ts'
import { zipOf } from './zip.ts'

const ArchiveQuery = Type.Object(
  {
    tensors: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether the raw tensors are in it, too.' }),
    ),
  },
  closed,
)

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/archive',
    {
      config: { table: true },
      schema: {
        operationId: 'getArchive',
        tags: ['artifacts'],
        summary: 'Everything of an experiment as one ZIP file',
        description:
          'experiment.json, spec.json, log.ndjson, findings.json; its tables of every split as CSV, by variable and iteration; its diagnostics; figures as SVG; and with `tensors=true` its raw tensors. manifest.json, the last file, has the SHA-256 of every other, and says what is missing: lost objects, what is not allocated yet. It is made while it is sent, of any size: an archive without its end is not whole, and no tool takes it for that.',
        params: ExperimentParams,
        querystring: ArchiveQuery,
        response: {
          200: {
            description: 'The archive.',
            content: { 'application/zip': { schema: Type.Unsafe({ type: 'string', format: 'binary' }) } },
          },
          ...problems(400, 404),
        },
      },
    },
    async (request, reply) => {
      const { tensors = false } = request.query
      const found = await app.watch.find(request.params.id, request.caller)
      const { id } = found.experiment
      reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="${id}.zip"`)
        .header('cache-control', 'no-store')
      if (request.method === 'HEAD') return reply.send('')
      const entries = entriesOf(app, request.caller, found, { tensors }, request.signal)
      return reply.send(
        zipOf(entries, error => request.log.error({ err: error, experiment: id }, 'an archive broke off')),
      )
    },
  )
}
export default routes
