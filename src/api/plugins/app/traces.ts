/** A span for every request, from which the jobs that it queues go on. Nothing at all where this process is not traced. */
import fp from 'fastify-plugin'
import { isTraced, type RequestSpan, startRequestSpan } from '../../../telemetry.ts'
import { pathOf } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    span: RequestSpan | undefined
  }
}

// Asked every few seconds by machines, for themselves.
const untraced = new Set<string | undefined>(['/healthz', '/readyz', '/metrics'])

export default fp(
  async app => {
    if (!isTraced()) return
    const errors = new WeakMap<RequestSpan, Error>()
    app.decorateRequest('span', undefined)
    app.addHook('onRequest', async (request, reply) => {
      const { url: route } = request.routeOptions
      if (untraced.has(route)) return
      const span = startRequestSpan(request.headers, route ? `${request.method} ${route}` : request.method, {
        'http.request.method': request.method,
        'http.route': route,
        'url.path': pathOf(request),
        // As in the log, and in the answer's x-request-id.
        'ledger.request.id': request.id,
      })
      if (span === undefined) return
      request.span = span
      // Also where the client goes before the answer, for which there is no hook with a status.
      reply.raw.once('close', () => span.end(reply.statusCode, errors.get(span)))
    })
    // After the body is read, whose events know nothing of the request: the handler, and hooks from here on, run in the span.
    app.addHook('preValidation', (request, _reply, done) => {
      if (request.span === undefined) done()
      else request.span.run(done)
    })
    app.addHook('onError', async (request, _reply, error) => {
      if (request.span !== undefined) errors.set(request.span, error)
    })
  },
  { name: 'traces' },
)
