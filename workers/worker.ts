/**
 * The life of a worker: start the compute child, agree with Postgres about what is to be done, take jobs one at a time,
 * and, when told to stop, hand back what is in hand within seconds.
 */
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'
import { childEnvironment } from '../src/children.ts'
import type { Config } from '../src/config.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import { cudaDevices } from '../src/engine/devices.ts'
import type { Log } from '../src/log.ts'
import { openObjects, storeName } from '../src/objects/open.ts'
import { chooseBackend } from '../src/queue/backend.ts'
import { type JobData, queueName } from '../src/queue/jobs.ts'
import { openQueueOn } from '../src/queue/queue.ts'
import { reconcile } from '../src/queue/reconcile.ts'
import { claimChore, type OnFailure } from '../src/store/chores.ts'
import { claimStore } from '../src/store/claim.ts'
import { coarsenEarlier } from '../src/store/coarsen.ts'
import { openDatabase } from '../src/store/database.ts'
import { storedDigests } from '../src/store/datasets.ts'
import { rewriteEarlierRows } from '../src/store/earlier-rows.ts'
import { failExperiment } from '../src/store/endings.ts'
import { measureEarlier } from '../src/store/measures.ts'
import { startFailure } from '../src/store/reach.ts'
import { sweep } from '../src/store/sweep.ts'
import { outsideSpans, queueTelemetry } from '../src/telemetry.ts'
import { allocatorEnvironment, hasGlibc } from './allocator.ts'
import { type Compute, openCompute, withResolvers } from './child.ts'
import { checkClock } from './clock.ts'
import { sweepFetched } from './fetched.ts'
import { register } from './registration.ts'
import { processJob } from './steps.ts'
import { HandedBack, type WorkerContext } from './task.ts'
import { openTelling } from './telling.ts'

export type WorkerOptions = {
  config: Config
  /** A database that has been migrated. */
  databaseUrl: string
  log: Log
  /** Another compute script, for tests. */
  computeEntry?: string
  /** In place of a compute child, and what to be called: for many workers in one process, which compute nothing. */
  virtual?: { compute: Compute; name: string }
}

export type RunningWorker = {
  /** How it is called in experiments.worker and segments.worker. */
  name: string
  /** Takes no more jobs, hands back the current one, ends the child. Calling it again waits for the same. */
  stop(): Promise<void>
  /** Resolves when its compute child cannot be started any more: it takes no jobs from then on, and is to be stopped. */
  broken: Promise<void>
}

const sweepEvery = 3600_000
// The first time soon: a worker that comes and goes with the work would never sweep.
const firstSweepWithin = 300_000
// A GPU that is newer than TensorFlow's kernels has them compiled by its driver when they are first used.
const cudaStartTimeout = 1800_000

/**
 * Most connections to Postgres of a worker, and of its queue where that is there too, of which one listens for jobs. Two
 * are what a sweep needs, which holds one and works on the other; no two of those run at once.
 */
export const connections = { database: 2, queue: 2 }

