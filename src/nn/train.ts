/** Training: the trajectory θ_0, θ_1, … as a pure function of the resolved spec, the data and the engine. */
import type { Examples } from '../data/examples.ts'
import type { StepParts } from '../lca/diagnostics/probes.ts'
import type { ResolvedLayer, ResolvedSpec } from '../spec/schema.ts'
import { augmentation } from './augmentation.ts'
import { dropoutMasks } from './dropout.ts'
import { isKernel } from './layers.ts'
import { batchGradient, disposeBatch, type Model, uploadBatch } from './model.ts'
import type { Network, Variable } from './network.ts'
import { slotsOf, update, updateParts } from './optimizers.ts'
import { permutation, randomStream } from './random.ts'
import { makeRunning } from './running.ts'

/** A training that cannot go on: trying again would end the same way. */
export class DivergedError extends Error {
  constructor(iteration: number) {
    super(
      `the training loss is not finite at iteration ${iteration}: the training diverged; a lower learning rate may help`,
    )
    this.name = 'DivergedError'
  }
}

/** θ_0, float32 [parameters]: each variable drawn from its own stream (seed, "weights", variable name). */
export function initialWeights(network: Network, seed: number): Float32Array {
  const theta = new Float32Array(network.parameters)
  for (const { name, offset, size, initializer } of network.variables) {
    if (initializer.name === 'zeros') continue
    if (initializer.name === 'ones') {
      theta.fill(1, offset, offset + size)
      continue
    }
    const stream = randomStream(seed, 'weights', name)
    const deviation = initializer.name === 'normal' ? initializer.deviation : Math.sqrt(2 / initializer.fanIn)
    for (let i = offset; i < offset + size; i++) theta[i] = deviation * stream.normal()
  }
  return theta
}

/**
 * Indices of the batches, one call an iteration: each epoch walks through its own shuffle (seed, "shuffle", epoch) in
 * ⌊examples/batchSize⌋ batches; what is left over sits that epoch out.
 */
export function makeBatches(
  examples: number,
  batchSize: number,
  seed: number,
): (iteration: number) => Uint32Array {
  const perEpoch = Math.floor(examples / batchSize)
  let shuffled = -1
  let order: Uint32Array = new Uint32Array()
  return iteration => {
    const epoch = Math.floor(iteration / perEpoch)
    if (epoch !== shuffled) {
      order = permutation(examples, randomStream(seed, 'shuffle', epoch))
      shuffled = epoch
    }
    const start = (iteration % perEpoch) * batchSize
    return order.subarray(start, start + batchSize)
  }
}

/** Whether a layer keeps still in iteration t. */
export const isFrozen = ({ freeze }: ResolvedLayer, t: number) =>
  freeze !== null && t >= freeze.from && (freeze.until === null || t < freeze.until)

/** Updates a layer has had before iteration t. */
export function updatesBefore({ freeze }: ResolvedLayer, t: number): number {
  if (freeze === null) return t
  const thawed = Math.min(t, freeze.until ?? t)
  return t - Math.max(0, thawed - freeze.from)
}

/** Where a training stands before an iteration: everything that the rest of it depends on beside spec and data. */
export type TrainingState = {
  iteration: number
  theta: Float32Array
  /** Of the optimizer, a vector a slot; where an average of the weights is kept, that is the last. */
  state: Float64Array[]
}

/**
 * Where in a longer training the first iteration lies: what schedules, shuffles, dropout and freezes go by is `position` + t.
 * `updates`: how many each layer has had before.
 */
export type Origin = { position: number; updates: Map<string, number> }

/** A training that goes on from nothing. */
export const fromTheStart: Origin = { position: 0, updates: new Map() }

/** Updates a layer has had before iteration t of a training that began at an origin. */
export const updatesUntil = (layer: ResolvedLayer, { position, updates }: Origin, t: number): number =>
  (updates.get(layer.layer) ?? 0) + updatesBefore(layer, position + t) - updatesBefore(layer, position)

/** The vectors of state that the optimizers of these layers keep. */
export const slotsOfAll = (layers: ResolvedLayer[]): number =>
  Math.max(...layers.map(layer => slotsOf(layer.optimizer)))

