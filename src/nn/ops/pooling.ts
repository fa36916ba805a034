/** From many places of an image to fewer, channel by channel. Windows lie side by side; what fills none is left out. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const poolingOps = (k: Kernels) => ({
  /** y = max over a window;  dx = dy at its first largest, else 0.  [n, h, w, c] → [n, ⌊h/size⌋, ⌊w/size⌋, c] */
  maxPool: (x: Tensor4D, size: number) =>
    record<Tensor4D, [Tensor4D, Tensor4D, ...Tensor[]]>([x], () => {
      const [value, ...places] = k.maxPool(x, size)
      return {
        value,
        save: [x, value, ...places],
        gradients: (dy, [x, y, ...places]) => [() => k.maxPoolGradient(dy as Tensor4D, x, y, places, size)],
      }
    }),

  /** y = max(maxPool, 0), one pass;  dx = dy at a window's first largest where that is > 0, else 0. */
  maxPoolRelu: (x: Tensor4D, size: number) =>
    record<Tensor4D, [Tensor4D, Tensor4D, ...Tensor[]]>([x], () => {
      const [value, ...places] = k.maxPoolRelu(x, size)
      return {
        value,
        save: [x, value, ...places],
        gradients: (dy, [x, y, ...places]) => [
          () => k.maxPoolReluGradient(dy as Tensor4D, x, y, places, size),
        ],
      }
    }),

  /** y = mean over a window;  dx = dy/size² there.  [n, h, w, c] → [n, ⌊h/size⌋, ⌊w/size⌋, c] */
  averagePool: (x: Tensor4D, size: number) =>
    record<Tensor4D>([x], () => ({
      value: k.averagePool(x, size),
      save: [],
      gradients: dy => [() => k.averagePoolGradient(dy as Tensor4D, size, x.shape)],
    })),

  /** y = mean over all places;  dx = dy/(h·w) at each.  [n, h, w, c] → [n, c] */
  globalAveragePool: (x: Tensor4D) =>
    record<Tensor2D>([x], () => ({
      value: tf.mean(x, [1, 2]),
      save: [],
      gradients: dy => [
        () => {
          const [n, h, w, c] = x.shape
          return tf.tile(tf.reshape(tf.div(dy, h * w), [n, 1, 1, c]), [1, h, w, 1])
        },
      ],
    })),
})
