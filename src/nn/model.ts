/** A network on an engine: losses, accuracies and gradients of batches and of whole splits. */
import { setImmediate } from 'node:timers/promises'
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { rollup } from 'd3-array'
import type { Examples, Moments } from '../data/examples.ts'
import type { ResolvedLoss } from '../spec/schema.ts'
import type { Augment } from './augmentation.ts'
import { type DenseChain, denseChainOf, isPlainCrossEntropy } from './dense-chain.ts'
import { type DropoutMasks, logitsOf, type Observe } from './forward.ts'
import { type Graphs, throughGraph, worthAGraph } from './graphs.ts'
import type { Kernels } from './kernels/kernels.ts'
import { crossEntropy, lossOf } from './losses.ts'
import type { Network } from './network.ts'
import { makeOps, type Ops } from './ops/ops.ts'
import { type MakeSums, type Pass, sum, sumsOf } from './sums.ts'

export type Model = {
  network: Network
  ops: Ops
  /** How passes over the chunks of a split are added up. */
  sums: MakeSums
  loss: ResolvedLoss
  moments: Kernels['moments']
  /** Computations over examples of a number as graphs, where the engine records any. */
  graphs?: Graphs
  /** The whole network in one pass over the examples, where it is one of those and the engine can. */
  chain?: DenseChain
}

export function makeModel(network: Network, kernels: Kernels, loss: ResolvedLoss = crossEntropy): Model {
  const { record, moments } = kernels
  const sums = sumsOf(kernels)
  const graphs = record && { record, made: new Map() }
  const chain = denseChainOf(network, kernels)
  const ways = { ...(graphs && { graphs }), ...(chain && { chain }) }
  return { network, ops: makeOps(kernels), sums, loss, moments, ...ways }
}

/** Frees what the model keeps beside what its callers hold. */
export function disposeModel({ graphs }: Model): void {
  for (const graph of graphs?.made.values() ?? []) graph.dispose()
  graphs?.made.clear()
}

/**
 * Examples as [n, …shape], images in [0, 1] or tokens as int32, and labels as int32 [n], or [n·targets], or numbers [n, classes], on the device. With
 * `weights`, one a label, the loss of each label counts so much: where batch norm makes a loss one of all examples, some are
 * told apart by them.
 */
export type Batch = { images: Tensor; labels: Tensor1D | Tensor2D; examples: number; weights?: Tensor1D }

/** A whole split on the device, or `examples` of its `of`, as fixed consecutive chunks; the last may be shorter. */
export type DeviceSplit = { examples: number; of: number; chunks: Batch[] }

/** Uploads the examples at `indices` as one batch, images changed by `augment`; the caller disposes it. */
export function uploadBatch(data: Examples, indices: ArrayLike<number>, augment?: Augment): Batch {
  const size = data.images.length / data.count
  const { vocabulary, normalization, regression } = data
  // Numbers that belong to an example.
  const targets = regression ? data.classes : (data.targets ?? 1)
  const isTokens = vocabulary !== undefined
  const images = isTokens ? new Int32Array(indices.length * size) : new Float32Array(indices.length * size)
  const unit = !isTokens && data.images instanceof Uint8Array ? 255 : 1
  const labels = new (regression ? Float32Array : Int32Array)(indices.length * targets)
  for (let i = 0; i < indices.length; i++) {
    const source = indices[i] * size
    for (let j = 0; j < size; j++) images[i * size + j] = data.images[source + j] / unit
    for (let j = 0; j < targets; j++) labels[i * targets + j] = data.labels[indices[i] * targets + j]
  }
  if (images instanceof Float32Array) {
    // What a crop brings in is the 0 of the images as they are, as where they are cut before they are normalised.
    augment?.(images, data.shape)
    if (normalization) normalize(images, normalization)
  }
  return {
    images: tf.tensor(images, [indices.length, ...data.shape], isTokens ? 'int32' : 'float32'),
    labels: regression
      ? tf.tensor2d(labels, [indices.length, targets], 'float32')
      : tf.tensor1d(labels, 'int32'),
    examples: indices.length,
  }
}

/**
 * Uploads a split once, or a sample of it in its order, cut into chunks of `chunkSize` examples, where it stays: slicing at
 * every pass would copy it.
 */
export function uploadSplit(data: Examples, chunkSize: number, sample?: Uint32Array): DeviceSplit {
  const chosen = sample ?? Uint32Array.from({ length: data.count }, (_, i) => i)
  const chunks: Batch[] = []
  for (let from = 0; from < chosen.length; from += chunkSize)
    chunks.push(uploadBatch(data, chosen.subarray(from, from + chunkSize)))
  return { examples: chosen.length, of: data.count, chunks }
}

