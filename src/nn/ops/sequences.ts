/** Sequences: tokens become features, places get positions, and places are windowed, averaged or picked. [n, length, features] */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const sequenceOps = (k: Kernels) => ({
  /** y[n, l] = W[t[n, l]];  dW[v] = Σ over places of token v of dy.  int32 [n, length], [vocabulary, c] → [n, length, c] */
  embedding: (tokens: Tensor2D, kernel: Tensor2D) =>
    record<Tensor3D, [Tensor2D, Tensor2D]>([tokens, kernel], () => ({
      value: k.gatherRows(kernel, tokens),
      save: [tokens, kernel],
      gradients: (dy, [tokens, kernel]) => [
        undefined,
        // A product with the tokens as one-hot rows: the same order of sums from run to run, on every engine.
        () => {
          const [vocabulary, features] = kernel.shape
          const rows = tf.oneHot(tf.reshape(tokens, [-1]) as Tensor1D, vocabulary)
          return k.matMul(tf.cast(rows, 'float32') as Tensor2D, asRows(dy, features), true, false)
        },
      ],
    })),

  /** y = x + p at every example;  dx = dy, dp = Σ_examples dy.  [n, length, c], [length, c] → [n, length, c] */
  addPositions: (x: Tensor3D, positions: Tensor2D) =>
    record<Tensor3D>([x, positions], () => ({
      value: tf.add(x, positions),
      save: [],
      gradients: dy => [
        () => tf.clone(dy),
        () => tf.reshape(k.biasGradient(tf.reshape(dy, [x.shape[0], -1])), positions.shape),
      ],
    })),

  /** y = x·Wᵀ, W an embedding's kernel;  dx = dy·W, dW = dyᵀ·x.  [n, …, c], [vocabulary, c] → [n, …, vocabulary] */
  unembedding: <T extends Tensor>(x: T, kernel: Tensor2D) =>
    record<T, [T, Tensor2D]>([x, kernel], () => {
      const [vocabulary, features] = kernel.shape
      return {
        value: tf.reshape(k.matMul(asRows(x, features), kernel, false, true), [
          ...x.shape.slice(0, -1),
          vocabulary,
        ]),
        save: [x, kernel],
        gradients: (dy, [x, kernel]) => [
          () => tf.reshape(k.matMul(asRows(dy, vocabulary), kernel, false, false), x.shape),
          () => k.matMul(asRows(dy, vocabulary), asRows(x, features), true, false),
        ],
      }
    }),

  /** y = mean over the places;  dx = dy/length at each.  [n, length, c] → [n, c] */
  meanOverTokens: (x: Tensor3D) =>
    record<Tensor2D>([x], () => ({
      value: tf.mean(x, 1),
      save: [],
      gradients: dy => [
        () => {
          const [, length] = x.shape
          return tf.tile(tf.expandDims(tf.div(dy, length), 1), [1, length, 1])
        },
      ],
    })),

  /** The last `count` places;  dx = dy there, else 0.  [n, length, c] → [n, count, c] */
  lastTokens: (x: Tensor3D, count: number) =>
    record<Tensor3D>([x], () => {
      const [n, length, c] = x.shape
      return {
        value: tf.slice(x, [0, length - count, 0], [n, count, c]),
        save: [],
        gradients: dy => [
          () =>
            tf.pad(dy, [
              [0, 0],
              [length - count, 0],
              [0, 0],
            ]),
        ],
      }
    }),

  /**
   * What a filter over `size` places sees, `before` and `after` zeros around the sequence: y[n, p, i·c + j] = x[n, s·p + i −
   * before, j];  dx: each dy back where it came from, added up.  [n, length, c] → [n, ⌊(length + before + after − size)/s⌋ + 1, size·c]
   */
  windows: (x: Tensor3D, size: number, stride: number, before: number, after: number) =>
    record<Tensor3D>([x], () => {
      const [n, length, c] = x.shape
      const padded = length + before + after
      const places = Math.floor((padded - size) / stride) + 1
      const reach = (places - 1) * stride + 1
      const around = tf.pad(x, [
        [0, 0],
        [before, after],
        [0, 0],
      ])
      const seen = Array.from({ length: size }, (_, i) =>
        stride === 1
          ? tf.slice(around, [0, i, 0], [n, places, c])
          : tf.stridedSlice(around, [0, i, 0], [n, i + reach, c], [1, stride, 1]),
      )
      return {
        value: tf.concat(seen, 2),
        save: [],
        gradients: dy => [
          () => {
            const parts = Array.from({ length: size }, (_, i) => {
              const part = tf.slice(dy, [0, 0, i * c], [n, places, c])
              const spread = stride === 1 ? part : spreadOut(part as Tensor3D, stride)
              return tf.pad(spread, [
                [0, 0],
                [i, padded - i - reach],
                [0, 0],
              ])
            })
            return tf.slice(tf.addN(parts), [0, before, 0], [n, length, c])
          },
        ],
      }
    }),
})

/** A view as a matrix: [..., c] → [rows, c]. */
const asRows = (x: Tensor, columns: number) => tf.reshape(x, [-1, columns]) as Tensor2D

/** stride − 1 zeros between places: [n, p, c] → [n, (p − 1)·stride + 1, c]. */
function spreadOut(x: Tensor3D, stride: number): Tensor3D {
  const [n, places, c] = x.shape
  const apart = tf.pad(tf.reshape(x, [n, places, 1, c]), [
    [0, 0],
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ])
  const rows = tf.reshape(apart, [n, places * stride, c]) as Tensor3D
  return tf.slice(rows, [0, 0, 0], [n, (places - 1) * stride + 1, c])
}
