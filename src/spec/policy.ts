/** `training.policy`: what training does by the ledger of the steps that it has taken. lca/policies.ts does it. */

import { closed } from './composites.ts'
import { judgeFields } from './intervention.ts'
import { hasMomentum } from './judging.ts'
import type { ResolvedLayer, ResolvedPolicy } from './resolved.ts'
import { type Static, Type } from './type.ts'

const steps = Type.Optional(
  Type.Integer({
    ...{ minimum: 5, maximum: 10_000, default: 20 },
    description: 'How many judged steps, the last ones, are summed.',
  }),
)
const interval =
  'above 0 with its interval of 95 %: Student’s t, of the spread over these steps, taken as independent; each look is for itself'

export const PolicySpec = Type.Object(
  {
    judge: Type.Optional(
      Type.Object(
        {
          ...judgeFields,
          split: Type.Optional({ ...judgeFields.split, default: 'validation' }),
        },
        { ...closed, default: {} },
      ),
    ),
    every: Type.Optional(
      Type.Integer({
        ...{ minimum: 1, maximum: 10_000_000, default: 1 },
        description:
          'Every so many steps are judged; each by itself costs a gradient more than one that follows another.',
      }),
    ),
    freezeHurting: Type.Optional(
      Type.Object(
        {
          steps,
          for: Type.Optional(
            Type.Integer({
              ...{ minimum: 1, maximum: 10_000_000 },
              description: 'Iterations that it is frozen for; to the end if absent.',
            }),
          ),
        },
        { ...closed, description: `Freezes a layer whose LCA over the last steps is ${interval}.` },
      ),
    ),
    stopOverfitting: Type.Optional(
      Type.Object(
        { steps },
        {
          ...closed,
          description: `Ends training where the network’s LCA over the last steps is ${interval}. The experiment then has so many iterations.`,
        },
      ),
    ),
    quietMomentum: Type.Optional(
      Type.Object(
        {
          steps,
          factor: Type.Optional(
            Type.Number({
              ...{ minimum: 0, exclusiveMaximum: 1, default: 0.5 },
              description: 'What the momentum of the layer is multiplied by.',
            }),
          ),
        },
        {
          ...closed,
          description: `Lowers the momentum of a layer in which what earlier gradients still push has an LCA over the last steps that is ${interval}; it is looked at again after as many steps, and the momentum restored once it is not.`,
        },
      ),
    ),
  },
  {
    ...closed,
    description:
      'Training judges the steps that it has taken, and acts on that: each decision is a row of …/diagnostics/policies, and an event.',
  },
)
export type PolicySpec = Static<typeof PolicySpec>

export const policyNames = ['freezeHurting', 'stopOverfitting', 'quietMomentum'] as const

/** What is wrong with a policy beyond its form and its judge; `layers` are null where they are unknown. */
export function checkPolicy(
  policy: ResolvedPolicy,
  layers: Pick<ResolvedLayer, 'optimizer'>[] | null,
  report: (path: string[], message: string) => void,
): void {
  if (policyNames.every(name => policy[name] === undefined))
    report([], `must ask for something: ${policyNames.join(', ')}`)
  if (policy.quietMomentum && layers && !layers.some(hasMomentum))
    report(
      ['quietMomentum'],
      'needs an optimizer with momentum > 0 (sgd, sgdw or rmsprop) for one layer at least',
    )
}
