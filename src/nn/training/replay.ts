/** A training gone through again, for what its steps are made of. */
import type { Examples } from '../../data/examples.ts'
import type { StepParts } from '../../lca/diagnostics/probes.ts'
import type { ResolvedLayer, ResolvedSpec } from '../../spec/schema.ts'
import type { Model } from '../model.ts'
import { update, updateParts } from '../optimizers.ts'
import { makeIteration } from './iteration.ts'
import { memoryOf, type Say, takePart } from './say.ts'
import { fromTheStart, type Origin, type TrainingState } from './state.ts'

/**
 * Goes through a training again along its trajectory, iteration by iteration from where `state` (the optimizer's, which
 * goes on in place) was: what each step is made of, in vectors that are used again for the next.
 */
export function makeReplay(
  model: Model,
  spec: Pick<ResolvedSpec, 'training'>,
  layers: ResolvedLayer[],
  data: Examples,
  { iteration: first, state, memory: before }: Pick<TrainingState, 'iteration' | 'state' | 'memory'>,
  origin: Origin = fromTheStart,
  { intervening, governing }: Say = {},
): (iteration: number, theta: Float32Array) => Promise<StepParts> {
  const { parameters } = model.network
  const history = memoryOf(before, governing)
  const made = makeIteration(model, spec, layers, data, origin, governing, history)
  const { positionOf, trained, skip, differentiate, penalize, running } = made
  const vector = () => new Float64Array(parameters)
  const parts: StepParts = {
    ...{ batchGradient: vector(), gradient: vector(), momentum: vector(), l2: vector(), decay: vector() },
    ...{ batchSize: spec.training.batchSize, examples: data.count },
  }
  const total = vector()
  const scale = vector()
  let next = first
  return async (iteration, theta) => {
    if (iteration !== next++) throw new Error(`iteration ${iteration} cannot be replayed after ${next - 2}`)
    const { batchGradient, gradient, momentum, l2, decay } = parts
    differentiate(iteration, theta, batchGradient)
    total.set(batchGradient)
    const variables = trained(iteration)
    const factor = penalize(theta, total, variables)
    // What is frozen does not move.
    for (const part of [gradient, momentum, l2, decay]) part.fill(0)
    const moved = theta.slice()
    const position = positionOf(iteration)
    const due = intervening?.isDue(position) ? intervening : undefined
    const memory = due?.masksState ? state.map(slot => slot.slice()) : undefined
    for (const one of variables) {
      const { optimizer, offset, size, updates } = one
      const taken = updateParts(optimizer, one, total, state, position, updates, {
        scale,
        earlier: momentum,
      })
      for (let i = offset; i < offset + size; i++) {
        gradient[i] = scale[i] * factor * batchGradient[i]
        l2[i] = scale[i] * factor * 2 * one.l2 * theta[i]
        decay[i] = -taken * theta[i]
      }
      update(optimizer, one, moved, total, state, position, updates)
    }
    const last = iteration + 1 === spec.training.iterations
    const settle = async () => {
      skip(iteration)
      if (governing?.isDue(position))
        await governing.judge({ iteration, position, from: theta, to: moved, momentum }, last)
      return parts
    }
    if (due === undefined) {
      running?.renew(moved)
      return settle()
    }
    // Of each part as much as of the step.
    const proposed = moved.slice()
    const factors = await due.choose({ iteration, position, theta, proposed })
    takePart(theta, factors, moved)
    for (const part of [gradient, momentum, l2, decay])
      for (let i = 0; i < part.length; i++) part[i] *= factors[i]
    if (memory) {
      for (const [slot, values] of memory.entries()) state[slot].set(values)
      for (let i = 0; i < total.length; i++) total[i] *= factors[i]
      const unused = theta.slice()
      for (const one of variables) update(one.optimizer, one, unused, total, state, position, one.updates)
    }
    running?.renew(moved)
    await due.taken({ iteration, position, theta: moved, proposed }, last)
    return settle()
  }
}
