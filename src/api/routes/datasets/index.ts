/** Datasets: which a spec can name, one of them, and away with an uploaded one. Uploading is upload.ts. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '../../../spec/type.ts'
import { deleteUpload, findUpload, listUploads } from '../../../store/datasets.ts'
import { ProblemError } from '../../problem.ts'
import { Dataset, DatasetParams, List } from '../../schemas/catalogue.ts'
import { problems, ref } from '../../schemas/common.ts'
import samples from './samples.ts'
import { showDataset, showUpload } from './shown.ts'
import upload from './upload.ts'

const tags = ['catalogue']
const notFound = (name: string) => new ProblemError('not-found', `there is no dataset ${name}`)

const routes: FastifyPluginAsyncTypebox = async app => {
  await app.register(upload)
  await app.register(samples)

  app.get(
    '/datasets',
    {
      schema: {
        ...{ operationId: 'listDatasets', tags, summary: 'Datasets' },
        description:
          'The datasets that your specs can name: those that are built in, then yours. One with a public home is fetched when it is first trained on.',
        response: { 200: List(ref(Dataset), 'Every dataset.'), ...problems(400) },
      },
    },
    async request => {
      const uploads = await listUploads(app.db, request.caller.owner)
      return { items: [...app.facts.datasets.map(facts => showDataset(facts)), ...uploads.map(showUpload)] }
    },
  )

  app.get(
    '/datasets/:name',
    {
      schema: {
        ...{ operationId: 'getDataset', tags, summary: 'Look at a dataset' },
        description: 'One that is built in, or one of yours.',
        params: DatasetParams,
        response: { 200: ref(Dataset), ...problems(400, 404) },
      },
    },
    async request => {
      const { name } = request.params
      const builtIn = app.facts.datasets.find(facts => facts.name === name)
      if (builtIn) return showDataset(builtIn)
      const found = await findUpload(app.db, request.caller.owner, name)
      if (!found) throw notFound(name)
      return showUpload(found)
    },
  )

  app.delete(
    '/datasets/:name',
    {
      schema: {
        ...{ operationId: 'deleteDataset', tags, summary: 'Delete a dataset' },
        description:
          'One that was uploaded, and that no experiment is on that is queued or running. What is known of finished experiments stays; they cannot be tried again unless the same files are uploaded under the name.',
        params: DatasetParams,
        response: { 204: Type.Null({ description: 'Gone.' }), ...problems(400, 404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      if (app.facts.datasets.some(facts => facts.name === name))
        throw new ProblemError('conflict', `${name} is built in`)
      const outcome = await deleteUpload(app.db, app.objects, request.caller.owner, name)
      if (outcome === 'missing') throw notFound(name)
      if (outcome === 'in use')
        throw new ProblemError(
          'conflict',
          `experiments that are queued or running are on ${name}; wait for them, or cancel them`,
        )
      request.log.info({ dataset: name }, 'dataset deleted')
      return reply.code(204).send(null)
    },
  )
}
export default routes
