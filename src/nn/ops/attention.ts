/** Attention (Vaswani et al. 2017, §3.2). */
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core'
import type { Kernels } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const attentionOps = (k: Kernels) => ({
  /**
   * Per example and head, over the head's columns of q, k and v: P = softmax(q·kᵀ/√c + mask), y = P·v. Causal: place l sees
   * places ≤ l.  dv = Pᵀ·dy, dP = dy·vᵀ, dS = P∘(dP − Σ_row P∘dP)/√c, dq = dS·k, dk = dSᵀ·q.
   * [n, length, heads·c] three times → [n, length, heads·c]
   */
  attention: (q: Tensor3D, key: Tensor3D, v: Tensor3D, heads: number, causal: boolean) =>
    record<Tensor3D, Tensor[]>([q, key, v], () => {
      const { y, saved } = k.attention(q, key, v, heads, causal)
      return {
        value: y,
        save: saved,
        gradients: (dy, saved) => {
          // The three share what they are made of, so they are made together.
          const [dq, dk, dv] = k.attentionGradient(dy as Tensor3D, saved)
          return [() => dq, () => dk, () => dv]
        },
      }
    }),
})
