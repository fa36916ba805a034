/** Batch norm (Ioffe and Szegedy 2015), always with the statistics of the batch it sees: there are no running ones. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const normalizationOps = (k: Kernels) => ({
  /**
   * y = γ·x̂ + β, x̂ = (x − μ)/√(σ² + ε), μ and σ² (biased) over the m values of a channel in this batch, ε = 1e-3
   * dx = γ/√(σ² + ε)·(dy − Σdy/m − x̂·Σ(dy·x̂)/m), dγ = Σ dy·x̂, dβ = Σ dy.  [n, …, c], [c], [c] → [n, …, c]
   */
  batchNorm: <T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D) =>
    record<T, [T, Tensor1D, ...Tensor[]]>([x, gamma, beta], () => {
      const [value, ...statistics] = k.batchNorm(asImages(x), gamma, beta)
      return {
        value: shaped(value, x),
        save: [x, gamma, ...statistics],
        gradients: (dy, [x, gamma, ...statistics]) => {
          // One kernel gives all three, whichever is asked for.
          const [dx, dGamma, dBeta] = k.batchNormGradient(asImages(dy), asImages(x), gamma, statistics)
          return [() => shaped(dx, x), () => dGamma, () => dBeta]
        },
      }
    }),

  /** max(batchNorm, 0) in one pass;  dz = dy where y > 0, and on as batchNorm's.  [n, …, c], [c], [c] → [n, …, c] */
  batchNormRelu: <T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D) =>
    record<T, [Tensor, Tensor, Tensor1D, ...Tensor[]]>([x, gamma, beta], () => {
      const [y, ...statistics] = k.batchNormRelu(asImages(x), gamma, beta)
      const value = shaped(y, x)
      return {
        value,
        save: [value, x, gamma, ...statistics],
        gradients: (dy, [y, x, gamma, ...statistics]) => {
          const dz = k.reluGradient(dy, y)
          const [dx, dGamma, dBeta] = k.batchNormGradient(asImages(dz), asImages(x), gamma, statistics)
          dz.dispose()
          return [() => shaped(dx, x), () => dGamma, () => dBeta]
        },
      }
    }),
})

/** Features as the channels of images of one place; images as they are. A view, not a copy. */
const asImages = (x: Tensor): Tensor4D =>
  x.rank === 4 ? (x as Tensor4D) : tf.reshape(x, [-1, 1, 1, x.shape[x.rank - 1]])
const shaped = (y: Tensor4D, { rank, shape }: Tensor): Tensor => (rank === 4 ? y : tf.reshape(y, shape))
