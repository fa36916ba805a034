/**
 * Normalisation: by the statistics of the batch (Ioffe and Szegedy 2015), of which there are no running ones, or by those of
 * each example's own place or group of channels.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const normalizationOps = (k: Kernels) => ({
  /**
   * y = γ·x̂ + β, x̂ = (x − μ)/√(σ² + ε), μ and σ² (biased) over the m values of a channel in this batch
   * dx = γ/√(σ² + ε)·(dy − Σdy/m − x̂·Σ(dy·x̂)/m), dγ = Σ dy·x̂, dβ = Σ dy.  [n, …, c], [c], [c] → [n, …, c]
   */
  batchNorm: <T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D, epsilon: number) =>
    record<T, [Tensor1D, ...Tensor[]]>([x, gamma, beta], () => {
      const { y, saved } = k.batchNorm(asImages(x), gamma, beta, epsilon)
      return {
        value: shaped(y, x),
        save: [gamma, ...saved],
        gradients: (dy, [gamma, ...saved]) => {
          // One kernel gives all three, whichever is asked for.
          const [dx, dGamma, dBeta] = k.batchNormGradient(asImages(dy), gamma, saved, epsilon)
          return [() => shaped(dx, x), () => dGamma, () => dBeta]
        },
      }
    }),

  /**
   * y = γ·x̂ + β, x̂ = (x − μ)·s, s = 1/√(σ² + ε), with given μ and σ²
   * dx = γ·s·dy, dγ = Σ dy·x̂, dβ = Σ dy, dμ = −γ·s·Σ dy, dσ² = −γ·s²/2·Σ dy·x̂.  [n, …, c], [c] four times → [n, …, c]
   */
  normalizeBy: <T extends Tensor>(
    x: T,
    gamma: Tensor1D,
    beta: Tensor1D,
    mean: Tensor1D,
    variance: Tensor1D,
    epsilon: number,
  ) =>
    record<T, [Tensor, Tensor1D, Tensor1D]>([x, gamma, beta, mean, variance], () => {
      const scale = tf.rsqrt(tf.add(variance, epsilon)) as Tensor1D
      const normalized = tf.mul(tf.sub(x, mean), scale)
      return {
        value: tf.add(tf.mul(normalized, gamma), beta),
        save: [normalized, scale, gamma],
        gradients: (dy, [normalized, scale, gamma]) => {
          const along = () => k.biasGradient(tf.mul(dy, normalized))
          const slope = () => tf.mul(gamma, scale)
          return [
            () => tf.mul(dy, slope()),
            along,
            () => k.biasGradient(dy),
            () => tf.neg(tf.mul(slope(), k.biasGradient(dy))),
            () => tf.mul(tf.mul(tf.mul(slope(), scale), -0.5), along()),
          ]
        },
      }
    }),

  /** max(batchNorm, 0) in one pass;  dz = dy where y > 0, and on as batchNorm's.  [n, …, c], [c], [c] → [n, …, c] */
  batchNormRelu: <T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D, epsilon: number) =>
    record<T, [Tensor1D, ...Tensor[]]>([x, gamma, beta], () => {
      const { y, saved } = k.batchNormRelu(asImages(x), gamma, beta, epsilon)
      return {
        value: shaped(y, x),
        save: [gamma, ...saved],
        gradients: (dy, [gamma, ...saved]) => {
          const [dx, dGamma, dBeta] = k.batchNormReluGradient(asImages(dy), gamma, saved, epsilon)
          return [() => shaped(dx, x), () => dGamma, () => dBeta]
        },
      }
    }),

  /**
   * max(batchNorm + s, 0), s a residual block's shortcut;  dz = dy where y > 0, ds = dz, and on as batchNorm's.
   * [n, …, c], [c], [c], [n, …, c] → [n, …, c]
   */
  batchNormAddRelu: <T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D, shortcut: T, epsilon: number) =>
    record<T, [Tensor1D, ...Tensor[]]>([x, gamma, beta, shortcut], () => {
      const { y, saved } = k.batchNormAddRelu(asImages(x), gamma, beta, asImages(shortcut), epsilon)
      return {
        value: shaped(y, x),
        save: [gamma, ...saved],
        gradients: (dy, [gamma, ...saved]) => {
          const [dx, dGamma, dBeta, ds] = k.batchNormAddReluGradient(asImages(dy), gamma, saved, epsilon)
          return [() => shaped(dx, x), () => dGamma, () => dBeta, () => shaped(ds, x)]
        },
      }
    }),

  /**
   * y = γ·x̂ + β, x̂ = (x − μ)/√(σ² + ε), μ and σ² (biased) over the c values of a place  (Ba et al. 2016)
   * dx = (g − Σg/c − x̂·Σ(g·x̂)/c)/√(σ² + ε) with g = γ·dy, dγ = Σ dy·x̂, dβ = Σ dy.  [n, …, c], [c], [c] → [n, …, c]
   */
  layerNorm: <T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D, epsilon: number) =>
    record<T, [Tensor1D, ...Tensor[]]>([x, gamma, beta], () => {
      const { y, saved } = k.layerNorm(x, gamma, beta, epsilon)
      return {
        value: y,
        save: [gamma, ...saved],
        gradients: (dy, [gamma, ...saved]) => {
          const [dx, dGamma, dBeta] = k.layerNormGradient(dy, gamma, saved)
          return [() => dx, () => dGamma, () => dBeta]
        },
      }
    }),

  /**
   * y = γ·x̂, x̂ = x/√(Σx²/c + ε) over the c values of a place  (Zhang and Sennrich 2019)
   * dx = (g − x̂·Σ(g·x̂)/c)/√(Σx²/c + ε) with g = γ·dy, dγ = Σ dy·x̂.  [n, …, c], [c] → [n, …, c]
   */
  rmsNorm: <T extends Tensor>(x: T, gamma: Tensor1D, epsilon: number) =>
    record<T, [Tensor1D, ...Tensor[]]>([x, gamma], () => {
      const { y, saved } = k.rmsNorm(x, gamma, epsilon)
      return {
        value: y,
        save: [gamma, ...saved],
        gradients: (dy, [gamma, ...saved]) => {
          const [dx, dGamma] = k.rmsNormGradient(dy, gamma, saved)
          return [() => dx, () => dGamma]
        },
      }
    }),

  /**
   * layerNorm over an example's places and each group of c/groups successive channels, γ and β by channel  (Wu and
   * He 2018); the sums of dx run over a group's m values.  [n, …, c], [c], [c] → [n, …, c]
   */
  groupNorm: <T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D, groups: number, epsilon: number) =>
    record<T, [Tensor4D, Tensor4D, Tensor1D]>([x, gamma, beta], () => {
      const channels = gamma.size
      const grouped = (y: Tensor) => tf.reshape(y, [x.shape[0], -1, groups, channels / groups]) as Tensor4D
      const means = (y: Tensor) => tf.mean(tf.mean(y, 3, true), 1, true)
      const own = grouped(x)
      const centred = tf.sub(own, means(own))
      const scale = tf.rsqrt(tf.add(means(tf.square(centred)), epsilon)) as Tensor4D
      const normalized = tf.mul(centred, scale) as Tensor4D
      return {
        value: tf.add(tf.mul(tf.reshape(normalized, x.shape), gamma), beta),
        save: [normalized, scale, gamma],
        gradients: (dy, [normalized, scale, gamma]) => [
          () => {
            const g = grouped(tf.mul(dy, gamma))
            const along = tf.mul(normalized, means(tf.mul(g, normalized)))
            return tf.reshape(tf.mul(tf.sub(tf.sub(g, means(g)), along), scale), x.shape)
          },
          () => k.biasGradient(tf.mul(asRows(dy, gamma), asRows(normalized, gamma))),
          () => k.biasGradient(dy),
        ],
      }
    }),
})

/** A view as a matrix with a row a place. */
const asRows = (x: Tensor, { size }: Tensor1D) => tf.reshape(x, [-1, size]) as Tensor2D

/** Features as the channels of images of one place; images as they are. A view, not a copy. */
const asImages = (x: Tensor): Tensor4D =>
  x.rank === 4 ? (x as Tensor4D) : tf.reshape(x, [-1, 1, 1, x.shape[x.rank - 1]])
const shaped = (y: Tensor4D, { rank, shape }: Tensor): Tensor => (rank === 4 ? y : tf.reshape(y, shape))
