/** Training: the trajectory θ_0, θ_1, … as a pure function of the resolved spec, the data and the engine. */
import type { Examples } from '../data/examples.ts'
import type { StepParts } from '../lca/diagnostics/probes.ts'
import type { ResolvedLayer, ResolvedSpec } from '../spec/schema.ts'
import { augmentation } from './augmentation.ts'
import { batchGradient } from './batch-gradient.ts'
import { dropoutMasks } from './dropout.ts'
import { isKernel } from './layers.ts'
import { disposeBatch, type Model, uploadBatch } from './model.ts'
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
  /** What policies have done; absent where there never was one. */
  memory?: Memory
}

/** What of a training depends on decisions that it has made (lca/policies.ts): plain data, stored beside the state. */
export type Memory = {
  /** Updates that layers have not had, for a policy kept them frozen. */
  skipped: Record<string, number>
  policy?: {
    /** Up to which position layers are frozen; null: to the end. */
    frozen: Record<string, number | null>
    /** What the momentum of layers is multiplied by. */
    quiet: Record<string, number>
    /** The last numbers that decisions look at. */
    layers: Record<string, number[]>
    momentum: Record<string, number[]>
    network: Record<string, number[]>
    stopped: boolean
  }
}

/** What acts on the steps that were taken (lca/policies.ts). */
export type Governing = {
  memory: NonNullable<Memory['policy']>
  /** Whether the step at this position is judged. */
  isDue(position: number): boolean
  isFrozen(layer: string, position: number): boolean
  /** What the momentum of a layer is multiplied by: 1 where nothing is wrong with it. */
  quiet(layer: string): number
  wantsMomentum: boolean
  /**
   * Judges the step from θ_t to θ_{t+1} and decides; `momentum`, float64 [parameters], is what of it earlier gradients
   * pushed. `last`: there is none after it.
   */
  judge(
    step: {
      iteration: number
      position: number
      from: Float32Array
      to: Float32Array
      momentum?: Float64Array
    },
    last: boolean,
  ): Promise<void>
}

/** What has a say in a training beside its spec. */
export type Say = { intervening?: Intervening; governing?: Governing }

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
  governing: Governing | undefined,
  memory: Memory | undefined,
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
        const { layer } = variable
        if (isFrozen(resolved, positionOf(t)) || governing?.isFrozen(layer, positionOf(t))) return []
        const { role, offset, size } = variable
        const decays = isKernel(role)
        const optimizer = quieted(resolved.optimizer, governing?.quiet(layer) ?? 1)
        return [
          {
            offset,
            size,
            decays,
            optimizer,
            l2: decays ? resolved.l2 : 0,
            updates: updatesUntil(resolved, origin, t) - (memory?.skipped[layer] ?? 0),
          },
        ]
      }),
    /** Notes which layers a policy keeps from their update in iteration t. */
    skip(t: number): void {
      if (memory === undefined || governing === undefined) return
      for (const resolved of layers)
        if (!isFrozen(resolved, positionOf(t)) && governing.isFrozen(resolved.layer, positionOf(t)))
          memory.skipped[resolved.layer] = (memory.skipped[resolved.layer] ?? 0) + 1
    },
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

/** The optimizer with its momentum multiplied. */
const quieted = (optimizer: ResolvedLayer['optimizer'], factor: number): ResolvedLayer['optimizer'] =>
  factor === 1 || !('momentum' in optimizer)
    ? optimizer
    : { ...optimizer, momentum: optimizer.momentum * factor }

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

/** The memory that training goes on with, which the policy, where there is one, writes its part of. */
function memoryOf(before: Memory | undefined, governing: Governing | undefined): Memory | undefined {
  if (before === undefined && governing === undefined) return undefined
  return { skipped: { ...before?.skipped }, ...(governing && { policy: governing.memory }) }
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