/** The optimizers' state before the first update: zeros, float64 [slots][parameters]. */
export const stateOf = (layers: ResolvedLayer[], parameters: number): Float64Array[] =>
  Array.from({ length: slotsOfAll(layers) }, () => new Float64Array(parameters))

/** g ← g·min(1, most/‖g‖), ‖g‖ over these variables together; returns the factor  (Pascanu et al. 2013, algorithm 1) */
export function clip(
  gradient: Float64Array,
  variables: Pick<Variable, 'offset' | 'size'>[],
  most: number,
): number {
  let squares = 0
  for (const { offset, size } of variables)
    for (let i = offset; i < offset + size; i++) squares += gradient[i] * gradient[i]
  const norm = Math.sqrt(squares)
  if (norm <= most) return 1
  for (const { offset, size } of variables)
    for (let i = offset; i < offset + size; i++) gradient[i] *= most / norm
  return most / norm
}

/**
 * What a training has beside the weights before its first update: the optimizers' slots and, where an average of the weights is
 * kept, that as the last of all.
 */
export const beginningState = (
  { training }: Pick<ResolvedSpec, 'training'>,
  layers: ResolvedLayer[],
  theta: Float32Array,
): Float64Array[] => [
  ...stateOf(layers, theta.length),
  ...(training.average ? [Float64Array.from(theta)] : []),
]

/** How many vectors that is. */
export const vectorsOf = ({ training }: Pick<ResolvedSpec, 'training'>, layers: ResolvedLayer[]): number =>
  slotsOfAll(layers) + (training.average ? 1 : 0)

/** The weights that are stored and allocated: those that are trained, or their average. */
export const allocatedWeights = (
  { training }: Pick<ResolvedSpec, 'training'>,
  { theta, state }: Pick<TrainingState, 'theta' | 'state'>,
): Float32Array => (training.average ? Float32Array.from(state[state.length - 1]) : theta)

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

/** A variable that is trained in an iteration, with what, and after how many updates; `l2` of its own. */
type Trained = Pick<Variable, 'offset' | 'size'> & {
  decays: boolean
  optimizer: ResolvedLayer['optimizer']
  l2: number
  updates: number
}

/** What an iteration is made of, one after the other. Vectors are whole; what is changed is changed in place. */
function makeIteration(
  model: Model,
  { training }: Pick<ResolvedSpec, 'training'>,
  layers: ResolvedLayer[],
  data: Examples,
  origin: Origin,
) {
  const { batchSize, seed, clipNorm } = training
  const positionOf = (t: number) => origin.position + t
  const batchOf = makeBatches(data.count, batchSize, seed)
  const layerOf = new Map(layers.map(layer => [layer.layer, layer]))
  const ofLayer = ({ layer }: Variable) => layerOf.get(layer)!
  const running = makeRunning(model)
  return {
    running,
    positionOf,
    /** Those that are trained in iteration t, and what with. */
    trained: (t: number): Trained[] =>
      model.network.variables.flatMap(variable => {
        if (variable.statistic) return []
        const resolved = ofLayer(variable)
        if (isFrozen(resolved, positionOf(t))) return []
        const { role, offset, size } = variable
        const decays = isKernel(role)
        const { optimizer } = resolved
        return [
          {
            offset,
            size,
            decays,
            optimizer,
            l2: decays ? resolved.l2 : 0,
            updates: updatesUntil(resolved, origin, t),
          },
        ]
      }),
    /** The gradient of the batch's mean loss into `gradient`; returns the loss. */
    differentiate(t: number, theta: Float32Array, gradient: Float64Array): number {
      const position = positionOf(t)
      const augment = training.augmentation && augmentation(training.augmentation, seed, position)
      const batch = uploadBatch(data, batchOf(position), augment)
      try {
        return batchGradient(model, theta, batch, gradient, dropoutMasks(seed, position), running?.observe)
      } finally {
        disposeBatch(batch)
      }
    },
    /** Adds L2's gradient, and clips; returns the factor of that. */
    penalize(theta: Float32Array, gradient: Float64Array, trained: Trained[]): number {
      for (const { offset, size, l2 } of trained)
        if (l2 > 0) for (let i = offset; i < offset + size; i++) gradient[i] += 2 * l2 * theta[i]
      return clipNorm === undefined ? 1 : clip(gradient, trained, clipNorm)
    },
  }
}

