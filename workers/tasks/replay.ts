/** The training of a segment gone through again, for what its steps are made of. */
import { setImmediate } from 'node:timers/promises'
import type { Examples } from '../../src/data/examples.ts'
import type { StepParts } from '../../src/lca/diagnostics/probes.ts'
import type { Model } from '../../src/nn/model.ts'
import { makeReplay, slotsOfAll, stateOf, type TrainingState, train } from '../../src/nn/train.ts'
import type { Objects } from '../../src/objects/objects.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Task } from '../protocol.ts'
import { beginning, latestState } from './train.ts'

/**
 * The parts of the steps of a segment, from its first on. The optimizer's state at its beginning is what training left; where
 * that is gone, as it is once an experiment has succeeded, or damaged, the training is gone through from the latest
 * that there is, or from its beginning, up to there: on the same kind of engine to the same bits. Nothing is read or trained
 * before the first call.
 */
export function replaySegment(
  objects: Objects,
  { experimentId, spec, from, manifest }: Extract<Task, { kind: 'allocate' }>,
  model: Model,
  data: Examples,
  signal: AbortSignal,
): (iteration: number, theta: Float32Array) => Promise<StepParts> {
  const { parameters } = model.network
  const layers = resolveLayers(spec, model.network)
  const stateAtStart = async (): Promise<Pick<TrainingState, 'iteration' | 'state'>> => {
    if (from === 0) return { iteration: 0, state: stateOf(layers, parameters) }
    const spans = segmentsOf(spec)
    const segment = spans.findIndex(span => span.from === from)
    const size = { slots: slotsOfAll(layers), parameters }
    const resume =
      (await latestState(objects, experimentId, spans, segment, size, [])) ??
      (await beginning(objects, spec, model, layers, manifest))
    for (const at of train(model, spec, layers, data, resume)) {
      if (at.iteration === from) return at
      await setImmediate()
      signal.throwIfAborted()
    }
    throw new Error(`the training ends before iteration ${from}`)
  }
  let replay: Promise<ReturnType<typeof makeReplay>> | undefined
  return async (iteration, theta) => {
    replay ??= stateAtStart().then(state => makeReplay(model, spec, layers, data, state))
    return (await replay)(iteration, theta)
  }
}
