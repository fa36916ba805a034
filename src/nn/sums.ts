/**
 * Sums over the chunks of a split, as exact as float64's, in the way that costs least where the tensors lie: added up in
 * float64 by the library or by the host, or, where every reading makes the host wait for the device, there and read once.
 */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import { hostLoops } from '../host-loops.ts'
import type { Kernels } from './kernels/kernels.ts'

/** What a pass over one chunk gives: the gradient of Σ ℓ by variable, and ℓ of each example. */
export type Pass = { gradients: Tensor[]; losses: Tensor1D }

/**
 * Made to add weight · Σ gradients to an accumulator, float64 [parameters], variable after variable. With `directions`
 * (float64 [parameters] each) also what each pass has along them; nothing of the accumulator depends on that.
 */
export type MakeSums = (accumulator: Float64Array, weight: number, directions?: Float64Array[]) => PassSums

export type PassSums = {
  /** Takes in a chunk; its tensors stay the caller's to dispose. */
  add(pass: Pass): void
  /**
   * Σ ℓ; from here on the accumulator has everything. `slopes`: Σ_i g_i d_i over each variable of each pass's gradient
   * along each direction, [passes, variables, directions].
   */
  finish(): { loss: number; slopes: ArrayLike<number> }
  /** Frees what is left on the device. */
  dispose(): void
}

/** Σ in float64: a mean over tens of thousands of float32 losses summed in float32 would lose digits. */
export function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}

/** Σ_i g_i d_i over the variable at an offset, along each direction. */
function pushSlopes(slopes: number[], gradient: ArrayLike<number>, offset: number, along: Float64Array[]) {
  for (const direction of along) {
    let slope = 0
    for (let i = 0; i < gradient.length; i++) slope += gradient[i] * direction[offset + i]
    slopes.push(slope)
  }
}

/** Reads every chunk's tensors: nothing but a copy where they lie in the host's memory. */
export const hostSums: MakeSums = (accumulator, weight, directions = []) => {
  let loss = 0
  const slopes: number[] = []
  return {
    add({ gradients, losses }) {
      let offset = 0
      for (const tensor of gradients) {
        const gradient = tensor.dataSync()
        const own = accumulator.subarray(offset, offset + gradient.length)
        hostLoops.combine(own, 1, own, weight, gradient as Float32Array)
        pushSlopes(slopes, gradient, offset, directions)
        offset += gradient.length
      }
      loss += sum(losses.dataSync())
    },
    finish: () => ({ loss, slopes }),
    dispose() {},
  }
}

/** How an engine adds up passes. */
export const sumsOf = ({ readsWait, accumulate }: Pick<Kernels, 'readsWait' | 'accumulate'>): MakeSums => {
  if (readsWait) return deviceSums
  return accumulate ? accumulatedSums(accumulate) : hostSums
}

/** float64 as the library has them, which knows none: as int32, the bytes as they lie in memory. */
const valuesOf = (tensor: Tensor1D) => {
  const { buffer, byteOffset } = tensor.dataSync()
  return new Float64Array(buffer, byteOffset, tensor.size / 2)
}

/**
 * As hostSums, and added in the library, where the gradients lie, which is several times as fast at it as JavaScript: of each pass
 * its losses and slopes are read, some numbers.
 */
const accumulatedSums =
  (accumulate: NonNullable<Kernels['accumulate']>): MakeSums =>
  (accumulator, weight, directions = []) => {
    let loss = 0
    const slopes: number[] = []
    return {
      add({ gradients, losses }) {
        const found = accumulate(accumulator, weight, gradients, directions)
        loss += sum(losses.dataSync())
        if (directions.length > 0) slopes.push(...valuesOf(found))
        found.dispose()
      },
      finish: () => ({ loss, slopes }),
      dispose() {},
    }
  }

/**
 * Adds on the device, in pairs of float32 high + low of which the low one holds what rounding took from the high one:
 * s = h + g, v = s − h, e = (h − (s − v)) + (g − v), exactly h + g = s + e (Knuth, TAOCP 2, §4.2.2, theorem B). Read
 * once, with the losses of all chunks behind, and the slopes of all, which are in the device's float32.
 */
export const deviceSums: MakeSums = (accumulator, weight, directions = []) => {
  const parameters = accumulator.length
  let high: Tensor1D | undefined
  let low: Tensor1D | undefined
  const losses: Tensor1D[] = []
  const slopes: Tensor1D[] = []
  const along =
    directions.length === 0
      ? undefined
      : tf.tidy(() => tf.stack(directions.map(direction => tf.tensor1d(Float32Array.from(direction)))))
  const replace = (next: Tensor1D[]) => {
    tf.dispose([high, low].filter(tensor => tensor !== undefined))
    high = next[0]
    low = next[1]
  }
  /** [variables, directions]: one product, and a sum a variable. */
  const slopesOf = (g: Tensor1D, gradients: Tensor[], along: Tensor) => {
    const parts = tf.split(
      tf.mul(along, g),
      gradients.map(({ size }) => size),
      1,
    )
    return tf.concat1d(parts.map(part => tf.sum(part, 1) as Tensor1D))
  }
  return {
    add(pass) {
      losses.push(tf.keep(tf.clone(pass.losses)))
      const next = tf.tidy(() => {
        const g = tf.concat1d(pass.gradients.map(gradient => tf.reshape(gradient, [-1])))
        if (along !== undefined) slopes.push(tf.keep(slopesOf(g, pass.gradients, along)))
        if (high === undefined) return [g, tf.zerosLike(g)]
        const s = tf.add(high, g)
        const v = tf.sub(s, high)
        const e = tf.add(tf.sub(high, tf.sub(s, v)), tf.sub(g, v))
        return [s, tf.add(low!, e)] as Tensor1D[]
      })
      replace(next.map(tensor => tf.keep(tensor)))
    },
    finish() {
      const all = tf.concat1d([high!, low!, ...losses, ...slopes])
      const values = all.dataSync()
      all.dispose()
      for (let i = 0; i < parameters; i++) accumulator[i] += weight * (values[i] + values[parameters + i])
      const end = values.length - slopes.reduce((size, slope) => size + slope.size, 0)
      return { loss: sum(values.subarray(2 * parameters, end)), slopes: values.subarray(end) }
    },
    dispose() {
      replace([])
      tf.dispose([...losses, ...slopes, ...(along ? [along] : [])])
    },
  }
}
