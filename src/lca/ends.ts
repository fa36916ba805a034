/** Losses and accuracies at the two ends of the run: θ_0 and θ_T, T the number of iterations. */
import { type DeviceSplit, evaluate, type Model } from '../nn/model.ts'
import type { SplitName } from '../spec/schema.ts'

/** The mean loss of a split at θ_iteration, and the fraction of its examples that are classified as labelled. */
export type Evaluation = { split: SplitName; iteration: number; loss: number; accuracy: number }

/**
 * Evaluates those of θ_0 and θ_T that bound the segment [from, to): so the segments of an experiment do between them,
 * each once and at the same time, what is to be known of its ends. In the order of iterations, then of splits.
 */
export async function evaluateEnds(
  model: Model,
  deviceSplits: Partial<Record<SplitName, DeviceSplit>>,
  weightsAt: (iteration: number) => Promise<Float32Array>,
  { from, to, iterations, signal }: { from: number; to: number; iterations: number; signal?: AbortSignal },
): Promise<Evaluation[]> {
  const evaluations: Evaluation[] = []
  for (const iteration of [...(from === 0 ? [0] : []), ...(to === iterations ? [iterations] : [])]) {
    const theta = await weightsAt(iteration)
    for (const [split, device] of Object.entries(deviceSplits)) {
      const evaluated = await evaluate(model, theta, device, signal)
      evaluations.push({ split: split as SplitName, iteration, ...evaluated })
    }
  }
  return evaluations
}
