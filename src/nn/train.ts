/** Training: the trajectory θ_0, θ_1, … as a pure function of the resolved spec, the data and the engine. */
import type { Examples } from '../data/examples.ts'
import type { ResolvedLayer, ResolvedSpec } from '../spec/schema.ts'
import { augmentation } from './augmentation.ts'
import { dropoutMasks } from './dropout.ts'
import { isKernel } from './layers.ts'
import { batchGradient, disposeBatch, type Model, uploadBatch } from './model.ts'
import type { Network, Variable } from './network.ts'
import { slotsOf, update } from './optimizers.ts'
import { permutation, randomStream } from './random.ts'

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
  /** Of the optimizer, a vector a slot. */
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

/** g ← g·min(1, most/‖g‖), ‖g‖ over these variables together  (Pascanu et al. 2013, algorithm 1) */
export function clip(
  gradient: Float64Array,
  variables: Pick<Variable, 'offset' | 'size'>[],
  most: number,
): void {
  let squares = 0
  for (const { offset, size } of variables)
    for (let i = offset; i < offset + size; i++) squares += gradient[i] * gradient[i]
  const norm = Math.sqrt(squares)
  if (norm <= most) return
  for (const { offset, size } of variables)
    for (let i = offset; i < offset + size; i++) gradient[i] *= most / norm
}

/**
 * Yields θ_0, then θ_{t+1} after each iteration t, each with the optimizer's state (the same arrays every time, valid
 * until the next). `resume` starts in the middle, with what was yielded there: the rest has the same bits. `origin` says
 * where it stands in the training that it goes on with.
 * The loss trained on is the batch's mean loss + Σ_kernels l2·w², l2 the layer's. Throws
 * DivergedError where it is not finite.
 */
export function* train(
  model: Model,
  spec: Pick<ResolvedSpec, 'training'>,
  layers: ResolvedLayer[],
  data: Examples,
  resume?: TrainingState,
  origin: Origin = fromTheStart,
): Generator<TrainingState> {
  const { iterations, batchSize, seed } = spec.training
  const { network } = model
  const theta = resume?.theta ?? initialWeights(network, seed)
  const gradient = new Float64Array(network.parameters)
  const state = resume?.state ?? stateOf(layers, network.parameters)
  const batchOf = makeBatches(data.count, batchSize, seed)
  const layerOf = new Map(layers.map(layer => [layer.layer, layer]))

  const first = resume?.iteration ?? 0
  yield { iteration: first, theta, state }
  for (let t = first; t < iterations; t++) {
    const position = origin.position + t
    const augment = spec.training.augmentation && augmentation(spec.training.augmentation, seed, position)
    const batch = uploadBatch(data, batchOf(position), augment)
    const loss = batchGradient(model, theta, batch, gradient, dropoutMasks(seed, position))
    disposeBatch(batch)
    if (!Number.isFinite(loss)) throw new DivergedError(t)
    const trained = network.variables.filter(({ layer }) => !isFrozen(layerOf.get(layer)!, position))
    for (const { layer, role, offset, size } of trained) {
      const { l2 } = layerOf.get(layer)!
      if (isKernel(role) && l2 > 0)
        for (let i = offset; i < offset + size; i++) gradient[i] += 2 * l2 * theta[i]
    }
    if (spec.training.clipNorm !== undefined) clip(gradient, trained, spec.training.clipNorm)
    for (const { layer, role, offset, size } of trained) {
      const resolved = layerOf.get(layer)!
      update(
        resolved.optimizer,
        { offset, size, decays: isKernel(role) },
        theta,
        gradient,
        state,
        position,
        updatesUntil(resolved, origin, t),
      )
    }
    yield { iteration: t + 1, theta, state }
  }
}
