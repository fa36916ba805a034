/** What diagnostics ask of a model at other points than allocation does (lca/diagnostics/probes.ts). */
import type { Probes } from '../lca/diagnostics/probes.ts'
import type { SplitName } from '../spec/schema.ts'
import { addFullGradients, type DeviceSplit, type Model, meanLoss } from './model.ts'

/** Probes on splits that lie on the device. Each stops within a chunk when `signal` aborts, with its reason. */
export function makeProbes(
  model: Model,
  splits: Partial<Record<SplitName, DeviceSplit>>,
  signal?: AbortSignal,
): Probes {
  return {
    loss: (split, theta) => meanLoss(model, theta, splits[split]!, signal),
    async addGradient(split, theta, into) {
      const [{ loss }] = await addFullGradients(model, theta, [splits[split]!], [into], { signal })
      return loss
    },
  }
}
