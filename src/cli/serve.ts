/** API and workers in one command: what `npm start` runs, on one machine with nothing configured or beside a fleet. */
import { planFleet, startFleet } from '../../workers/fleet.ts'
import { buildApp } from '../api/app.ts'
import type { Config } from '../config.ts'
import { defaultEngine } from '../engine/binding.ts'
import type { Log } from '../log.ts'
import { openObjects, storeName } from '../objects/open.ts'
import { makeFacts } from '../plan.ts'
import { startEmbeddedPostgres } from '../postgres/embedded.ts'
import type { Patience } from '../postgres/patience.ts'
import { checkServices } from '../preflight.ts'
import { openQueue } from '../queue/queue.ts'
import { claimStore } from '../store/claim.ts'
import { openDatabase } from '../store/database.ts'
import { migrateDatabase } from '../store/migrate.ts'
import { startFailure } from '../store/reach.ts'
import { startTelemetry } from '../telemetry.ts'

export type Server = {
  /** http://host:port */
  url: string
  /** How many workers it runs. */
  workers: number
  /** Resolves when the database that came with it is gone for good, to why and what to do: it is to be closed then. */
  broken: Promise<Error>
  /** Stops taking requests, hands running work back, stops what was started. Calling it again waits for the same. */
  close(): Promise<void>
}

/** Milliseconds that a request waits for Redis. What it does not hear of is queued from Postgres later. */
const queuePatience = 2000

/** Milliseconds that answers under way have when the server closes; then their connections are cut. */
const answerPatience = 4000

/**
 * Starts everything the configuration asks for. Throws, with nothing left running, where a part does not start. `tries`:
 * how often an embedded PostgreSQL that ended by itself is started again.
 */
export async function startServer(config: Config, log: Log, tries?: Patience): Promise<Server> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async () => {
    // In the reverse order of their start; what does not close must not keep the rest open.
    for (const closer of closers.splice(0).reverse())
      await closer().catch(error => log.error({ err: error }, 'a part did not close cleanly'))
  }
  let closing: Promise<void> | undefined
  for (const words of config.unknown) log.warn(words)
  let databaseUrl = config.databaseUrl
  // A database of somebody else's is waited for as long as it takes.
  let broken = new Promise<Error>(() => {})
  try {
    const plan = planFleet({ ...config, engine: config.engine ?? defaultEngine() }, config.threads)
    closers.push(await startTelemetry(config, 'api', log))
    const { settings } = await checkServices(config)
    if (databaseUrl === undefined) {
      const postgres = await startEmbeddedPostgres(config.postgresDir, log, tries)
      closers.push(postgres.stop)
      databaseUrl = postgres.url
      broken = postgres.broken
    }
    await migrateDatabase(databaseUrl)
    const onError = (error: Error) => {
      // While everything is being stopped, the server ends connections that a pool was about to close.
      if (closing === undefined) log.warn({ err: error }, 'a connection broke')
    }
    const db = await openDatabase(databaseUrl, { name: 'loss-ledger api', onError })
    closers.push(db.close)
    const ledgerDb = await openDatabase(databaseUrl, {
      // A pooler refuses it: its role's own statement_timeout counts there (docs/operating.md).
      ...{ max: 4, statementTimeout: settings ? 30_000 : undefined, name: 'loss-ledger api tables', onError },
    })
    closers.push(ledgerDb.close)
    const objects = await openObjects(config)
    await claimStore(db, objects, storeName(config), log)
    const queue = await openQueue(config, databaseUrl, db, onError, queuePatience)
    closers.push(queue.close)
    const app = await buildApp({
      ...{ config, db, ledgerDb, queue, log },
      objects,
      facts: makeFacts(config),
    })
    closers.push(async () => {
      // One that has asked for nothing yet (a browser's, opened ahead) is not idle to Node, and would be waited for.
      const late = setTimeout(() => app.server.closeAllConnections(), answerPatience)
      await app.close().finally(() => clearTimeout(late))
    })
    const url = await app.listen({ host: config.host, port: config.port })
    const fleet = startFleet(config, databaseUrl, plan, log)
    closers.push(fleet.stop)
    return {
      url,
      workers: plan.length,
      broken,
      close: () => {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    closing = close()
    await closing
    throw databaseUrl === undefined ? error : startFailure(error, databaseUrl)
  }
}
