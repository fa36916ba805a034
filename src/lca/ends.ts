/** Losses and accuracies at the two ends of the run: θ_0 and θ_T, T the number of iterations. */
import type { Moments } from '../data/examples.ts'
import type { SplitName } from '../spec/schema.ts'
import type { Step } from './allocate.ts'

/**
 * The mean loss of a split at θ_iteration, and the fraction of its examples that are classified as labelled: null where they
 * have no classes.
 */
export type Evaluation = {
  split: SplitName
  iteration: number
  loss: number
  accuracy: number | null
  /** Of the first: what the examples were normalised with, where that is by channel. */
  normalization?: Moments
}

/**
 * A consumer of steps that notes those of θ_0 and θ_T that bound its segment: so the segments of an experiment do between
 * them, each once, what is to be known of its ends, from passes that allocation makes anyway. In the order of iterations,
 * then of splits.
 */
export function makeEnds(iterations: number, normalization?: Moments) {
  const evaluations: Evaluation[] = []
  return {
    evaluations,
    /** What `allocate` is to ask for. */
    wantsAccuracy: (iteration: number) => iteration === 0 || iteration === iterations,
    step({ iteration, perSplit }: Pick<Step, 'iteration' | 'perSplit'>): void {
      if (iteration === 0)
        for (const { split, lossBefore, accuracyBefore } of perSplit)
          evaluations.push({
            split,
            iteration: 0,
            loss: lossBefore,
            accuracy: accuracyBefore ?? null,
            ...(normalization && { normalization }),
          })
      if (iteration + 1 === iterations)
        for (const { split, lossAfter, accuracyAfter } of perSplit)
          evaluations.push({ split, iteration: iterations, loss: lossAfter, accuracy: accuracyAfter ?? null })
    },
  }
}
