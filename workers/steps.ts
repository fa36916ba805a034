/**
 * The steps of the two kinds of job. Each begins by asking Postgres where the experiment stands, and does what is left to
 * do; nothing is remembered between steps.
 */
import { type Job, UnrecoverableError, WaitingChildrenError, WaitingError } from 'bullmq'
import { weightsName } from '../src/objects/names.ts'
import { objectKey } from '../src/objects/objects.ts'
import type { Known } from '../src/objects/verify.ts'
import type { JobData } from '../src/queue/jobs.ts'
import { attempts, type ExperimentJob, type SegmentJob } from '../src/queue/jobs.ts'
import type { WorkQueue } from '../src/queue/queue.ts'
import { segmentTurn } from '../src/queue/turns.ts'
import { segmentsOf } from '../src/spec/segments.ts'
import { findArtifacts } from '../src/store/artifacts.ts'
import { confirmCancelled, failExperiment } from '../src/store/endings.ts'
import { experimentPrefix } from '../src/store/experiments.ts'
import { patiently } from '../src/store/patience.ts'
import {
  isAllocated,
  noteAllocated,
  recordSegment,
  startSegment,
  unallocatedSegments,
} from '../src/store/segments.ts'
import { type ExperimentState, readState } from '../src/store/state.ts'
import {
  isWanted,
  noteTrained,
  pendingSegments,
  recordAgain,
  recordTrainedSegments,
  recordTraining,
  startExperiment,
} from '../src/store/training.ts'
import { describeSpan, failSpan, inSpan } from '../src/telemetry.ts'
import { TaskError } from './child.ts'
import { finalize, removeUnkept } from './finalize.ts'
import type { Result, Task } from './protocol.ts'
import { HandedBack, runTask, Unwanted, type WorkerContext } from './task.ts'

export type LedgerJob = Job<JobData, void, JobData['kind']>

/** What BullMQ calls for every job. Returns when there is nothing left to do; throws for another attempt, or the last. */
export async function processJob(
  context: WorkerContext,
  queue: WorkQueue,
  job: LedgerJob,
  token: string,
): Promise<void> {
  const { data } = job
  const { experimentId } = data
  describeSpan(facts(data))
  try {
    if (data.kind === 'experiment') await advanceExperiment(context, queue, job, data, token)
    else await step('allocate', data, () => allocate(context, data))
  } catch (error) {
    // BullMQ's own way of saying that the job waits.
    if (error instanceof WaitingChildrenError) throw error
    if (error instanceof HandedBack) {
      // Back to the head of the queue at once: no attempt lost, no lock to wait out.
      await job.moveToWait(token)
      throw new WaitingError()
    }
    if (error instanceof Unwanted) {
      await settle(context, experimentId)
      return data.kind === 'experiment' ? awaitChildren(job, token) : undefined
    }
    failSpan(error)
    throw await failed(context, job, error as Error)
  }
}

/** train, then one job a segment, then finalize: as far as it gets now. */
async function advanceExperiment(
  context: WorkerContext,
  queue: WorkQueue,
  job: LedgerJob,
  data: ExperimentJob,
  token: string,
): Promise<void> {
  const { db, log } = context
  const { experimentId: id } = data
  const state = await patiently(() => readState(db, id), log)
  if (state === undefined || state.cancelling) throw new Unwanted()
  if (state.status === 'succeeded') return removeUnkept(context, id, state)
  if (state.status === 'failed' || state.status === 'cancelled') return awaitChildren(job, token)
  if (state.status !== 'allocating') await step('train', data, () => train(context, id, state))
  // A policy may have made it shorter.
  const { spec } = (state.spec.training.policy && (await patiently(() => readState(db, id), log))) ?? state

  const segments = await unallocatedSegments(db, id)
  if (segments.length > 0) {
    log.info({ experiment: id, segments: segments.length }, 'allocating')
    const turns = segments.map((index, n) => ({ index, turn: segmentTurn(state, segments.length, n) }))
    await queue.submitSegments(id, turns)
    await awaitChildren(job, token)
    // They are all done already; or one has failed, and the experiment with it.
    if (!(await isWanted(db, id, 'allocating'))) throw new Unwanted()
    if ((await unallocatedSegments(db, id)).length > 0) throw new Error('segments came back without a result')
  }
  await step('finalize', data, () => finalize(context, id, { ...state, spec }))
}

/** What traces tell of a job. */
const facts = (data: JobData) => ({
  'ledger.experiment.id': data.experimentId,
  ...(data.kind === 'segment' && { 'ledger.segment.index': data.index }),
})

/** A step in a span of its own. To be stopped is no failure. */
const step = <T>(name: string, data: JobData, work: () => Promise<T>): Promise<T> =>
  inSpan(name, facts(data), work, error => error instanceof Unwanted || error instanceof HandedBack)

/**
 * Lets the job wait for its segments, as far as there are any: it comes back when they are done. Those of an experiment
 * that is over end as soon as a worker looks at them. (Postgres's backend cannot take them back: it forgets the jobs, but
 * not that they are waited for.)
 */
