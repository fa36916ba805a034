/** A training that ended and is to go on: what its spec is then, and whether it can. */
import { seamVectors } from '../lca/diagnostics/follow.ts'
import type { FieldError } from './errors.ts'
import { recordedBy } from './recording.ts'
import type { ResolvedSpec } from './resolved.ts'

/**
 * Why a training cannot go on to so many iterations, in all, and be what one is that was posted with them; [] where it can.
 * Paths are of the spec, but for what is asked: `$.iterations`.
 */
export function checkExtension(spec: ResolvedSpec, iterations: number): FieldError[] {
  const { training, optimizer, keep } = spec
  const former = training.iterations
  const errors: FieldError[] = []
  if (iterations <= former)
    errors.push({
      path: '$.iterations',
      message: `must be > ${former}, the iterations that it has: it is how many there are to be in all; got ${iterations}`,
    })
  if (training.trajectory !== undefined)
    errors.push({
      path: '$.training.trajectory',
      message: 'was trained elsewhere, where it would have to go on; post it anew with more of its steps',
    })
  const { schedule } = optimizer
  const branch =
    'post a branch that says what schedule it is to have (training.initial with state: true; ledger branch)'
  if ((schedule.name === 'cosine' || schedule.name === 'warmup-cosine') && schedule.iterations === former)
    errors.push({
      path: '$.optimizer.schedule.iterations',
      message: `ends with the training, at ${former}: one that was posted with ${iterations} iterations would have cooled down more slowly from the start. Nothing that is done could stay; ${branch}`,
    })
  if (!keep.includes('weights'))
    errors.push({
      path: '$.keep',
      message: 'must have weights: it goes on from those that it ended with, and they are not kept',
    })
  else if (!keep.includes('allocations') && seamVectors(recordedBy(spec)).length > 0) {
    const names = [...new Set(seamVectors(recordedBy(spec)).map(({ diagnostic }) => diagnostic.name))]
    errors.push({
      path: '$.keep',
      message: `must have allocations: ${names.join(' and ')} compare what lies on both sides of segments' borders, and those of before are not kept`,
    })
  }
  return errors
}

/** The spec with so many iterations in all, and nothing else changed. */
export const extended = (spec: ResolvedSpec, iterations: number): ResolvedSpec => ({
  ...spec,
  training: { ...spec.training, iterations },
})
