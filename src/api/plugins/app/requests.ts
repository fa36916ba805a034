/** What is done for every request: one log line when it is done, its id and the security headers in the answer. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { securityHeaders } from '../external/headers.ts'

export default fp(
  async app => {
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(headersOf(request))
    })
    app.addHook('onResponse', async (request, reply) => {
      const { method, url } = request
      const { statusCode: status, elapsedTime } = reply
      const line = { method, url, status, ms: Math.round(elapsedTime * 10) / 10 }
      const level = status >= 500 ? 'error' : isPolled(request) && status < 400 ? 'debug' : 'info'
      request.log[level](line, 'request done')
    })
    app.addHook('onRequestAbort', async request => {
      const { method, url } = request
      request.log.info({ method, url }, 'request aborted by the client')
    })
  },
  { name: 'requests' },
)

/** What probes, scrapers and whoever waits ask for every few seconds; it is news when it fails. */
const polled = new Set([
  ...['/healthz', '/readyz', '/metrics', '/v1/workers'],
  ...['/v1/experiments/:id', '/v1/sweeps/:id', '/v1/experiments', '/v1/sweeps'],
])
const isPolled = ({ method, routeOptions: { url } }: FastifyRequest) =>
  (method === 'GET' || method === 'HEAD') && polled.has(url ?? '')

/** The headers of every answer. */
export function headersOf(request: FastifyRequest): Record<string, string> {
  return { ...securityHeaders, 'x-request-id': request.id }
}

/** The caller's x-request-id where it is short and plain enough to be put into logs and headers, else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID()
}
