/** One task of the compute child, run for an experiment: progress goes to Postgres, and news from there stops it. */
import type { Log } from '../src/log.ts'
import { manifestName, weightsName } from '../src/objects/names.ts'
import { type Objects, objectKey } from '../src/objects/objects.ts'
import type { Known } from '../src/objects/verify.ts'
import { recordedBy } from '../src/spec/recording.ts'
import type { ResolvedSpec } from '../src/spec/resolved.ts'
import { findArtifacts } from '../src/store/artifacts.ts'
import type { Database } from '../src/store/database.ts'
import { type Upload, uploadOf } from '../src/store/datasets.ts'
import { patiently } from '../src/store/patience.ts'
import { type Computer, readState } from '../src/store/state.ts'
import { isWanted } from '../src/store/training.ts'
import { type Trajectory, trajectoryOf } from '../src/store/trajectories.ts'
import { type Compute, TaskError } from './child.ts'
import type { Ancestor, Result, StoredSegment, Task } from './protocol.ts'

/** What the steps work with. */
export type WorkerContext = {
  db: Database
  objects: Objects
  compute: Compute
  /** This worker's name and what its child computes on. Throws HandedBack where there can be no child any more. */
  computer(): Promise<Computer>
  /** Hears what this worker does, for whoever asks about the fleet, and how fast it was (examples a second). */
  noteTask(task: Task | undefined): void
  noteSpeed(examplesPerSecond: number): void
  /** Aborts when the worker is to stop. */
  stopping: AbortSignal
  log: Log
}

/** Nobody wants the result any more: the experiment is to be cancelled, has been deleted, or has failed elsewhere. */
export class Unwanted extends Error {
  constructor() {
    super('the experiment is not wanted any more')
    this.name = 'Unwanted'
  }
}

/** The worker stops: somebody else shall do it. */
export class HandedBack extends Error {
  constructor() {
    super('the worker stops')
    this.name = 'HandedBack'
  }
}

export type TaskOptions = {
  phase: 'training' | 'allocating'
  /** Notes progress in Postgres; says whether the task is still wanted. */
  note?: (done: number) => Promise<boolean>
  /** Notes in Postgres that a segment's weights are stored; where that fails, they are only stored again. */
  keep?: (segment: StoredSegment) => Promise<void>
}

// How often progress is written while a task is short, so that who looks sees it move; and how often afterwards, and
// Postgres asked whether to go on in any case. That is most of what a large fleet asks of Postgres.
const noteEvery = 250
const askEvery = 1000
const short = 2000

/** Runs a task. Throws Unwanted, HandedBack, or the child's TaskError. */
export async function runTask<K extends Task['kind']>(
  context: WorkerContext,
  task: Extract<Task, { kind: K }>,
  { phase, note, keep = async () => {} }: TaskOptions,
): Promise<Extract<Result, { kind: K }>> {
  const { db, compute, stopping, log } = context
  const controller = new AbortController()
  const stop = () => controller.abort(new HandedBack())
  if (stopping.aborted) stop()
  stopping.addEventListener('abort', stop, { once: true })

  let done = 0
  let noted = 0
  let last = 0
  const began = Date.now()
  let pending: Promise<void> | undefined
  const look = async () => {
    last = Date.now()
    try {
      const moved = note !== undefined && done > noted
      noted = done
      const wanted = moved ? await note(done) : await isWanted(db, task.experimentId, phase)
      if (!wanted) controller.abort(new Unwanted())
    } catch (error) {
      // A database that is away for a moment must not cost the task; the next look tries again.
      log.warn({ err: error, experiment: task.experimentId }, 'progress could not be written')
    } finally {
      pending = undefined
    }
  }
  const lookSoon = () => {
    pending ??= look()
  }
  let keeping = Promise.resolve()
  const keepNext = (segment: StoredSegment) => {
    keeping = keeping
      .then(() => keep(segment))
      .catch(error => log.warn({ err: error, experiment: task.experimentId }, 'a segment could not be noted'))
  }
  const timer = setInterval(lookSoon, askEvery)
  context.noteTask(task)
  try {
    await context.computer()
    const upload = await findUpload(context, task)
    const known = await findKnown(context, task)
    const asksTraining = recordedBy(task.spec).some(({ diagnostic }) => diagnostic.asksTraining)
    const manifest = task.kind === 'allocate' && asksTraining ? await findManifest(context, task) : undefined
    const trajectory = task.kind === 'train' || asksTraining ? await findTrajectory(context, task) : undefined
    const ancestors = task.kind === 'train' || asksTraining ? await findAncestors(context, task.spec) : []
    const told: typeof task = {
      ...{ ...task, ...(upload && { upload }), ...(known && { known }), ...(manifest && { manifest }) },
      ...(ancestors.length > 0 && { ancestors }),
      ...(trajectory && { trajectory }),
    }
    const result: Result = await compute.run<K>(
      told,
      (current, stored) => {
        done = current
        if (stored !== undefined) keepNext(stored)
        if (Date.now() - began < short && Date.now() - last >= noteEvery) lookSoon()
      },
      controller.signal,
    )
    if (result.kind === 'train' && result.damaged?.length)
      log.warn(
        { experiment: task.experimentId, damaged: result.damaged },
        'objects are damaged and made again',
      )
    // What a task returns has the task's kind.
    return result as Extract<Result, { kind: K }>
  } catch (error) {
    // Whatever the child made of it: this is why it was told to stop.
    controller.signal.throwIfAborted()
    throw error
  } finally {
    clearInterval(timer)
    context.noteTask(undefined)
    stopping.removeEventListener('abort', stop)
    await pending
    await keeping
  }
}

