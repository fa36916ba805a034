/**
 * Differentiable operations: each entry is its value and, per input, its gradient; the comment is the formula.
 *
 * They are recorded on TensorFlow.js' own tape, so a network is plain composition. A gradient is a closure, called only
 * for inputs that lie on the way from a variable: the gradient with respect to the images, as costly as that of the
 * first kernel, is never computed.
 */
import type { Kernels } from '../kernels/kernels.ts'
import { attentionOps } from './attention.ts'
import { convolutionOps } from './convolution.ts'
import { denseOps } from './dense.ts'
import { elementwiseOps } from './elementwise.ts'
import { normalizationOps } from './normalization.ts'
import { poolingOps } from './pooling.ts'
import { sequenceOps } from './sequences.ts'

export type Ops = ReturnType<typeof makeOps>

/** The operations over a set of primitives. */
export function makeOps(k: Kernels) {
  return {
    ...denseOps(k),
    ...elementwiseOps(k),
    ...convolutionOps(k),
    ...poolingOps(k),
    ...normalizationOps(k),
    ...sequenceOps(k),
    ...attentionOps(k),
  }
}
