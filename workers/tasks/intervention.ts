/** The intervention of a training: its judge on the device, and what it leaves for the ledger. */
import { setImmediate } from 'node:timers/promises'
import { drawSample } from '../../src/data/select.ts'
import { networkOf } from '../../src/lca/diagnostics/follow.ts'
import { makeIntervention } from '../../src/lca/interventions.ts'
import { addFullGradients, disposeBatch, meanLoss, uploadSplit } from '../../src/nn/model.ts'
import { judgedSample } from '../../src/spec/intervention.ts'
import { isSample } from '../../src/spec/sample.ts'
import type { Context } from '../context.ts'
import type { Ancestor } from '../protocol.ts'

export type Intervention = ReturnType<typeof makeIntervention> & { dispose(): void }

/**
 * The intervention that a spec asks for, undefined where it asks for none. Its judge looks at a split, or a sample of it, in
 * chunks as the ledger does, and stops within one when `signal` aborts. The caller disposes it.
 */
export async function openIntervention(
  { prepare }: Pick<Context, 'prepare'>,
  task: Pick<Ancestor, 'spec' | 'upload'>,
  signal: AbortSignal,
): Promise<Intervention | undefined> {
  const { dataset, training, allocation } = task.spec
  const { intervention } = training
  if (intervention === undefined) return undefined
  const { model, data } = await prepare(task, signal)
  const { network } = model
  const { split } = intervention.judge
  const sample = judgedSample(task.spec, intervention.judge)
  const drawn = isSample(sample)
    ? drawSample(
        sample,
        [dataset.seed, training.seed, 'judge', split],
        network.batchNorm ? allocation.chunkSize : 1,
      )
    : undefined
  await setImmediate()
  const device = uploadSplit(data[split], Math.min(allocation.chunkSize, sample.examples), drawn)
  const made = makeIntervention(networkOf(network.variables), intervention, training.seed, {
    async addGradient(theta, into) {
      const [{ loss }] = await addFullGradients(model, theta, [device], [into], { signal })
      return loss
    },
    loss: theta => meanLoss(model, theta, device, signal),
  })
  return { ...made, dispose: () => device.chunks.forEach(disposeBatch) }
}
