/** Which datasets a spec can name. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Dataset, List } from '../../schemas/catalogue.ts'
import { problems, ref } from '../../schemas/common.ts'

// JSON has no infinity: a generated dataset has null examples.
const countOrNull = (count: number) => (Number.isFinite(count) ? count : null)

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/datasets',
    {
      schema: {
        operationId: 'listDatasets',
        tags: ['catalogue'],
        summary: 'Datasets',
        description:
          'The datasets that a spec can name. One with a public home is fetched when it is first trained on.',
        response: { 200: List(ref(Dataset), 'Every dataset.'), ...problems(400) },
      },
    },
    async () => ({
      items: app.facts.datasets.map(dataset => ({
        ...dataset,
        trainFile: countOrNull(dataset.trainFile),
        testFile: countOrNull(dataset.testFile),
      })),
    }),
  )
}
export default routes
