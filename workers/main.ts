/**
 * `npm run worker`: a worker process, until it is told to stop (Ctrl-C, SIGTERM) or, where another process started it,
 * until that one is gone. With `--workers N`, N of them; with `--devices 0,1`, one for each CUDA device, which sees no
 * other; this process then only keeps them running.
 */
import os from 'node:os'
import { parseArgs } from 'node:util'
import { ConfigError, readConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'
import { findEmbeddedPostgres } from '../src/store/embedded.ts'
import { migrateDatabase } from '../src/store/migrate.ts'
import { startTelemetry } from '../src/telemetry.ts'
import { planFleet, startFleet } from './fleet.ts'
import { startWorker } from './worker.ts'

class UsageError extends Error {}

try {
  const config = readConfig()
  const log = createLog('worker', config.logLevel)
  const several = readArguments()

  // Without a DATABASE_URL, the embedded server that `npm start` runs on this directory.
  const databaseUrl = config.databaseUrl ?? findEmbeddedPostgres(config.postgresDir)
  if (databaseUrl === undefined) {
    throw new Error(
      `no Postgres: set DATABASE_URL, or run npm start first (LEDGER_DIR is ${config.ledgerDir})`,
    )
  }
  await migrateDatabase(databaseUrl)
  // The API, Postgres and whoever sits at the machine go first: they would notice a wait, a training does not.
  const { PRIORITY_BELOW_NORMAL } = os.constants.priority
  os.setPriority(Math.max(os.getPriority(), PRIORITY_BELOW_NORMAL))
  // A process that only keeps workers running has nothing to tell.
  const stopTelemetry = several === undefined ? await startTelemetry(config, 'worker', log) : async () => {}
  const worker =
    several === undefined
      ? await startWorker({ config, databaseUrl, log })
      : startFleet(config, databaseUrl, planFleet(several, config.threads), log)

  const end = async (reason: string) => {
    log.info({ reason }, 'stopping')
    // Whatever hangs, the job's lock runs out and another worker takes it.
    setTimeout(() => process.exit(1), several === undefined ? 15_000 : 20_000).unref()
    await worker.stop()
    await stopTelemetry()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end(signal))
  process.once('disconnect', () => end('the process that started this one is gone'))
  // The parent may have gone while this was starting.
  if (process.send !== undefined && !process.connected) await end('the process that started this one is gone')
} catch (error) {
  console.error(error instanceof ConfigError || error instanceof UsageError ? error.message : error)
  process.exit(1)
}

/** How many workers on which devices; undefined: one, in this process. */
function readArguments(): { workers?: number; devices?: string[] } | undefined {
  const { workers, devices } = parse()
  if (workers === undefined && devices === undefined) return undefined
  if (workers !== undefined && !/^[1-9]\d{0,2}$/.test(workers))
    throw new UsageError(`--workers must be a whole number from 1 to 999, not ${workers}`)
  const named = devices?.split(',').map(device => device.trim())
  if (named?.some(device => !/^(\d+|GPU-[\w-]+|MIG-[\w/-]+)$/.test(device)))
    throw new UsageError(`--devices must be CUDA devices with commas between, like 0,1; not ${devices}`)
  return { workers: workers === undefined ? undefined : Number(workers), devices: named }
}

function parse() {
  try {
    return parseArgs({ options: { workers: { type: 'string' }, devices: { type: 'string' } } }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
