/** Element by element: activations, sums, masks. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

/** √(2/π) and the cubic term of the tanh form of GELU. */
const geluScale = Math.sqrt(2 / Math.PI)
const geluCubic = 0.044715

export const elementwiseOps = (k: Kernels) => ({
  /** y = x + b over the last axis;  dx = dy, db = Σ dy over the others.  [..., c], [c] → [..., c] */
  bias: <T extends Tensor>(x: T, bias: Tensor1D) =>
    record<T>([x, bias], () => ({
      value: k.biasAdd(x, bias),
      save: [],
      // A copy of the handle, not of the values: the tape disposes what a gradient returns.
      gradients: dy => [() => tf.clone(dy), () => k.biasGradient(dy)],
    })),

  /** y = a + b;  da = dy, db = dy.  Shapes are equal */
  add: <T extends Tensor>(a: T, b: T) =>
    record<T>([a, b], () => ({
      value: tf.add(a, b),
      save: [],
      gradients: dy => [() => tf.clone(dy), () => tf.clone(dy)],
    })),

  /** y = x·mask;  dx = dy·mask.  The mask is a constant of x's shape: 0, or 1/(1 − rate) (Srivastava et al. 2014) */
  dropout: <T extends Tensor>(x: T, mask: T) =>
    record<T>([x], () => ({
      value: tf.mul(x, mask),
      save: [mask],
      gradients: (dy, [mask]) => [() => tf.mul(dy, mask)],
    })),

  /** y = max(x, 0);  dx = dy where y > 0 (0 at the kink) */
  relu: <T extends Tensor>(x: T) =>
    record<T>([x], () => {
      const value = k.relu(x)
      return { value, save: [value], gradients: (dy, [y]) => [() => k.reluGradient(dy, y)] }
    }),

  /** y = tanh x;  dx = dy·(1 − y²) */
  tanh: <T extends Tensor>(x: T) =>
    record<T>([x], () => {
      const value = tf.tanh(x)
      return {
        value,
        save: [value],
        gradients: (dy, [y]) => [() => tf.mul(dy, tf.sub(1, tf.mul(y, y)))],
      }
    }),

  /**
   * y = x·(1 + t)/2, t = tanh(√(2/π)·(x + 0.044715·x³)): GELU in its tanh form (Hendrycks and Gimpel 2016)
   * dx = dy·((1 + t) + x·(1 − t²)·√(2/π)·(1 + 3·0.044715·x²))/2
   */
  gelu: <T extends Tensor>(x: T) =>
    record<T>([x], () => ({
      value: tf.mul(tf.mul(x, 0.5), tf.add(geluTanh(x), 1)),
      save: [x],
      gradients: (dy, [x]) => [
        () => {
          const t = geluTanh(x)
          const inner = tf.mul(tf.add(tf.mul(tf.mul(x, x), 3 * geluCubic), 1), geluScale)
          const slope = tf.mul(tf.mul(x, tf.sub(1, tf.mul(t, t))), inner)
          return tf.mul(dy, tf.mul(tf.add(tf.add(t, 1), slope), 0.5))
        },
      ],
    })),
})

const geluTanh = (x: Tensor) =>
  tf.tanh(tf.mul(tf.mul(x, tf.add(tf.mul(tf.mul(x, x), geluCubic), 1)), geluScale))
