/** By what the numbers of experiments are not comparable, or not yet, or not to be believed. */
import type { ComparisonWarning } from '../../schemas/compare.ts'
import type { Member } from './members.ts'

type About = ComparisonWarning['about']

/** Fields that say what a number is of: where they differ it is of something else. */
const fields: [About, string, (member: Member) => unknown][] = [
  ['dataset', 'other examples: losses are of other data (dataset)', ({ spec }) => spec.dataset],
  ['loss', 'another loss (loss)', ({ spec }) => spec.loss ?? { name: 'cross-entropy', labelSmoothing: 0 }],
  [
    'splits',
    'other splits are allocated (allocation.splits)',
    ({ spec }) => [...spec.allocation.splits].sort(),
  ],
  [
    'examples',
    'samples of another size are allocated (allocation.examples)',
    ({ spec }) => spec.allocation.examples ?? null,
  ],
  [
    'method',
    'another quadrature (allocation.method, maxError, maxSplits): sums differ by residuals',
    ({ spec: { allocation } }) => [allocation.method, allocation.maxError, allocation.maxSplits],
  ],
  [
    'chunkSize',
    'other chunks (allocation.chunkSize): with batch norm the loss is the mean over chunks',
    member => (hasBatchNorm(member) ? member.spec.allocation.chunkSize : null),
  ],
  [
    'engine',
    'another engine or device: the same training has other bits there',
    ({ engine }) => engine && [engine.name, engine.device],
  ],
]

const hasBatchNorm = ({ variables }: Member) => variables.some(({ name }) => /(^|\/)bn_\d+\//.test(name))

export function warningsOf(members: Member[], isAligned: boolean): ComparisonWarning[] {
  const [first] = members
  const warnings: ComparisonWarning[] = []
  const warn = (about: About, message: string, of: Member[]) => {
    if (of.length > 0) warnings.push({ about, message, experiments: of.map(({ id }) => id) })
  }
  for (const [about, what, of] of fields) {
    const own = JSON.stringify(of(first))
    warn(
      about,
      `${what}, in these than in the first`,
      // What has not computed yet has no engine.
      members.filter(member => of(member) !== null && own !== 'null' && JSON.stringify(of(member)) !== own),
    )
  }
  warn(
    'unfinished',
    'these have not succeeded: their sums and losses are those of the iterations that are allocated',
    members.filter(({ status }) => status !== 'succeeded'),
  )
  warn(
    'unbalanced',
    'the books of these do not balance: their LCA is not to be believed',
    members.filter(({ summary }) => summary?.unbalanced),
  )
  warn(
    'residual',
    'in these the residual of an iteration is above maxError, at maxSplits',
    members.filter(({ summary, spec }) =>
      Object.values(summary?.splits ?? {}).some(split => split.worstResidual > spec.allocation.maxError),
    ),
  )
  if (!isAligned)
    warn(
      'axis',
      'these start from others (training.initial), and not all go back to one: each counts from its own first iteration',
      members.filter(({ spec }) => spec.training.initial),
    )
  return warnings
}
