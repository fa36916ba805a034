/** What diagnostics ask of a model at other points than allocation does (lca/diagnostics/probes.ts). */
import type { Probes, Training } from '../lca/diagnostics/probes.ts'
import type { MethodName, SplitName } from '../spec/schema.ts'
import { crossEntropy } from './losses.ts'
import { addFullGradients, type DeviceSplit, type Model, meanLoss } from './model.ts'
import { addSquares, type Classes, classSlopes, splitByClass } from './parts-of-splits.ts'

export type ProbeOptions = { method?: MethodName; training?: Training; signal?: AbortSignal }

/** Probes on splits that lie on the device. Each stops within a chunk when `signal` aborts, with its reason. */
export function makeProbes(
  model: Model,
  splits: Partial<Record<SplitName, DeviceSplit>>,
  { method = 'simpson', training, signal }: ProbeOptions = {},
): Probes {
  const byClass = new Map<SplitName, Classes>()
  const classesOf = (split: SplitName): Classes => {
    const found = byClass.get(split) ?? splitByClass(model, splits[split]!)
    byClass.set(split, found)
    return found
  }
  return {
    method,
    chunks: split => splits[split]!.chunks.map(({ examples }) => examples),
    loss: (split, theta) => meanLoss(model, theta, splits[split]!, signal),
    async addGradient(split, theta, into) {
      const [{ loss }] = await addFullGradients(model, theta, [splits[split]!], [into], { signal })
      return loss
    },
    get drawsLabels() {
      return model.loss.name === 'cross-entropy'
    },
    addSquares: (split, theta, examples, into, uniform) =>
      addSquares(
        // Labels that are drawn are those of the softmax, which smoothing is no part of.
        uniform === undefined ? model : { ...model, loss: crossEntropy },
        theta,
        splits[split]!,
        examples,
        into,
        uniform,
        signal,
      ),
    classes: split => classesOf(split).labels,
    classSlopes: (split, theta, directions) =>
      classSlopes(model, theta, splits[split]!, classesOf(split), directions, signal),
    dispose() {
      for (const classes of byClass.values()) classes.dispose()
      byClass.clear()
    },
    get training() {
      if (training === undefined) throw new Error('nothing is known of the training here')
      return training
    },
  }
}
