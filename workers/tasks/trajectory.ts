/**
 * A training that happened elsewhere, instead of one here: its weights, arranged as ours, and whether its network is the one
 * that they are allocated on.
 */
import { setImmediate } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import type { Examples } from '../../src/data/examples.ts'
import {
  type Index,
  type Part,
  type Place,
  type Probe,
  typeBytes,
} from '../../src/data/trajectories/about.ts'
import { orderIn } from '../../src/data/trajectories/layouts.ts'
import { halfOf } from '../../src/data/uploads/values.ts'
import { logitsOf } from '../../src/nn/forward.ts'
import { disposeBatch, type Model, meanLoss, uploadSplit } from '../../src/nn/model.ts'
import { weightsName } from '../../src/objects/names.ts'
import { DamagedObjectError, MissingObjectError, type Objects } from '../../src/objects/objects.ts'
import { readVerified } from '../../src/objects/verify.ts'
import { SpecError } from '../../src/spec/errors.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import { indexName, type Trajectory, trajectoryKey } from '../../src/store/trajectories.ts'
import type { StoredObject, StoredSegment, Task } from '../protocol.ts'
import { openRows } from './rows.ts'

export type OpenTrajectory = {
  index: Index
  /** An object of it, whole. */
  read(object: { name: string; bytes: number; sha256: string }): Promise<Buffer>
  /** θ at recorded weights t, float32 [parameters]. Throws SpecError where a value of it is not finite. */
  thetaAt(t: number): Promise<Float32Array>
}

const refuse = (message: string): never => {
  throw new SpecError([{ path: '$.training.trajectory', message }])
}

/**
 * Opens a trajectory for a network. A file of it is read and hashed whole when a row of it is first wanted, and the last is
 * held. Throws SpecError, which no other attempt can mend, where it is not there, or not as it was sent.
 */
export async function openTrajectory(
  objects: Objects,
  { id, about, index: known }: Pick<Trajectory, 'id' | 'about' | 'index'>,
  { network }: Model,
  signal: AbortSignal,
): Promise<OpenTrajectory> {
  const read = async ({ name, bytes, sha256 }: { name: string; bytes: number; sha256: string }) => {
    signal.throwIfAborted()
    try {
      return await readVerified(objects, { key: trajectoryKey(id, name), bytes, sha256 })
    } catch (error) {
      if (!(error instanceof MissingObjectError || error instanceof DamagedObjectError)) throw error
      return refuse(`${error.message}; upload the trajectory again`)
    }
  }
  const index = JSON.parse((await read({ name: indexName, ...known })).toString('utf8')) as Index
  const orders = network.variables.map(variable => orderIn(variable, about.layout))
  let held: { part: Part; bytes: Buffer } | undefined
  return {
    ...{ index, read },
    async thetaAt(t) {
      const part = index.parts.find(({ from, rows }) => from <= t && t < from + rows)!
      if (held?.part !== part) {
        held = undefined
        held = { part, bytes: await read(part) }
      }
      const theta = new Float32Array(network.parameters)
      for (const [v, { name, offset, size }] of network.variables.entries()) {
        const own = theta.subarray(offset, offset + size)
        fill(own, held.bytes, part.tensors[v], t - part.from, orders[v])
        for (let i = 0; i < size; i++)
          if (own[i] - own[i] !== 0)
            refuse(`${name} is not finite in its weights ${t}: a step to there has no LCA`)
      }
      return theta
    },
  }
}

/**
 * Writes the weights of segments as training would, out of a trajectory. Whether its network is ours is looked at before the
 * first segment is written, and not again when one is made again.
 */
export async function copySegments(
  objects: Objects,
  trajectory: Trajectory,
  { model, train }: { model: Model; train: Examples },
  { experimentId, spec, segments }: Extract<Task, { kind: 'train' }>,
  report: (done: number, total: number, stored?: StoredSegment) => void,
  signal: AbortSignal,
): Promise<StoredObject[]> {
  const recorded = await openTrajectory(objects, trajectory, model, signal)
  const { chunkSize } = spec.allocation
  if (segments.includes(0)) await checkSame(model, trajectory, recorded, train, chunkSize, signal)
  const spans = segmentsOf(spec)
  const stored: StoredObject[] = []
  for (const index of segments) {
    const { from, to } = spans[index]
    const { parameters } = model.network
    const rows = await openRows(objects, experimentId, weightsName({ from, to }), to - from + 1, parameters)
    try {
      for (let t = from; t <= to; t++) {
        await setImmediate()
        signal.throwIfAborted()
        await rows.append(await recorded.thetaAt(t))
      }
      const object = await rows.commit()
      stored.push(object)
      report(to, spec.training.iterations, { index, object })
    } catch (error) {
      await rows.abort()
      throw error
    }
  }
  return stored
}

