/** The contract: openapi.yaml. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '../../../spec/type.ts'
import { problems } from '../../schemas/common.ts'

const routes: FastifyPluginAsyncTypebox = async app => {
  let text: Promise<string> | undefined
  app.get(
    '/openapi.yaml',
    {
      schema: {
        operationId: 'getOpenapi',
        tags: ['service'],
        summary: 'This document',
        description: 'The contract of this API: OpenAPI 3.1.',
        response: {
          200: { description: 'OpenAPI 3.1.', content: { 'application/yaml': { schema: Type.String() } } },
          ...problems(),
        },
      },
    },
    async (_request, reply) => {
      text ??= app.openapiYaml()
      return reply.type('application/yaml; charset=utf-8').send(await text)
    },
  )
}
export default routes
