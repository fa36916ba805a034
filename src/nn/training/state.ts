/** Where a training stands: everything that the rest of it depends on beside spec and data. */
import type { ResolvedLayer, ResolvedSpec } from '../../spec/schema.ts'
import { slotsOf } from '../optimizers.ts'

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
