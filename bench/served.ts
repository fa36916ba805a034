/**
 * An API in a process of its own, as users have it: who measures it from the same one measures the reader too. This file is that
 * process as well.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { buildApp } from '../src/api/app.ts'
import { readConfig } from '../src/config.ts'
import { openObjects } from '../src/objects/open.ts'
import { facts } from '../src/plan.ts'
import type { ExperimentQueue } from '../src/queue/queue.ts'
import { openDatabase } from '../src/store/database.ts'
import { scheduled } from '../test/support/main-thread.ts'

/** What a process did, in milliseconds, and the bytes that it holds. */
export type Work = {
  /** Of the processor. */
  cpu: number
  /** The longest that its event loop was kept. */
  kept: number
  /** Of each turn of its event loop: of the processor, and waiting for one that others had. */
  turns: { cpu: number; waited: number }[]
  memory: number
}

export type Served = {
  url: string
  /** Looks on until it is asked what there was. `turns`: at each turn of the event loop, which then goes on and on. */
  watch(options?: { turns?: boolean }): Promise<() => Promise<Work>>
  stop(): Promise<void>
}

type Asked = { watch: { turns: boolean } } | { told: true } | { stop: true }

/** Serves a database. Rejects where that does not begin. */
export async function serveApart(databaseUrl: string): Promise<Served> {
  const child = fork(fileURLToPath(import.meta.url), [databaseUrl], { execArgv: ['--enable-source-maps'] })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the API has ended')))
  ended.catch(() => {})
  const ask = async <T>(asked: Asked): Promise<T> => {
    child.send(asked)
    return ((await Promise.race([once(child, 'message'), ended])) as [T])[0]
  }
  const [{ url }] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }]
  return {
    url,
    async watch({ turns = false } = {}) {
      await ask({ watch: { turns } })
      return () => ask<Work>({ told: true })
    },
    async stop() {
      child.send({ stop: true } satisfies Asked)
      await ended.catch(() => {})
    },
  }
}

if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) await serve(process.argv[2])

async function serve(databaseUrl: string): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'loss-ledger-bench-'))
  const config = readConfig({ LEDGER_DIR: directory, LEDGER_MAX_TABLES: '0' })
  // As many connections as `ledger serve` has.
  const [db, ledgerDb] = [await openDatabase(databaseUrl), await openDatabase(databaseUrl, { max: 4 })]
  const objects = await openObjects(config)
  const queue = { ping: async () => {} } as unknown as ExperimentQueue
  const log = pino({ level: 'error' })
  const app = await buildApp({ config, db, ledgerDb, queue, objects, facts, log })
  await app.listen({ port: 0, host: '127.0.0.1' })
  let told = (): Work => ({ cpu: 0, kept: 0, turns: [], memory: 0 })
  process.on('message', async (asked: Asked) => {
    if ('watch' in asked) {
      told = look(asked.watch.turns)
      process.send!({})
    } else if ('told' in asked) process.send!(told())
    else {
      app.server.closeAllConnections()
      await app.close()
      await Promise.all([db.close(), ledgerDb.close()])
      await rm(directory, { recursive: true })
      process.disconnect()
    }
  })
  // Also where whoever measures is killed.
  process.on('disconnect', () => process.exit())
  process.send!({ url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` })
}

/** Looks at what this process does from now on. */
function look(atTurns: boolean): () => Work {
  const before = process.cpuUsage()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const turns = atTurns ? watchTurns() : () => []
  return () => {
    delay.disable()
    const { user, system } = process.cpuUsage(before)
    return {
      cpu: (user + system) / 1000,
      kept: delay.max / 1e6,
      turns: turns(),
      memory: process.memoryUsage().rss,
    }
  }
}

/** Turns of the event loop from now on. What of them is neither of the processor nor waiting for one, the loop slept. */
function watchTurns(): () => Work['turns'] {
  // Where the system does not tell, time goes on beside it.
  const now = () => {
    try {
      return scheduled()
    } catch {
      return { cpu: performance.now(), waited: 0 }
    }
  }
  const turns: Work['turns'] = []
  let last = now()
  let next = setImmediate(function turn() {
    const at = now()
    const [cpu, waited] = [at.cpu - last.cpu, at.waited - last.waited]
    // The loop turns on and on while nothing is to be done.
    if (cpu + waited > 1) turns.push({ cpu, waited })
    last = at
    next = setImmediate(turn)
  })
  return () => {
    clearImmediate(next)
    return turns
  }
}