/** Starts a worker. Rejects, with nothing left running, where the engine, Postgres or the queue cannot be had. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, databaseUrl } = options
  const name = options.virtual?.name ?? `${hostname()}:${process.pid}`
  const telling = openTelling(options.log, name)
  const { log } = telling
  // A worker that dies is noticed when its lock runs out; the lock is renewed at half time, whatever the child does.
  const lockDuration = config.lockSeconds * 1000
  const stalledInterval = lockDuration / 2
  // A job whose worker dies again and again, for more than a minute and a half, is more likely the cause than the victim.
  const maxStalledCount = Math.max(10, Math.ceil(100 / config.lockSeconds))
  const reconcileEvery = Math.min(3 * lockDuration, 30_000)
  // An empty queue while Postgres has work may be one that was emptied: not worth asking more often than this, by all
  // workers together.
  const reconcileAtMost = lockDuration / 2
  const stopping = new AbortController()
  const { promise: broken, resolve: sayBroken } = withResolvers<void>()
  const closers: (() => Promise<unknown>)[] = []
  const onError = (error: Error) => log.warn({ err: error }, 'a connection broke')
  const stop = async () => {
    stopping.abort()
    for (const close of closers.splice(0).reverse()) {
      await close().catch(error => log.error({ err: error }, 'a part did not close cleanly'))
    }
  }
  try {
    const compute = options.virtual?.compute ?? startCompute({ ...options, log })
    closers.push(compute.close)
    const db = await openDatabase(databaseUrl, {
      ...{ max: connections.database, name: 'loss-ledger worker', onError },
    })
    closers.push(db.close)
    telling.begin(db)
    closers.push(telling.close)
    if (config.redisUrl === undefined) await checkClock(db, lockDuration)
    const backend = chooseBackend(config, databaseUrl, {
      ...{ connections: connections.queue, name: 'loss-ledger worker queue' },
    })
    closers.push(backend.close)
    const queue = await openQueueOn(backend, db, onError)
    closers.push(queue.close)

    // Before the first job: an engine that cannot be had is this worker's problem, not the experiment's.
    const engine = await compute.ready()
    const registration = await register(db, name, engine, log)
    closers.push(registration.close)
    const objects = await openObjects(config)
    await claimStore(db, objects, storeName(config), log)
    const context: WorkerContext = {
      ...{ db, compute, objects, log },
      ...{ noteTask: registration.noteTask, noteSpeed: registration.noteSpeed },
      async computer() {
        for (let tries = 1; ; tries++) {
          if (stopping.signal.aborted) throw new HandedBack()
          try {
            return { worker: name, engine: await unlessAborted(compute.ready(), stopping.signal) }
          } catch (error) {
            if (stopping.signal.aborted) throw new HandedBack()
            // It could, at the start: this machine's trouble, for which no job shall lose an attempt.
            log.error({ err: error, tries }, 'the compute process does not start again')
            if (tries === 3) break
            await sleep(1000, undefined, { signal: stopping.signal }).catch(() => {})
          }
        }
        log.fatal('this worker cannot compute any more')
        stopping.abort()
        sayBroken()
        throw new HandedBack()
      },
      stopping: stopping.signal,
    }
    const worker = new Worker<JobData, void, JobData['kind']>(
      queueName,
      (job, token) => processJob(context, queue, job, token!),
      {
        ...{ connection: backend.connection, telemetry: queueTelemetry(), name, concurrency: 1 },
        ...{ autorun: false, lockDuration, stalledInterval, maxStalledCount },
      },
      backend.factory,
    )
    worker.on('error', onError)
    worker.on('failed', (job, error) => {
      if (job?.finishedOn === undefined) return
      // What BullMQ itself gives up on, nobody else tells the experiment. Any other job has failed its experiment
      // already; where a retry came while the queue still held the job, that is made good now.
      const stalled = error.message.includes('stalled more than')
      const told = stalled ? failExperiment(db, job.data.experimentId, { message: error.message }) : agree()
      told.catch(onError)
    })
    await worker.waitUntilReady()
    closers.push(() => worker.close())

    const agree = async () => {
      // BullMQ's events, which call this, come from within the job before.
      const lost = await outsideSpans(() => reconcile(db, queue))
      if (lost.length > 0) log.info({ experiments: lost }, 'queued again what the queue had lost')
    }
    // It asks for every experiment that is not finished: one worker of a fleet does, for all.
    const agreeUnlessSince = async (milliseconds: number) => {
      const due = await claimChore(db, 'reconcile', milliseconds)
      if (due) await agree()
      return due
    }
    const timers = new Set<NodeJS.Timeout>()
    closers.push(async () => timers.forEach(clearTimeout))
    if (!(await agreeUnlessSince(reconcileAtMost)))
      // The queue may have been lost between that and this worker's start.
      timers.add(setTimeout(() => agreeUnlessSince(reconcileAtMost).catch(onError), reconcileAtMost))
    // By a clock that is not this one: a little less than the interval must do, or every other turn is missed.
    timers.add(setInterval(() => agreeUnlessSince(0.9 * reconcileEvery).catch(onError), reconcileEvery))
    worker.on('drained', () => agreeUnlessSince(reconcileAtMost).catch(onError))
    const leave: OnFailure = (experiment, err) =>
      log.error({ experiment, err }, 'left it as an earlier version had it; the next round tries again')
    const rounds = [
      async () => {
        if (!(await claimChore(db, 'sweep', 0.9 * sweepEvery))) return
        const swept = await sweep(db, queue, objects, config.retentionDays, log)
        if (swept !== undefined) log.info({ swept }, 'swept')
      },
      async () => {
        const segments = await rewriteEarlierRows(db, leave)
        if (segments) log.info({ segments }, 'rewrote what an earlier version had recorded')
      },
      async () => {
        const chunks = await coarsenEarlier(db, leave)
        if (chunks) log.info({ chunks }, 'made coarse tables of what an earlier version had recorded')
      },
      async () => {
        const experiments = await measureEarlier(db, leave)
        if (experiments)
          log.info({ experiments }, 'noted for their sweeps what an earlier version had finished')
      },
      async () => {
        const digests = await storedDigests(db)
        await sweepFetched(config.datasetsDir, sha256 => digests.has(sha256))
      },
    ]
    const clean = async () => {
      // None of them waits for another to succeed.
      for (const round of rounds)
        await round().catch((err: Error) => {
          if (!stopping.signal.aborted)
            log.warn({ err }, 'could not clean up to the end; the next round does')
        })
    }
    let broom: NodeJS.Timeout
    const sweepIn = (milliseconds: number) => {
      broom = setTimeout(async () => {
        await clean()
        if (!stopping.signal.aborted) sweepIn(sweepEvery)
      }, milliseconds)
    }
    // Not all workers of a fleet at once, and not before this one works.
    sweepIn(firstSweepWithin * (0.2 + 0.8 * Math.random()))
    closers.push(async () => clearTimeout(broom))
    worker.run().catch(onError)
  } catch (error) {
    await stop()
    throw startFailure(error, databaseUrl)
  }
  log.info({ worker: name }, 'the worker takes jobs')
  let stopped: Promise<void> | undefined
  return {
    name,
    broken,
    stop: () => {
      stopped ??= stop().then(() => log.info({ worker: name }, 'the worker has stopped'))
      return stopped
    },
  }
}

function startCompute({ config, log, computeEntry }: WorkerOptions): Compute {
  const entry = computeEntry ?? fileURLToPath(new URL('./compute.js', import.meta.url))
  const onGpu = cudaDevices().length > 0
  const startTimeout = onGpu ? cudaStartTimeout : undefined
  return openCompute({ entry, env: computeEnvironment(config, onGpu), log, patience: 3000, startTimeout })
}

/** Waits for work that goes on by itself, until the signal aborts. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** The child reads the same configuration, with paths that do not depend on where it runs; databases are not its business. */
function computeEnvironment(config: Config, onGpu: boolean): NodeJS.ProcessEnv {
  const env = childEnvironment()
  const engine = config.engine ?? defaultEngine()
  return {
    ...env,
    ...allocatorEnvironment(env, { engine, onGpu, glibc: hasGlibc() }),
    LEDGER_DIR: config.ledgerDir,
    DATASETS_DIR: config.datasetsDir,
    LEDGER_ENGINE: config.engine,
    LEDGER_THREADS: config.threads?.toString(),
    DATABASE_URL: undefined,
    REDIS_URL: undefined,
  }
}
