/** Batch norm (Ioffe and Szegedy 2015), always with the statistics of the batch it sees: there are no running ones. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const normalizationOps = (k: Kernels) => ({
  /**
   * y = γ·x̂ + β, x̂ = (x − μ)/√(σ² + ε), μ and σ² (biased) over the m values of a channel in this batch, ε = 1e-3
   * dx = γ/√(σ² + ε)·(dy − Σdy/m − x̂·Σ(dy·x̂)/m), dγ = Σ dy·x̂, dβ = Σ dy.  [n, h, w, c], [c], [c] → [n, h, w, c]
   */
  batchNorm: (x: Tensor4D, gamma: Tensor1D, beta: Tensor1D) =>
    record<Tensor4D, [Tensor4D, Tensor1D, ...Tensor[]]>([x, gamma, beta], () => {
      const [value, ...statistics] = k.batchNorm(x, gamma, beta)
      return {
        value,
        save: [x, gamma, ...statistics],
        gradients: (dy, [x, gamma, ...statistics]) => {
          // One kernel gives all three, whichever is asked for.
          const [dx, dGamma, dBeta] = k.batchNormGradient(dy as Tensor4D, x, gamma, statistics)
          return [() => dx, () => dGamma, () => dBeta]
        },
      }
    }),
})
