/** What keeps strangers and their pages at bay: CORS, the Host header, limits per caller. */
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import { isLoopback } from '../../../config.ts'
import { ProblemError } from '../../problem.ts'

export default fp(
  async app => {
    const { auth, authSaid, host, corsOrigins, rateLimit: perMinute } = app.config

    if (corsOrigins.length > 0) {
      await app.register(cors, {
        origin: corsOrigins,
        methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
        exposedHeaders: [
          'etag',
          'location',
          'retry-after',
          'x-request-id',
          'content-range',
          'ledger-unbalanced',
        ],
        maxAge: 3600,
      })
    }
    // Open because nobody but this machine reaches it, which a browser on this machine must not undo: neither a page
    // whose name was made to resolve here, nor one that posts across sites without asking.
    if (auth === 'none' && !authSaid && isLoopback(host)) {
      app.addHook('onRequest', async request => {
        if (!isLoopback(request.hostname))
          throw new ProblemError(
            'misdirected',
            'this answers to localhost only; LEDGER_AUTH=keys, or none, lets other names in',
          )
        const { origin } = request.headers
        const foreign =
          origin !== undefined && origin !== `http://${request.host}` && !corsOrigins.includes(origin)
        if (foreign && request.method !== 'GET' && request.method !== 'HEAD')
          throw new ProblemError(
            'forbidden',
            'a page of another origin may not do this; LEDGER_CORS_ORIGINS lets it',
          )
      })
    }
    if (perMinute > 0) {
      await app.register(rateLimit, {
        global: true,
        max: perMinute,
        timeWindow: 60_000,
        // Whoever has no valid key shares the allowance of their address.
        keyGenerator: request => request.caller.key ?? request.ip,
        allowList: request =>
          request.routeOptions.url === '/healthz' || request.routeOptions.url === '/readyz',
        errorResponseBuilder: (_request, { ttl }) =>
          new ProblemError('too-many-requests', `at most ${perMinute} requests a minute`, {
            headers: { 'retry-after': String(Math.max(1, Math.ceil(ttl / 1000))) },
          }),
      })
    }
  },
  { name: 'security', dependencies: ['auth'] },
)
