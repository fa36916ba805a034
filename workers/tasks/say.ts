/** What has a say in a training beside its spec: its intervention and its policy, their judges on the device, and what they leave. */
import { setImmediate } from 'node:timers/promises'
import { drawSample } from '../../src/data/select.ts'
import type { Columns } from '../../src/lca/columns.ts'
import { networkOf } from '../../src/lca/diagnostics/follow.ts'
import { makeIntervention } from '../../src/lca/interventions.ts'
import type { Judge } from '../../src/lca/judging.ts'
import { makePolicy } from '../../src/lca/policies.ts'
import {
  addFullGradients,
  type DeviceSplit,
  disposeBatch,
  meanLoss,
  uploadSplit,
} from '../../src/nn/model.ts'
import type { Say } from '../../src/nn/training/say.ts'
import type { Memory } from '../../src/nn/training/state.ts'
import { judgedSample } from '../../src/spec/judging.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import type { ResolvedJudge } from '../../src/spec/resolved.ts'
import { isSample } from '../../src/spec/sample.ts'
import type { Context } from '../context.ts'
import type { Ancestor } from '../protocol.ts'

export type OpenSay = {
  say: Say
  /** What there is to tell of the steps since it was last asked, by the name of the diagnostic. */
  tables(): Record<string, Columns>
  dispose(): void
}

/**
 * What the spec asks for; `memory` is where the policy was before the first step that is to be taken. Judges look at a split,
 * or a sample of it, in chunks as the ledger does, and stop within one when `signal` aborts. The caller disposes it.
 */
export async function openSay(
  { prepare }: Pick<Context, 'prepare'>,
  task: Pick<Ancestor, 'spec' | 'upload'>,
  memory: Memory | undefined,
  signal: AbortSignal,
): Promise<OpenSay> {
  const { dataset, training, allocation } = task.spec
  const { intervention, policy } = training
  const devices: DeviceSplit[] = []
  if (!intervention && !policy) return { say: {}, tables: () => ({}), dispose() {} }
  const { model, data } = await prepare(task, signal)
  const { network } = model
  const judgeOf = async (judge: ResolvedJudge): Promise<Judge> => {
    const { split } = judge
    const sample = judgedSample(task.spec, judge)
    const key = [dataset.seed, training.seed, 'judge', split]
    const drawn = isSample(sample)
      ? drawSample(sample, key, network.batchNorm ? allocation.chunkSize : 1)
      : undefined
    await setImmediate()
    const device = uploadSplit(data[split], Math.min(allocation.chunkSize, sample.examples), drawn)
    devices.push(device)
    return {
      async addGradient(theta, into) {
        const [{ loss }] = await addFullGradients(model, theta, [device], [into], { signal })
        return loss
      },
      loss: theta => meanLoss(model, theta, device, signal),
    }
  }
  const facts = networkOf(network.variables)
  const intervening =
    intervention && makeIntervention(facts, intervention, training.seed, await judgeOf(intervention.judge))
  const governing =
    policy &&
    makePolicy(
      ...([facts, policy, resolveLayers(task.spec, network), await judgeOf(policy.judge)] as const),
      memory?.policy && structuredClone(memory.policy),
    )
  return {
    say: { intervening, governing },
    tables: () => ({
      ...(intervening && { interventions: intervening.rows() }),
      ...(governing && { policies: governing.rows() }),
    }),
    dispose() {
      for (const { chunks } of devices) chunks.forEach(disposeBatch)
    },
  }
}
