/** Sweeps: post many experiments at once, look at them, read what they say together. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { SweepSpec } from '../../../spec/sweep-schema.ts'
import { Type } from '../../../spec/type.ts'
import type { Reader } from '../../../store/experiments.ts'
import { cancelSweep, createSweep, deleteSweep, sweepExperiments } from '../../../store/sweeps.ts'
import { describeSpan } from '../../../telemetry.ts'
import { decodeCursor, encodeCursor } from '../../http/cursor.ts'
import { matchesEtag, weakEtag } from '../../http/etag.ts'
import { jsonWith, sendJson } from '../../http/json.ts'
import { tableCompression } from '../../plugins/external/compression.ts'
import { keyReused, ProblemError, quotaExceeded, startedFrom } from '../../problem.ts'
import { tolerantQueue } from '../../queueing.ts'
import { PostHeaders } from '../../schemas/changes.ts'
import { ConditionHeaders, notModified, Page, problems, ref, uuidPattern } from '../../schemas/common.ts'
import {
  PredictorRow,
  PredictorsQuery,
  SummaryQuery,
  Sweep,
  SweepListItem,
  SweepParams,
  SweepPredictors,
  SweepSummary,
  SweepsQuery,
} from '../../schemas/sweeps.ts'
import { TableHeaders, tableResponse } from '../../schemas/tables.ts'
import { sendTable } from '../../tables/send.ts'
import { batchOf, columnsOf } from '../../tables/table.ts'
import { newId } from '../experiments/id.ts'
import { makeMemo } from './memo.ts'
import { predictorsOf, readFinished } from './predictors.ts'
import { type FoundSweep, listSweeps, readSweep, readVariants } from './query.ts'
import { confidence, leftOutInWords, summaryTable } from './summary.ts'

const tags = ['sweeps']
const notFound = (id: string) => new ProblemError('not-found', `there is no sweep ${id}`)
const sendSweep = (reply: FastifyReply, { sweep, requestText }: FoundSweep) =>
  sendJson(reply, jsonWith(sweep, 'request', requestText))
const csvExample =
  'variant,split,layer,measure,n,mean,sd,low,high,difference,differenceLow,differenceHigh\nlast frozen,train,fc_1,lca,3,-1.61,0.012,-1.64,-1.58,-0.42,-0.46,-0.38\n'

const predictorsExample =
  'figure,split,fraction,outcome,n,correlation,low,high,p,adjustedP\ncurvature.alpha,train,0.1,finalLoss,24,0.71,0.4,0.87,0.0001,0.012\n'

/** Rows of summaries that are kept, of 100 bytes each. */
const keptRows = 200_000

