/** The rows of a trajectory, read from its objects and arranged as ours: weights, and the optimizer's state where it came along. */
import { type Index, type Part, type Place, typeBytes } from '../../src/data/trajectories/about.ts'
import { orderIn } from '../../src/data/trajectories/layouts.ts'
import { halfOf } from '../../src/data/uploads/values.ts'
import type { StepParts } from '../../src/lca/diagnostics/probes.ts'
import type { Model } from '../../src/nn/model.ts'
import { slotsOf } from '../../src/nn/optimizers.ts'
import { makeRecordedParts, OtherStepError, type RecordedRow, type Rounding } from '../../src/nn/recorded.ts'
import { indexName, trajectoryKey } from '../../src/objects/names.ts'
import { DamagedObjectError, MissingObjectError, type Objects } from '../../src/objects/objects.ts'
import { readVerified } from '../../src/objects/verify.ts'
import { SpecError } from '../../src/spec/errors.ts'
import type { ResolvedOptimizer } from '../../src/spec/schema.ts'
import type { Trajectory } from '../../src/store/trajectories.ts'

export type Recorded = {
  index: Index
  /** An object of it, whole. */
  read(object: { name: string; bytes: number; sha256: string }): Promise<Buffer>
  /** θ at recorded weights t, float32 [parameters]. Throws SpecError where a value of it is not finite. */
  thetaAt(t: number): Promise<Float32Array>
  /** The whole row t, of a trajectory with the optimizer's state; and what the types that it is stored as leave of it. */
  rowAt(t: number): Promise<RecordedRow & { rounding: Rounding }>
}

export const refuseTrajectory = (message: string): never => {
  throw new SpecError([{ path: '$.training.trajectory', message }])
}

/**
 * Opens a trajectory for a network. A file of it is read and hashed whole when a row of it is first wanted, and the last is
 * held. Throws SpecError, which no other attempt can mend, where it is not there, or not as it was sent.
 */
export async function openRecorded(
  objects: Objects,
  { id, about, index: known }: Pick<Trajectory, 'id' | 'about' | 'index'>,
  { network }: Model,
  signal: AbortSignal,
): Promise<Recorded> {
  const read = async ({ name, bytes, sha256 }: { name: string; bytes: number; sha256: string }) => {
    signal.throwIfAborted()
    try {
      return await readVerified(objects, { key: trajectoryKey(id, name), bytes, sha256 })
    } catch (error) {
      if (!(error instanceof MissingObjectError || error instanceof DamagedObjectError)) throw error
      return refuseTrajectory(`${error.message}; upload the trajectory again`)
    }
  }
  const index = JSON.parse((await read({ name: indexName, ...known })).toString('utf8')) as Index
  const orders = network.variables.map(variable => orderIn(variable, about.layout))
  const { variables, parameters } = network
  let held: { part: Part; bytes: Buffer } | undefined
  const partOf = async (t: number) => {
    const part = index.parts.find(({ from, rows }) => from <= t && t < from + rows)!
    if (held?.part !== part) {
      held = undefined
      held = { part, bytes: await read(part) }
    }
    return held
  }
  /** Row t of the tensors from the first on, a variable each, into a whole vector. */
  const readVector = async <V extends Float32Array | Float64Array>(
    t: number,
    first: number,
    vector: V,
    what: string,
  ): Promise<V> => {
    const { part, bytes } = await partOf(t)
    for (const [v, { name, offset, size }] of variables.entries()) {
      const own = vector.subarray(offset, offset + size)
      fill(own, bytes, part.tensors[first + v], t - part.from, orders[v])
      for (let i = 0; i < size; i++)
        if (own[i] - own[i] !== 0)
          refuseTrajectory(`${name} is not finite in its ${what} ${t}: a step to there has no LCA`)
    }
    return vector
  }
  const thetaAt = (t: number) => readVector(t, 0, new Float32Array(parameters), 'weights')
  return {
    ...{ index, read, thetaAt },
    async rowAt(t) {
      const count = slotsOf(about.optimizer as ResolvedOptimizer)
      const theta = await thetaAt(t)
      const state: Float64Array[] = []
      for (let slot = 1; slot <= count; slot++)
        state.push(
          await readVector(t, slot * variables.length, new Float64Array(parameters), 'optimizer’s state'),
        )
      const { part, bytes } = await partOf(t)
      const types = part.tensors.map(({ type }) => type)
      const rate = new Float64Array(1)
      fill(rate, bytes, part.tensors[part.tensors.length - 1], t - part.from)
      return {
        ...{ theta, state, rate: rate[0] },
        rounding: {
          weights: roundingOf(types.slice(0, variables.length)),
          state: roundingOf(types.slice(variables.length, -1)),
        },
      }
    },
  }
}

/** The largest relative error of values stored so and computed with as float32. */
const roundingOf = (types: Place['type'][]) =>
  types.includes('bf') ? 2 ** -9 : types.includes('f2') ? 2 ** -12 : 2 ** -24

/**
 * What the recorded steps are made of, from the states that came along; in any order, cheapest in theirs. Throws SpecError at a
 * step that does not follow from them, with the first variable that differs.
 */
export function recordedSteps(
  { rowAt }: Pick<Recorded, 'rowAt'>,
  { about }: Pick<Trajectory, 'about'>,
  { network }: Pick<Model, 'network'>,
  examples: number,
): (t: number) => Promise<StepParts> {
  const optimizer = about.optimizer as ResolvedOptimizer
  const partsOf = makeRecordedParts(network, { optimizer, ...about.state! }, examples)
  let last: { t: number; row: Awaited<ReturnType<Recorded['rowAt']>> } | undefined
  return async t => {
    const before = last?.t === t ? last.row : await rowAt(t)
    const after = await rowAt(t + 1)
    last = { t: t + 1, row: after }
    try {
      const weights = Math.max(before.rounding.weights, after.rounding.weights)
      const state = Math.max(before.rounding.state, after.rounding.state)
      return partsOf(t, before, after, { weights, state })
    } catch (error) {
      if (!(error instanceof OtherStepError)) throw error
      return refuseTrajectory(`cannot be taken apart by components: its step ${t} ${error.message}`)
    }
  }
}

/** Values of one row of a tensor, in our order. */
export function fill(
  own: Float32Array | Float64Array,
  bytes: Buffer,
  { offset, type }: Place,
  row: number,
  order?: Int32Array,
): void {
  const width = typeBytes[type]
  const start = offset + row * own.length * width
  const read = readers[type]
  if (type === 'f4' && order === undefined && own instanceof Float32Array) {
    new Uint8Array(own.buffer, own.byteOffset, own.byteLength).set(
      bytes.subarray(start, start + own.byteLength),
    )
    return
  }
  for (let i = 0; i < own.length; i++)
    own[i] = read(bytes, start + width * (order === undefined ? i : order[i]))
}

const word = new DataView(new ArrayBuffer(4))
const readers: Record<Place['type'], (bytes: Buffer, at: number) => number> = {
  f4: (bytes, at) => bytes.readFloatLE(at),
  f8: (bytes, at) => bytes.readDoubleLE(at),
  f2: (bytes, at) => halfOf(bytes.readUInt16LE(at)),
  // The upper half of a float32.
  bf: (bytes, at) => {
    word.setUint32(0, bytes.readUInt16LE(at) << 16)
    return word.getFloat32(0)
  },
}
