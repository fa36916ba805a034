/** The diagnostics of an experiment as Postgres has them: their tables as sources, and the figures of whole runs. */
import type { Diagnostic, ReadFacts, Source } from '../lca/diagnostics/diagnostic.ts'
import { networkOf } from '../lca/diagnostics/follow.ts'
import { diagnostics } from '../lca/diagnostics/registry.ts'
import type { VariableFacts } from '../spec/facts.ts'
import { hasDiagnostic, recordedBy } from '../spec/recording.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import type { SplitName } from '../spec/schema.ts'
import { type Queryable, readBlocks } from './blocks.ts'

/** The tables of one split, as far as they are stored. `signal` ends a reading before its next page, with its reason. */
export function sourceOf(
  db: Queryable,
  { id, split }: { id: string; split: SplitName },
  iterations: number,
  signal?: AbortSignal,
): Source {
  return async function* (kind, { from, to } = { from: 0, to: iterations }) {
    for await (const page of readBlocks(db, { id, kind, split }, { from, to }, signal)) yield* page
  }
}

/** Numbers of a run, or of its first iterations, by `diagnostic.figure`; null where there is none to give. */
export type Figures = Record<string, number | null>

/** Fractions of a run after which figures are taken, besides its end: what can be known early. */
export const earlyFractions = [0.1, 0.25, 0.5] as const

/** Figures over the first `iterations` of a run. */
export type EarlyFigures = { fraction: number; iterations: number; figures: Figures }

/** What finalize notes of the diagnostics of one split. */
export type DiagnosticSummary = { figures: Figures; early: EarlyFigures[] }

/** The figures of every diagnostic that is recorded, or made on reading, over a run and its beginnings. */
export async function summariseDiagnostics(
  db: Queryable,
  { id, split }: { id: string; split: SplitName },
  spec: ResolvedSpec,
  variables: VariableFacts[],
): Promise<DiagnosticSummary> {
  const { iterations } = spec.training
  const source = sourceOf(db, { id, split }, iterations)
  const network = networkOf(variables)
  const figuresTo = async (to: number): Promise<Figures> => {
    const figures: Figures = {}
    for (const { diagnostic, options } of summarised(spec)) {
      const facts: ReadFacts = { ...network, split, iterations, from: 0, to, options }
      const values = await diagnostic.summarise!(source, facts)
      for (const { name } of diagnostic.figures) {
        const value = values[name]
        figures[`${diagnostic.name}.${name}`] = Number.isFinite(value) ? value : null
      }
    }
    return figures
  }
  const early: DiagnosticSummary['early'] = []
  for (const fraction of earlyFractions) {
    const to = Math.ceil(fraction * iterations)
    early.push({ fraction, iterations: to, figures: await figuresTo(to) })
  }
  return { figures: await figuresTo(iterations), early }
}

/** Those of an experiment that have figures, with what they were recorded with. */
function summarised(spec: ResolvedSpec): {
  diagnostic: Diagnostic
  options: ReadFacts['options']
}[] {
  const onReading = diagnostics
    .filter(diagnostic => diagnostic.cost === 'reading' && hasDiagnostic(diagnostic, spec))
    .map(diagnostic => ({ diagnostic, options: undefined }))
  return [...recordedBy(spec), ...onReading].filter(({ diagnostic }) => diagnostic.summarise !== undefined)
}
