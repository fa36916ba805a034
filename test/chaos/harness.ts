/**
 * A small fleet as processes on loopback: Postgres, a queue, an object store, the API and workers, each of which can be
 * killed and comes back.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import type { Objects } from '../../src/objects/objects.ts'
import { openObjects } from '../../src/objects/open.ts'
import { layout } from '../../src/postgres/cluster.ts'
import { startEmbeddedPostgres } from '../../src/postgres/embedded.ts'
import { readPostmaster } from '../../src/postgres/server.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { childrenOf, computesOf, end, isAlive, startNode } from '../support/child-processes.ts'
import { freePort } from '../support/free-port.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/s3-proxies.ts'
import { type S3Server, startS3 } from '../support/s3-server.ts'

export type FleetOptions = {
  queue: 'postgres' | 'redis'
  objects: 'folder' | 's3'
  workers: number
  /** Beside what the fleet needs: threads, engine, lock. */
  env?: NodeJS.ProcessEnv
}

export type Keeper = {
  process(): ChildProcess
  /** SIGKILL; it comes back by itself. */
  kill(): void
  lives: number
}

export type ChaosFleet = {
  directory: string
  /** What the processes are told. */
  env: NodeJS.ProcessEnv
  db: Database
  objects: Objects
  api: Keeper & { url: string }
  workers: Keeper[]
  redis: RedisServer | undefined
  s3: FaultyProxy | undefined
  killPostgres(): void
  /** Stops every process of Postgres for so many milliseconds: connections stay, and nothing answers. */
  freezePostgres(milliseconds: number): Promise<void>
  stop(): Promise<void>
}

export async function startFleetOfProcesses(options: FleetOptions): Promise<ChaosFleet> {
  const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-chaos-'))
  const quiet = pino({ level: 'silent' })
  const closers: (() => Promise<unknown>)[] = [
    async () => rmSync(directory, { recursive: true, force: true }),
  ]
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    const home = join(directory, 'postgres')
    const postgres = await startEmbeddedPostgres(home, quiet)
    closers.push(postgres.stop)
    let redis: RedisServer | undefined
    if (options.queue === 'redis') {
      redis = await startRedis()
      closers.push(redis.stop)
    }
    let server: S3Server | undefined
    let s3: FaultyProxy | undefined
    if (options.objects === 's3') {
      server = await startS3()
      closers.push(server.stop)
      s3 = await startFaultyProxy(server)
      closers.push(s3.stop)
    }
    const port = await freePort()
    const env: NodeJS.ProcessEnv = {
      ...{ LEDGER_DIR: directory, DATABASE_URL: postgres.url, PORT: String(port), LEDGER_WORKERS: '0' },
      ...(redis && { REDIS_URL: redis.url }),
      ...(s3 && {
        ...{ S3_ENDPOINT: s3.config.endpoint, S3_BUCKET: s3.config.bucket },
        ...{ S3_ACCESS_KEY_ID: 'S3RVER', S3_SECRET_ACCESS_KEY: 'S3RVER' },
      }),
      ...{ LEDGER_THREADS: '1', LEDGER_LOCK_SECONDS: '2', LOG_LEVEL: 'info', NO_COLOR: '1' },
      ...options.env,
    }
    const api = keep(() => startNode('src/cli/main.js', ['serve'], env, join(directory, 'api.log')))
    closers.push(api.stop)
    const url = `http://127.0.0.1:${port}`
    // It migrates the database, which the workers need.
    await ready(url)
    const workers = Array.from({ length: options.workers }, (_, i) =>
      keep(() => startNode('workers/main.js', [], env, join(directory, `worker-${i}.log`))),
    )
    closers.push(() => Promise.all(workers.map(worker => worker.stop())))
    const db = await openDatabase(postgres.url, { max: 3, name: 'chaos' })
    closers.push(db.close)
    const objects = await openObjects(
      server ? { objectsDir: directory, s3: server.config } : readConfig({ LEDGER_DIR: directory }),
    )
    const postmaster = () => readPostmaster(layout(home).data)?.pid
    const killPostgres = () => {
      const pid = postmaster()
      if (pid !== undefined) signal(pid, 'SIGKILL')
    }
    const freezePostgres = async (milliseconds: number) => {
      const pid = postmaster()
      if (pid === undefined) return
      // The postmaster first, so that it starts no others meanwhile.
      signal(pid, 'SIGSTOP')
      const all = [pid, ...childrenOf(pid)]
      for (const one of all) signal(one, 'SIGSTOP')
      await sleep(milliseconds)
      for (const one of all.reverse()) signal(one, 'SIGCONT')
    }
    return {
      directory,
      env,
      db,
      objects,
      api: Object.assign(api, { url }),
      workers,
      redis,
      s3,
      killPostgres,
      freezePostgres,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Sends a signal to a process that may be only just dead from the last time. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Keeps a process running until it is stopped. */
function keep(start: () => ChildProcess): Keeper & { stop(): Promise<void> } {
  let stopping = false
  let child: ChildProcess
  const run = () => {
    keeper.lives += 1
    child = start()
    child.once('exit', () => {
      if (!stopping) setTimeout(() => !stopping && run(), 200)
    })
  }
  const keeper = {
    lives: 0,
    process: () => child,
    kill: () => void (isAlive(child) && child.kill('SIGKILL')),
    async stop() {
      stopping = true
      await end(child, 'SIGTERM')
    },
  }
  run()
  return keeper
}

/** The compute process of a worker; undefined where it has none now. */
export const computeOf = (worker: Keeper): number | undefined => computesOf(worker.process().pid ?? -1)[0]

async function ready(url: string): Promise<void> {
  for (const deadline = Date.now() + 120_000; ; await sleep(50)) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    if (Date.now() > deadline) throw new Error('the API is not ready after 120 s')
  }
}
