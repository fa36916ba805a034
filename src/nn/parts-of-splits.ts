/** Passes over parts of a split that are told apart: single examples, and the examples of one class. */
import { setImmediate } from 'node:timers/promises'
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { addFullGradients, type Batch, type DeviceSplit, disposeBatch, type Model, passes } from './model.ts'

/** Whether the loss of some examples of a chunk is had by weights only, for it depends on the others too. */
const sharesLoss = ({ network }: Model) => network.batchNorm

/** A label by a number in [0, 1): the first class at which the cumulated softmax is above it. */
export function drawLabel(logits: ArrayLike<number>, uniform: number): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let c = 0; c < logits.length; c++) largest = Math.max(largest, logits[c])
  let total = 0
  for (let c = 0; c < logits.length; c++) total += Math.exp(logits[c] - largest)
  let below = 0
  for (let c = 0; c < logits.length; c++) {
    below += Math.exp(logits[c] - largest) / total
    if (uniform < below) return c
  }
  return logits.length - 1
}

/**
 * Adds the squares of single examples' gradients, Σ_n (∂ℓ_n/∂θ_i)², to float64 [parameters]; `examples` are indices of the
 * split, ascending. With `uniform` their labels are drawn from the softmax of the outputs, a number a label in this order.
 * An example that shares its loss with its chunk (batch norm) is taken within it.
 */
export async function addSquares(
  model: Model,
  theta: Float32Array,
  { chunks }: DeviceSplit,
  examples: ArrayLike<number>,
  into: Float64Array,
  uniform?: () => number,
  signal?: AbortSignal,
): Promise<void> {
  const { targets = 1, classes, regression } = model.network
  /** Numbers of an example's target. */
  const width = regression ? classes : targets
  const { logits, gradients, dispose } = passes(model, theta)
  const add = (batch: Batch) =>
    gradients(batch, all => {
      let offset = 0
      for (const tensor of all) {
        const gradient = tensor.dataSync()
        for (let i = 0; i < gradient.length; i++) into[offset + i] += gradient[i] * gradient[i]
        offset += gradient.length
      }
    })
  const asTarget = (values: Int32Array | Float32Array) =>
    regression ? tf.tensor2d(values, [values.length / width, width], 'float32') : tf.tensor1d(values, 'int32')
  try {
    let at = 0
    let begin = 0
    for (const chunk of chunks) {
      const chosen: number[] = []
      while (at < examples.length && examples[at] < begin + chunk.examples)
        chosen.push(examples[at++] - begin)
      begin += chunk.examples
      if (chosen.length === 0) continue
      // All examples of the chunk, or those chosen, with the place of each.
      const shared = sharesLoss(model)
      const images = shared
        ? chunk.images
        : tf.tidy(() => tf.gather(chunk.images, tf.tensor1d(chosen, 'int32')))
      const places = shared ? chosen : chosen.map((_, n) => n)
      const labels = chunk.labels.dataSync().slice() as Int32Array | Float32Array
      const rows = (place: number) => place * width
      const own = shared
        ? labels
        : (labels.constructor as Float32ArrayConstructor).from(
            chosen.flatMap(n => [...labels.subarray(rows(n), rows(n + 1))]),
          )
      if (uniform !== undefined) {
        const outputs = logits(images)
        for (const place of places)
          for (let row = rows(place); row < rows(place + 1); row++)
            own[row] = drawLabel(outputs.subarray(row * classes, (row + 1) * classes), uniform())
      }
      try {
        for (const place of places) {
          await setImmediate()
          signal?.throwIfAborted()
          tf.tidy(() => {
            const mine = [rows(place), rows(place + 1)] as const
            if (shared) {
              const every = regression ? width : 1
              const weights = tf.tensor1d(
                new Float32Array(own.length / every).fill(1, mine[0] / every, mine[1] / every),
              )
              add({ images, labels: asTarget(own), examples: chunk.examples, weights })
            } else {
              add({
                images: tf.slice(images, place, 1),
                labels: asTarget(own.subarray(...mine)),
                examples: 1,
              })
            }
          })
        }
      } finally {
        if (!shared) images.dispose()
      }
    }
  } finally {
    dispose()
  }
}

