/** Which steps training judges, before it takes them (intervention) or after (policy), on what, and what that costs. */
import type {
  ResolvedIntervention,
  ResolvedJudge,
  ResolvedLayer,
  ResolvedPolicy,
  ResolvedSpec,
} from './resolved.ts'
import type { Sample } from './sample.ts'

/** Quadratures that a step is judged by, and the points that each needs: those of the step's ends are the ledger's own. */
export const judgeMethods = { left: 1, trapezoid: 2, simpson: 3 } as const

/** Whether an intervention judges the step at a position (iterations since the training began, those that it goes on with among them). */
export const isJudged = ({ from, until, every }: ResolvedIntervention, position: number): boolean =>
  position >= from && (until === undefined || position < until) && (position - from) % every === 0

/** How many iterations are, of those that begin at a position, which is 0 where nobody knows it. */
export function timesJudged(
  { from, until, every }: ResolvedIntervention,
  iterations: number,
  begin = 0,
): number {
  const before = (position: number) =>
    Math.ceil(Math.max(0, Math.min(position, until ?? position) - from) / every)
  return before(begin + iterations) - before(begin)
}

/** How many examples of its split a judge looks at. */
export function judgedSample(
  { dataset }: Pick<ResolvedSpec, 'dataset'>,
  { split, examples }: ResolvedJudge,
): Sample {
  const of = split === 'train' ? dataset.trainExamples : dataset.validationExamples
  return { examples: Math.min(examples ?? of, of), of }
}

/** Whether a policy judges the step at a position. */
export const isPoliced = ({ every }: ResolvedPolicy, position: number): boolean => position % every === 0

/** Whether a layer's optimizer has a momentum that can be lowered. */
export const hasMomentum = ({ optimizer }: Pick<ResolvedLayer, 'optimizer'>): boolean =>
  'momentum' in optimizer && optimizer.momentum > 0

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
