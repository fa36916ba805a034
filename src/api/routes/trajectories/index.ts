/** Trajectories: trainings that happened elsewhere, sent as their weights. */
import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { trajectoryKey, trajectoryPrefix } from '../../../objects/names.ts'
import { Type } from '../../../spec/type.ts'
import { factsOf, listUploads } from '../../../store/datasets.ts'
import {
  addTrajectory,
  deleteTrajectory,
  listTrajectories,
  readTrajectories,
  type Trajectory as Stored,
} from '../../../store/trajectories.ts'
import { unhurried } from '../../form.ts'
import { decodeCursor, encodeCursor } from '../../http/cursor.ts'
import { ProblemError } from '../../problem.ts'
import { Page, problems, ref, uuidPattern } from '../../schemas/common.ts'
import {
  TrajectoriesQuery,
  Trajectory,
  TrajectoryForm,
  TrajectoryParams,
} from '../../schemas/trajectories.ts'
import { datasetQuota, datasetsFull } from '../datasets/quota.ts'
import { newId } from '../experiments/id.ts'
import { describedBy } from './described.ts'
import { receiveTrajectory } from './receive.ts'

const tags = ['trajectories']
const notFound = (id: string) => new ProblemError('not-found', `there is no trajectory ${id}`)
/** Bytes of the JSON, and of a form beside its files. */
const mostText = 2 ** 18
const formBytes = 2 ** 20

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)
const show = ({ id, name, about, rows, bytes, createdAt }: Stored): Trajectory => ({
  ...{ id, name, dataset: about.dataset.name, architecture: about.architecture },
  ...{ optimizer: about.optimizer ?? null, iterations: rows - 1, every: about.every, layout: about.layout },
  parameters: about.variables.reduce((sum, { shape }) => sum + product(shape), 0),
  checks: { losses: about.losses.length, probe: about.probe },
  optimizerState: about.state !== undefined,
  ...{ bytes, createdAt: createdAt.toISOString() },
})

const routes: FastifyPluginAsyncTypebox = async app => {
  await app.register(upload)

  app.get(
    '/trajectories',
    {
      schema: {
        ...{ operationId: 'listTrajectories', tags, summary: 'List trajectories' },
        description: 'Newest first.',
        querystring: TrajectoriesQuery,
        response: { 200: Page(ref(Trajectory), 'A page of trajectories.'), ...problems(400) },
      },
    },
    async request => {
      const { limit, cursor } = request.query
      const before = decodeCursor(cursor, new RegExp(uuidPattern))
      const found = await listTrajectories(app.db, request.caller, { before, limit: limit + 1 })
      const items = found.slice(0, limit).map(show)
      return { items, nextCursor: found.length > limit ? encodeCursor(items[limit - 1].id) : null }
    },
  )

  app.get(
    '/trajectories/:id',
    {
      schema: {
        ...{ operationId: 'getTrajectory', tags, summary: 'Look at a trajectory' },
        description: 'What it is of, and how much there is of it.',
        params: TrajectoryParams,
        response: { 200: ref(Trajectory), ...problems(400, 404) },
      },
    },
    async request => {
      const id = request.params.id.toLowerCase()
      const found = (await readTrajectories(app.db, request.caller, [id])).get(id)
      if (!found) throw notFound(request.params.id)
      return show(found)
    },
  )

  app.delete(
    '/trajectories/:id',
    {
      schema: {
        ...{ operationId: 'deleteTrajectory', tags, summary: 'Delete a trajectory' },
        description:
          'One that no experiment is of that is queued or running. Finished experiments keep what they have, and cannot be tried again.',
        params: TrajectoryParams,
        response: { 204: Type.Null({ description: 'Gone.' }), ...problems(400, 404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const outcome = await deleteTrajectory(app.db, app.objects, request.caller, id)
      if (outcome === 'missing') throw notFound(id)
      if (outcome === 'in use')
        throw new ProblemError(
          'conflict',
          'experiments that are queued or running are of it; wait for them, or cancel them',
        )
      request.log.info({ trajectory: id }, 'trajectory deleted')
      return reply.code(204).send(null)
    },
  )
}
export default routes

/** POST /trajectories: a form, and a body that does not fit in memory. */
const upload: FastifyPluginAsyncTypebox = async app => {
  const { db, objects, config } = app
  const reservationOf = datasetQuota(db, config.maxDatasetsBytes)
  app.removeAllContentTypeParsers()
  await app.register(multipart, {
    limits: {
      fields: 10,
      files: 10_000,
      parts: 10_010,
      fieldSize: mostText,
      fieldNameSize: 100,
      fileSize: Infinity,
    },
  })

  app.post(
    '/trajectories',
    {
      // After the key has been looked at, before the body is.
      preParsing: async request => {
        if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? ''))
          throw new ProblemError('unsupported-media-type', 'send a form: multipart/form-data')
      },
      schema: {
        ...{ operationId: 'uploadTrajectory', tags, summary: 'Upload a trajectory' },
        description:
          'The weights of a training that happened elsewhere (PyTorch, JAX, Keras …), at every iteration or every k-th, for a network that a spec can name. Every tensor is checked by name and shape while it arrives; a 422 names the one that is wrong. It counts towards what your datasets may have together. `training: { trajectory: id }` in a spec then allocates it like any other.',
        consumes: ['multipart/form-data'],
        body: TrajectoryForm,
        response: {
          201: {
            description: 'Stored.',
            headers: { location: { type: 'string', description: 'The path of the trajectory.' } },
            content: { 'application/json': { schema: ref(Trajectory) } },
          },
          ...problems(400, 408, 413, 415, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const { owner } = request.caller
      const id = newId()
      const discard = () =>
        objects.remove(trajectoryPrefix(id)).catch((error: unknown) => {
          request.log.warn({ err: error, id }, 'objects of a refused upload are left to be swept')
        })
      const reservation = reservationOf(owner)
      const received = await unhurried(request.raw, config.minUploadRate, async signal => {
        if (Number(request.headers['content-length']) > config.maxUploadBytes + formBytes)
          throw new ProblemError('body-too-large', `an upload may have ${config.maxUploadBytes} bytes`)
        return receiveTrajectory({
          ...{ parts: request.parts(), limit: config.maxUploadBytes, signal, reserve: reservation.take },
          open: name => objects.write(trajectoryKey(id, name), 'application/octet-stream'),
          describe: async text => {
            const uploads = (await listUploads(db, owner)).map(factsOf)
            return describedBy(text, { ...app.facts, datasets: [...app.facts.datasets, ...uploads] })
          },
        })
      }).catch(async (error: unknown) => {
        await discard()
        reservation.release()
        throw error
      })
      // Where this fails, the row may be there all the same: the objects stay, and are swept if it is not.
      const added = await reservation.settle(() =>
        addTrajectory(db, owner, { id, ...received }, config.maxDatasetsBytes),
      )
      if (added === 'full') {
        await discard()
        throw datasetsFull(config.maxDatasetsBytes)
      }
      request.log.info({ trajectory: id, rows: added.rows }, 'trajectory uploaded')
      return reply.code(201).header('location', `/v1/trajectories/${id}`).send(show(added))
    },
  )
}
