/** Which diagnostics an experiment has, by its spec. */
import type { Diagnostic } from '../lca/diagnostics/diagnostic.ts'
import { leftByTraining, recorded } from '../lca/diagnostics/registry.ts'
import type { ResolvedDiagnostic, ResolvedSpec } from './resolved.ts'

/** Those that an experiment records, with their options; none of experiments from before there were any. */
export const recordedBy = ({
  allocation: { diagnostics = {} },
  training,
}: Recording): { diagnostic: Diagnostic; options: ResolvedDiagnostic }[] => [
  ...recorded.flatMap(diagnostic => {
    const asked = diagnostics[diagnostic.name] ?? false
    if (asked === false) return []
    return [{ diagnostic, options: asked === true ? {} : asked }]
  }),
  ...leftByTraining.flatMap(diagnostic => {
    const options = diagnostic.left?.of(training)
    return options === undefined ? [] : [{ diagnostic, options }]
  }),
]

/** What of a spec says which diagnostics it records. */
export type Recording = {
  allocation: Pick<ResolvedSpec['allocation'], 'diagnostics'>
  training: Pick<ResolvedSpec['training'], 'intervention' | 'policy'>
}

/** Whether an experiment has it: recorded, or to be made of what is. */
export function hasDiagnostic({ name, cost, madeOf }: Diagnostic, spec: Recording): boolean {
  const names = recordedBy(spec).map(({ diagnostic }) => diagnostic.name)
  if (cost !== 'reading') return names.includes(name)
  return spec.allocation.diagnostics !== undefined && (madeOf === undefined || names.includes(madeOf))
}
