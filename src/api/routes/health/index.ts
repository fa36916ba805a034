/** For orchestrators: is the process alive, and can it do its work? */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Health, Readiness } from '../../schemas/catalogue.ts'
import { problems, ref } from '../../schemas/common.ts'

/** Longer, and a dependency counts as not answering. */
const patienceMs = 3000

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        tags: ['service'],
        summary: 'Liveness',
        description: 'Answers as long as the process runs; it looks at nothing else.',
        response: { 200: Health, ...problems() },
      },
    },
    async () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags: ['service'],
        summary: 'Readiness',
        description:
          'Asks the database, the queue and the object store, each on its own. 503 says which does not answer.',
        response: {
          200: ref(Readiness),
          503: {
            description: 'Something does not answer.',
            content: { 'application/json': { schema: ref(Readiness) } },
          },
          ...problems(),
        },
      },
    },
    async (request, reply) => {
      const dependencies = {
        database: () => app.db.pool.query('SELECT 1'),
        queue: () => app.queue.ping(),
        objects: () => app.objects.ping(),
      }
      const check = async (name: keyof typeof dependencies) => {
        const start = performance.now()
        const error = await withinTime(dependencies[name]).then(
          () => undefined,
          (reason: unknown) => reason,
        )
        if (error !== undefined)
          request.log.warn({ err: error, dependency: name }, 'a dependency does not answer')
        return { ok: error === undefined, ms: Math.round(performance.now() - start) }
      }
      const [database, queue, objects] = await Promise.all([
        check('database'),
        check('queue'),
        check('objects'),
      ])
      const ok = database.ok && queue.ok && objects.ok
      const body = {
        status: ok ? ('ok' as const) : ('unavailable' as const),
        checks: { database, queue, objects },
      }
      return reply.code(ok ? 200 : 503).send(body)
    },
  )
}
export default routes

async function withinTime(work: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${patienceMs} ms`)), patienceMs)
  })
  try {
    await Promise.race([work(), timeout])
  } finally {
    clearTimeout(timer)
  }
}
