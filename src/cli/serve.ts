/** API and workers in one command: what `npm start` runs, on one machine with nothing configured or beside a fleet. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { buildApp } from '../api/app.ts'
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import { facts } from '../plan.ts'
import { openQueue } from '../queue/queue.ts'
import { openDatabase } from '../store/database.ts'
import { startEmbeddedPostgres } from '../store/embedded.ts'
import { migrateDatabase } from '../store/migrate.ts'
import { openObjects } from '../store/objects.ts'

export type Server = {
  /** http://host:port */
  url: string
  /** Stops taking requests, hands running work back, stops what was started. Calling it again waits for the same. */
  close(): Promise<void>
}

/** Starts everything the configuration asks for. Throws, with nothing left running, where a part does not start. */
export async function startServer(config: Config, log: Log): Promise<Server> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async () => {
    // In the reverse order of their start; what does not close must not keep the rest open.
    for (const closer of closers.splice(0).reverse())
      await closer().catch(error => log.error({ err: error }, 'a part did not close cleanly'))
  }
  let closing: Promise<void> | undefined
  try {
    let databaseUrl = config.databaseUrl
    if (databaseUrl === undefined) {
      const postgres = await startEmbeddedPostgres(config.postgresDir, log)
      closers.push(postgres.stop)
      databaseUrl = postgres.url
    }
    await migrateDatabase(databaseUrl)
    const onError = (error: Error) => {
      // While everything is being stopped, the server ends connections that a pool was about to close.
      if (closing === undefined) log.warn({ err: error }, 'a connection broke')
    }
    const db = await openDatabase(databaseUrl, { name: 'loss-ledger api', onError })
    closers.push(db.close)
    const queue = await openQueue(config, databaseUrl, onError)
    closers.push(queue.close)
    const app = await buildApp({ config, db, queue, objects: openObjects(config), facts, log })
    closers.push(() => app.close())
    const url = await app.listen({ host: config.host, port: config.port })
    const workers = Array.from({ length: config.workers }, (_, i) => startWorker(config, databaseUrl, i, log))
    closers.push(() => Promise.all(workers.map(worker => worker.stop())))
    return {
      url,
      close: () => {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    closing = close()
    await closing
    throw error
  }
}

/** Keeps one worker process running: the machine's threads are shared out, and one that ends by itself comes back. */
function startWorker(
  config: Config,
  databaseUrl: string,
  index: number,
  log: Log,
): { stop(): Promise<void> } {
  const threads = config.threads ?? Math.max(1, Math.floor(os.availableParallelism() / config.workers))
  const entry = fileURLToPath(new URL('../../workers/main.js', import.meta.url))
  let stopping = false
  let child: ChildProcess
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    child = fork(entry, [], {
      // A group of its own: Ctrl-C in the terminal is for this process, which then stops the workers in order.
      detached: true,
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        LEDGER_THREADS: String(threads),
        LOG_LEVEL: config.logLevel,
      },
    })
    child.once('exit', (code, signal) => {
      if (stopping) return
      log.error({ worker: index, code, signal }, 'a worker ended by itself and is started again')
      timer = setTimeout(start, 1000)
    })
  }
  start()
  return {
    async stop() {
      stopping = true
      clearTimeout(timer)
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
