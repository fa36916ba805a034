/**
 * Many workers in one process, each the real one (workers/worker.ts) but for its compute child, which only waits. A child
 * process of bench/scaling.ts, which tells it how many and listens to what it counts.
 */
import { Worker } from 'bullmq'
import { pino } from 'pino'
import { onParentGone } from '../../src/children.ts'
import { readConfig } from '../../src/config.ts'
import { openObjects } from '../../src/objects/open.ts'
import { type RunningWorker, startWorker } from '../../workers/worker.ts'
import { type Waits, waitingCompute } from './waiting-compute.ts'

export type WorkersSetup = Waits & { workers: number; first: number; databaseUrl: string }

export type WorkersMessage =
  | { type: 'started'; error?: string }
  /** Since the last one: lock renewals, the milliseconds that each took, and how many failed. */
  | { type: 'counts'; renewals: number[]; lost: number; cpu: number }
  | { type: 'stopped' }

export type WorkersRequest = { type: 'counts' } | { type: 'stop' }

const setup: WorkersSetup = JSON.parse(process.argv[2])
const config = readConfig()
const objects = await openObjects(config)
const log = pino({ level: config.logLevel })
const say = (message: WorkersMessage) => process.send!(message)

let renewals: number[] = []
let lost = 0
const extend = Worker.prototype.extendJobLocks
Worker.prototype.extendJobLocks = async function (ids, tokens, duration) {
  const start = performance.now()
  const failed = await extend.call(this, ids, tokens, duration)
  renewals.push(performance.now() - start)
  lost += failed.length
  return failed
}

let cpu = process.cpuUsage()
const running: RunningWorker[] = []
onParentGone(() => process.exit(0))
process.on('message', (request: WorkersRequest) => {
  if (request.type === 'counts') {
    const used = process.cpuUsage(cpu)
    say({ type: 'counts', renewals, lost, cpu: (used.user + used.system) / 1e6 })
    cpu = process.cpuUsage()
    renewals = []
    lost = 0
  } else
    void Promise.all(running.map(worker => worker.stop())).then(() => {
      say({ type: 'stopped' })
      process.disconnect()
    })
})
try {
  // Not all at once: a fleet of machines does not start within a second either.
  for (let i = 0; i < setup.workers; i += 5) {
    const few = Array.from({ length: Math.min(5, setup.workers - i) }, (_, j) =>
      startWorker({
        ...{ config, databaseUrl: setup.databaseUrl, log },
        virtual: { compute: waitingCompute(objects, setup), name: `virtual:${setup.first + i + j}` },
      }),
    )
    running.push(...(await Promise.all(few)))
  }
  say({ type: 'started' })
} catch (error) {
  say({ type: 'started', error: (error as Error).message })
}
