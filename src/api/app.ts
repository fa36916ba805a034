/** The API, put together: plugins first, then the routes, a folder per resource. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import type { Log } from '../log.ts'
import auth from './plugins/app/auth.ts'
import broadcasts from './plugins/app/broadcasts.ts'
import inputs from './plugins/app/inputs.ts'
import { noteRoutes, type RouteTable, refuseOtherMethods } from './plugins/app/methods.ts'
import problems, { refuseConnection, sendProblem } from './plugins/app/problems.ts'
import requests, { requestId } from './plugins/app/requests.ts'
import specs from './plugins/app/specs.ts'
import tables from './plugins/app/tables.ts'
import traces from './plugins/app/traces.ts'
import watch from './plugins/app/watch.ts'
import webhooks from './plugins/app/webhooks.ts'
import compression from './plugins/external/compression.ts'
import docs from './plugins/external/docs.ts'
import openapi from './plugins/external/openapi.ts'
import pages from './plugins/external/pages.ts'
import security from './plugins/external/security.ts'
import allocations from './routes/allocations/index.ts'
import architectures from './routes/architectures/index.ts'
import archive from './routes/archive/index.ts'
import artifacts from './routes/artifacts/index.ts'
import compare from './routes/compare/index.ts'
import datasets from './routes/datasets/index.ts'
import diagnostics from './routes/diagnostics/index.ts'
import document from './routes/document/index.ts'
import events from './routes/events/index.ts'
import editing from './routes/experiments/editing.ts'
import experiments from './routes/experiments/index.ts'
import findings from './routes/findings/index.ts'
import health from './routes/health/index.ts'
import iterations from './routes/iterations/index.ts'
import layers from './routes/layers/index.ts'
import logs from './routes/logs/index.ts'
import metrics from './routes/metrics/index.ts'
import neurons from './routes/neurons/index.ts'
import sweeps from './routes/sweeps/index.ts'
import trajectories from './routes/trajectories/index.ts'
import webhookSecrets from './routes/webhooks/index.ts'
import workers from './routes/workers/index.ts'
import { buildSerializers } from './serializers.ts'
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
 * nothing but itself: whoever opened the services closes them after `app.close()`. `factsModule` is where threads find the
 * networks of `facts`, under that name.
 */
export async function buildApp({
  config,
  db,
  ledgerDb,
  queue,
  objects,
  facts,
  log,
  factsModule = new URL('../plan.js', import.meta.url).href,
}: Services & { log: Log; factsModule?: string }): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    // Our own line is written by plugins/app/requests.ts.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    bodyLimit,
    routerOptions: { ignoreTrailingSlash: true },
    schemaController: { compilersFactory: { buildSerializer: buildSerializers() } },
    // A request that trickles in must not hold a connection for ever.
    requestTimeout: 60_000,
    // Nor may a connection on which nothing moves; events have a heartbeat, and no answer is waited for so long.
    connectionTimeout: 120_000,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => {
      // No route, so no hooks: the line that plugins/app/requests.ts would write is written here.
      request.log.info({ method: request.method, url: request.url, code: error.code }, 'request refused')
      void sendProblem(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorate('config', config)
  app.decorate('db', db)
  app.decorate('ledgerDb', ledgerDb)
  app.decorate('queue', queue)
  app.decorate('objects', objects)
  app.decorate('facts', facts)
  await app.register(traces)
  await app.register(requests)
  await app.register(problems)
  await app.register(watch)
  await app.register(broadcasts)
  await app.register(auth)
  await app.register(security)
  await app.register(tables)
  await app.register(compression)
  await app.register(inputs)
  await app.register(specs, { factsModule })
  await app.register(openapi)
  await app.register(docs)
  await app.register(pages)
  await app.register(webhooks)

  const table = noteRoutes(app)
  app.decorate('routeTable', table)
  // First: it times the requests of all others.
  await app.register(metrics)
  await app.register(health)
  await app.register(document)
  for (const routes of [
    ...[
      experiments,
      editing,
      sweeps,
      events,
      logs,
      layers,
      iterations,
      allocations,
      neurons,
      diagnostics,
      findings,
      compare,
    ],
    ...[artifacts, archive, architectures, datasets, trajectories, workers, webhookSecrets],
  ])
    await app.register(routes, { prefix: '/v1' })
  refuseOtherMethods(app, table)

  await app.ready()
  return app
}
