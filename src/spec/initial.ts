/** `training.initial`: whether an earlier experiment's weights can be this one's first. */
import { findDataset } from './datasets.ts'
import type { FieldError } from './errors.ts'
import type { Facts, VariableFacts } from './facts.ts'
import type { ResolvedSpec } from './schema.ts'

/** What is asked of the experiment that the weights come from; null where there is none of that id. */
export type Earlier = {
  status: string
  spec: Pick<ResolvedSpec, 'keep' | 'dataset' | 'architecture' | 'training'>
  /** What turns counted its training as, what it had to repeat in it, in TFLOP. */
  trainingCost: number
} | null

const at = (field: string, message: string): FieldError[] => [
  { path: `$.training.initial.${field}`, message },
]

/**
 * What is wrong with `training.initial`, given the experiment that it names: it must have succeeded, have kept its
 * weights, have had the iteration, and have the same variables. Nothing where the spec has no `initial`.
 */
export function checkInitial(spec: ResolvedSpec, earlier: Earlier, facts: Facts): FieldError[] {
  const { initial } = spec.training
  if (initial === undefined) return []
  if (earlier === null) return at('experiment', 'is not an experiment here')
  if (earlier.status !== 'succeeded') {
    return at('experiment', `must have succeeded, and is ${earlier.status}`)
  }
  if (initial.state && earlier.spec.training.trajectory !== undefined) {
    return at(
      'state',
      'must be left out: that training happened elsewhere, and its optimizer’s state is not here',
    )
  }
  if (!earlier.spec.keep.includes('weights')) {
    return at('experiment', 'must have kept its weights (keep: ["weights"]), and has not')
  }
  const { iterations } = earlier.spec.training
  if (initial.iteration > iterations) {
    return at(
      'iteration',
      `must be ≤ ${iterations}, the iterations of that experiment; got ${initial.iteration}`,
    )
  }
  const variablesOf = ({ architecture, dataset }: Pick<ResolvedSpec, 'architecture' | 'dataset'>) => {
    const known = findDataset(facts, dataset)
    const isSame = known !== undefined && known.sha256 === dataset.sha256
    return isSame ? facts.network(architecture, known).variables : undefined
  }
  const [own, other] = [variablesOf(spec), variablesOf(earlier.spec)]
  // A dataset that is no longer here says nothing about the network; the worker looks at the weights themselves.
  const difference = own && other && firstDifference(own, other)
  return difference ? at('experiment', difference) : []
}

type Named = Pick<VariableFacts, 'name' | 'shape'>

/** How the variables of two networks differ, in words; undefined where they do not. */
export function firstDifference(own: Named[], other: Named[]): string | undefined {
  const text = (variable: Named | undefined) =>
    variable ? `${variable.name} [${variable.shape.join(', ')}]` : 'nothing'
  for (let i = 0; i < Math.max(own.length, other.length); i++) {
    if (text(own[i]) !== text(other[i]))
      return `must have the same variables: where this network has ${text(own[i])}, that one has ${text(other[i])}`
  }
  return undefined
}
