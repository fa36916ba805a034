/** Which networks a spec can name. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { architectureSchemas } from '../../../spec/schema.ts'
import { Architecture, List } from '../../schemas/catalogue.ts'
import { problems, ref } from '../../schemas/common.ts'

const catalogue = Object.entries(architectureSchemas).map(([name, schema]) => ({
  name,
  description: (schema as { description?: string }).description ?? '',
  schema,
}))

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/architectures',
    {
      schema: {
        operationId: 'listArchitectures',
        tags: ['catalogue'],
        summary: 'Architectures',
        description: 'The architectures that a spec can name, each with the JSON Schema of its options.',
        response: { 200: List(ref(Architecture), 'Every architecture.'), ...problems(400) },
      },
    },
    async () => ({ items: catalogue }),
  )
}
export default routes
