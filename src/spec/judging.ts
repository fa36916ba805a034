/** What it costs that training judges steps, before it takes them (intervention) or after (policy). */
import { judgedSample, judgeMethods, timesJudged } from './intervention.ts'
import type { ResolvedSpec } from './resolved.ts'

/** Steps that are judged, full gradients of `examples` examples each, and passes over these without a gradient. */
export type JudgingCost = { iterations: number; examples: number; gradients: number; forwardPasses: number }
export type JudgingCosts = { intervention: JudgingCost; policy: JudgingCost }

const nothing: JudgingCost = { iterations: 0, examples: 0, gradients: 0, forwardPasses: 0 }

type Judged = {
  dataset: ResolvedSpec['dataset']
  training: Pick<ResolvedSpec['training'], 'intervention' | 'policy'>
}

/**
 * Over so many iterations, at the most. Of steps that are taken as they were judged, which a policy's are, the end of one is
 * the start of the next; a step of which a part is taken has its loss by a forward pass where the next is not judged.
 */
export function judgingCosts(spec: Judged, iterations: number): JudgingCosts {
  const { intervention, policy } = spec.training
  const costs = { intervention: nothing, policy: nothing }
  if (intervention) {
    const times = timesJudged(intervention, iterations)
    costs.intervention = {
      iterations: times,
      examples: judgedSample(spec, intervention.judge).examples,
      gradients: times * judgeMethods[intervention.judge.method],
      forwardPasses: intervention.every === 1 ? Math.min(times, 1) : times,
    }
  }
  if (policy) {
    const times = Math.ceil(iterations / policy.every)
    const each = judgeMethods[policy.judge.method]
    const shared = policy.every === 1 && policy.judge.method !== 'left'
    costs.policy = {
      iterations: times,
      examples: judgedSample(spec, policy.judge).examples,
      gradients: times * (shared ? each - 1 : each) + Number(shared),
      forwardPasses: 0,
    }
  }
  return costs
}
