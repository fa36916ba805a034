/** The gradient that training goes by: of one batch, with dropout. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { type DropoutMasks, logitsOf, type Observe } from './forward.ts'
import { throughGraph } from './graphs.ts'
import { type Batch, chainOf, type Model, pass, uploadVariables } from './model.ts'
import type { Pass } from './sums.ts'

/**
 * How much the gradient of a batch has to compute, in FLOPs, for a graph of it to be made. A function of network and batch size
 * alone, not of how many iterations there will be: a training that goes on has the bits of one that was so long from the start.
 */
const worthAGraphOfABatch = 1e9

/**
 * Mean loss of a batch at theta, with dropout where there are masks; its gradient replaces `gradient` (float64 [parameters]).
 * With `observe` as training sees it: batch norm has the statistics of the batch, also where the loss has running ones.
 */
export function batchGradient(
  model: Model,
  theta: Float32Array,
  batch: Batch,
  gradient: Float64Array,
  masks?: DropoutMasks,
  observe?: Observe,
): number {
  const variables = uploadVariables(model.network, theta)
  gradient.fill(0)
  const sums = model.sums(gradient, 1 / batch.examples)
  try {
    tf.tidy(() => sums.add(passOver(model, variables, batch, masks, observe)))
    return sums.finish().loss / batch.examples
  } finally {
    sums.dispose()
    tf.dispose(variables)
  }
}

/** By a graph where that is worth it; what is shown to `observe` is read to the host, which no graph can. The caller tidies. */
function passOver(
  model: Model,
  variables: Tensor[],
  batch: Batch,
  masks?: DropoutMasks,
  observe?: Observe,
): Pass {
  const { graphs, network, loss } = model
  const { examples, images, labels, weights } = batch
  const byOperations = (masks?: DropoutMasks): Pass => {
    const { logits, ...one } = pass(model, variables, batch, masks, observe)
    logits.dispose()
    return one
  }
  const isWorthIt = examples * network.gradientFlops >= worthAGraphOfABatch
  const isWhole = network.runningStatistics || weights !== undefined || chainOf(model, batch, masks)
  if (!graphs || !isWorthIt || isWhole) return byOperations(masks)

  const dropouts = masks ? dropoutsOf(model, variables, images) : []
  const drawn = dropouts.map(({ layer, rate, shape }) => masks!(layer, rate, [examples, ...shape]))
  const inputs = [...variables, images, labels, ...drawn]
  const key = JSON.stringify(['batch', loss, examples, drawn.length])
  const [losses, ...gradients] = throughGraph(graphs, key, inputs, () => {
    let next = 0
    const { losses, gradients } = byOperations(masks && (() => drawn[next++]))
    return [losses, ...gradients]
  })
  return { losses: losses as Tensor1D, gradients }
}

type Dropout = { layer: string; rate: number; shape: number[] }

/** The masks that networks ask for, in their order, by the shape of one example's. */
const asked = new WeakMap<Model['network'], Dropout[]>()

function dropoutsOf({ ops, network }: Model, variables: Tensor[], images: Tensor): Dropout[] {
  const known = asked.get(network)
  if (known !== undefined) return known
  const found: Dropout[] = []
  tf.tidy(() => {
    logitsOf(ops, network, variables, images, (layer, rate, [, ...shape]) => {
      found.push({ layer, rate, shape })
      return tf.ones([images.shape[0], ...shape])
    })
  })
  asked.set(network, found)
  return found
}
