/**
 * What resolving a spec has to be told about the world, so that spec/ itself depends on nothing: which datasets there
 * are, and what a network made of an architecture looks like.
 */
import type { ResolvedArchitecture } from './schema.ts'

/** A dataset as its registry knows it before any example is loaded. */
export type DatasetFacts = {
  name: string
  description: string
  /** One example: [height, width, channels], [features], or of tokens [length]. */
  shape: number[]
  /** Or, of numbers to be predicted, how many an example has. */
  classes: number
  /** An example's target is `classes` numbers instead of a class; absent where it is one. */
  regression?: true
  /** What classes are called, in their order; absent where nobody has said. */
  classNames?: string[]
  /** Values are numbers as they are, also where they are images; else images are bytes, which a network sees divided by 255. */
  numbers?: true
  /** Examples are sequences of tokens: integers below it. Absent where they are numbers. */
  vocabulary?: number
  /** So many places at the end of each example have a label; absent where an example has one. */
  targets?: number
  /** Says which examples an uploaded dataset has; absent where it is built in. */
  sha256?: string
  /** Examples in the training file(s) and in the test file(s); where they are generated, the most that may be asked for. */
  trainFile: number
  testFile: number
  /** What to do to have more examples, where that can be done. */
  more?: string
  /** What trainExamples and validationExamples are when absent. */
  defaults: { trainExamples: number; validationExamples: number }
}

/** What a network has to know of the data it is for. */
export type DataShape = Pick<DatasetFacts, 'shape' | 'classes' | 'vocabulary' | 'targets' | 'regression'>

/** A trainable variable: `size` consecutive float32 at `offset` of the flat parameter vector. */
export type VariableFacts = {
  /** layer/role, like fc_1/kernel */
  name: string
  layer: string
  shape: number[]
  offset: number
  size: number
  /** What its layer is. */
  kind?: string
  /** The image [h, w, c] that is flattened into its layer's input, where one is: frameworks flatten in different orders. */
  image?: number[]
}

export type NetworkFacts = {
  /** In column order; offsets are contiguous from 0. */
  variables: VariableFacts[]
  /** Layers that own variables that are trained, in order. */
  layers: string[]
  parameters: number
  /** Floating-point operations of one example's loss and gradient (2 per multiply-add). */
  gradientFlops: number
  /** Bytes a gradient pass holds per example of the chunk: input, activations and their gradients. */
  bytesPerExample: number
  /** Whether the loss of an example depends on the others of its chunk. */
  batchNorm: boolean
  /** Some variables are running statistics, which training moves and no optimizer. */
  runningStatistics?: true
  classes: number
  /** Places at the end of each example that have a label of their own; absent where an example has one. */
  targets?: number
  /** An example's target is `classes` numbers. */
  regression?: true
}

export type Facts = {
  datasets: DatasetFacts[]
  /** Throws SpecError where the architecture does not fit the shape of the dataset. */
  network: (architecture: ResolvedArchitecture, dataset: DatasetFacts) => NetworkFacts
  /** The chunk that "auto" stands for, given the network and the larger split. */
  chunkSize: (network: NetworkFacts, examples: number) => number
}
