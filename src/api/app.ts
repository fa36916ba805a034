/** The API, put together: plugins first, then the routes, a folder per resource. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import type { Log } from '../log.ts'
import inputs from './plugins/app/inputs.ts'
import { noteRoutes, type RouteTable, refuseOtherMethods } from './plugins/app/methods.ts'
import problems, { refuseConnection, sendProblem } from './plugins/app/problems.ts'
import requests, { requestId } from './plugins/app/requests.ts'
import openapi from './plugins/external/openapi.ts'
import allocations from './routes/allocations/index.ts'
import architectures from './routes/architectures/index.ts'
import artifacts from './routes/artifacts/index.ts'
import datasets from './routes/datasets/index.ts'
import document from './routes/document/index.ts'
import experiments from './routes/experiments/index.ts'
import health from './routes/health/index.ts'
import iterations from './routes/iterations/index.ts'
import layers from './routes/layers/index.ts'
import neurons from './routes/neurons/index.ts'
import sweeps from './routes/sweeps/index.ts'
import workers from './routes/workers/index.ts'
import type { Services } from './services.ts'

declare module 'fastify' {
  interface FastifyInstance {
    routeTable: RouteTable
  }
}

/** The largest body that is read. */
const bodyLimit = 2 ** 20

/**
 * Builds the API over its services, ready to listen (or to be tested through `app.server`). It opens nothing and closes
 * nothing but itself: whoever opened the services closes them after `app.close()`.
 */
export async function buildApp({
  config,
  db,
  queue,
  objects,
  facts,
  log,
}: Services & { log: Log }): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    // Our own line is written by plugins/app/requests.ts.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    bodyLimit,
    // A request that trickles in must not hold a connection for ever.
    requestTimeout: 60_000,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => {
      // No route, so no hooks: the line that plugins/app/requests.ts would write is written here.
      request.log.info({ method: request.method, url: request.url, code: error.code }, 'request refused')
      void sendProblem(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorate('config', config)
  app.decorate('db', db)
  app.decorate('queue', queue)
  app.decorate('objects', objects)
  app.decorate('facts', facts)
  await app.register(requests)
  await app.register(problems)
  await app.register(inputs)
  await app.register(openapi)

  const table = noteRoutes(app)
  app.decorate('routeTable', table)
  await app.register(health)
  await app.register(document)
  for (const routes of [
    ...[experiments, sweeps, layers, iterations, allocations, neurons],
    ...[artifacts, architectures, datasets, workers],
  ])
    await app.register(routes, { prefix: '/v1' })
  refuseOtherMethods(app, table)

  await app.ready()
  return app
}
