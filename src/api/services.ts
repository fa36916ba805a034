/** What the routes work with: given to buildApp, reached as app.db, app.queue and so on. */
import type { Config } from '../config.ts'
import type { Objects } from '../objects/objects.ts'
import type { ExperimentQueue } from '../queue/queue.ts'
import type { Facts } from '../spec/facts.ts'
import type { Database } from '../store/database.ts'

export type Services = {
  config: Config
  db: Database
  /** For reading the ledger: connections of its own, so that tables keep nothing else waiting. */
  ledgerDb: Pick<Database, 'pool'>
  queue: ExperimentQueue
  objects: Objects
  facts: Facts
}

declare module 'fastify' {
  interface FastifyInstance extends Services {}
}
