/** What diagnostics ask of a model at other points than allocation does (lca/diagnostics/probes.ts). */
import type { Probes, Training } from '../lca/diagnostics/probes.ts'
import type { MethodName, SplitName } from '../spec/schema.ts'
import { addFullGradients, type DeviceSplit, type Model, meanLoss } from './model.ts'

export type ProbeOptions = { method?: MethodName; training?: Training; signal?: AbortSignal }

/** Probes on splits that lie on the device. Each stops within a chunk when `signal` aborts, with its reason. */
export function makeProbes(
  model: Model,
  splits: Partial<Record<SplitName, DeviceSplit>>,
  { method = 'simpson', training, signal }: ProbeOptions = {},
): Probes {
  return {
    method,
    chunks: split => splits[split]!.chunks.map(({ examples }) => examples),
    loss: (split, theta) => meanLoss(model, theta, splits[split]!, signal),
    async addGradient(split, theta, into) {
      const [{ loss }] = await addFullGradients(model, theta, [splits[split]!], [into], { signal })
      return loss
    },
    get training() {
      if (training === undefined) throw new Error('nothing is known of the training here')
      return training
    },
  }
}
