/**
 * What diagnostics may ask of the network at any point θ, beyond the vectors of a step: each call costs passes over
 * examples, and none of them changes what is allocated. On the splits that are allocated, as they are (whole, or a sample).
 */
import type { MethodName, SplitName } from '../../spec/schema.ts'

export type Probes = {
  /** The quadrature that steps are allocated by. */
  method: MethodName
  /** How many examples each chunk of the split has. */
  chunks(split: SplitName): number[]
  /** The mean loss of the split at θ (float32 [parameters]), by forward passes alone. */
  loss(split: SplitName, theta: Float32Array): Promise<number>
  /** Adds the mean gradient of the split at θ to float64 [parameters]; returns the mean loss. */
  addGradient(split: SplitName, theta: Float32Array, into: Float64Array): Promise<number>
  /** What the training did, and what it drew from. */
  training: Training
}

export type Training = {
  /** From which whatever diagnostics draw is drawn, too. */
  seed: number
  /** Of the experiment's optimizer at an iteration, by its schedule. */
  learningRate(iteration: number): number
}
