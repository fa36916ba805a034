/** What a spec may ask of its dataset's values and targets, where these are numbers and not bytes and classes. */
import type { DatasetFacts } from './facts.ts'
import { type Path, show } from './messages.ts'
import type { ResolvedNormalization, ResolvedSpec } from './resolved.ts'

type Report = (path: Path, message: string) => void

/**
 * Fills in the loss where targets are numbers: the squared error, and no other. What is about classes has nothing to say of
 * them.
 */
export function checkTargets(
  spec: Pick<ResolvedSpec, 'loss'> & {
    allocation: { diagnostics?: ResolvedSpec['allocation']['diagnostics'] }
  },
  { name, regression }: DatasetFacts,
  report: Report,
): void {
  if (!regression) return
  spec.loss ??= { name: 'mean-squared-error' }
  const why = `the targets of ${name} are numbers, not classes`
  if (spec.loss.name !== 'mean-squared-error')
    report(
      ['loss', 'name'],
      `must be mean-squared-error, or loss left out: ${why}; got ${show(spec.loss.name)}`,
    )
  if (spec.allocation.diagnostics?.classes)
    report(['allocation', 'diagnostics', 'classes'], `must be false or left out: ${why}`)
}

/** Whether values of such a dataset can be normalised so. */
export function checkNormalization(
  normalization: ResolvedNormalization | undefined,
  { name, shape, vocabulary, numbers }: DatasetFacts,
  report: Report,
): void {
  if (normalization === undefined) return
  const at = (message: string, ...path: string[]) => report(['dataset', 'normalization', ...path], message)
  if (vocabulary !== undefined)
    at(`must be left out: the examples of ${name} are tokens, which are no quantities`)
  else if (normalization.name === 'unit' && (shape.length !== 3 || numbers))
    at(
      `must be none or per-channel: the examples of ${name} are numbers, not bytes, and unit divides bytes by 255; got "unit"`,
      'name',
    )
  else if (normalization.name === 'per-channel') {
    const channels = shape[shape.length - 1]
    const { mean, deviation } = normalization
    if ((mean === undefined) !== (deviation === undefined))
      at('must be there beside the other, or both left out', mean ? 'deviation' : 'mean')
    for (const [key, values] of Object.entries({ mean, deviation }))
      if (values && values.length !== channels)
        at(
          `must have ${channels} numbers, one for each channel of ${name} ([${shape.join(', ')}]); has ${values.length}`,
          key,
        )
  }
}

/** What does not go together with running statistics, which are columns of the weights that no optimizer moves. */
export function checkRunning(
  {
    training,
    allocation,
  }: {
    training: Pick<ResolvedSpec['training'], 'intervention'>
    allocation: { diagnostics?: ResolvedSpec['allocation']['diagnostics'] }
  },
  report: Report,
): void {
  const why = 'with batch norm’s running statistics, which'
  if (allocation.diagnostics?.components)
    report(
      ['allocation', 'diagnostics', 'components'],
      `must be false or left out ${why} the optimizer’s parts do not move`,
    )
  if (allocation.diagnostics?.sharpness)
    report(
      ['allocation', 'diagnostics', 'sharpness'],
      `must be false or left out ${why} a direction of the weights would make negative`,
    )
  if (training.intervention)
    report(['training', 'intervention'], `must be left out ${why} are no part of a step that is taken or not`)
}

/** What does not go together with an average of the weights, whose steps are none of the optimizer's. */
export function checkAverage(
  {
    training,
    allocation,
  }: {
    training: Pick<ResolvedSpec['training'], 'average' | 'intervention'>
    allocation: { diagnostics?: ResolvedSpec['allocation']['diagnostics'] }
  },
  report: Report,
): void {
  if (training.average === undefined) return
  if (allocation.diagnostics?.components)
    report(
      ['allocation', 'diagnostics', 'components'],
      'must be false or left out with training.average: the steps that are allocated are the average’s, and no optimizer’s',
    )
  if (training.intervention)
    report(
      ['training', 'intervention'],
      'must be left out with training.average: what is judged would be other steps than those that are allocated',
    )
}
