/**
 * Our own operations (native/) as primitives: what TensorFlow has no fused kernel for on CPUs, each one pass over memory where
 * composing it takes five to twenty. They know float32 alone, and add in an order that no number of threads changes.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { hostLoops } from '../../host-loops.ts'
import type { Kernels } from './kernels.ts'
import { attributesOf, type NativeBackend } from './native-backend.ts'

/** Their names. */
const operations = [
  'LedgerMoments',
  'LedgerAddGradientsTo',
  'LedgerColumnSums',
  'LedgerGelu',
  'LedgerGeluGradient',
  'LedgerSilu',
  'LedgerSiluGradient',
  'LedgerTanhGradient',
  'LedgerLayerNorm',
  'LedgerLayerNormGradient',
  'LedgerRmsNorm',
  'LedgerRmsNormGradient',
  'LedgerAttention',
  'LedgerAttentionGradient',
  'LedgerCrossEntropy',
  'LedgerDenseChain',
  'LedgerDenseChainGradients',
  'LedgerBatchNorm',
  'LedgerBatchNormGradient',
  'LedgerBatchNormRelu',
  'LedgerBatchNormReluGradient',
  'LedgerBatchNormAddRelu',
  'LedgerBatchNormAddReluGradient',
  'LedgerMaxPool',
  'LedgerMaxPoolGradient',
  'LedgerConvolution3',
  'LedgerConvolution3Bias',
  'LedgerConvolution3InputGradient',
  'LedgerConvolution3KernelGradient',
]

/** Throws where the binding was built without one of our operations: CPUs have no other way. */
export function requireOwnOperations(backend: NativeBackend): void {
  // Without inputs none of them runs; whether TensorFlow knows the name is said first.
  const missing = operations.filter(name => {
    try {
      return backend.executeMultipleOutputs(name, [], [], 1) === undefined
    } catch (error) {
      return /TF_Status: 5\s+Message: '\w+' is neither/.test((error as Error).message)
    }
  })
  if (missing.length > 0)
    throw new Error(
      `the native TensorFlow binding was built before ${missing.join(', ')} came to it: run \`npm run setup\`, which builds it anew`,
    )
}

/** Of longer sequences what belongs to an example and head fills the fast memory: then whole matrix products are as fast. */
const shortSequence = 128

/**
 * What native/accumulate.cc takes, 8 bytes each as two int32: the weight, how many values the vectors have, and where these lie.
 * They must stay where they are until it has run, which it has when the call returns.
 */
function placesOf(sums: Float64Array, weight: number, directions: Float64Array[]): Tensor1D {
  const { addressOf } = hostLoops
  if (addressOf === undefined) throw new Error('vectors have addresses beside native TensorFlow alone')
  const short = directions.find(({ length }) => length !== sums.length)
  if (short) throw new Error(`a direction has ${short.length} values, and there are ${sums.length} sums`)
  const words = BigUint64Array.of(0n, BigInt(sums.length), ...[sums, ...directions].map(addressOf))
  new Float64Array(words.buffer, 0, 1)[0] = weight
  return tf.tensor1d(new Int32Array(words.buffer), 'int32')
}

