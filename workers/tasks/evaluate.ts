/** The evaluation of the finalize step: losses and accuracies before the first iteration and after the last. */
import { evaluate } from '../../src/nn/model.ts'
import type { SplitName } from '../../src/spec/schema.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import { weightsName } from '../artifacts.ts'
import type { Context } from '../context.ts'
import type { Evaluation, Result, Task } from '../protocol.ts'
import { readRows } from './rows.ts'

export async function evaluateEnds(
  { prepare, upload, objects }: Context,
  task: Extract<Task, { kind: 'evaluate' }>,
  signal: AbortSignal,
): Promise<Result> {
  const { experimentId, spec } = task
  const { model } = await prepare(task, signal)
  const device = await upload(task, signal)
  const segments = segmentsOf(spec)

  const at = async (segment: { from: number; to: number }, iteration: number) => {
    const rowAt = await readRows(objects, experimentId, weightsName(segment), model.network.parameters)
    const theta = await rowAt(iteration - segment.from)
    const evaluations: Partial<Record<SplitName, Evaluation>> = {}
    for (const split of spec.allocation.splits)
      evaluations[split] = await evaluate(model, theta, device[split]!, signal)
    return evaluations
  }
  const last = segments[segments.length - 1]
  return {
    kind: 'evaluate',
    evaluations: { initial: await at(segments[0], segments[0].from), final: await at(last, last.to) },
  }
}
