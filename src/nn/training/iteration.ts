/** What an iteration of a training is made of: its batch, which variables it trains and what with, its gradient. */
import type { Examples } from '../../data/examples.ts'
import type { ResolvedLayer, ResolvedSpec } from '../../spec/schema.ts'
import { augmentation } from '../augmentation.ts'
import { batchGradient } from '../batch-gradient.ts'
import { dropoutMasks } from '../dropout.ts'
import { isKernel } from '../layers.ts'
import { disposeBatch, type Model, uploadBatch } from '../model.ts'
import type { Variable } from '../network.ts'
import { permutation, randomStream } from '../random.ts'
import { makeRunning } from '../running.ts'
import type { Governing } from './say.ts'
import { isFrozen, type Memory, type Origin, updatesUntil } from './state.ts'

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

/** A variable that is trained in an iteration, with what, and after how many updates; `l2` of its own. */
export type Trained = Pick<Variable, 'offset' | 'size'> & {
  decays: boolean
  optimizer: ResolvedLayer['optimizer']
  l2: number
  updates: number
}

/** What an iteration is made of, one after the other. Vectors are whole; what is changed is changed in place. */
export function makeIteration(
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
