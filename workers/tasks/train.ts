/** The train step: the trajectory θ_0 … θ_T, written as one object of weights a segment. */

import { setImmediate } from 'node:timers/promises'
import { train } from '../../src/nn/train.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import { weightsName } from '../artifacts.ts'
import type { Context } from '../context.ts'
import type { Result, Task } from '../protocol.ts'
import { openRows } from './rows.ts'

/**
 * Writes weights/{from}-{to}.npy, float32 [to − from + 1, parameters], for every segment; the last row of one is the
 * first of the next. Memory holds one row. What an earlier attempt wrote is written again, with the same bits.
 */
export async function trainSegments(
  { prepare, objects }: Context,
  { experimentId, spec }: Extract<Task, { kind: 'train' }>,
  report: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Result> {
  const start = performance.now()
  const { model, data } = await prepare(spec, signal)
  const { network } = model
  const segments = segmentsOf(spec)
  const stored = []
  const open = (s: number) => {
    const { from, to } = segments[s]
    return openRows(objects, experimentId, weightsName({ from, to }), to - from + 1, network.parameters)
  }

  let s = 0
  let rows = await open(0)
  try {
    for (const { iteration, theta } of train(model, spec, resolveLayers(spec, network), data.train)) {
      await setImmediate()
      signal.throwIfAborted()
      await rows.append(theta)
      if (iteration === segments[s].to) {
        stored.push(await rows.commit())
        if (++s < segments.length) {
          rows = await open(s)
          await rows.append(theta)
        }
      }
      report(iteration, spec.training.iterations)
    }
  } catch (error) {
    await rows.abort()
    throw error
  }
  const variables = network.variables.map(({ name, layer, shape, offset, size }) => ({
    name,
    layer,
    shape,
    offset,
    size,
  }))
  return { kind: 'train', variables, objects: stored, seconds: (performance.now() - start) / 1e3 }
}
