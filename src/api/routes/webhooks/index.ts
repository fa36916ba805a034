/** What a receiver of webhooks needs to tell ours from anybody's. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '../../../spec/type.ts'
import { webhookSecret } from '../../../store/webhooks.ts'
import { problems } from '../../schemas/common.ts'

const Secret = Type.Object(
  { secret: Type.String({ description: 'whsec_ and the key in base64.' }) },
  { description: 'What your webhooks are signed with.' },
)

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/webhooks/secret',
    {
      config: { scope: 'submit' },
      schema: {
        operationId: 'getWebhookSecret',
        tags: ['experiments'],
        summary: 'The secret that signs webhooks',
        description:
          'Your tenant’s. A webhook carries webhook-id, webhook-timestamp and webhook-signature, as Standard Webhooks has them: `v1,` and the base64 of HMAC-SHA256 over id.timestamp.body. Its libraries take the secret as it is. A webhook is sent at least once, and again for almost ten hours where the receiver does not answer 2xx; the id tells repetitions apart.',
        response: { 200: Secret, ...problems(400) },
      },
    },
    async (request, reply) => {
      const secret = await webhookSecret(app.db, request.caller.owner)
      reply.header('cache-control', 'no-store')
      return { secret: `whsec_${Buffer.from(secret).toString('base64')}` }
    },
  )
}
export default routes
