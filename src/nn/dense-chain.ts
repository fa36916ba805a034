/** Networks of nothing but dense layers, which an engine may take through all of them in one pass over the examples. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import type { ResolvedLoss } from '../spec/schema.ts'
import type { DenseChainPass, Kernels } from './kernels/kernels.ts'
import type { Layer } from './layers.ts'
import type { Network } from './network.ts'

export type DenseChain = {
  /** Computes ℓ of each example, the logits, and with `gradients` also the gradient of Σ ℓ by variable. The caller tidies. */
  run(variables: Tensor[], images: Tensor, labels: Tensor1D, gradients: boolean): DenseChainPass
  /** Whether the network has dropout, which a chain is without. */
  drops: boolean
}

/**
 * Of more parameters kernels do not stay in fast memory, and gradients of parts of a batch take room: a product a layer is as fast
 * then. A function of the network alone, so that the same spec means the same bits everywhere.
 */
const mostParameters = 2 ** 21
/** The operation is told in the bits of one number which layers have ReLU behind them (native/dense-chain.cc). */
const mostLayers = 50

/** Whether ReLU is behind each dense layer of a network that has nothing else (but dropout, which without masks is nothing); else undefined. */
function rectifiedLayers(graph: Layer[]): boolean[] | undefined {
  const rectified: boolean[] = []
  for (const { kind } of graph.filter(({ kind }) => kind !== 'dropout')) {
    if (kind === 'dense') rectified.push(false)
    else if (kind === 'relu' && rectified.length > 0) rectified[rectified.length - 1] = true
    // Before the first layer it is how the examples lie anyway, and later it changes nothing.
    else if (kind !== 'flatten') return
  }
  return rectified.at(-1) === false ? rectified : undefined
}

/** How the engine takes a network with softmax cross-entropy in one pass; undefined where it has no such way, or the network is another. */
export function denseChainOf(network: Network, { denseChain }: Kernels): DenseChain | undefined {
  const { graph, inputShape, parameters, targets, regression } = network
  // Dense layers over a sequence or an image are at each place; a chain is of features.
  const isFlat = inputShape.length === 1 || graph[0].kind === 'flatten'
  const rectified = rectifiedLayers(graph)
  if (!denseChain || !rectified || !isFlat || targets !== undefined || regression) return
  if (parameters > mostParameters || rectified.length > mostLayers) return
  return {
    run: (variables, images, labels, gradients) =>
      denseChain(images, labels, variables, rectified, gradients),
    drops: graph.some(({ kind }) => kind === 'dropout'),
  }
}

/** Whether a loss is the one that a chain ends in. */
export const isPlainCrossEntropy = (loss: ResolvedLoss): boolean =>
  loss.name === 'cross-entropy' && loss.labelSmoothing === 0
