/** For Prometheus: what this process does, and what Postgres knows of the work. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import fp from 'fastify-plugin'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { Type } from '../../../spec/type.ts'
import { problems } from '../../schemas/common.ts'
import { workMetrics } from './work.ts'

const routes: FastifyPluginAsyncTypebox = async app => {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'ledger_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.01, 0.05, 0.2, 1, 5, 30],
    registers,
  })
  new Gauge({
    ...{ name: 'ledger_event_listeners', help: 'Open event streams of this process.', registers },
    collect() {
      this.set(app.broadcasts.listeners())
    },
  })
  new Gauge({
    name: 'ledger_database_connections',
    help: 'The pool of this process: connections in use and idle, and queries that wait for one.',
    labelNames: ['state'],
    registers,
    collect() {
      const { totalCount, idleCount, waitingCount } = app.db.pool
      this.set({ state: 'used' }, totalCount - idleCount)
      this.set({ state: 'idle' }, idleCount)
      this.set({ state: 'waiting' }, waitingCount)
    },
  })
  const readWork = workMetrics(app.db, registers)

  app.addHook('onResponse', async (request, reply) => {
    // The pattern, never the path: a label for every id would fill the memory of whoever collects them.
    const { url: route = 'none' } = request.routeOptions
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })

  app.get(
    '/metrics',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'getMetrics',
        tags: ['service'],
        summary: 'Metrics',
        description:
          'In the text format of Prometheus: requests of this process by route and status, its connections and listeners; and of the whole service, whichever process is asked: experiments by status and the age of the oldest, segments by state and how long the oldest has waited, and over the last five minutes segments and examples a second by engine, the time a segment took, residuals, and how many iterations had to be refined. Where keys are needed, a key with the scope admin.',
        response: {
          200: { description: 'Metrics.', content: { 'text/plain': { schema: Type.String() } } },
          ...problems(),
        },
      },
    },
    async (_request, reply) => {
      await readWork()
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await registry.metrics())
    },
  )
}
// Not encapsulated, so that its hook hears of every route.
export default fp(routes, { name: 'metrics' })
