/** By what the numbers of experiments are not comparable, or not yet, or not to be believed. */
import type { ComparisonWarning } from '../../schemas/compare.ts'
import type { Member } from './members.ts'

type About = ComparisonWarning['about']

/** What says what a number is of: where it differs the number is of something else. undefined: that is not asked. */
const fields: [About, string, (member: Member) => unknown][] = [
  [
    'dataset',
    'these have other examples than the first (dataset): their losses are of other data',
    ({ spec }) => spec.dataset,
  ],
  [
    'loss',
    'these have another loss than the first (loss)',
    ({ spec }) => spec.loss ?? { name: 'cross-entropy', labelSmoothing: 0 },
  ],
  [
    'splits',
    'these allocate other splits than the first (allocation.splits)',
    ({ spec }) => [...spec.allocation.splits].sort(),
  ],
  [
    'examples',
    'these allocate a sample of another size than the first (allocation.examples)',
    ({ spec }) => spec.allocation.examples ?? 'all',
  ],
  [
    'method',
    'these have another quadrature than the first (allocation.method, maxError, maxSplits): sums differ by residuals',
    ({ spec: { allocation } }) => [allocation.method, allocation.maxError, allocation.maxSplits],
  ],
  [
    'chunkSize',
    'these have other chunks than the first (allocation.chunkSize): with batch norm the loss is the mean over chunks',
    member => (hasBatchNorm(member) ? member.spec.allocation.chunkSize : undefined),
  ],
  [
    'engine',
    'these were computed on another engine or device than the first: the same training has other bits there',
    // What has not computed yet has none.
    ({ engine }) => (engine ? [engine.name, engine.device] : undefined),
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
    const own = of(first)
    const differs = (value: unknown) => value !== undefined && JSON.stringify(value) !== JSON.stringify(own)
    warn(about, what, own === undefined ? [] : members.filter(member => differs(of(member))))
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