/** x ← (x − mean)/deviation by channel, which changes fastest. */
function normalize(values: Float32Array, { mean, deviation }: Moments): void {
  const channels = mean.length
  for (let i = 0; i < values.length; )
    for (let c = 0; c < channels; c++, i++) values[i] = (values[i] - mean[c]) / deviation[c]
}

export function disposeBatch({ images, labels }: Batch): void {
  tf.dispose([images, labels])
}

/** The flat parameter vector as one tensor a variable; the caller disposes them. */
export function uploadVariables(network: Network, theta: Float32Array): Tensor[] {
  return network.variables.map(({ offset, size, shape }) =>
    tf.tensor(theta.subarray(offset, offset + size), shape, 'float32'),
  )
}

/** ℓ of each example of a batch, [n], and the logits, a row a label. */
function lossesOf(
  { network, ops, loss }: Model,
  variables: Tensor[],
  { images, labels, weights }: Batch,
  masks?: DropoutMasks,
  observe?: Observe,
): { losses: Tensor1D; logits: Tensor2D } {
  const outputs = logitsOf(ops, network, variables, images, masks, undefined, observe)
  const { classes, targets } = network
  const weighted = (losses: Tensor1D) => (weights === undefined ? losses : ops.dropout(losses, weights))
  if (targets === undefined)
    return { losses: weighted(lossOf(ops, loss, outputs as Tensor2D, labels)), logits: outputs as Tensor2D }
  const logits = ops.reshape<Tensor2D>(outputs, [-1, classes])
  // An example's loss is the mean over its labels.
  const each = ops.reshape<Tensor3D>(weighted(lossOf(ops, loss, logits, labels)), [-1, targets, 1])
  return { losses: ops.reshape<Tensor1D>(ops.meanOverTokens(each), [-1]), logits }
}

/** The way of a model that takes a batch through all layers at once, where it has one: without weights, and without dropout. */
export function chainOf(
  { chain, loss }: Model,
  { weights }: Batch,
  masks?: DropoutMasks,
): DenseChain | undefined {
  const isPlain = weights === undefined && isPlainCrossEntropy(loss)
  return isPlain && !(masks && chain?.drops) ? chain : undefined
}

/** One pass over a batch: the gradient of Σ ℓ, and `logits`, a row a label, for whoever asks. The caller tidies. */
export function pass(
  model: Model,
  variables: Tensor[],
  batch: Batch,
  masks?: DropoutMasks,
  observe?: Observe,
): Pass & { logits: Tensor2D } {
  const chain = chainOf(model, batch, masks)
  if (chain) return chain.run(variables, batch.images, batch.labels as Tensor1D, true)
  let logits!: Tensor2D
  const { value, grads } = tf.engine().gradients(() => {
    const found = lossesOf(model, variables, batch, masks, observe)
    logits = tf.keep(found.logits)
    return found.losses
  }, variables)
  // Of running statistics the loss that is trained on is no function.
  const gradients = grads.map((gradient, i) => gradient ?? tf.zerosLike(variables[i]))
  return { gradients, losses: value as Tensor1D, logits }
}

/**
 * What `compute` makes of the chunks of a split: of those of a size by a graph where that is worth it, which goes by its `name`.
 * Weights, which a chunk of a whole split never has, and masks are in none.
 */
function overChunks(
  model: Model,
  variables: Tensor[],
  { chunks }: DeviceSplit,
  name: 'pass' | 'losses',
  compute: (chunk: Batch) => Tensor[],
): (chunk: Batch) => Tensor[] {
  const { graphs, network, loss } = model
  const sizes = rollup(
    chunks,
    alike => alike.length * alike[0].examples,
    ({ examples }) => examples,
  )
  return chunk => {
    const { examples, images, labels, weights } = chunk
    const isWorthIt = sizes.get(examples)! * network.gradientFlops >= worthAGraph
    if (!graphs || !isWorthIt || weights !== undefined || chainOf(model, chunk)) return compute(chunk)
    const key = JSON.stringify([name, loss, examples])
    return throughGraph(graphs, key, [...variables, images, labels], () => compute(chunk))
  }
}

/** Passes at theta, for whoever takes them one by one. */
export function passes(model: Model, theta: Float32Array) {
  const variables = uploadVariables(model.network, theta)
  return {
    /** The outputs of images, [labels, classes] in one row. */
    logits: (images: Tensor): Float32Array =>
      tf.tidy(() => logitsOf(model.ops, model.network, variables, images).dataSync() as Float32Array),
    /** The gradient of Σ ℓ, by variable, for `read` to read: it is gone afterwards. */
    gradients: (batch: Batch, read: (gradients: Tensor[]) => void): void =>
      tf.tidy(() => {
        const one = pass(model, variables, batch)
        one.logits.dispose()
        read(one.gradients)
      }),
    dispose: () => tf.dispose(variables),
  }
}

