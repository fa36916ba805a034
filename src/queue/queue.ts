/** The producer's side of the queue: what the API and the workers put into it, and nothing more. */
import { Queue } from 'bullmq'
import type { Config } from '../config.ts'
import type { Database } from '../store/database.ts'
import { queueTelemetry } from '../telemetry.ts'
import { type Backend, chooseBackend } from './backend.ts'
import { experimentJob, experimentJobId, type JobData, queueName, segmentJob } from './jobs.ts'
import { readTurns } from './turns.ts'

export type ExperimentQueue = {
  /** Queues an experiment that is in Postgres. Queueing one that is queued already changes nothing. */
  submit(experimentId: string): Promise<void>
  /** Queues many at once. */
  submitAll(experimentIds: string[]): Promise<void>
  /** Whether the queue still holds the experiment's job. */
  holds(experimentId: string): Promise<boolean>
  /** Which of these the queue does not hold. */
  lost(experimentIds: string[]): Promise<string[]>
  /**
   * Takes the experiment's jobs back, as far as no worker has them in hand; a worker finds out from Postgres. Call it
   * after Postgres says that the experiment is not to run.
   */
  remove(experimentId: string): Promise<void>
  /** Resolves when the queue answers; rejects when it does not. For readiness. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** What a worker puts into the queue besides. */
export type WorkQueue = ExperimentQueue & {
  /** Queues segments of an experiment, each with its turn, as children of its job. */
  submitSegments(experimentId: string, segments: { index: number; turn: number }[]): Promise<void>
}

/** Postgres' code for it (appendix A of its manual). */
const deadlockDetected = '40P01'

/**
 * Connects to the queue. The queue's own tables must have been migrated (migrateDatabase). `db` knows whose turn it
 * is; `onError` hears of connections that break later, which are made again. With `patience` (milliseconds), what Redis
 * does not answer in that time is rejected, at once while it is away; else it is waited for.
 */
export async function openQueue(
  config: Pick<Config, 'redisUrl'>,
  databaseUrl: string,
  db: Pick<Database, 'pool'>,
  onError: (error: Error) => void = () => {},
  patience?: number,
): Promise<ExperimentQueue> {
  const backend = chooseBackend(config, databaseUrl, { patience, name: 'loss-ledger api queue' })
  const queue = await openQueueOn(backend, db, onError).catch(async error => {
    await backend.close()
    throw error
  })
  return {
    ...queue,
    async close() {
      await queue.close()
      await backend.close()
    },
  }
}

/** Opens the queue on a backend, whose owner closes it after the queue; else as openQueue. */
export async function openQueueOn(
  { connection, factory }: Backend,
  db: Pick<Database, 'pool'>,
  onError: (error: Error) => void,
): Promise<WorkQueue> {
  const options = { connection, telemetry: queueTelemetry() }
  const queue = new Queue<JobData, void, JobData['kind']>(queueName, options, factory)
  queue.on('error', onError)
  await queue.waitUntilReady()

  const submitAll = async (experimentIds: string[]) => {
    const turns = await readTurns(db.pool, experimentIds)
    const jobs = [...turns].map(([id, turn]) => experimentJob(id, turn))
    // Not one alone in bulk: on Postgres a bulk makes tables of its own, which costs as much as three single jobs.
    if (jobs.length === 1) await queue.add(jobs[0].name, jobs[0].data, jobs[0].opts)
    else if (jobs.length > 1) await queue.addBulk(jobs)
  }
  const holds = async (experimentId: string) =>
    (await queue.getJob(experimentJobId(experimentId))) !== undefined
  return {
    submitAll,
    submit: experimentId => submitAll([experimentId]),
    async submitSegments(experimentId, segments) {
      await queue.addBulk(
        segments.map(({ index, turn }) => segmentJob(experimentId, index, turn, queue.qualifiedName)),
      )
    },
    holds,
    async lost(experimentIds) {
      const lost: string[] = []
      for (let i = 0; i < experimentIds.length; i += 100) {
        const some = experimentIds.slice(i, i + 100)
        const held = await Promise.all(some.map(holds))
        lost.push(...some.filter((_, j) => !held[j]))
      }
      return lost
    },
    async remove(experimentId) {
      // On Postgres, taking jobs back can meet a worker that finishes one of them, and one of the two has to give way.
      for (let attempt = 1; ; attempt++) {
        try {
          await queue.remove(experimentJobId(experimentId), { removeChildren: true })
          return
        } catch (error) {
          if ((error as { code?: string }).code !== deadlockDetected || attempt === 5) throw error
        }
      }
    },
    async ping() {
      await queue.getJobCounts('waiting')
    },
    async close() {
      // A Redis that is away cannot be told, and must not keep the process. ioredis then never says that it has let go.
      await queue.close().catch(() => void queue.disconnect().catch(() => {}))
    },
  }
}