/** Values of one row of a tensor, as float32 in our order. */
function fill(
  own: Float32Array,
  bytes: Buffer,
  { offset, type }: Place,
  row: number,
  order?: Int32Array,
): void {
  const width = typeBytes[type]
  const start = offset + row * own.length * width
  const read = readers[type]
  if (type === 'f4' && order === undefined) {
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

/** Of the largest output or loss: the same network in float32 on two engines differs by less, another one by more. */
const tolerance = 1e-4
/** Losses that are compared: the first, the last and what lies evenly between. */
const mostLosses = 5

/**
 * Compares what came along with what is computed here, before anything else is: outputs of layers at the first weights, and
 * losses over the train split. Throws SpecError, with the first layer whose output differs.
 */
export async function checkSame(
  model: Model,
  { about }: Pick<Trajectory, 'about'>,
  { index, thetaAt, read }: OpenTrajectory,
  train: Examples,
  chunkSize: number,
  signal: AbortSignal,
): Promise<void> {
  if (index.probe)
    compareOutputs(model, await thetaAt(0), index.probe, await read(index.probe), about.layout === 'torch')
  const { losses } = about
  if (losses.length === 0) return
  const chosen = new Set(
    Array.from(
      { length: Math.min(mostLosses, losses.length) },
      (_, i, n = Math.min(mostLosses, losses.length)) =>
        n === 1 ? 0 : Math.round((i * (losses.length - 1)) / (n - 1)),
    ),
  )
  const split = uploadSplit(train, chunkSize)
  try {
    for (const at of chosen) {
      const { row, loss } = losses[at]
      const own = await meanLoss(model, await thetaAt(row), split, signal)
      if (!(Math.abs(own - loss) <= tolerance * Math.max(1, Math.abs(loss))))
        refuse(
          `is of another network or data: at its weights ${row} the loss over the train split is ${own.toPrecision(7)} here and was ${loss.toPrecision(7)} there${index.probe ? '' : '; a probe (a batch and what its layers made of it) would say where'}`,
        )
      await setImmediate()
    }
  } finally {
    split.chunks.forEach(disposeBatch)
  }
}

/** Throws SpecError with the first layer, in the order of the network, whose output is not what came along. */
function compareOutputs(
  model: Model,
  theta: Float32Array,
  probe: Probe,
  bytes: Buffer,
  channelsFirst: boolean,
): void {
  const { network, ops } = model
  const tensorOf = ({ offset, type, shape }: Place & { shape: number[] }) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
    fill(values, bytes, { offset, type }, 0)
    const tensor = tf.tensor(values, shape)
    return channelsFirst && shape.length === 4 ? channelsLast(tensor) : tensor
  }
  const channelsLast = (images: tf.Tensor) => tf.transpose(images, [0, 2, 3, 1])
  tf.tidy(() => {
    const given = tensorOf(probe.input)
    const size = network.inputShape.reduce((a, b) => a * b, 1)
    const examples = given.shape[0] ?? 0
    if (examples < 1 || given.size !== examples * size)
      refuse(
        `has a probe of inputs [${given.shape.join(', ')}], and its network takes [n, ${network.inputShape.join(', ')}]`,
      )
    const { inputShape } = network
    // Flattened with the channels first, where it is flattened already.
    const [h, w, c] = inputShape
    const images =
      channelsFirst && inputShape.length === 3 && given.rank === 2
        ? channelsLast(tf.reshape(given, [examples, c, h, w]))
        : given
    const input = tf.reshape(images, [examples, ...inputShape])
    const expected = new Map(probe.outputs.map(({ layer, place }) => [layer, place]))
    const variables = network.variables.map(({ offset, size, shape }) =>
      tf.tensor(theta.subarray(offset, offset + size), shape, 'float32'),
    )
    logitsOf(
      ops,
      network,
      variables,
      network.embedding === undefined ? input : tf.cast(input, 'int32'),
      undefined,
      (layer, output) => {
        const place = expected.get(layer)
        if (place === undefined) return
        const theirs = tensorOf(place)
        const shapes = `[${output.shape.join(', ')}] here and [${theirs.shape.join(', ')}] there`
        if (String(theirs.shape) !== String(output.shape))
          refuse(`is of another network: the output of ${layer} is ${shapes}`)
        const [ours, others] = [output.dataSync(), theirs.dataSync()]
        let [worst, largest] = [0, 0]
        for (let i = 0; i < ours.length; i++) {
          const difference = Math.abs(ours[i] - others[i])
          worst = difference <= worst ? worst : difference
          largest = Math.max(largest, Math.abs(others[i]))
        }
        if (!(worst <= tolerance * largest + 1e-6))
          refuse(
            `is of another network: the output of ${layer} on its probe differs by ${worst.toExponential(1)}, where the largest of it is ${largest.toPrecision(3)}; layers before it agree`,
          )
      },
    )
  })
}
