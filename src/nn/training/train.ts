/** Training: the trajectory θ_0, θ_1, … as a pure function of the resolved spec, the data and the engine. */
import type { Examples } from '../../data/examples.ts'
import type { ResolvedLayer, ResolvedSpec } from '../../spec/schema.ts'
import type { Model } from '../model.ts'
import { update, updateParts } from '../optimizers.ts'
import { initialWeights } from './initial.ts'
import { makeIteration, type Trained } from './iteration.ts'
import { memoryOf, type Say, takePart } from './say.ts'
import { beginningState, fromTheStart, type Origin, type TrainingState } from './state.ts'

/** A training that cannot go on: trying again would end the same way. */
export class DivergedError extends Error {
  constructor(iteration: number) {
    super(
      `the training loss is not finite at iteration ${iteration}: the training diverged; a lower learning rate may help`,
    )
    this.name = 'DivergedError'
  }
}

/** w ← w + (1 − β)·(θ − w), to the bit the same where θ is w; θ itself before the average begins. */
function takeAverage(
  { decay, from }: NonNullable<ResolvedSpec['training']['average']>,
  iteration: number,
  theta: Float32Array,
  average: Float64Array,
): void {
  if (iteration <= from) average.set(theta)
  else for (let i = 0; i < theta.length; i++) average[i] += (1 - decay) * (theta[i] - average[i])
}

/** What of the update along `gradient` earlier gradients push, into `earlier`; 0 where nothing is trained. */
function pushedBy(
  variables: Trained[],
  gradient: Float64Array,
  state: Float64Array[],
  position: number,
  into: { scale: Float64Array; earlier: Float64Array },
): void {
  into.earlier.fill(0)
  for (const one of variables) updateParts(one.optimizer, one, gradient, state, position, one.updates, into)
}

/**
 * Yields θ_0, then θ_{t+1} after each iteration t, each with the optimizer's state (the same arrays every time, valid
 * until the next). `resume` starts in the middle, with what was yielded there: the rest has the same bits. `origin` says
 * where it stands in the training that it goes on with.
 * What has a `say` may take a part of a step, freeze layers, or end training: then `ended` is true, and nothing comes after it.
 * The loss trained on is the batch's mean loss + Σ_kernels l2·w², l2 the layer's. Throws
 * DivergedError where it is not finite.
 */
export async function* train(
  model: Model,
  spec: Pick<ResolvedSpec, 'training'>,
  layers: ResolvedLayer[],
  data: Examples,
  resume?: TrainingState,
  origin: Origin = fromTheStart,
  { intervening, governing }: Say = {},
): AsyncGenerator<TrainingState & { ended?: boolean }> {
  const { iterations, seed, average } = spec.training
  const { network } = model
  const theta = resume?.theta ?? initialWeights(network, seed)
  const gradient = new Float64Array(network.parameters)
  const state = resume?.state ?? beginningState(spec, layers, theta)
  const memory = memoryOf(resume?.memory, governing)
  const iteration = makeIteration(model, spec, layers, data, origin, governing, memory)
  const { positionOf, trained, skip, differentiate, penalize, running } = iteration
  const parts = governing?.wantsMomentum
    ? { scale: new Float64Array(network.parameters), earlier: new Float64Array(network.parameters) }
    : undefined
  /** What is known before iteration t. */
  const at = (t: number) => ({
    ...{ iteration: t, theta, state, ...(memory && { memory }) },
    ...(governing?.memory.stopped && { ended: true }),
  })

  const first = resume?.iteration ?? 0
  yield at(first)
  for (let t = first; t < iterations && !governing?.memory.stopped; t++) {
    const loss = differentiate(t, theta, gradient)
    if (!Number.isFinite(loss)) throw new DivergedError(t)
    const variables = trained(t)
    penalize(theta, gradient, variables)
    const position = positionOf(t)
    const last = t + 1 === iterations
    const judged = governing?.isDue(position) ? governing : undefined
    const from = judged && theta.slice()
    if (judged && parts) pushedBy(variables, gradient, state, position, parts)
    const updateAll = (weights: Float32Array) => {
      for (const one of variables) update(one.optimizer, one, weights, gradient, state, position, one.updates)
    }
    if (intervening?.isDue(position)) {
      const before = theta.slice()
      const remembered = intervening.masksState ? state.map(slot => slot.slice()) : undefined
      updateAll(theta)
      const proposed = theta.slice()
      const factors = await intervening.choose({ iteration: t, position, theta: before, proposed })
      takePart(before, factors, theta)
      if (judged && parts) for (let i = 0; i < factors.length; i++) parts.earlier[i] *= factors[i]
      if (remembered) {
        for (const [slot, values] of remembered.entries()) state[slot].set(values)
        for (let i = 0; i < gradient.length; i++) gradient[i] *= factors[i]
        updateAll(before)
      }
      // Running statistics are what they are, whatever is chosen: at θ_{t+1} they are there.
      running?.renew(theta)
      await intervening.taken({ iteration: t, position, theta, proposed }, last)
    } else {
      updateAll(theta)
      running?.renew(theta)
    }
    skip(t)
    if (judged)
      await judged.judge({ iteration: t, position, from: from!, to: theta, momentum: parts?.earlier }, last)
    if (average) takeAverage(average, position + 1, theta, state[state.length - 1])
    yield at(t + 1)
  }
}