/** A step that the optimizer proposes: from θ_t to `proposed`, float32 [parameters]; its position is what schedules go by. */
export type ProposedStep = {
  iteration: number
  position: number
  theta: Float32Array
  proposed: Float32Array
}

/** What has a say in which part of a step is taken (lca/interventions.ts). */
export type Intervening = {
  /** Whether it has at this position. */
  isDue(position: number): boolean
  /** Whether optimizers remember the gradient only as far as its step is taken. */
  masksState: boolean
  /** How much of each parameter’s step is taken, from 0 to 1: float64 [parameters], valid until the next. */
  choose(step: ProposedStep): Promise<Float64Array>
  /**
   * Is told of the step that was taken: `theta` is θ_{t+1}, `proposed` where the whole step would have led; `last`: there is
   * none after it.
   */
  taken(step: ProposedStep, last: boolean): Promise<void>
}

/** θ_t + f∘Δ: to the bit the one end where f is 1, the other where it is 0. */
function takePart(before: Float32Array, factors: Float64Array, theta: Float32Array): void {
  for (let i = 0; i < theta.length; i++) {
    const f = factors[i]
    if (f === 0) theta[i] = before[i]
    else if (f !== 1) theta[i] = before[i] + f * (theta[i] - before[i])
  }
}

/**
 * Yields θ_0, then θ_{t+1} after each iteration t, each with the optimizer's state (the same arrays every time, valid
 * until the next). `resume` starts in the middle, with what was yielded there: the rest has the same bits. `origin` says
 * where it stands in the training that it goes on with.
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
  intervening?: Intervening,
): AsyncGenerator<TrainingState> {
  const { iterations, seed, average } = spec.training
  const { network } = model
  const theta = resume?.theta ?? initialWeights(network, seed)
  const gradient = new Float64Array(network.parameters)
  const state = resume?.state ?? beginningState(spec, layers, theta)
  const iteration = makeIteration(model, spec, layers, data, origin)
  const { positionOf, trained, differentiate, penalize, running } = iteration

  const first = resume?.iteration ?? 0
  yield { iteration: first, theta, state }
  for (let t = first; t < iterations; t++) {
    const loss = differentiate(t, theta, gradient)
    if (!Number.isFinite(loss)) throw new DivergedError(t)
    const variables = trained(t)
    penalize(theta, gradient, variables)
    const position = positionOf(t)
    const updateAll = (weights: Float32Array) => {
      for (const one of variables) update(one.optimizer, one, weights, gradient, state, position, one.updates)
    }
    if (intervening?.isDue(position)) {
      const before = theta.slice()
      const memory = intervening.masksState ? state.map(slot => slot.slice()) : undefined
      updateAll(theta)
      const proposed = theta.slice()
      const factors = await intervening.choose({ iteration: t, position, theta: before, proposed })
      takePart(before, factors, theta)
      if (memory) {
        for (const [slot, values] of memory.entries()) state[slot].set(values)
        for (let i = 0; i < gradient.length; i++) gradient[i] *= factors[i]
        updateAll(before)
      }
      await intervening.taken({ iteration: t, position, theta, proposed }, t + 1 === iterations)
    } else updateAll(theta)
    running?.renew(theta)
    if (average) takeAverage(average, position + 1, theta, state[state.length - 1])
    yield { iteration: t + 1, theta, state }
  }
}

/**
 * Goes through a training again along its trajectory, iteration by iteration from where `state` (the optimizer's, which
 * goes on in place) was: what each step is made of, in vectors that are used again for the next.
 */
export function makeReplay(
  model: Model,
  spec: Pick<ResolvedSpec, 'training'>,
  layers: ResolvedLayer[],
  data: Examples,
  { iteration: first, state }: Pick<TrainingState, 'iteration' | 'state'>,
  origin: Origin = fromTheStart,
  intervening?: Intervening,
): (iteration: number, theta: Float32Array) => Promise<StepParts> {
  const { parameters } = model.network
  const { positionOf, trained, differentiate, penalize } = makeIteration(model, spec, layers, data, origin)
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
    if (due === undefined) return parts
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
    await due.taken(
      { iteration, position, theta: moved, proposed },
      iteration + 1 === spec.training.iterations,
    )
    return parts
  }
}
