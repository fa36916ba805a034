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
  /** Whether the outputs are a distribution over classes, from which labels can be drawn: the loss is a cross-entropy. */
  drawsLabels: boolean
  /**
   * Adds Σ (∂ℓ_n/∂θ_i)² over single examples of the split (indices, ascending) to float64 [parameters]; with `uniform`,
   * numbers in [0, 1), their labels are drawn from the softmax, and ℓ is its cross-entropy.
   */
  addSquares(
    split: SplitName,
    theta: Float32Array,
    examples: Uint32Array,
    into: Float64Array,
    uniform?: () => number,
  ): Promise<void>
  /** How many labels of the split are of each class. */
  classes(split: SplitName): number[]
  /** The slopes of the loss of each class, weighted by its share, along each direction: [classes, variables] each. */
  classSlopes(split: SplitName, theta: Float32Array, directions: Float64Array[]): Promise<Float64Array[]>
  /** Frees what was made for these calls. */
  dispose(): void
  /** What the training did, and what it drew from. */
  training: Training
}

export type Training = {
  /** From which whatever diagnostics draw is drawn, too. */
  seed: number
  /** Of the experiment's optimizer at an iteration, by its schedule. */
  learningRate(iteration: number): number
  /** The update of an iteration in its parts. Iterations come in order, from the segment's first: the state goes on. */
  parts(iteration: number, theta: Float32Array): Promise<StepParts>
}

/** float64 [parameters] each, valid until the next iteration. The parts of Δ_t add up to it, but for θ's float32. */
export type StepParts = {
  /** The gradient of the batch's mean loss, with dropout and augmentation, before L2 and clipping. */
  batchGradient: Float64Array
  /** Of Δ_t: what this gradient does, what earlier ones still push, L2's own gradient, decoupled decay. */
  gradient: Float64Array
  momentum: Float64Array
  l2: Float64Array
  decay: Float64Array
  /** NaN where nobody has said. */
  batchSize: number
  /** Examples that batches are drawn from. */
  examples: number
}
