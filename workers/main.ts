/**
 * `npm run worker`: one worker process, until it is told to stop (Ctrl-C, SIGTERM) or, where another process started it,
 * until that one is gone.
 */
import { readConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'
import { findEmbeddedPostgres } from '../src/store/embedded.ts'
import { migrateDatabase } from '../src/store/migrate.ts'
import { startWorker } from './worker.ts'

const config = readConfig()
const log = createLog('worker', config.logLevel)

try {
  // Without a DATABASE_URL, the embedded server that `npm start` runs on this directory.
  const databaseUrl = config.databaseUrl ?? findEmbeddedPostgres(config.postgresDir)
  if (databaseUrl === undefined) {
    throw new Error(
      `no Postgres: set DATABASE_URL, or run npm start first (LEDGER_DIR is ${config.ledgerDir})`,
    )
  }
  await migrateDatabase(databaseUrl)
  const worker = await startWorker({ config, databaseUrl, log })

  const end = async (reason: string) => {
    log.info({ reason }, 'stopping')
    // Whatever hangs, the job's lock runs out and another worker takes it.
    setTimeout(() => process.exit(1), 15_000).unref()
    await worker.stop()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end(signal))
  process.once('disconnect', () => end('the process that started this one is gone'))
  // The parent may have gone while this was starting.
  if (process.send !== undefined && !process.connected) await end('the process that started this one is gone')
} catch (error) {
  log.fatal({ err: error }, 'the worker cannot start')
  process.exit(1)
}
