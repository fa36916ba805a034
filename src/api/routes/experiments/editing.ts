/** What is changed about experiments that are there: name, tags and notes of one, and one thing done with several. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { editExperiment, mostTags } from '../../../store/edits.ts'
import { bodyReader } from '../../body.ts'
import { experimentNotFound, ProblemError } from '../../problem.ts'
import { tolerantQueue } from '../../queueing.ts'
import { BulkAnswer, BulkRequest, EditHeaders, ExperimentEdit } from '../../schemas/changes.ts'
import { ExperimentParams, problems, ref } from '../../schemas/common.ts'
import { Experiment } from '../../schemas/experiments.ts'
import { actOnAll } from './bulk.ts'
import { sendExperiment } from './look.ts'
import { editsIn } from './query.ts'

const tags = ['experiments']
const readEdit = bodyReader(ExperimentEdit) as (body: unknown) => ExperimentEdit
const readBulk = bodyReader(BulkRequest) as (body: unknown) => BulkRequest

const routes: FastifyPluginAsyncTypebox = async app => {
  app.patch(
    '/experiments/:id',
    {
      // 10,000 characters of notes and 50 tags, as JSON may write them.
      bodyLimit: 2 ** 18,
      schema: {
        ...{ operationId: 'editExperiment', tags, summary: 'Change name, tags and notes' },
        description:
          'Changes what is given and leaves the rest, at any time, also while it runs. The resolved spec keeps the name and the tags that were posted. With If-Match nothing that somebody else has changed meanwhile is overwritten: 412.',
        params: ExperimentParams,
        headers: EditHeaders,
        body: ref(ExperimentEdit),
        response: {
          200: {
            description: 'The experiment as it is now.',
            headers: { etag: { type: 'string', description: 'Names this state of it.' } },
            content: { 'application/json': { schema: ref(Experiment) } },
          },
          ...problems(400, 404, 409, 412, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      // Whether it is the caller's to know of comes before what is wrong with the body.
      await app.watch.find(id, request.caller)
      const edit = readEdit(request.body)
      const known = request.headers['if-match']
      const allowed = known === undefined ? null : editsIn(known)
      const outcome = await editExperiment(app.db, id, edit, edits => allowed?.includes(edits) ?? true)
      if (outcome === 'missing') throw experimentNotFound(id)
      if (outcome === 'stale')
        throw new ProblemError(
          'precondition-failed',
          'name, tags or notes have been changed since the answer that If-Match names: look at it again',
        )
      if (outcome === 'crowded')
        throw new ProblemError('conflict', `it would have more than ${mostTags} tags; null takes one away`)
      if (outcome === 'edited') request.log.info({ experiment: id }, 'experiment edited')
      const found = await app.watch.find(id, request.caller)
      return sendExperiment(reply.header('etag', found.tag), found)
    },
  )

  app.post(
    '/experiments/bulk',
    {
      // A thousand ids are 40 kB.
      bodyLimit: 2 ** 18,
      schema: {
        ...{ operationId: 'actOnExperiments', tags, summary: 'Do one thing with several experiments' },
        description:
          'Cancels, retries, deletes or tags up to 1000 experiments. Each by itself, whole or not at all, and each is answered for: what one is refused does not keep the others. Doing it again does no harm. As with the calls for one, `retry` of one that has succeeded looks for its objects, and `delete` is refused while others that are queued or running start from its weights.',
        body: ref(BulkRequest),
        response: { 200: BulkAnswer, ...problems(400, 413, 415) },
      },
    },
    async request => {
      const bulk = readBulk(request.body)
      const { action, tags: changes } = bulk
      if ((action === 'tag') !== (changes !== undefined))
        throw new ProblemError('invalid-parameters', 'the body: 1 field is wrong', {
          errors: [{ path: '$.tags', message: 'goes with the action tag, which is nothing without it' }],
        })
      const queue = tolerantQueue(app.queue, request.log, { action })
      const items = await actOnAll(app, queue, bulk, request.caller, error =>
        request.log.error({ err: error, action }, 'one of several could not be done'),
      )
      request.log.info({ action, experiments: items.length }, 'acted on experiments')
      return { items }
    },
  )
}
export default routes
