/**
 * Sums over the chunks of a split, as exact as float64's, in the way that costs least where the tensors lie: added up in
 * float64 on the host, or, where every reading makes the host wait for the device, there and read once.
 */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'

/** What a pass over one chunk gives: the gradient of Σ ℓ by variable, and ℓ of each example. */
export type Pass = { gradients: Tensor[]; losses: Tensor1D }

/** Made to add weight · Σ gradients to an accumulator, float64 [parameters], variable after variable. */
export type MakeSums = (accumulator: Float64Array, weight: number) => PassSums

export type PassSums = {
  /** Takes in a chunk; its tensors stay the caller's to dispose. */
  add(pass: Pass): void
  /** Σ ℓ; from here on the accumulator has everything. */
  finish(): number
  /** Frees what is left on the device. */
  dispose(): void
}

/** Σ in float64: a mean over tens of thousands of float32 losses summed in float32 would lose digits. */
export function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}

/** Reads every chunk's tensors: nothing but a copy where they lie in the host's memory. */
export const hostSums: MakeSums = (accumulator, weight) => {
  let loss = 0
  return {
    add({ gradients, losses }) {
      let offset = 0
      for (const tensor of gradients) {
        const gradient = tensor.dataSync()
        for (let i = 0; i < gradient.length; i++) accumulator[offset + i] += weight * gradient[i]
        offset += gradient.length
      }
      loss += sum(losses.dataSync())
    },
    finish: () => loss,
    dispose() {},
  }
}

/**
 * Adds on the device, in pairs of float32 high + low of which the low one holds what rounding took from the high one:
 * s = h + g, v = s − h, e = (h − (s − v)) + (g − v), exactly h + g = s + e (Knuth, TAOCP 2, §4.2.2, theorem B). Read
 * once, with the losses of all chunks behind.
 */
export const deviceSums: MakeSums = (accumulator, weight) => {
  const parameters = accumulator.length
  let high: Tensor1D | undefined
  let low: Tensor1D | undefined
  const losses: Tensor1D[] = []
  const replace = (next: Tensor1D[]) => {
    tf.dispose([high, low].filter(tensor => tensor !== undefined))
    high = next[0]
    low = next[1]
  }
  return {
    add(pass) {
      losses.push(tf.keep(tf.clone(pass.losses)))
      const next = tf.tidy(() => {
        const g = tf.concat1d(pass.gradients.map(gradient => tf.reshape(gradient, [-1])))
        if (high === undefined) return [g, tf.zerosLike(g)]
        const s = tf.add(high, g)
        const v = tf.sub(s, high)
        const e = tf.add(tf.sub(high, tf.sub(s, v)), tf.sub(g, v))
        return [s, tf.add(low!, e)] as Tensor1D[]
      })
      replace(next.map(tensor => tf.keep(tensor)))
    },
    finish() {
      const all = tf.concat1d([high!, low!, ...losses])
      const values = all.dataSync()
      all.dispose()
      for (let i = 0; i < parameters; i++) accumulator[i] += weight * (values[i] + values[parameters + i])
      return sum(values.subarray(2 * parameters))
    },
    dispose() {
      replace([])
      tf.dispose(losses)
    },
  }
}
