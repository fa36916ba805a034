/**
 * A training that happened elsewhere, instead of one here: its weights, arranged as ours, and whether its network is the one
 * that they are allocated on.
 */
import { setImmediate } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import type { Examples } from '../../src/data/examples.ts'
import type { Place, Probe } from '../../src/data/trajectories/about.ts'
import { logitsOf } from '../../src/nn/forward.ts'
import { disposeBatch, type Model, meanLoss, uploadSplit } from '../../src/nn/model.ts'
import { weightsName } from '../../src/objects/names.ts'
import type { Objects } from '../../src/objects/objects.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Trajectory } from '../../src/store/trajectories.ts'
import type { StoredObject, StoredSegment, Task } from '../protocol.ts'
import { fill, openRecorded, type Recorded, recordedSteps, refuseTrajectory } from './recorded.ts'
import { openRows } from './rows.ts'

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
  const recorded = await openRecorded(objects, trajectory, model, signal)
  const { chunkSize } = spec.allocation
  if (segments.includes(0)) await checkSame(model, trajectory, recorded, train, chunkSize, signal)
  // A step that cannot be taken apart ends the experiment before anything of its segment is allocated.
  const takeApart = spec.allocation.diagnostics?.components
    ? recordedSteps(recorded, trajectory, model, train.count)
    : undefined
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
        if (t > from) await takeApart?.(t - 1)
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
  { index, thetaAt, read }: Recorded,
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
        refuseTrajectory(
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
      refuseTrajectory(
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
          refuseTrajectory(`is of another network: the output of ${layer} is ${shapes}`)
        const [ours, others] = [output.dataSync(), theirs.dataSync()]
        let [worst, largest] = [0, 0]
        for (let i = 0; i < ours.length; i++) {
          const difference = Math.abs(ours[i] - others[i])
          worst = difference <= worst ? worst : difference
          largest = Math.max(largest, Math.abs(others[i]))
        }
        if (!(worst <= tolerance * largest + 1e-6))
          refuseTrajectory(
            `is of another network: the output of ${layer} on its probe differs by ${worst.toExponential(1)}, where the largest of it is ${largest.toPrecision(3)}; layers before it agree`,
          )
      },
    )
  })
}