async function awaitChildren(job: LedgerJob, token: string): Promise<void> {
  if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError()
}

async function train(context: WorkerContext, id: string, { spec }: ExperimentState): Promise<void> {
  const { db, log } = context
  const computer = await context.computer()
  const started = await startExperiment(db, id, computer)
  if (started === undefined) throw new Unwanted()
  if (started === 'allocating') return
  const segments = await pendingSegments(db, id)
  const continues = await continuedWeights(db, id, spec, segments)
  log.info({ experiment: id, iterations: spec.training.iterations, segments: segments.length }, 'training')
  const { variables, objects, seconds, ended } = await runTask(
    context,
    { kind: 'train', experimentId: id, spec, segments, ...(continues && { continues }) },
    {
      phase: 'training',
      note: done => noteTrained(db, id, done),
      keep: ({ index, object }) =>
        recordTrainedSegments(db, id, { segments: [index], objects: [object] }, computer),
    },
  )
  const recorded = await patiently(
    () => recordTraining(db, id, variables, { segments, objects }, computer, ended),
    log,
  )
  // Not recorded, and allocating all the same: it was, and only the answer was lost.
  if (!recorded && !(await isWanted(db, id, 'allocating'))) throw new Unwanted()
  log.info({ experiment: id, seconds, ended }, 'trained')
}

/** The weights before the first of these segments where those of an extended experiment, which are allocated, go before it. */
async function continuedWeights(
  db: WorkerContext['db'],
  id: string,
  spec: ExperimentState['spec'],
  [first]: number[],
): Promise<Known | undefined> {
  if (!first || !(await isAllocated(db, id, first - 1))) return undefined
  const name = weightsName(segmentsOf(spec)[first - 1])
  const found = (await findArtifacts(db, id, [name])).get(name)
  return found && { key: objectKey(id, name), bytes: found.bytes, sha256: found.sha256 }
}

async function allocate(context: WorkerContext, { experimentId: id, index }: SegmentJob): Promise<void> {
  const { db, log } = context
  const computer = await context.computer()
  const segment = await patiently(() => startSegment(db, id, index, computer.worker), log)
  if (segment === undefined) {
    if (await isWanted(db, id, 'allocating')) return // Somebody else has allocated it.
    throw new Unwanted()
  }
  const { from, to, spec } = segment
  const compute = () =>
    runTask(
      context,
      { kind: 'allocate', experimentId: id, spec, from, to },
      { phase: 'allocating', note: done => noteAllocated(db, id, index, done) },
    )
  let result: Extract<Result, { kind: 'allocate' }>
  try {
    result = await compute()
  } catch (error) {
    if (!(error instanceof TaskError) || error.kind !== 'missing') throw error
    log.warn({ experiment: id, from, to, err: error }, 'weights are lost and trained again')
    const task: Extract<Task, { kind: 'train' }> = {
      kind: 'train',
      experimentId: id,
      spec,
      segments: [index],
    }
    const { objects } = await runTask(context, task, { phase: 'allocating' })
    await recordAgain(db, id, { segments: [index], objects }, computer)
    result = await compute()
  }
  const record = () => patiently(() => recordSegment(db, id, index, result, computer), log)
  let outcome = await record()
  if (outcome === 'disputed') {
    log.warn(
      { experiment: id, from, to },
      'another device was faster, with other bits: the segment is allocated again',
    )
    result = await compute()
    outcome = await record()
    if (outcome === 'disputed') throw new Error('two workers allocate one segment, with other bits each')
  }
  if (outcome === 'unwanted') throw new Unwanted()
  context.noteSpeed(result.examples / result.seconds)
  log.info(
    { experiment: id, from, to, seconds: result.seconds, gradients: result.gradients, outcome },
    'allocated',
  )
}

/** An experiment that is not to go on: says cancelled where that was asked for, and clears up behind a deletion. */
async function settle({ db, objects, log }: WorkerContext, id: string): Promise<void> {
  if (await confirmCancelled(db, id)) log.info({ experiment: id }, 'cancelled')
  // Deleted while this worker computed: what it wrote since is nobody's.
  if ((await readState(db, id)) === undefined) await objects.remove(experimentPrefix(id), [])
}

/** The error for BullMQ; where no attempt is left, or none can help, the experiment has failed with this reason. */
async function failed({ db, log }: WorkerContext, job: LedgerJob, error: Error): Promise<Error> {
  const { experimentId } = job.data
  const permanent = error instanceof TaskError && error.kind === 'permanent'
  const tries = job.attemptsMade + 1
  const told = { experiment: experimentId, job: job.id, attempt: tries, err: error }
  if (!permanent && tries < attempts) {
    log.warn(told, 'an attempt failed and will be repeated')
    return error
  }
  const errors = error instanceof TaskError ? error.errors : undefined
  const message = permanent ? error.message : `${error.message} (after ${tries} attempts)`
  await failExperiment(db, experimentId, { message, errors })
  log.error(told, 'the experiment has failed')
  return permanent ? new UnrecoverableError(error.message) : error
}
