/**
 * What diagnostics may ask of the network at any point θ, beyond the vectors of a step: each call costs passes over
 * examples, and none of them changes what is allocated. On the splits that are allocated, as they are (whole, or a sample).
 */
import type { SplitName } from '../../spec/schema.ts'

export type Probes = {
  /** The mean loss of the split at θ (float32 [parameters]), by forward passes alone. */
  loss(split: SplitName, theta: Float32Array): Promise<number>
  /** Adds the mean gradient of the split at θ to float64 [parameters]; returns the mean loss. */
  addGradient(split: SplitName, theta: Float32Array, into: Float64Array): Promise<number>
}
