/**
 * A training that goes on with another's (`training.initial.state`): what stood there besides the weights. Optimizers'
 * states are not kept when an experiment has succeeded; the training is repeated up to there, from the nearest state that is
 * still in storage or from its beginning, and has the same bits on the same kind of device.
 */
import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Network } from '../../src/nn/network.ts'
import {
  allocatedWeights,
  beginningState,
  fromTheStart,
  type Origin,
  slotsOfAll,
  type TrainingState,
  updatesUntil,
  vectorsOf,
} from '../../src/nn/training/state.ts'
import { train } from '../../src/nn/training/train.ts'
import type { Known } from '../../src/objects/verify.ts'
import { SpecError } from '../../src/spec/errors.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import type { ResolvedLayer, ResolvedOptimizer, ResolvedSpec } from '../../src/spec/resolved.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Context } from '../context.ts'
import type { Ancestor } from '../protocol.ts'
import { readInitialWeights } from './initial.ts'
import { openSay } from './say.ts'
import { latestState } from './state.ts'

type Goes = Pick<Context, 'objects' | 'prepare'>

/**
 * Where the first iteration of a spec stands in the trainings that it goes on with. `ancestors`: the experiment that it goes
 * on from, the one that goes on from, and so on. Throws SpecError where one of them is gone.
 */
export function originOf(spec: ResolvedSpec, ancestors: Ancestor[], layers: ResolvedLayer[]): Origin {
  const { initial } = spec.training
  if (!initial?.state) return fromTheStart
  const [parent, ...older] = ancestors
  if (parent?.id !== initial.experiment) throw gone(initial.experiment)
  const former = layersLike(layers, parent.spec)
  const before = originOf(parent.spec, older, former)
  return {
    position: before.position + initial.iteration,
    updates: new Map(
      layers.map((layer, i) => [
        layer.layer,
        // Another kind of optimizer has had no update yet.
        kindOf(layer) === kindOf(former[i]) ? updatesUntil(former[i], before, initial.iteration) : 0,
      ]),
    ),
  }
}

/**
 * What a training begins with that starts from another experiment (`training.initial`), whose manifest is `known`; undefined
 * where the spec draws its own weights. Throws SpecError where it cannot be had.
 */
export async function beginningOf(
  context: Goes,
  spec: ResolvedSpec,
  network: Network,
  ancestors: Ancestor[],
  known: Known | undefined,
  signal: AbortSignal,
): Promise<TrainingState | undefined> {
  const theta = await readInitialWeights(context.objects, spec, network.variables, known)
  if (theta === undefined) return undefined
  if (spec.training.initial?.state) return begunFrom(context, spec, network, ancestors, theta, signal)
  return { iteration: 0, theta, state: beginningState(spec, resolveLayers(spec, network), theta) }
}

/**
 * What `spec`, which goes on with another training, begins with: the weights and its own optimizers' states. Throws
 * SpecError where that cannot be had: an experiment in between is gone, or its training does not come out as it did.
 */
async function begunFrom(
  context: Goes,
  spec: ResolvedSpec,
  network: Network,
  ancestors: Ancestor[],
  theta: Float32Array,
  signal: AbortSignal,
): Promise<TrainingState> {
  const initial = spec.training.initial!
  const [parent] = ancestors
  if (parent?.id !== initial.experiment) throw gone(initial.experiment)
  const there = await standing(context, ancestors, initial.iteration, signal)
  if (!allocatedWeights(parent.spec, there).every((value, i) => Object.is(value, theta[i])))
    throw new SpecError([
      {
        path: '$.training.initial.state',
        message: `training ${parent.id} up to iteration ${initial.iteration} again does not give the weights that it has there: it was computed on another kind of device, or by another version; without state, training starts from the weights`,
      },
    ])
  const layers = resolveLayers(spec, network)
  const former = layersLike(layers, parent.spec)
  // Of an average the weights that are trained go on, and the average where there is to be one.
  const state = beginningState(spec, layers, there.theta)
  if (spec.training.average && parent.spec.training.average)
    state[state.length - 1].set(there.state[there.state.length - 1])
  const slots = Math.min(slotsOfAll(layers), slotsOfAll(former))
  for (const [i, layer] of layers.entries()) {
    if (kindOf(layer) !== kindOf(former[i])) continue
    for (const { layer: owner, offset, size } of network.variables)
      if (owner === layer.layer)
        for (const [slot, values] of state.slice(0, slots).entries())
          values.set(there.state[slot].subarray(offset, offset + size), offset)
  }
  return { iteration: 0, theta: there.theta, state, ...memoryFrom(there, spec, parent.spec, layers, former) }
}

/**
 * What it goes on with of decisions that were made: the updates that layers have missed, where their optimizers go on too; and
 * the policy's own, where it is the same policy.
 */
function memoryFrom(
  { memory }: TrainingState,
  spec: ResolvedSpec,
  parent: ResolvedSpec,
  layers: ResolvedLayer[],
  former: ResolvedLayer[],
): Pick<TrainingState, 'memory'> {
  if (memory === undefined) return {}
  const going = layers.filter((layer, i) => kindOf(layer) === kindOf(former[i]))
  const skipped = going.flatMap(({ layer }) =>
    layer in memory.skipped ? [[layer, memory.skipped[layer]]] : [],
  )
  const { policy } = memory
  const isSame = policy && isDeepStrictEqual(spec.training.policy, parent.training.policy)
  return {
    memory: {
      skipped: Object.fromEntries(skipped),
      // Where it had been stopped it has been told to go on.
      ...(isSame && { policy: { ...structuredClone(policy), stopped: false } }),
    },
  }
}

/** Where the training of the first of these stood before an iteration: from the nearest state that is stored, or again. */
export async function standing(
  context: Goes,
  ancestors: Ancestor[],
  iteration: number,
  signal: AbortSignal,
): Promise<TrainingState> {
  const [ancestor, ...older] = ancestors
  const { id, spec, known } = ancestor
  const { model, data } = await context.prepare(ancestor, signal)
  const { network } = model
  const layers = resolveLayers(spec, network)
  const size = { slots: vectorsOf(spec, layers), parameters: network.parameters }
  const ends = segmentsOf(spec).flatMap(({ to }) => (to <= iteration ? [to] : []))
  const resume =
    (await latestState(context.objects, id, ends, size)) ??
    (await beginningOf(context, spec, network, older, known, signal))
  const origin = originOf(spec, older, layers)
  const own = await openSay(context, ancestor, resume?.memory, signal)
  try {
    for await (const at of train(model, spec, layers, data.train, resume, origin, own.say)) {
      await setImmediate()
      signal.throwIfAborted()
      if (at.iteration === iteration) return at
    }
  } finally {
    own.dispose()
  }
  throw new SpecError([
    {
      path: '$.training.initial.iteration',
      message: `must be ≤ ${spec.training.iterations}, got ${iteration}`,
    },
  ])
}

/** The same layers as another spec has them. */
const layersLike = (layers: ResolvedLayer[], spec: ResolvedSpec): ResolvedLayer[] =>
  resolveLayers(spec, { layers: layers.map(({ layer }) => layer), variables: [] })

/** What its state is of: with decoupled weight decay an optimizer has the state that it has without. */
const kindOf = ({ optimizer: { name } }: ResolvedLayer) => withoutDecay[name] ?? name
const withoutDecay: Partial<Record<ResolvedOptimizer['name'], string>> = { adamw: 'adam', sgdw: 'sgd' }

const gone = (id: string) =>
  new SpecError([
    {
      path: '$.training.initial.experiment',
      message: `experiment ${id}, which training goes on from, is gone`,
    },
  ])
