/**
 * A worker with a compute child that only pretends, on the Postgres queue, or on Redis where TEST_REDIS_URL says: for files
 * of tests about what the worker does. Importing it gives every test of the process a database, a queue and objects.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { type Config, readConfig } from '../../src/config.ts'
import type { Objects } from '../../src/objects/objects.ts'
import { openObjects } from '../../src/objects/open.ts'
import { type ExperimentQueue, openQueue } from '../../src/queue/queue.ts'
import type { ResolvedSpec } from '../../src/spec/resolved.ts'
import { createExperiment } from '../../src/store/experiments.ts'
import type { Status } from '../../src/store/state.ts'
import { type RunningWorker, startWorker } from '../../workers/worker.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import type { FakePlan } from './fake-compute.ts'
import { asStored, fakeSpec } from './fake-ledger.ts'

/** Of the test that runs: each has its own, made and closed around it. */
export let database: TestDatabase
export let config: Config
export let queue: ExperimentQueue
export let objects: Objects
let workers: RunningWorker[]

beforeEach(async () => {
  database = await testDatabase()
  const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-worker-'))
  // A lock that outlives every deadline here: nothing is waited for that only its end would bring about.
  const lock = { LEDGER_LOCK_SECONDS: '120' }
  config = readConfig({ ...lock, LEDGER_DIR: directory, REDIS_URL: process.env.TEST_REDIS_URL })
  queue = await openQueue(config, database.url, database.db)
  objects = await openObjects(config)
  workers = []
})
afterEach(async () => {
  await Promise.all(workers.map(worker => worker.stop()))
  await queue.close()
  await database.close()
  rmSync(config.ledgerDir, { recursive: true, force: true })
})

const computeEntry = fileURLToPath(new URL('./fake-compute.js', import.meta.url))

const quiet = pino({ level: process.env.TEST_LOG ?? 'silent' })

/** Starts a worker, which is stopped after the test; its child does as the plan says. */
export async function work(plan: FakePlan = {}, log = quiet): Promise<RunningWorker> {
  process.env.FAKE_PLAN = JSON.stringify(plan)
  const worker = await startWorker({ config, databaseUrl: database.url, log, computeEntry })
  workers.push(worker)
  return worker
}
/** Creates an experiment, two iterations a segment, and queues it. */
export async function post(
  iterations = 5,
  keep: ResolvedSpec['keep'] = ['weights', 'allocations'],
): Promise<string> {
  const id = randomUUID()
  await createExperiment(database.db, { id, spec: asStored(fakeSpec(iterations, 2, keep)) })
  await queue.submit(id)
  return id
}
/** The experiment as Postgres has it now, with its segments. */
export const look = (id: string) =>
  database.db.prisma.experiment.findUnique({
    where: { id },
    include: { segments: { orderBy: { index: 'asc' } } },
  })

/** Waits until the experiment has this status, at most so many milliseconds. */
export async function reaches(id: string, status: Status, milliseconds = 40_000) {
  const deadline = Date.now() + milliseconds
  for (;;) {
    const found = await look(id)
    if (found?.status === status) return found
    if (Date.now() > deadline)
      assert.fail(`${found?.status} after ${milliseconds} ms, not ${status}: ${JSON.stringify(found?.error)}`)
    await sleep(20)
  }
}
/** The job outlives its last write to Postgres by a moment. */
export async function forgotten(id: string, milliseconds = 40_000) {
  const deadline = Date.now() + milliseconds
  while (await queue.holds(id)) {
    if (Date.now() > deadline) assert.fail(`the queue still holds the experiment after ${milliseconds} ms`)
    await sleep(20)
  }
}
/** The tasks that children have begun, in order. */
export const diary = () => readFileSync(join(config.ledgerDir, 'fake-compute.log'), 'utf8').trim().split('\n')
/** Whether the object store has anything of the experiment. */
export const stored = (id: string) => existsSync(join(config.objectsDir, 'experiments', id))
