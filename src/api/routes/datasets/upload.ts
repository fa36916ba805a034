/** POST /datasets: the only route that takes a form, and a body that does not fit in memory. */
import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { datasetKey, datasetPrefix } from '../../../objects/names.ts'
import { addUpload, digestOf, findUpload } from '../../../store/datasets.ts'
import { unhurried } from '../../form.ts'
import { ProblemError } from '../../problem.ts'
import { Dataset, DatasetForm } from '../../schemas/catalogue.ts'
import { problems, ref } from '../../schemas/common.ts'
import { newId } from '../experiments/id.ts'
import { datasetQuota, datasetsFull } from './quota.ts'
import { receive } from './receive.ts'
import { openScratch } from './scratch.ts'
import { showUpload } from './shown.ts'

/** Bytes of a form beside its files. */
const formBytes = 2 ** 20

const routes: FastifyPluginAsyncTypebox = async app => {
  const { db, objects, config } = app
  const reservationOf = datasetQuota(db, config.maxDatasetsBytes)
  app.removeAllContentTypeParsers()
  await app.register(multipart, {
    limits: {
      fields: 12,
      files: 1000,
      parts: 1012,
      fieldSize: 30_000,
      fieldNameSize: 100,
      fileSize: Infinity,
    },
  })

  app.post(
    '/datasets',
    {
      // After the key has been looked at, before the body is.
      preParsing: async request => {
        if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? ''))
          throw new ProblemError('unsupported-media-type', 'send a form: multipart/form-data')
      },
      schema: {
        ...{ operationId: 'uploadDataset', tags: ['catalogue'], summary: 'Upload a dataset' },
        description:
          'Labelled images as files: images and labels as a pair of IDX or .npy files or as one .npz, or CIFAR’s binary files; each gzipped or not. With values and targets said before them also features, sequences and images of numbers, tokens, and targets that are numbers. They are checked while they arrive; a 422 says which file is wrong, where, and what would be right for its very values, and nothing is kept of it. One with which your datasets would have more bytes than they may is a 413, as soon as that is known. A dataset never changes. Your specs can name it, and nobody else’s.',
        consumes: ['multipart/form-data'],
        body: DatasetForm,
        response: {
          201: {
            description: 'Stored.',
            headers: { location: { type: 'string', description: 'The path of the dataset.' } },
            content: { 'application/json': { schema: ref(Dataset) } },
          },
          ...problems(400, 408, 409, 413, 415, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const { owner } = request.caller
      const id = newId()
      const claim = async (name: string) => {
        const builtIn = app.facts.datasets.some(facts => facts.name.toLowerCase() === name.toLowerCase())
        if (builtIn) throw new ProblemError('conflict', `${name} is the name of a dataset that is built in`)
        if (await findUpload(db, owner, name)) throw taken(name)
      }
      const discard = () =>
        objects.remove(datasetPrefix(id)).catch((error: unknown) => {
          request.log.warn({ err: error, id }, 'objects of a refused upload are left to be swept')
        })
      const reservation = reservationOf(owner)
      const received = await unhurried(request.raw, config.minUploadRate, async signal => {
        if (Number(request.headers['content-length']) > config.maxUploadBytes + formBytes)
          throw new ProblemError('body-too-large', `an upload may have ${config.maxUploadBytes} bytes`)
        return receive({
          ...{ parts: request.parts(), limit: config.maxUploadBytes, signal, claim },
          reserve: reservation.take,
          open: name => objects.write(datasetKey(id, name), 'application/octet-stream'),
          openScratch: name => openScratch(objects, datasetKey(id, `${name}-scratch`)),
        })
      }).catch(async (error: unknown) => {
        await discard()
        reservation.release()
        throw error
      })
      // Where this fails, the row may be there all the same: the objects stay, and are swept if it is not.
      const upload = { ...received, id, sha256: digestOf(received) }
      const added = await reservation.settle(() => addUpload(db, owner, upload, config.maxDatasetsBytes))
      if (added === 'taken' || added === 'full') {
        await discard()
        throw added === 'taken' ? taken(received.name) : datasetsFull(config.maxDatasetsBytes)
      }
      request.log.info({ dataset: added.name, id }, 'dataset uploaded')
      return reply.code(201).header('location', `/v1/datasets/${added.name}`).send(showUpload(added))
    },
  )
}
export default routes

const taken = (name: string) =>
  new ProblemError('conflict', `there is a dataset ${name} already: delete it first, or use another name`)
