/** A network on an engine: losses, accuracies and gradients of batches and of whole splits. */
import { setImmediate } from 'node:timers/promises'
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Examples } from '../data/examples.ts'
import { type DropoutMasks, logitsOf } from './forward.ts'
import type { Kernels } from './kernels/kernels.ts'
import type { Network } from './network.ts'
import { makeOps, type Ops } from './ops/ops.ts'

export type Model = { network: Network; ops: Ops }

export function makeModel(network: Network, kernels: Kernels): Model {
  return { network, ops: makeOps(kernels) }
}

/** Images in [0, 1] as [n, …shape] and labels as int32 [n], on the device. */
export type Batch = { images: Tensor; labels: Tensor1D; examples: number }

/** A whole split on the device as fixed consecutive chunks; the last may be shorter. */
export type DeviceSplit = { examples: number; chunks: Batch[] }

/** Uploads the examples at `indices` as one batch; the caller disposes it. */
export function uploadBatch(data: Examples, indices: ArrayLike<number>): Batch {
  const size = data.images.length / data.count
  const images = new Float32Array(indices.length * size)
  const labels = new Int32Array(indices.length)
  for (let i = 0; i < indices.length; i++) {
    const source = indices[i] * size
    for (let j = 0; j < size; j++) images[i * size + j] = data.images[source + j] / 255
    labels[i] = data.labels[indices[i]]
  }
  return {
    images: tf.tensor(images, [indices.length, ...data.shape]),
    labels: tf.tensor1d(labels, 'int32'),
    examples: indices.length,
  }
}

/** Uploads a split once, cut into chunks of `chunkSize` examples, where it stays: slicing at every pass would copy it. */
export function uploadSplit(data: Examples, chunkSize: number): DeviceSplit {
  const chunks: Batch[] = []
  for (let from = 0; from < data.count; from += chunkSize) {
    const indices = Uint32Array.from({ length: Math.min(chunkSize, data.count - from) }, (_, i) => from + i)
    chunks.push(uploadBatch(data, indices))
  }
  return { examples: data.count, chunks }
}

export function disposeBatch({ images, labels }: Batch): void {
  tf.dispose([images, labels])
}

/** The flat parameter vector as one tensor a variable; the caller disposes them. */
function uploadVariables(network: Network, theta: Float32Array): Tensor[] {
  return network.variables.map(({ offset, size, shape }) =>
    tf.tensor(theta.subarray(offset, offset + size), shape, 'float32'),
  )
}

/** Σ in float64: a mean over tens of thousands of float32 losses summed in float32 would lose digits. */
function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}

/**
 * Adds weight · Σ_examples ∇ℓ to `accumulator` (float64 [parameters]) and returns Σ_examples ℓ, ℓ the cross-entropy.
 * The sum over the batch is the engine's, in float32; across batches it is float64's.
 */
function addBatchGradient(
  { network, ops }: Model,
  variables: Tensor[],
  batch: Batch,
  weight: number,
  accumulator: Float64Array,
  masks?: DropoutMasks,
): number {
  return tf.tidy(() => {
    const { value, grads } = tf
      .engine()
      .gradients(
        () => ops.softmaxCrossEntropy(logitsOf(ops, network, variables, batch.images, masks), batch.labels),
        variables,
      )
    network.variables.forEach(({ offset, size }, v) => {
      const gradient = grads[v].dataSync()
      for (let i = 0; i < size; i++) accumulator[offset + i] += weight * gradient[i]
    })
    return sum(value.dataSync())
  })
}

/** Mean loss of a batch at theta, with dropout where there are masks; its gradient replaces `gradient` (float64 [parameters]). */
export function batchGradient(
  model: Model,
  theta: Float32Array,
  batch: Batch,
  gradient: Float64Array,
  masks?: DropoutMasks,
): number {
  const variables = uploadVariables(model.network, theta)
  gradient.fill(0)
  try {
    return addBatchGradient(model, variables, batch, 1 / batch.examples, gradient, masks) / batch.examples
  } finally {
    tf.dispose(variables)
  }
}

/**
 * The mean loss over each whole split at theta. Each split's mean gradient is added to its accumulator (float64
 * [parameters]). Lets the event loop run between chunks and stops there when `signal` aborts.
 */
export async function addFullGradients(
  model: Model,
  theta: Float32Array,
  splits: DeviceSplit[],
  accumulators: Float64Array[],
  signal?: AbortSignal,
): Promise<number[]> {
  const variables = uploadVariables(model.network, theta)
  try {
    const losses: number[] = []
    for (const [s, split] of splits.entries()) {
      let loss = 0
      for (const chunk of split.chunks) {
        await setImmediate()
        signal?.throwIfAborted()
        loss += addBatchGradient(model, variables, chunk, 1 / split.examples, accumulators[s])
      }
      losses.push(loss / split.examples)
    }
    return losses
  } finally {
    tf.dispose(variables)
  }
}

/** Mean loss and the fraction of examples whose largest logit is their label's, over a whole split. */
export async function evaluate(
  { network, ops }: Model,
  theta: Float32Array,
  split: DeviceSplit,
  signal?: AbortSignal,
): Promise<{ loss: number; accuracy: number }> {
  const variables = uploadVariables(network, theta)
  try {
    let loss = 0
    let correct = 0
    for (const { images, labels } of split.chunks) {
      await setImmediate()
      signal?.throwIfAborted()
      tf.tidy(() => {
        const logits = logitsOf(ops, network, variables, images)
        loss += sum(ops.softmaxCrossEntropy(logits, labels).dataSync())
        correct += sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'int32').dataSync())
      })
    }
    return { loss: loss / split.examples, accuracy: correct / split.examples }
  } finally {
    tf.dispose(variables)
  }
}
