/** Element by element: activations, sums, masks. */
import type { Tensor, Tensor1D, Tensor3D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

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

  /**
   * y = tanh x;  dx = dy·sech²x = dy·4·s·(1 − s), s = σ(−2|x|). From the rounded y, 1 − y² would lose what is left where
   * tanh saturates: s stays exact to rounding however small it is
   */
  tanh: <T extends Tensor>(x: T) =>
    record<T, [T]>([x], () => ({
      value: tf.tanh(x),
      save: [x],
      gradients: (dy, [x]) => [() => k.tanhGradient(dy, x)],
    })),

  /**
   * y = x·(1 + tanh u)/2 = x·s, s = σ(2u), u = √(2/π)·(x + 0.044715·x³): GELU in its tanh form (Hendrycks and Gimpel 2016)
   * dx = dy·s·(1 + x·(1 − s)·2u′), u′ = √(2/π)·(1 + 3·0.044715·x²). As with tanh, s keeps its digits where 1 + tanh u has none
   */
  gelu: <T extends Tensor>(x: T) =>
    record<T>([x], () => {
      const { y, saved } = k.gelu(x)
      return { value: y, save: saved, gradients: (dy, saved) => [() => k.geluGradient(dy, saved)] }
    }),

  /** y = x·s, s = σ(x);  dx = dy·s·(1 + x·(1 − s))  (Elfwing et al. 2018; swish) */
  silu: <T extends Tensor>(x: T) =>
    record<T, [T]>([x], () => ({
      value: k.silu(x),
      save: [x],
      gradients: (dy, [x]) => [() => k.siluGradient(dy, x)],
    })),

  /** y = x where x > 0, else slope·x;  dx = dy there, else slope·dy  (Maas et al. 2013) */
  leakyRelu: <T extends Tensor>(x: T, slope: number) =>
    record<T, [T]>([x], () => ({
      value: tf.maximum(x, tf.mul(x, slope)),
      save: [x],
      gradients: (dy, [x]) => [() => tf.where(tf.greater(x, 0), dy, tf.mul(dy, slope))],
    })),

  /**
   * y = log(1 + eˣ);  dx = dy·σ(x). As max(x, 0) + e·log(w)/(w − 1) with e = exp(−|x|) and w = 1 + e as rounded (Goldberg 1991,
   * theorem 4), which keeps its digits for x of either sign on engines without a log1p of their own
   */
  softplus: <T extends Tensor>(x: T) =>
    record<T, [T]>([x], () => {
      const e = tf.exp(tf.neg(tf.abs(x)))
      const w = tf.add(e, 1)
      const small = tf.equal(w, 1)
      // Where e is lost in w, log(1 + e) is e itself.
      const rest = tf.where(
        small,
        e,
        tf.mul(e, tf.div(tf.log(w), tf.where(small, tf.onesLike(w), tf.sub(w, 1)))),
      )
      return {
        value: tf.add(tf.relu(x), rest),
        save: [x],
        gradients: (dy, [x]) => [() => tf.mul(dy, tf.sigmoid(x))],
      }
    }),

  /** The same values in another shape;  dx = dy reshaped back */
  reshape: <T extends Tensor>(x: Tensor, shape: number[]) =>
    record<T>([x], () => ({
      value: tf.reshape(x, shape),
      save: [],
      gradients: dy => [() => tf.reshape(dy, x.shape)],
    })),

  /** y[n, j, i] = x[n, i, j];  dx = dy turned back.  [n, a, b] → [n, b, a] */
  transpose: (x: Tensor3D) =>
    record<Tensor3D>([x], () => ({
      value: tf.transpose(x, [0, 2, 1]),
      save: [],
      gradients: dy => [() => tf.transpose(dy, [0, 2, 1])],
    })),

  /** Side by side along the last axis;  each has its part of dy.  [..., c₁], [..., c₂], … → [..., Σc] */
  concatenate: <T extends Tensor>(...inputs: T[]) =>
    record<T>(inputs, () => ({
      value: tf.concat(inputs as Tensor[], -1),
      save: [],
      gradients: dy => {
        let at = 0
        return inputs.map(({ shape }) => {
          const begin = shape.map(() => 0)
          begin[shape.length - 1] = at
          at += shape[shape.length - 1]
          return () => tf.slice(dy, begin, shape)
        })
      },
    })),
})
