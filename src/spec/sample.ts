/** How many examples of a split are allocated: all of them, or a random sample (`allocation.examples`). */
import type { ResolvedSpec, SplitName } from './schema.ts'

/** `examples` of the split's `of` are allocated; a sample where there are fewer. */
export type Sample = { examples: number; of: number }

/** A sample is cut into as many chunks at least: their spread is what its standard errors come from. */
export const fewestChunks = 20

type Sampled = {
  dataset: Pick<ResolvedSpec['dataset'], 'trainExamples' | 'validationExamples'>
  allocation: Pick<ResolvedSpec['allocation'], 'examples'>
}

/** What of a split is allocated: at most `allocation.examples`, of a split that has no more than those all. */
export function sampleOf({ dataset, allocation }: Sampled, split: SplitName): Sample {
  const of = split === 'train' ? dataset.trainExamples : dataset.validationExamples
  return { examples: Math.min(allocation.examples ?? of, of), of }
}

export const isSample = ({ examples, of }: Sample): boolean => examples < of