/** What Postgres knows of the object that a task reads first; undefined where there is none, or no record of it. */
async function findKnown(context: WorkerContext, task: Task): Promise<Known | undefined> {
  return task.kind === 'train'
    ? findManifest(context, task)
    : findObject(context, task.experimentId, weightsName(task))
}

/** The manifest of the experiment that a training starts from. */
async function findManifest(context: WorkerContext, { spec }: Task): Promise<Known | undefined> {
  const { initial } = spec.training
  return initial && findObject(context, initial.experiment, manifestName)
}

async function findObject({ db, log }: WorkerContext, id: string, name: string): Promise<Known | undefined> {
  const found = (await patiently(() => findArtifacts(db, id, [name]), log)).get(name)
  return found && { key: objectKey(id, name), bytes: found.bytes, sha256: found.sha256 }
}

/** Those whose training one goes on with, the nearest first; up to the first that is gone. */
async function findAncestors(context: WorkerContext, spec: ResolvedSpec): Promise<Ancestor[]> {
  const { db, log } = context
  const found: Ancestor[] = []
  for (let { initial } = spec.training; initial?.state; ) {
    const id = initial.experiment
    const state = await patiently(() => readState(db, id), log)
    if (state === undefined) break
    const task: Task = { kind: 'train', experimentId: id, spec: state.spec, segments: [] }
    const upload = await findUpload(context, task)
    const known = await findKnown(context, task)
    found.push({ id, spec: state.spec, ...(upload && { upload }), ...(known && { known }) })
    initial = state.spec.training.initial
  }
  return found
}

/** The uploaded dataset that a task is on, where it is on one. Throws TaskError where it has been deleted. */
async function findUpload(
  { db, log }: WorkerContext,
  { experimentId, spec }: Task,
): Promise<Upload | undefined> {
  const { name, sha256 } = spec.dataset
  if (sha256 === undefined) return undefined
  const upload = await patiently(() => uploadOf(db, experimentId), log)
  if (upload === undefined)
    throw new TaskError({
      kind: 'permanent',
      message: `the dataset ${name} (${sha256}) has been deleted: upload the same files under this name, and try again`,
    })
  return upload
}

/** The trajectory that is read instead of training. Throws TaskError where it has been deleted. */
async function findTrajectory({ db, log }: WorkerContext, task: Task): Promise<Trajectory | undefined> {
  const id = task.spec.training.trajectory
  if (id === undefined) return undefined
  const found = await patiently(() => trajectoryOf(db, task.experimentId), log)
  if (found === undefined)
    throw new TaskError({ kind: 'permanent', message: `the trajectory ${id} has been deleted` })
  return found
}
