/**
 * The train step: the trajectory θ_0 … θ_T, written as one object of weights a segment, and beside it the training's
 * state at the segment's end, from which a training that was interrupted goes on.
 */
import { setImmediate } from 'node:timers/promises'
import type { Model } from '../../src/nn/model.ts'
import { slotsOfAll, stateOf, type TrainingState, train } from '../../src/nn/train.ts'
import { weightsName } from '../../src/objects/names.ts'
import { DamagedObjectError, MissingObjectError, type Objects } from '../../src/objects/objects.ts'
import type { Known } from '../../src/objects/verify.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import type { ResolvedLayer, ResolvedSpec } from '../../src/spec/schema.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Context } from '../context.ts'
import type { Result, StoredObject, StoredSegment, Task } from '../protocol.ts'
import { readInitialWeights } from './initial.ts'
import { openRows } from './rows.ts'
import { readState, writeState } from './state.ts'

type Span = { index: number; from: number; to: number }

/**
 * Writes weights/{from}-{to}.npy, float32 [to − from + 1, parameters], of the segments asked for; the last row of one is
 * the first of the next. Memory holds one row. What was written before is written again with the same bits, if at all.
 */
export async function trainSegments(
  { prepare, objects }: Context,
  task: Extract<Task, { kind: 'train' }>,
  report: (done: number, total: number, stored?: StoredSegment) => void,
  signal: AbortSignal,
): Promise<Result> {
  const { experimentId, spec, segments } = task
  const start = performance.now()
  const { model, data } = await prepare(task, signal)
  const { network } = model
  const { parameters } = network
  const layers = resolveLayers(spec, network)
  const slots = slotsOfAll(layers)
  const spans = segmentsOf(spec)
  const { iterations } = spec.training
  const stored: StoredObject[] = []
  const damaged: string[] = []
  // Read only where training begins: one that resumes does not need the earlier experiment any more.
  const begin = () => beginning(objects, spec, model, layers, task.known)

  const open = ({ from, to }: Span) =>
    openRows(objects, experimentId, weightsName({ from, to }), to - from + 1, parameters)
  for (const { first, last } of runs(segments)) {
    const resume =
      (await latestState(objects, experimentId, spans, first, { slots, parameters }, damaged)) ??
      (await begin())
    let s = spans.findIndex(({ from }) => from === (resume?.iteration ?? 0))
    let rows = await open(spans[s])
    try {
      for (const at of train(model, spec, layers, data.train, resume)) {
        await setImmediate()
        signal.throwIfAborted()
        const { iteration, theta } = at
        await rows.append(theta)
        if (iteration < spans[s].to) {
          report(iteration, iterations)
          continue
        }
        // The state first: where there are weights, one can go on from their end.
        if (iteration < iterations) await writeState(objects, experimentId, at)
        const object = await rows.commit()
        stored.push(object)
        report(iteration, iterations, { index: s, object })
        if (s === last) break
        s += 1
        rows = await open(spans[s])
        await rows.append(theta)
      }
    } catch (error) {
      await rows.abort()
      throw error
    }
  }
  const variables = network.variables.map(({ name, layer, shape, offset, size }) => ({
    name,
    layer,
    shape,
    offset,
    size,
  }))
  return { kind: 'train', variables, objects: stored, damaged, seconds: (performance.now() - start) / 1e3 }
}

/** Where a training begins that takes its weights from an earlier experiment, whose manifest is `known`; else undefined. */
export async function beginning(
  objects: Objects,
  spec: ResolvedSpec,
  { network: { variables, parameters } }: Model,
  layers: ResolvedLayer[],
  known: Known | undefined,
): Promise<TrainingState | undefined> {
  const theta = await readInitialWeights(objects, spec, variables, known)
  return theta && { iteration: 0, theta, state: stateOf(layers, parameters) }
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

/** The latest point that is stored whole, at or before the start of a segment; undefined: only the beginning. */
export async function latestState(
  objects: Objects,
  experimentId: string,
  spans: Span[],
  segment: number,
  size: { slots: number; parameters: number },
  damaged: string[],
): Promise<TrainingState | undefined> {
  for (let s = segment - 1; s >= 0; s--) {
    try {
      return await readState(objects, experimentId, spans[s].to, size)
    } catch (error) {
      if (error instanceof DamagedObjectError) damaged.push(error.message)
      else if (!(error instanceof MissingObjectError)) throw error
    }
  }
  return undefined
}