/** `others` are for what ours do not take: attention of long sequences, other windows than 2×2. */
export function fusedKernels(
  backend: NativeBackend,
  others: Pick<
    Kernels,
    'attention' | 'attentionGradient' | 'maxPool' | 'maxPoolGradient' | 'maxPoolRelu' | 'maxPoolReluGradient'
  >,
) {
  const { bool, ints, floatOf } = attributesOf(backend)
  const run = (name: string, inputs: Tensor[], outputs = 1, attributes: ReturnType<typeof bool>[] = []) =>
    backend.executeMultipleOutputs(name, attributes, inputs, outputs)
  const one = <T extends Tensor>(name: string, ...inputs: Tensor[]) => run(name, inputs)[0] as T
  const pool = (x: Tensor4D, relu: boolean) =>
    run('LedgerMaxPool', [x], 2, [bool('relu', relu)]) as [Tensor4D, Tensor]
  /** Batch norm and its gradient, or with ReLU behind it. */
  const normalization =
    (name: string): Kernels['batchNorm'] =>
    (x, gamma, beta, epsilon) => {
      const [y, ...statistics] = run(name, [x, gamma, beta], 3, [floatOf('epsilon', epsilon)])
      return { y: y as Tensor4D, saved: [x, beta, ...statistics] }
    }
  const normalizationGradient =
    (name: string): Kernels['batchNormGradient'] =>
    (dy, gamma, [x, beta, mean, scale]) =>
      run(name, [dy, x, gamma, beta, mean, scale], 3) as [Tensor4D, Tensor1D, Tensor1D]

  return {
    moments: x => {
      const both = run('LedgerMoments', [x], 2)
      const [mean, variance] = both.map(moment => Float64Array.from(moment.dataSync()))
      tf.dispose(both)
      return { mean, variance }
    },

    accumulate: (sums, weight, gradients, directions) => {
      const places = placesOf(sums, weight, directions)
      const slopes = run('LedgerAddGradientsTo', [places, ...gradients], 1, [ints('N', gradients.length)])[0]
      places.dispose()
      return slopes as Tensor1D
    },
    biasGradient: dy => one('LedgerColumnSums', dy),

    gelu: x => ({ y: one('LedgerGelu', x), saved: [x] }),
    geluGradient: (dy, [x]) => one('LedgerGeluGradient', dy, x),
    silu: x => one('LedgerSilu', x),
    siluGradient: (dy, x) => one('LedgerSiluGradient', dy, x),
    tanhGradient: (dy, x) => one('LedgerTanhGradient', dy, x),

    layerNorm: (x, gamma, beta, epsilon) => {
      const [y, ...statistics] = run('LedgerLayerNorm', [x, gamma, beta], 3, [floatOf('epsilon', epsilon)])
      return { y, saved: [x, ...statistics] }
    },
    layerNormGradient: (dy, gamma, [x, mean, scale]) =>
      run('LedgerLayerNormGradient', [dy, x, gamma, mean, scale], 3) as [Tensor, Tensor1D, Tensor1D],
    rmsNorm: (x, gamma, epsilon) => {
      const [y, scale] = run('LedgerRmsNorm', [x, gamma], 2, [floatOf('epsilon', epsilon)])
      return { y, saved: [x, scale] }
    },
    rmsNormGradient: (dy, gamma, [x, scale]) =>
      run('LedgerRmsNormGradient', [dy, x, gamma, scale], 2) as [Tensor, Tensor1D],

    attention: (q, k, v, heads, causal) => {
      if (q.shape[1] > shortSequence) return others.attention(q, k, v, heads, causal)
      const attributes = [ints('heads', heads), bool('causal', causal)]
      const [y, weights] = run('LedgerAttention', [q, k, v], 2, attributes)
      return { y: y as Tensor3D, saved: [q, k, v, weights] }
    },
    attentionGradient: (dy, saved) =>
      dy.shape[1] > shortSequence
        ? others.attentionGradient(dy, saved)
        : (run('LedgerAttentionGradient', [dy, ...saved], 3) as [Tensor3D, Tensor3D, Tensor3D]),

    batchNorm: normalization('LedgerBatchNorm'),
    batchNormGradient: normalizationGradient('LedgerBatchNormGradient'),
    batchNormRelu: normalization('LedgerBatchNormRelu'),
    batchNormReluGradient: normalizationGradient('LedgerBatchNormReluGradient'),

    batchNormAddRelu: (x, gamma, beta, shortcut, epsilon) => {
      const inputs = [x, gamma, beta, shortcut]
      const [y, ...statistics] = run('LedgerBatchNormAddRelu', inputs, 3, [floatOf('epsilon', epsilon)])
      return { y: y as Tensor4D, saved: [x, beta, ...statistics, y] }
    },
    batchNormAddReluGradient: (dy, gamma, [x, beta, mean, scale, y]) => {
      const inputs = [dy, x, gamma, beta, mean, scale, y]
      return run('LedgerBatchNormAddReluGradient', inputs, 4) as [Tensor4D, Tensor1D, Tensor1D, Tensor4D]
    },

    maxPool: (x, size) => (size === 2 ? pool(x, false) : others.maxPool(x, size)),
    maxPoolRelu: (x, size) => (size === 2 ? pool(x, true) : others.maxPoolRelu(x, size)),
    maxPoolGradient: (dy, x, y, places, size) =>
      size === 2
        ? one('LedgerMaxPoolGradient', dy, places[0], x)
        : others.maxPoolGradient(dy, x, y, places, size),
    // Where ReLU is behind it no place is the largest.
    maxPoolReluGradient: (dy, x, y, places, size) =>
      size === 2
        ? one('LedgerMaxPoolGradient', dy, places[0], x)
        : others.maxPoolReluGradient(dy, x, y, places, size),

    softmaxCrossEntropy: (logits, labels) =>
      run('LedgerCrossEntropy', [logits, labels], 2) as [Tensor1D, Tensor2D],

    denseChain: (x, labels, variables, rectified, wantsGradients) => {
      const [name, results] = wantsGradients
        ? ['LedgerDenseChainGradients', 2 + variables.length]
        : ['LedgerDenseChain', 2]
      // A bit a layer.
      const relu = rectified.reduce((bits, isOne, layer) => bits + (isOne ? 2 ** layer : 0), 0)
      const attributes = [ints('N', variables.length), ints('relu', relu)]
      const [losses, logits, ...gradients] = run(name, [x, labels, ...variables], results, attributes)
      return { losses: losses as Tensor1D, logits: logits as Tensor2D, gradients }
    },
  } satisfies Partial<Kernels>
}