/** The examples of each class of a split, each as a split: by class; undefined of one that no label is of. */
export type Classes = {
  splits: (DeviceSplit | undefined)[]
  /** How many labels each class has. */
  labels: number[]
  dispose(): void
}

/**
 * In chunks of examples of one class, as large as the split's; where examples share their loss, or have labels of several
 * classes, the split's own chunks, in which only the labels of the class count.
 */
export function splitByClass(model: Model, { chunks, examples, of }: DeviceSplit): Classes {
  const { classes, targets = 1 } = model.network
  const labels = chunks.map(chunk => Int32Array.from(chunk.labels.dataSync()))
  const count = (c: number) => labels.reduce((sum, own) => sum + own.filter(label => label === c).length, 0)
  const counts = Array.from({ length: classes }, (_, c) => count(c))
  const masked = sharesLoss(model) || targets > 1
  const splits = counts.map((count, c): DeviceSplit | undefined => {
    if (count === 0) return undefined
    const own = masked ? maskedChunks(chunks, labels, c) : classChunks(chunks, labels, c)
    return { examples: masked ? examples : count, of, chunks: own }
  })
  return {
    ...{ splits, labels: counts },
    dispose() {
      for (const split of splits)
        for (const chunk of split?.chunks ?? [])
          if (masked) chunk.weights!.dispose()
          else disposeBatch(chunk)
    },
  }
}

const maskedChunks = (chunks: Batch[], labels: Int32Array[], c: number): Batch[] =>
  chunks.map((chunk, k) => ({
    ...chunk,
    weights: tf.tensor1d(Float32Array.from(labels[k], label => Number(label === c))),
  }))

function classChunks(chunks: Batch[], labels: Int32Array[], c: number): Batch[] {
  const images = tf.tidy(() => {
    const parts = chunks.flatMap(({ images }, k) => {
      const own = [...labels[k].keys()].filter(n => labels[k][n] === c)
      return own.length === 0 ? [] : [tf.gather(images, tf.tensor1d(own, 'int32'))]
    })
    return tf.concat(parts)
  })
  const size = chunks[0].examples
  const [count] = images.shape
  const made: Batch[] = []
  for (let from = 0; from < count; from += size) {
    const examples = Math.min(size, count - from)
    made.push({
      images: tf.slice(images, from, examples) as Tensor,
      labels: tf.fill([examples], c, 'int32') as Tensor1D,
      examples,
    })
  }
  images.dispose()
  return made
}

/**
 * The slopes of the split's loss along each direction (float64 [parameters]) by class: of the loss of the labels of each
 * class, weighted by its share, so that they add up to the split's. By direction, [classes, variables].
 */
export async function classSlopes(
  model: Model,
  theta: Float32Array,
  { examples }: DeviceSplit,
  { splits }: Classes,
  directions: Float64Array[],
  signal?: AbortSignal,
): Promise<Float64Array[]> {
  const { variables, parameters } = model.network
  const found = directions.map(() => new Float64Array(splits.length * variables.length))
  const unused = new Float64Array(parameters)
  for (const [c, split] of splits.entries()) {
    if (split === undefined) continue
    const [{ slopes }] = await addFullGradients(model, theta, [split], [unused], { directions, signal })
    const { chunks } = split
    for (const [d, means] of slopes!.entries())
      for (let v = 0; v < variables.length; v++) {
        let sum = 0
        for (let k = 0; k < chunks.length; k++) sum += means[v * chunks.length + k] * chunks[k].examples
        found[d][c * variables.length + v] = sum / examples
      }
  }
  return found
}
