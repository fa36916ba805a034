/**
 * The train step: the trajectory θ_0 … θ_T, written as one object of weights a segment, and beside it the training's
 * state at the segment's end, from which a training that was interrupted goes on.
 */
import { setImmediate } from 'node:timers/promises'
import { allocatedWeights, type TrainingState, vectorsOf } from '../../src/nn/training/state.ts'
import { train } from '../../src/nn/training/train.ts'
import { leftName, weightsName } from '../../src/objects/names.ts'
import { objectKey } from '../../src/objects/objects.ts'
import type { Known } from '../../src/objects/verify.ts'
import { SpecError } from '../../src/spec/errors.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Context } from '../context.ts'
import type { Result, StoredObject, StoredSegment, Task } from '../protocol.ts'
import { beginningOf, originOf } from './branch.ts'
import { openRows, readRows } from './rows.ts'
import { openSay } from './say.ts'
import { writeTable } from './sealed.ts'
import { latestState, writeState } from './state.ts'
import { copySegments } from './trajectory.ts'

type Span = { index: number; from: number; to: number }

/**
 * Writes weights/{from}-{to}.npy, float32 [to − from + 1, parameters], of the segments asked for; the last row of one is
 * the first of the next. Memory holds one row. What comes before them is gone through from the latest state that is stored,
 * or from the beginning; with `continues`, it must come to the weights that are there. Throws SpecError where it does not.
 */
export async function trainSegments(
  context: Context,
  task: Extract<Task, { kind: 'train' }>,
  report: (done: number, total: number, stored?: StoredSegment) => void,
  signal: AbortSignal,
): Promise<Result> {
  const { prepare, objects } = context
  const { experimentId, spec, segments, ancestors = [] } = task
  const start = performance.now()
  const { model, data } = await prepare(task, signal)
  const { network } = model
  const { parameters } = network
  const layers = resolveLayers(spec, network)
  const slots = vectorsOf(spec, layers)
  const origin = originOf(spec, ancestors, layers)
  const spans = segmentsOf(spec)
  const { iterations } = spec.training
  const stored: StoredObject[] = []
  const damaged: string[] = []
  /** Where a policy ended training before it had all of its iterations. */
  let ended: number | undefined
  // Read only where training begins: one that resumes does not need the earlier experiment any more.
  const begin = () => beginningOf(context, spec, network, ancestors, task.known, signal)

  const open = ({ from, to }: Span) =>
    openRows(objects, experimentId, weightsName({ from, to }), to - from + 1, parameters)
  if (task.trajectory) {
    const copied = await copySegments(
      objects,
      task.trajectory,
      { model, train: data.train },
      task,
      report,
      signal,
    )
    stored.push(...copied)
  }
  for (const { first, last } of task.trajectory ? [] : runs(segments)) {
    const ends = spans.slice(0, first).map(({ to }) => to)
    const resume =
      (await latestState(objects, experimentId, ends, { slots, parameters }, damaged)) ?? (await begin())
    let s = spans.findIndex(({ from }) => from === (resume?.iteration ?? 0))
    let rows = s >= first ? await open(spans[s]) : undefined
    // What is only gone through again, of a training that goes on, is no progress.
    const tell = (iteration: number) =>
      report(task.continues ? Math.max(iteration, spans[first].from) : iteration, iterations)
    const own = await openSay(context, task, resume?.memory, signal)
    try {
      for await (const at of train(model, spec, layers, data.train, resume, origin, own.say)) {
        await setImmediate()
        signal.throwIfAborted()
        const { iteration } = at
        const row = allocatedWeights(spec, at)
        await rows?.append(row)
        if (at.ended && iteration < iterations) ended = iteration
        if (iteration < spans[s].to) {
          tell(iteration)
          if (ended === undefined) continue
          await rows?.abort()
          break
        }
        if (s + 1 === first && task.continues)
          await checkEnd(objects, task.continues, { iteration, theta: row }, spans[s], signal)
        // These first: where there are weights, one can go on from their end, and allocate them.
        const left = own.tables()
        if (rows)
          for (const [name, columns] of Object.entries(left))
            await writeTable(objects, objectKey(experimentId, leftName(name, spans[s])), columns)
        if (iteration < iterations) await writeState(objects, experimentId, at)
        if (rows) {
          const object = await rows.commit()
          stored.push(object)
          report(iteration, iterations, { index: s, object })
        } else tell(iteration)
        if (s === last || ended !== undefined) break
        s += 1
        rows = s >= first ? await open(spans[s]) : undefined
        await rows?.append(row)
      }
    } catch (error) {
      await rows?.abort()
      throw error
    } finally {
      own.dispose()
    }
    if (ended !== undefined) break
  }
  if (ended !== undefined) stored.push(...(await trainCut(context, task, ended, report, signal)))
  const variables = network.variables.map(({ name, layer, shape, offset, size }) => ({
    name,
    layer,
    shape,
    offset,
    size,
  }))
  const seconds = (performance.now() - start) / 1e3
  return {
    kind: 'train',
    variables,
    objects: stored,
    damaged,
    seconds,
    ...(ended !== undefined && { ended }),
  }
}

/**
 * Trains the segment again, from its beginning, in which training ended: it is shorter than was planned, which its object says
 * at its head. That it is stored is not told: until the plan is changed (store/training.ts) it is no segment of it.
 */
async function trainCut(
  context: Context,
  task: Extract<Task, { kind: 'train' }>,
  ended: number,
  report: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<StoredObject[]> {
  const { spec } = task
  const cut = segmentsOf(spec).find(({ from, to }) => from < ended && ended < to)
  if (cut === undefined) return []
  const short = { ...spec, training: { ...spec.training, iterations: ended } }
  const telling = (done: number) => report(done, spec.training.iterations)
  const result = await trainSegments(
    context,
    { ...task, spec: short, segments: [cut.index], continues: undefined },
    telling,
    signal,
  )
  return result.objects
}

/** Whether a training that goes on came to the weights with which the segment before ends; reads all of these. */
async function checkEnd(
  objects: Context['objects'],
  known: Known,
  { iteration, theta }: Pick<TrainingState, 'iteration' | 'theta'>,
  { from }: Span,
  signal: AbortSignal,
): Promise<void> {
  const rowAt = await readRows(objects, known, theta.length, signal)
  const there = await rowAt(iteration - from)
  if (theta.every((value, i) => Object.is(value, there[i]))) return
  throw new SpecError([
    {
      path: '$.training.iterations',
      message: `training up to iteration ${iteration} again does not give the weights that there are: they were computed on another kind of device, or by another version. A retry goes on where it is done on such a one; or post a branch from the weights alone (training.initial without state)`,
    },
  ])
}

/** Ascending indices as runs of successive ones. */
function runs(indices: number[]): { first: number; last: number }[] {
  const found: { first: number; last: number }[] = []
  for (const index of indices) {
    const current = found.at(-1)
    if (current !== undefined && index === current.last + 1) current.last = index
    else found.push({ first: index, last: index })
  }
  return found
}