const routes: FastifyPluginAsyncTypebox = async app => {
  const show = async (id: string, caller: Reader) => {
    const found = await readSweep(app.db, caller, id)
    if (!found) throw notFound(id)
    return found
  }
  const queueOf = ({ log }: Pick<FastifyRequest, 'log'>, sweep: string) =>
    tolerantQueue(app.queue, log, { sweep })

  const summaries = makeMemo(keptRows, ({ rows }: Awaited<ReturnType<typeof summaryTable>>) => rows)

  const quota = { experiments: app.config.maxUnfinished, segments: app.config.maxUnfinishedSegments }

  app.post(
    '/sweeps',
    {
      schema: {
        ...{ operationId: 'createSweep', tags, summary: 'Post a sweep' },
        description:
          'Expands a base spec and what to vary about it to at most 1,000 experiments, whose resolved specs may have 64 MiB of JSON together. All of them are checked before any is stored, they are stored together or not at all, and a 422 names every wrong field at its place in the sweep. Seeds (training.seed) are what varies inside a variant; a variant is everything else.',
        headers: PostHeaders,
        body: ref(SweepSpec),
        response: {
          202: {
            description: 'Queued; or the sweep that was made with this idempotency key.',
            headers: { location: { type: 'string', description: 'The path of the sweep.' } },
            content: { 'application/json': { schema: ref(Sweep) } },
          },
          ...problems(400, 409, 413, 415, 422, 429),
        },
      },
    },
    async (request, reply) => {
      const tenant = request.caller.owner
      const resolved = await app.resolveSpec(request, 'sweep')
      const post = ({
        made: { sweep, request: text },
        once,
      }: Exclude<typeof resolved, { posted: unknown }>) =>
        createSweep(app.db, {
          ...{ id: newId(), experimentIds: sweep.experiments.map(() => newId()), sweep, request: text },
          ...{ tenant, quota, once },
        })
      const created = 'posted' in resolved ? resolved.posted : await post(resolved)
      if (created.outcome === 'full') throw quotaExceeded(quota, 'some')
      const { outcome, id } = created
      if (outcome === 'conflict') throw keyReused(id)
      describeSpan({ 'ledger.sweep.id': id })
      // As in POST /experiments: also for a repeated post, and what the queue has not got is in Postgres.
      const queued = await sweepExperiments(app.db, id, true)
      await queueOf(request, id).submitAll(queued)
      request.log.info({ sweep: id, experiments: queued.length, outcome }, 'sweep posted')
      const found = await show(id, request.caller)
      return sendSweep(reply.code(202).header('location', `/v1/sweeps/${id}`), found)
    },
  )

  app.get(
    '/sweeps',
    {
      schema: {
        ...{ operationId: 'listSweeps', tags, summary: 'List sweeps' },
        description: 'Newest first. Pages stay put while sweeps are added.',
        querystring: SweepsQuery,
        response: { 200: Page(ref(SweepListItem), 'A page of sweeps.'), ...problems(400) },
      },
    },
    async request => {
      const { limit, cursor } = request.query
      const found = await listSweeps(
        app.db,
        request.caller,
        decodeCursor(cursor, new RegExp(uuidPattern)),
        limit + 1,
      )
      const items = found.slice(0, limit)
      return { items, nextCursor: found.length > limit ? encodeCursor(items[limit - 1].id) : null }
    },
  )

  app.get(
    '/sweeps/:id',
    {
      schema: {
        ...{ operationId: 'getSweep', tags, summary: 'Look at a sweep' },
        description:
          'What was posted, and where each of its experiments is. GET /v1/experiments?sweep= lists them in full.',
        params: SweepParams,
        headers: ConditionHeaders,
        response: { 200: ref(Sweep), ...notModified, ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const found = await show(request.params.id, request.caller)
      // Experiments are renamed whatever their state.
      const etag = weakEtag(
        JSON.stringify([found.state, found.sweep.experiments.map(experiment => experiment.name)]),
      )
      reply.headers({ etag, 'cache-control': 'private, no-cache' })
      if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
      return sendSweep(reply, found)
    },
  )

  app.get(
    '/sweeps/:id/summary',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        ...{ operationId: 'getSweepSummary', tags, summary: 'What a sweep says' },
        description:
          'Per variant, split and layer: mean, sample standard deviation and n over the seeds of LCA and the help fractions, for the whole network of the final loss and accuracy too; intervals of 95 % around means (Student’s t: mean ∓ t·sd/√n, n − 1 degrees of freedom) and around differences from the baseline, seed by seed, as runs of a seed have batches and first weights in common (Student’s paired t: mean ∓ t·sd/√pairs of the differences; where no seed is shared Welch 1947: ∓ t·√(sd₁²/n₁ + sd₂²/n₂), degrees of freedom after Satterthwaite). Over the experiments that have succeeded so far, but for those whose books do not balance: they are named in `leftOut`.',
        params: SweepParams,
        headers: TableHeaders,
        querystring: SummaryQuery,
        response: {
          200: tableResponse('A row per variant, split, layer and measure.', SweepSummary, csvExample),
          ...notModified,
          ...problems(400, 404, 406),
        },
      },
    },
    async (request, reply) => {
      const { split, measure } = request.query
      const sweep = await readVariants(app.db, request.caller, request.params.id)
      if (!sweep) throw notFound(request.params.id)
      const key = [sweep.id, split, measure].join()
      const { table } = await summaries(key, sweep.digest, () =>
        summaryTable(
          app.ledgerDb,
          sweep,
          row =>
            (split === undefined || row.split === split) &&
            (measure === undefined || row.measure === measure),
        ),
      )
      return sendTable(request, reply, table)
    },
  )

  app.get(
    '/sweeps/:id/predictors',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        ...{ operationId: 'getSweepPredictors', tags, summary: 'What foretells where training ends' },
        description:
          'Over the runs of a sweep, of all variants together: Spearman’s correlation of each figure of a diagnostic, taken over the first 10, 25 and 50 % of the iterations, with the final validation loss and accuracy. p is corrected for how many are tried after Holm, intervals are of single correlations. Over the experiments that have succeeded so far, but for those whose books do not balance. Runs that differ by more than their seed may correlate because of what was varied.',
        params: SweepParams,
        headers: TableHeaders,
        querystring: PredictorsQuery,
        response: {
          200: tableResponse(
            'A row per figure, split, fraction and outcome.',
            SweepPredictors,
            predictorsExample,
          ),
          ...notModified,
          ...problems(400, 404, 406),
        },
      },
    },
    async (request, reply) => {
      const { sweep, state } = await show(request.params.id, request.caller)
      const { id, variants, counts, experimentCount } = sweep
      const { finished, leftOut } = await readFinished(app.ledgerDb, id, variants)
      const columns = columnsOf(PredictorRow)
      const head = { sweepId: id, complete: counts.succeeded === experimentCount, confidence }
      return sendTable(request, reply, {
        head: { ...head, runs: finished.length, leftOut },
        columns,
        batches: [batchOf(columns, predictorsOf(finished))],
        version: sweep.finished ? state : undefined,
        warning: leftOutInWords(leftOut),
      })
    },
  )

  app.post(
    '/sweeps/:id/cancel',
    {
      schema: {
        ...{ operationId: 'cancelSweep', tags, summary: 'Cancel a sweep' },
        description:
          'Cancels every experiment of it that has not finished, all at once: what is queued never starts, what runs stops within one gradient pass. Cancelling twice is the same as once.',
        params: SweepParams,
        response: { 202: ref(Sweep), ...problems(400, 404, 413, 415) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      // 404 for what is not the caller's.
      await show(id, request.caller)
      if (!(await cancelSweep(app.db, queueOf(request, id), id))) throw notFound(id)
      request.log.info({ sweep: id }, 'sweep cancelled')
      return sendSweep(reply.code(202), await show(id, request.caller))
    },
  )

  app.delete(
    '/sweeps/:id',
    {
      schema: {
        ...{ operationId: 'deleteSweep', tags, summary: 'Delete a sweep' },
        description:
          'With its experiments, their ledgers and their artifacts, also while they run. All of them stop at once, then they are removed, the sweep last; that goes on when the connection is closed, and DELETE may be sent again until it is a 404. Not while others that are queued or running start from the weights of one (`training.initial`): 409, and nothing is deleted.',
        params: SweepParams,
        response: { 204: Type.Null({ description: 'Gone.' }), ...problems(400, 404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await show(id, request.caller)
      const deleted = await deleteSweep(app.db, queueOf(request, id), app.objects, id)
      if (deleted.outcome === 'in use') throw startedFrom(deleted.users)
      if (deleted.outcome === 'missing') throw notFound(id)
      request.log.info({ sweep: id }, 'sweep deleted')
      return reply.code(204).send(null)
    },
  )
}
export default routes
