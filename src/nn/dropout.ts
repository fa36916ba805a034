/** Dropout masks: pure functions of (seed, iteration, layer), made on the host so that every engine drops the same. */
import * as tf from '@tensorflow/tfjs-core'
import type { DropoutMasks } from './forward.ts'
import { randomStream } from './random.ts'

/** `values` numbers, each 0 with probability `rate` (to 2^-32) and else 1/(1 − rate), so that the mean stays (Srivastava et al. 2014). */
export function dropoutMask(
  values: number,
  rate: number,
  key: { seed: number; iteration: number; layer: string },
): Float32Array {
  const { uint32 } = randomStream(key.seed, 'dropout', key.iteration, key.layer)
  const mask = new Float32Array(values)
  const kept = 1 / (1 - rate)
  const dropped = rate * 2 ** 32
  for (let i = 0; i < values; i++) if (uint32() >= dropped) mask[i] = kept
  return mask
}

/** The masks of one iteration of training. */
export function dropoutMasks(seed: number, iteration: number): DropoutMasks {
  return (layer, rate, shape) =>
    tf.tensor(dropoutMask(tf.util.sizeFromShape(shape), rate, { seed, iteration, layer }), shape)
}
