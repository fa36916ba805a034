/** A worker process, or one that keeps several running: from its start until it is told to stop. */
import os from 'node:os'
import { onParentGone } from '../src/children.ts'
import { type Config, ConfigError, parseDeviceNames, readConfig } from '../src/config.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import { createLog } from '../src/log.ts'
import { findEmbeddedPostgres } from '../src/postgres/embedded.ts'
import { checkServices } from '../src/preflight.ts'
import { migrateDatabase } from '../src/store/migrate.ts'
import { startTelemetry } from '../src/telemetry.ts'
import { leaveTerminal } from '../src/terminal.ts'
import { planFleet, startFleet } from './fleet.ts'
import { startWorker } from './worker.ts'

/** As typed: how many workers, and CUDA devices with commas between. Neither: one worker, in this process. */
export type RunOptions = { workers?: string; devices?: string }

/**
 * Starts what the options and the environment say, and resolves once it runs. The process then stays until it is told to
 * stop (Ctrl-C, SIGTERM) or, where another process started it, until that one is gone. Throws ConfigError for what is
 * wrong with either, with nothing left running.
 */
export async function runWorker(options: RunOptions = {}): Promise<void> {
  // Until it runs, there is nothing to hand back.
  let end = async (_reason: string, code = 0): Promise<void> => process.exit(code)
  onParentGone(() => end('the process that started this one is gone'))
  const config = readConfig()
  const log = createLog('worker', config.logLevel)
  // Who started this one has told it.
  if (process.connected !== true) for (const words of config.unknown) log.warn(words)
  const several = readOptions(options, config)

  // Without a DATABASE_URL, the embedded server that `npm start` runs on this directory.
  const databaseUrl = config.databaseUrl ?? findEmbeddedPostgres(config.postgresDir)
  if (databaseUrl === undefined) {
    throw new ConfigError([
      `no Postgres: set DATABASE_URL, or run npm start first (LEDGER_DIR is ${config.ledgerDir})`,
    ])
  }
  await checkServices({ databaseUrl, redisUrl: config.redisUrl })
  await migrateDatabase(databaseUrl)
  // The API, Postgres and whoever sits at the machine go first: they would notice a wait, a training does not.
  const { PRIORITY_BELOW_NORMAL } = os.constants.priority
  os.setPriority(Math.max(os.getPriority(), PRIORITY_BELOW_NORMAL))
  // A process that only keeps workers running has nothing to tell.
  const stopTelemetry = several === undefined ? await startTelemetry(config, 'worker', log) : async () => {}
  const worker =
    several === undefined
      ? await startWorker({ config, databaseUrl, log })
      : startFleet(
          config,
          databaseUrl,
          planFleet({ ...several, engine: config.engine ?? defaultEngine() }, config.threads),
          log,
        )

  end = async (reason, code = 0) => {
    log.info({ reason }, 'stopping')
    // Whatever hangs, the job's lock runs out and another worker takes it.
    setTimeout(() => process.exit(1), several === undefined ? 15_000 : 20_000).unref()
    await worker.stop()
    await stopTelemetry()
    leaveTerminal()
    process.exit(code)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end(signal))
  if (config.databaseUrl === undefined) {
    // It has its port again where it is started anew; only where somebody else took that are all connections in vain.
    const look = () => {
      const now = findEmbeddedPostgres(config.postgresDir)
      if (now !== undefined && now !== databaseUrl)
        void end('the embedded PostgreSQL has another port now: start this again', 1)
    }
    setInterval(look, 10_000).unref()
  }
  if ('broken' in worker) worker.broken.then(() => end('it cannot compute any more', 1))
}

/** Several workers where that is asked for, or devices are named; LEDGER_WORKERS is for the API's own. */
function readOptions(
  { workers, devices }: RunOptions,
  config: Pick<Config, 'devices'>,
): { workers?: number; devices?: string[] } | undefined {
  if (workers !== undefined && !/^[1-9]\d{0,2}$/.test(workers))
    throw new ConfigError([`--workers must be a whole number from 1 to 999, not ${workers}`])
  const named = devices === undefined ? config.devices : parseDeviceNames(devices)
  if (devices !== undefined && named === undefined)
    throw new ConfigError([
      `--devices must be all, or CUDA devices with commas between, like 0,1; not ${devices}`,
    ])
  if (workers === undefined && named === undefined) return undefined
  return { workers: workers === undefined ? undefined : Number(workers), devices: named }
}
