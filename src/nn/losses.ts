/** The losses of a spec, as what they are of a batch's logits. Each is one number a label. */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import type { ResolvedLoss } from '../spec/schema.ts'
import type { Ops } from './ops/ops.ts'

/** What a spec means that names no loss. */
export const crossEntropy: ResolvedLoss = { name: 'cross-entropy', labelSmoothing: 0 }

/** ℓ of each row of logits, [rows, classes] with int32 labels [rows] or numbers [rows, classes] → [rows]. */
export function lossOf(
  ops: Ops,
  loss: ResolvedLoss,
  logits: Tensor2D,
  targets: Tensor1D | Tensor2D,
): Tensor1D {
  if (targets.rank === 2) return ops.squaredDistance(logits, targets as Tensor2D)
  const labels = targets as Tensor1D
  if (loss.name === 'mean-squared-error') return ops.squaredError(logits, labels)
  return loss.labelSmoothing > 0
    ? ops.smoothedCrossEntropy(logits, labels, loss.labelSmoothing)
    : ops.softmaxCrossEntropy(logits, labels)
}