/** How many labels have the largest logit of their row. */
function correctOf(logits: Tensor2D, labels: Tensor1D | Tensor2D): number {
  return tf.tidy(() => tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'int32')).dataSync()[0])
}

/** The mean loss over a whole split at theta, by forward passes alone. Stops between chunks when `signal` aborts. */
export async function meanLoss(
  model: Model,
  theta: Float32Array,
  split: DeviceSplit,
  signal?: AbortSignal,
): Promise<number> {
  const variables = uploadVariables(model.network, theta)
  const lossesOver = overChunks(model, variables, split, 'losses', chunk => {
    const chain = chainOf(model, chunk)
    return [
      chain
        ? chain.run(variables, chunk.images, chunk.labels as Tensor1D, false).losses
        : lossesOf(model, variables, chunk).losses,
    ]
  })
  try {
    let loss = 0
    for (const chunk of split.chunks) {
      await setImmediate()
      signal?.throwIfAborted()
      loss += tf.tidy(() => sum(lossesOver(chunk)[0].dataSync()))
    }
    return loss / split.examples
  } finally {
    tf.dispose(variables)
  }
}

/** Of a whole split: the mean loss and, where it was asked for and there are classes, the fraction of examples classified as labelled. */
export type Measures = {
  loss: number
  accuracy?: number
  /** For each of the directions: the slope of each chunk's mean loss along it, by variable: [variables, chunks]. */
  slopes?: Float64Array[]
}

/** [chunk, variable, direction] for sums over such many examples: mean slopes, [variables, chunks] by direction. */
function slopesOf(
  slopes: ArrayLike<number>,
  chunks: Batch[],
  directions: number,
  variables: number,
): Float64Array[] {
  return Array.from({ length: directions }, (_, d) =>
    Float64Array.from({ length: variables * chunks.length }, (_, i) => {
      const [v, c] = [Math.floor(i / chunks.length), i % chunks.length]
      return slopes[(c * variables + v) * directions + d] / chunks[c].examples
    }),
  )
}

/**
 * The mean loss over each whole split at theta, and with `accuracy` how many of its examples are classified as labelled, from
 * the same pass. Each split's mean gradient is added to its accumulator (float64 [parameters]): over a batch the sum is the
 * engine's, in float32, over the chunks it is as exact as float64's. With `directions` (float64 [parameters] each), of the
 * splits that `wantsSlopes` names (all, if absent) also the slopes of their chunks. Lets the event loop run between chunks and
 * stops there when `signal` aborts.
 */
export async function addFullGradients(
  model: Model,
  theta: Float32Array,
  splits: DeviceSplit[],
  accumulators: Float64Array[],
  {
    signal,
    accuracy: wantsAccuracy = false,
    directions = [],
    wantsSlopes = () => true,
  }: {
    signal?: AbortSignal
    accuracy?: boolean
    directions?: Float64Array[]
    wantsSlopes?: (split: DeviceSplit) => boolean
  } = {},
): Promise<Measures[]> {
  const variables = uploadVariables(model.network, theta)
  const accuracy = wantsAccuracy && !model.network.regression
  try {
    const measures: Measures[] = []
    for (const [s, split] of splits.entries()) {
      const { chunks, examples } = split
      const along = wantsSlopes(split) ? directions : []
      const sums = model.sums(accumulators[s], 1 / examples, along)
      const passOver = overChunks(model, variables, split, 'pass', chunk => {
        const { losses, logits, gradients } = pass(model, variables, chunk)
        return [losses, logits, ...gradients]
      })
      try {
        let correct = 0
        for (const chunk of chunks) {
          await setImmediate()
          signal?.throwIfAborted()
          tf.tidy(() => {
            const [losses, logits, ...gradients] = passOver(chunk)
            if (accuracy) correct += correctOf(logits as Tensor2D, chunk.labels)
            logits.dispose()
            sums.add({ losses: losses as Tensor1D, gradients })
          })
        }
        const { loss, slopes } = sums.finish()
        measures.push({
          loss: loss / examples,
          ...(accuracy && { accuracy: correct / (examples * (model.network.targets ?? 1)) }),
          ...(along.length > 0 && { slopes: slopesOf(slopes, chunks, along.length, variables.length) }),
        })
      } finally {
        sums.dispose()
      }
    }
    return measures
  } finally {
    tf.dispose(variables)
  }
}
