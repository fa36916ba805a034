/** The training of a segment gone through again, for what its steps are made of. */
import type { StepParts } from '../../src/lca/diagnostics/probes.ts'
import { makeReplay } from '../../src/nn/training/replay.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import type { Context } from '../context.ts'
import type { Task } from '../protocol.ts'
import { originOf, standing } from './branch.ts'
import { openRecorded, recordedSteps } from './recorded.ts'
import { type OpenSay, openSay } from './say.ts'

/**
 * The parts of the steps of a segment, from its first on. The optimizer's state at its beginning is what training left; where
 * that is gone, as it is once an experiment has succeeded, or damaged, the training is gone through from the latest
 * that there is, or from its beginning, up to there: on the same kind of engine to the same bits. Nothing is read or trained
 * before the first call. Of a training that happened elsewhere they follow from the states that came along.
 */
export function replaySegment(
  context: Context,
  task: Extract<Task, { kind: 'allocate' }>,
  signal: AbortSignal,
): { parts(iteration: number, theta: Float32Array): Promise<StepParts>; dispose(): void } {
  const { experimentId: id, spec, from, upload, manifest, trajectory, ancestors = [] } = task
  const prepared = async () => {
    if (trajectory) {
      const { model, data } = await context.prepare(task, signal)
      const recorded = await openRecorded(context.objects, trajectory, model, signal)
      return recordedSteps(recorded, trajectory, model, data.train.count)
    }
    const itself = { id, spec, ...(upload && { upload }), ...(manifest && { known: manifest }) }
    const state = await standing(context, [itself, ...ancestors], from, signal)
    const { model, data } = await context.prepare(task, signal)
    const layers = resolveLayers(spec, model.network)
    own = await openSay(context, task, state.memory, signal)
    const origin = originOf(spec, ancestors, layers)
    return makeReplay(model, spec, layers, data.train, state, origin, own.say)
  }
  let own: OpenSay | undefined
  let replay: ReturnType<typeof prepared> | undefined
  return {
    async parts(iteration, theta) {
      replay ??= prepared()
      return (await replay)(iteration, theta)
    },
    dispose: () => own?.dispose(),
  }
}
