/** `training.trajectory`: a training that happened elsewhere, and what a spec takes from it. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldError } from './errors.ts'
import type { Facts, VariableFacts } from './facts.ts'
import { firstDifference } from './initial.ts'
import { isObject } from './json-path.ts'
import type { ResolvedArchitecture, ResolvedSpec } from './resolved.ts'

/** What is known of a trajectory of the caller's, as far as a spec is concerned. */
export type TrajectoryFacts = {
  architecture: ResolvedArchitecture
  /** What trained it, as a spec has it; absent where it is none of ours. */
  optimizer?: unknown
  /** Steps that were recorded: a row of weights less. */
  iterations: number
  variables: Pick<VariableFacts, 'name' | 'shape'>[]
  /** Whether the optimizer's state came along at every iteration. */
  optimizerState: boolean
}

/** The body with what it leaves to its trajectory. Anything that is not such a body is given back as it is. */
export function withTrajectory(body: unknown, find: (id: string) => TrajectoryFacts | undefined): unknown {
  if (!isObject(body) || !isObject(body.training)) return body
  const { training } = body
  const found = typeof training.trajectory === 'string' ? find(training.trajectory) : undefined
  if (found === undefined) return body
  const { architecture, optimizer, iterations } = found
  return {
    ...body,
    architecture: body.architecture ?? architecture,
    ...((body.optimizer ?? optimizer) !== undefined && { optimizer: body.optimizer ?? optimizer }),
    training: { ...training, iterations: training.iterations ?? iterations },
  }
}

/**
 * What is wrong with a spec that names a trajectory: there must be one, of the same variables, with as many steps; and what
 * would change a training must be left out. Nothing where it names none.
 */
export function checkTrajectory(
  spec: ResolvedSpec,
  found: TrajectoryFacts | undefined,
  facts: Facts,
): FieldError[] {
  const { training, layers, architecture, allocation } = spec
  if (training.trajectory === undefined) return []
  if (found === undefined)
    return [{ path: '$.training.trajectory', message: 'is not a trajectory here (POST /v1/trajectories)' }]
  const errors: FieldError[] = []
  const without = (path: string, given: boolean) => {
    if (given)
      errors.push({
        path,
        message: 'must be left out with a trajectory, whose weights are what they are',
      })
  }
  without('$.layers', Object.keys(layers).length > 0)
  without('$.training.initial', training.initial !== undefined)
  without('$.training.l2', training.l2 !== 0)
  without('$.training.clipNorm', training.clipNorm !== undefined)
  without('$.training.average', training.average !== undefined)
  without('$.training.augmentation', training.augmentation !== undefined)
  without('$.training.intervention', training.intervention !== undefined)
  without('$.training.policy', training.policy !== undefined)
  const wantsState = (allocation.diagnostics?.components ?? false) !== false
  if (wantsState && found.optimizerState && !isDeepStrictEqual(spec.optimizer, found.optimizer))
    errors.push({
      path: '$.optimizer',
      message:
        'must be left out with components: of the optimizer that trained the trajectory is the state that came along',
    })
  if (wantsState && !found.optimizerState)
    errors.push({
      path: '$.allocation.diagnostics.components',
      message:
        'must be left out with a trajectory: what a step is made of follows from its batch and the optimizer’s state, and weights alone came along',
    })
  if (training.iterations > found.iterations)
    errors.push({
      path: '$.training.iterations',
      message: `must be ≤ ${found.iterations}, the steps that were recorded; got ${training.iterations}`,
    })
  const dataset = facts.datasets.find(({ name }) => name === spec.dataset.name)!
  const difference = firstDifference(facts.network(architecture, dataset).variables, found.variables)
  if (difference) errors.push({ path: '$.training.trajectory', message: difference })
  return errors
}
