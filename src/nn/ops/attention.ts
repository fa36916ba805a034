/** Attention (Vaswani et al. 2017, §3.2): all heads of all examples in one batched product each way. */
import type { Tensor3D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

/** Beside real scores its exponential is exactly 0, and it is finite: a place that sees nothing else has no NaN. */
const masked = -1e9

export const attentionOps = (k: Kernels) => ({
  /**
   * Per example and head, over the head's columns of q, k and v: P = softmax(q·kᵀ/√c + mask), y = P·v. Causal: place l sees
   * places ≤ l.  dv = Pᵀ·dy, dP = dy·vᵀ, dS = P∘(dP − Σ_row P∘dP)/√c, dq = dS·k, dk = dSᵀ·q.
   * [n, length, heads·c] three times → [n, length, heads·c]
   */
  attention: (q: Tensor3D, key: Tensor3D, v: Tensor3D, heads: number, causal: boolean) =>
    record<Tensor3D, [Tensor3D, Tensor3D, Tensor3D, Tensor3D]>([q, key, v], () => {
      const [n, length, width] = q.shape
      const c = width / heads
      const scale = 1 / Math.sqrt(c)
      const split = (x: Tensor3D) =>
        tf.reshape(tf.transpose(tf.reshape(x, [n, length, heads, c]), [0, 2, 1, 3]), [
          n * heads,
          length,
          c,
        ]) as Tensor3D
      const join = (x: Tensor3D) =>
        tf.reshape(tf.transpose(tf.reshape(x, [n, heads, length, c]), [0, 2, 1, 3]), [n, length, width])
      const [qs, ks, vs] = [q, key, v].map(split)
      const scores = tf.mul(k.batchMatMul(qs, ks, false, true), scale)
      const weights = tf.softmax(causal ? tf.add(scores, causalMask(length)) : scores) as Tensor3D
      return {
        value: join(k.batchMatMul(weights, vs, false, false)),
        save: [qs, ks, vs, weights],
        gradients: (dy, [qs, ks, vs, weights]) => {
          // The three share what they are made of, so they are made together.
          const [dq, dk, dv] = tf.tidy(() => {
            const dys = split(dy as Tensor3D)
            const dWeights = k.batchMatMul(dys, vs, false, true)
            const slope = tf.mul(weights, dWeights) as Tensor3D
            const dScores = tf.mul(tf.sub(slope, tf.mul(weights, tf.sum(slope, 2, true))), scale) as Tensor3D
            return [
              join(k.batchMatMul(dScores, ks, false, false)),
              join(k.batchMatMul(dScores, qs, true, false)),
              join(k.batchMatMul(weights, dys, true, false)),
            ]
          })
          return [() => dq, () => dk, () => dv]
        },
      }
    }),
})

/** 0 where a place may look, else so little that nothing is seen there: [length, length]. */
const causalMask = (length: number) =>
  tf.tensor2d(
    Float32Array.from({ length: length * length }, (_, i) =>
      i % length > Math.floor(i / length) ? masked : 0,
    ),
    [length, length],
  )
