/**
 * Requests that are made to be slow, one after the other, and how long each keeps the event loop. Measured is the
 * processor's time of the main thread, as far as the system tells it: the time of the clock says as much about what else
 * the machine does.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { startApi } from './api.ts'
import { scheduled } from './main-thread.ts'
import type { SenderData, Sent } from './slow-sender.ts'

export type SlowResult = {
  sent: number
  statuses: Record<number, number>
  /** Milliseconds for which the event loop was kept at one time, the worst of each request's name, the worst first. */
  worst: { name: string; kept: number; answered: number }[]
}

/** Sends `count` requests made from `seed`; `large`: also those that take seconds of a thread. Throws on a 5xx. */
export async function slow(seed: number, count: number, large: boolean): Promise<SlowResult> {
  const api = await startApi({ LOG_LEVEL: 'silent' }, 'all')
  const { port } = api.app.server.address() as { port: number }
  const ids = [await postLarge(api), await postMany(api)]
  const data: SenderData = { port, seed, ids, large }
  const sender = new Worker(new URL('./slow-sender.js', import.meta.url), { workerData: data })
  const statuses: Record<number, number> = {}
  const worst = new Map<string, SlowResult['worst'][number]>()
  const loop = watchLoop()
  try {
    for (let i = 0; i < count; i++) {
      loop.reset()
      sender.postMessage('next')
      const [{ name, status, text, milliseconds }] = (await once(sender, 'message')) as [Sent]
      const kept = loop.worst()
      const what = `seed ${seed}, request ${i} (${name})`
      // A connection that breaks while a refused body is still being sent is an answer, too.
      if (status !== 0 || !/ECONNRESET|EPIPE/.test(text))
        assert.ok(status >= 200 && status < 500, `${status} for ${what}\n${text.slice(0, 500)}`)
      statuses[status] = (statuses[status] ?? 0) + 1
      const before = worst.get(name)
      if (before === undefined || before.kept < kept)
        worst.set(name, { name, kept, answered: Math.max(milliseconds, before?.answered ?? 0) })
    }
    await api.http.get('/readyz').expect(200)
  } finally {
    loop.stop()
    await sender.terminate()
    await api.close()
  }
  return { sent: count, statuses, worst: [...worst.values()].sort((a, b) => b.kept - a.kept) }
}

type Api = Awaited<ReturnType<typeof startApi>>

/** An experiment whose spec is as large as it may be. */
async function postLarge(api: Api): Promise<string> {
  const rules = Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [
      `fc_1${'*'.repeat(i % 180)}${'*'.repeat(i / 180)}`,
      { l2: i / 1000 },
    ]),
  )
  const spec = {
    dataset: { name: 'mnist' },
    architecture: { name: 'fc', hidden: [3] },
    optimizer: { name: 'sgd' },
    training: { iterations: 8 },
    tags: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}`, 'x'.repeat(200)])),
    layers: rules,
  }
  return (await api.http.post('/v1/experiments').send(spec).expect(202)).body.id
}

/** A sweep of as many experiments as there may be. */
async function postMany(api: Api): Promise<string> {
  const base = {
    dataset: { name: 'mnist' },
    architecture: { name: 'fc', hidden: [3] },
    optimizer: { name: 'sgd' },
    training: { iterations: 8 },
  }
  const seeds = Array.from({ length: 1000 }, (_, i) => i)
  return (await api.http.post('/v1/sweeps').send({ base, seeds }).expect(202)).body.id
}

/** How long the event loop was kept at one time since it was reset, in milliseconds. */
function watchLoop() {
  let worst = 0
  let last = performance.now()
  let lastCpu = mainThreadCpu()
  const look = () => {
    const [now, cpu] = [performance.now(), mainThreadCpu()]
    // The system counts in ticks: whatever ran for one may have run for almost two.
    worst = Math.max(worst, Math.min(now - last - interval, cpu - lastCpu + tick))
    last = now
    lastCpu = cpu
  }
  const timer = setInterval(look, interval)
  return {
    reset() {
      worst = 0
      last = performance.now()
      lastCpu = mainThreadCpu()
    },
    worst() {
      look()
      return worst
    },
    stop: () => clearInterval(timer),
  }
}
const interval = 2

/** Milliseconds of processor that the main thread has had, and how many more may not have been counted yet. */
const [mainThreadCpu, tick] = clockOfMainThread()

function clockOfMainThread(): [() => number, number] {
  // Brought up to date at the least 250 times a second.
  const exact = () => scheduled().cpu
  const inTicks = () => {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8')
    // After the name, which may have spaces: utime and stime are fields 14 and 15 of the line, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return 10 * (Number(fields[11]) + Number(fields[12]))
  }
  const ofProcess = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  for (const [clock, tick] of [[exact, 4] as const, [inTicks, 10] as const]) {
    try {
      if (clock() > 0) return [clock, tick]
    } catch {
      // The system does not tell it in this way.
    }
  }
  return [ofProcess, 0]
}
