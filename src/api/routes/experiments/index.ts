/** Experiments: post, list, look at, cancel, delete. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { SpecError } from '../../../spec/errors.ts'
import { checkExtension, extended } from '../../../spec/extend.ts'
import { ExperimentSpec } from '../../../spec/schema.ts'
import { segmentCount } from '../../../spec/segments.ts'
import { Type } from '../../../spec/type.ts'
import {
  cancelExperiment,
  createExperiment,
  deleteExperiment,
  type Reader,
  retryExperiment,
} from '../../../store/experiments.ts'
import { extendExperiment } from '../../../store/extension.ts'
import { countUnfinished, fits } from '../../../store/posting.ts'
import { describeSpan } from '../../../telemetry.ts'
import { matchesEtag } from '../../http/etag.ts'
import { sendJson } from '../../http/json.ts'
import { addVary } from '../../http/vary.ts'
import {
  experimentNotFound,
  invalidQuery,
  keyReused,
  ProblemError,
  quotaExceeded,
  startedFrom,
} from '../../problem.ts'
import { tolerantQueue } from '../../queueing.ts'
import { ExtendBody, extendedIterations, PostHeaders } from '../../schemas/changes.ts'
import { ExperimentParams, Page, problems, ref } from '../../schemas/common.ts'
import { Experiment, ExperimentListItem, ListQuery, LookHeaders } from '../../schemas/experiments.ts'
import { Preview } from '../../schemas/preview.ts'
import { newId } from './id.ts'
import { conditionOf, cursorOf, fieldNamed, positionOf, sortOf } from './listing.ts'
import { secondsToWait, sendExperiment, waitForChange } from './look.ts'
import { listExperiments, specOf } from './query.ts'

const tags = ['experiments']
const location = { location: { type: 'string', description: 'The path of the experiment.' } }

const routes: FastifyPluginAsyncTypebox = async app => {
  /** The experiment as it is now. Throws 404 where there is none, or it is not the caller's. */
  const find = (id: string, caller: Reader) => app.watch.find(id, caller)
  const queueOf = ({ log }: Pick<FastifyRequest, 'log'>, experiment: string) =>
    tolerantQueue(app.queue, log, { experiment })
  const quota = { experiments: app.config.maxUnfinished, segments: app.config.maxUnfinishedSegments }
  const full = () => quotaExceeded(quota, 'one')

  app.post(
    '/experiments',
    {
      schema: {
        ...{ operationId: 'createExperiment', tags, summary: 'Post an experiment' },
        description:
          'Checks the spec, fills in the defaults, stores the experiment and queues it. Workers take it from there: it is trained, its loss is allocated, and the ledger can be read while it grows. A 422 names every wrong field at once.',
        headers: PostHeaders,
        body: ref(ExperimentSpec),
        response: {
          202: {
            description: 'Queued; or the experiment that was made with this idempotency key.',
            headers: location,
            content: { 'application/json': { schema: ref(Experiment) } },
          },
          ...problems(400, 409, 413, 415, 422, 429),
        },
      },
    },
    async (request, reply) => {
      const tenant = request.caller.owner
      const resolved = await app.resolveSpec(request, 'experiment')
      const post = ({ made, once }: Exclude<typeof resolved, { posted: unknown }>) =>
        createExperiment(app.db, {
          ...{ id: newId(), spec: made.spec, tenant, quota, once },
        })
      const created = 'posted' in resolved ? resolved.posted : await post(resolved)
      if (created.outcome === 'full') throw full()
      const { outcome, id } = created
      if (outcome === 'conflict') throw keyReused(id)
      describeSpan({ 'ledger.experiment.id': id })
      const found = await find(id, request.caller)
      // Also for a repeated post: whoever posted first may have died before this line. Queueing twice changes nothing.
      if (found.experiment.status === 'queued') await queueOf(request, id).submit(id)
      request.log.info({ experiment: id, outcome }, 'experiment posted')
      return sendExperiment(reply.code(202).header('location', `/v1/experiments/${id}`), found)
    },
  )

  app.post(
    '/experiments/preview',
    {
      config: { scope: 'read' },
      schema: {
        ...{ operationId: 'previewExperiment', tags, summary: 'Preview an experiment' },
        description:
          'What the spec would be with every default filled in, which layers and parameters the network has, and what training, allocation and storage would cost. Nothing is stored or queued.',
        body: ref(ExperimentSpec),
        response: { 200: ref(Preview), ...problems(400, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const resolved = await app.resolveSpec(request, 'preview')
      // A preview has no idempotency key, under which there could be something.
      if ('posted' in resolved) throw new Error('a preview was posted before')
      return sendJson(reply, resolved.made.text)
    },
  )

  app.get(
    '/experiments',
    {
      schema: {
        ...{ operationId: 'listExperiments', tags, summary: 'List experiments' },
        description:
          'Newest first, or by `sort`. Pages stay put while experiments are added: a page starts after the last one.',
        querystring: ListQuery,
        response: { 200: Page(ref(ExperimentListItem), 'A page of experiments.'), ...problems(400) },
      },
    },
    async request => {
      const { limit, status, id: ids, sweep, tag = [], where } = request.query
      const sort = sortOf(request.query.sort)
      const filter = {
        after: positionOf(request.query.cursor, request.query.sort),
        ...{
          status,
          ids,
          sweep,
          sort,
          tags: tagsOf(tag),
          where: where === undefined ? undefined : conditionOf(where),
        },
        fields: (request.query.field ?? []).map(name => fieldNamed(name, 'field')),
        limit: limit + 1,
        tenant: request.caller.tenant,
      }
      // A search may have to read every experiment: it has the connections of tables, which end what takes too long.
      const db = where === undefined && sort === undefined ? app.db : app.ledgerDb
      const found = await listExperiments(db, filter)
      const page = found.slice(0, limit)
      const items = page.map(({ item }) => item)
      const last = page[limit - 1]?.position
      return { items, nextCursor: found.length > limit ? cursorOf(last, request.query.sort) : null }
    },
  )

  app.get(
    '/experiments/:id',
    {
      schema: {
        ...{ operationId: 'getExperiment', tags, summary: 'Look at an experiment' },
        description:
          'Its status and progress, its resolved spec, and its summary when it has succeeded. With `Prefer: wait=30` the answer comes when something changes, after 30 seconds at the latest: something other than what the ETag in If-None-Match names, or than what was there when the request came. A finished experiment is not waited for.',
        params: ExperimentParams,
        headers: LookHeaders,
        response: {
          200: {
            description: 'The experiment.',
            headers: {
              etag: { type: 'string', description: 'Names this state of it.' },
              'preference-applied': { type: 'string', description: 'wait=seconds, where it was waited.' },
            },
            content: { 'application/json': { schema: ref(Experiment) } },
          },
          304: Type.Null({ description: 'It is still as If-None-Match says.' }),
          ...problems(400, 404),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { prefer, 'if-none-match': known } = request.headers
      let found = await app.watch.find(id, request.caller)
      const seconds = secondsToWait(prefer)
      if (seconds > 0) {
        reply.header('preference-applied', `wait=${seconds}`)
        if (known === undefined || matchesEtag(known, found.tag))
          found = await waitForChange(app.watch, found, seconds, request, request.caller)
      }
      reply.headers({ etag: found.tag, 'cache-control': 'private, no-cache' })
      addVary(reply, 'prefer')
      if (matchesEtag(known, found.tag)) return reply.code(304).send(null)
      return sendExperiment(reply, found)
    },
  )

  app.delete(
    '/experiments/:id',
    {
      schema: {
        ...{ operationId: 'deleteExperiment', tags, summary: 'Delete an experiment' },
        description:
          'With its ledger and its artifacts, also while it runs: its worker stops within one gradient pass. Not while others that are queued or running start from its weights (`training.initial`): 409. What has failed, was cancelled or has succeeded does not keep it: it stays as it is, and its `parent` names what is gone; then it can be computed again no more.',
        params: ExperimentParams,
        response: { 204: Type.Null({ description: 'Gone.' }), ...problems(400, 404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await find(id, request.caller)
      const deleted = await deleteExperiment(app.db, queueOf(request, id), app.objects, id)
      if (deleted.outcome === 'in use') throw startedFrom(deleted.users)
      if (deleted.outcome === 'missing') throw experimentNotFound(id)
      request.log.info({ experiment: id }, 'experiment deleted')
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/experiments/:id/cancel',
    {
      schema: {
        ...{ operationId: 'cancelExperiment', tags, summary: 'Cancel an experiment' },
        description:
          'A queued experiment is cancelled at once, a running one within one gradient pass; what is allocated by then stays readable. Cancelling twice is the same as once.',
        params: ExperimentParams,
        response: { 202: ref(Experiment), ...problems(400, 404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await find(id, request.caller)
      const outcome = await cancelExperiment(app.db, queueOf(request, id), id)
      const found = await find(id, request.caller)
      const { status } = found.experiment
      if (outcome === 'finished' && status !== 'cancelled')
        throw new ProblemError('conflict', `the experiment has ${status} already`)
      request.log.info({ experiment: id, outcome }, 'experiment cancelled')
      return sendExperiment(reply.code(202), found)
    },
  )

  app.post(
    '/experiments/:id/retry',
    {
      schema: {
        ...{ operationId: 'retryExperiment', tags, summary: 'Try an experiment again' },
        description:
          'Queues a failed or cancelled experiment again, at the end of the line. What is stored of it stays: only what is missing is redone. One that has succeeded is `allocating` while its objects are looked for: each is read and compared with its SHA-256, and what is lost or damaged is computed again. It then succeeds once more, also where that cannot be done (the dataset, or the experiment it started from, has been deleted): manifest.json has the names under `lost`, and their download is a 410.',
        params: ExperimentParams,
        response: { 202: ref(Experiment), ...problems(400, 404, 409, 413, 415, 429) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const whole = await app.watch.find(id, request.caller)
      const again = { experiments: 1, segments: segmentCount(specOf(whole)) }
      if (!fits(again, await countUnfinished(app.db.pool, whole.tenant), quota)) throw full()
      describeSpan({ 'ledger.experiment.id': id })
      const outcome = await retryExperiment(app.db, queueOf(request, id), id)
      const found = await find(id, request.caller)
      if (outcome === 'running')
        throw new ProblemError(
          'conflict',
          `the experiment is ${found.experiment.status}: only one that has ended can be tried again`,
        )
      request.log.info({ experiment: id }, 'experiment queued again')
      return sendExperiment(reply.code(202), found)
    },
  )

  app.post(
    '/experiments/:id/extend',
    {
      schema: {
        ...{ operationId: 'extendExperiment', tags, summary: 'Train an experiment longer' },
        description:
          'An experiment that has succeeded goes on until it has so many `iterations` in all, in its place, and is then, bit for bit, what one is that was posted with them. Segments that are done stay as they are, only a last one that is shorter than allocation.segmentIterations is done again as part of the whole one. Training is repeated up to there, from the latest of its states that is stored, and must come to the weights that there are. Meanwhile its tables can be read as far as they go and its tensors segment by segment; summary and findings are there when it has succeeded again. Asking for the iterations that it has already, or is on its way to, changes nothing. 409 while it has not succeeded, while others that are queued or running start from it, and in a sweep, whose runs are compared; 422 where a longer one could not have the same beginning, as with a cosine schedule that ends with the training, or its weights are not kept: a branch (training.initial) then does.',
        params: ExperimentParams,
        body: ref(ExtendBody),
        response: { 202: ref(Experiment), ...problems(400, 404, 409, 413, 415, 422, 429) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const before = await app.watch.find(id, request.caller)
      const iterations = iterationsOf(request.body)
      const { status, sweepId, iterations: former } = before.experiment
      const conflict = (message: string) => new ProblemError('conflict', message)
      const isOnItsWay = !['failed', 'cancelled'].includes(status)
      if (iterations === former && isOnItsWay) return sendExperiment(reply.code(202), before)
      if (status !== 'succeeded')
        throw conflict(
          `the experiment is ${status}: only one that has succeeded can be extended${isOnItsWay ? '' : '; retry it first'}`,
        )
      if (sweepId !== null)
        throw conflict(
          `it belongs to the sweep ${sweepId}, whose summary compares runs as they were posted: post a branch from it instead (training.initial)`,
        )
      const spec = specOf(before)
      const errors = checkExtension(spec, iterations)
      if (errors.length > 0) throw new SpecError(errors)
      const longer = await app.resolveAgain(request, extended(spec, iterations))
      describeSpan({ 'ledger.experiment.id': id })
      const done = await extendExperiment(app.db, queueOf(request, id), {
        ...{ id, tenant: before.tenant, spec: longer, former, quota },
      })
      if (done.outcome === 'full') throw full()
      if (done.outcome === 'in use') throw startedFrom(done.users)
      if (done.outcome === 'changed')
        throw conflict('the experiment has changed this moment: look at it again')
      request.log.info({ experiment: id, from: former, to: iterations }, 'experiment extended')
      return sendExperiment(reply.code(202), await find(id, request.caller))
    },
  )
}
export default routes

/** How many iterations a body asks for. Throws SpecError. */
function iterationsOf(body: unknown): number {
  const { minimum, maximum } = extendedIterations
  const { iterations, ...others } = Object(body) as { iterations?: unknown }
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new SpecError([
      { path: `$.${unknown.slice(0, 100)}`, message: 'is not a field here; there is iterations' },
    ])
  if (Number.isInteger(iterations) && Number(iterations) >= minimum && Number(iterations) <= maximum)
    return Number(iterations)
  const message = `must be an integer from ${minimum} to ${maximum}: how many iterations there are to be in all`
  throw new SpecError([{ path: '$.iterations', message }])
}

/** key:value, as far as the first colon. */
function tagsOf(pairs: string[]): Record<string, string> {
  const tags = new Map<string, string>()
  for (const pair of pairs) {
    const colon = pair.indexOf(':')
    const [key, value] = [pair.slice(0, colon), pair.slice(colon + 1)]
    if ((tags.get(key) ?? value) !== value) throw invalidQuery('tag', `${key} cannot have two values at once`)
    tags.set(key, value)
  }
  return Object.fromEntries(tags)
}
