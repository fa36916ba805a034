/** `training.intervention`: which part of each step is taken, once the ledger has judged it. lca/interventions.ts does it. */

import { closed, OneOf } from './composites.ts'
import type { NetworkFacts } from './facts.ts'
import { judgeMethods } from './judging.ts'
import type { ResolvedIntervention, ResolvedJudge } from './resolved.ts'
import { type Static, Type } from './type.ts'

const whole = { minimum: 1, maximum: 10_000_000 }

/** What steps are judged on. A split by name, as a schema of the spec has it. */
export const judgeFields = {
  split: Type.Optional(
    OneOf(['train', 'validation'], { default: 'train', description: 'Whose loss the step is judged by.' }),
  ),
  method: Type.Optional(
    OneOf(Object.keys(judgeMethods) as (keyof typeof judgeMethods)[], {
      default: 'trapezoid',
      description:
        'Quadrature along the step, in one part: left takes a gradient at its start, trapezoid one at its end besides, simpson one in the middle besides.',
    }),
  ),
  examples: Type.Optional(
    Type.Integer({
      ...whole,
      description:
        'Of so many examples of the split, drawn once by the seeds; all of it if absent. With batch norm whole chunks are drawn, so it is a multiple of allocation.chunkSize.',
    }),
  ),
}

export const InterventionSpec = Type.Object(
  {
    update: OneOf(['helpers', 'hurters', 'random', 'shrink'], {
      description:
        'What is taken of the step: the part of those whose LCA is below 0, or above 0; or, to compare these with, the part of as many as help, drawn from the seed in each layer (by layer: as many layers), or the whole step, in each layer as short as the helpers’ part of it is (by layer: the whole network’s).',
    }),
    by: Type.Optional(
      OneOf(['parameter', 'unit', 'layer'], {
        default: 'parameter',
        description:
          'Whose LCA decides: each parameter’s, or the sum over a unit, or a layer, which move together.',
      }),
    ),
    judge: Type.Optional(Type.Object(judgeFields, { ...closed, default: {} })),
    from: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000_000,
        default: 0,
        description: 'First iteration that is judged.',
      }),
    ),
    until: Type.Optional(
      Type.Integer({
        ...whole,
        description: 'First iteration that is not judged any more; to the end if absent.',
      }),
    ),
    every: Type.Optional(
      Type.Integer({ ...whole, default: 1, description: 'Every so many iterations, from `from` on.' }),
    ),
    state: Type.Optional(
      OneOf(['whole', 'masked'], {
        default: 'whole',
        description:
          'What the optimizer’s memory sees: the whole gradient, or only the part of it whose step is taken (with shrink: as much smaller as the step).',
      }),
    ),
  },
  {
    ...closed,
    description:
      'The optimizer proposes a step, the ledger judges it, and a part of it is taken. Iterations count as in freezes and schedules. What was chosen, and what came of it, is at …/diagnostics/interventions; the allocation is of the steps that were taken.',
  },
)
export type InterventionSpec = Static<typeof InterventionSpec>

type Report = (path: string[], message: string) => void

/** What is wrong with a judge beyond its form; `chunkSize` is the allocation's, the network null where it is unknown. */
export function checkJudge(
  { split, examples }: ResolvedJudge,
  sizes: { train: number; validation: number },
  { chunkSize, network }: { chunkSize: number | 'auto'; network: Pick<NetworkFacts, 'batchNorm'> | null },
  report: Report,
): void {
  const of = sizes[split]
  if (of === 0) report(['split'], 'must not be validation when dataset.validationExamples is 0')
  if (of === 0 || examples === undefined) return
  const why = 'with batch norm, whose loss is over chunks, whole chunks are drawn'
  const inChunks = network?.batchNorm && chunkSize !== 'auto' && examples < of
  if (examples > of)
    report(['examples'], `must be ≤ the examples of the ${split} split (${of}), got ${examples}`)
  else if (inChunks && of % chunkSize !== 0)
    report(
      ['examples'],
      `must be left out: ${why}, and allocation.chunkSize (${chunkSize}) does not divide the ${of} examples of the ${split} split`,
    )
  else if (inChunks && examples % chunkSize !== 0)
    report(['examples'], `must be a multiple of allocation.chunkSize (${chunkSize}): ${why}; got ${examples}`)
}

/** What is wrong with an intervention's iterations; `last` is the iteration that it is to begin before. */
export function checkSpan(
  { from, until }: Pick<ResolvedIntervention, 'from' | 'until'>,
  last: number,
  report: Report,
): void {
  if (until !== undefined && until <= from) report(['until'], `must be > from (${from}), got ${until}`)
  if (from >= last)
    report(['from'], `must be < training.iterations (${last}), or nothing is ever judged; got ${from}`)
}
