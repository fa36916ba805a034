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
      // Probes ask every few seconds; they are news when they fail.
      const probe = request.routeOptions.url === '/healthz' || request.routeOptions.url === '/readyz'
      request.log[status >= 500 ? 'error' : probe ? 'debug' : 'info'](line, 'request done')
    })
    app.addHook('onRequestAbort', async request => {
      const { method, url } = request
      request.log.info({ method, url }, 'request aborted by the client')
    })
  },
  { name: 'requests' },
)

/** The headers of every answer. */
export function headersOf(request: FastifyRequest): Record<string, string> {
  return { ...securityHeaders, 'x-request-id': request.id }
}

/** The caller's x-request-id where it is short and plain enough to be put into logs and headers, else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID()
}
