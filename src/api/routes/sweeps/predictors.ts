/** What of the beginning of a run foretells its end: early figures of diagnostics against final losses, over a sweep. */
import type { SplitName } from '../../../spec/schema.ts'
import { correlationInterval, fewestPairs, holm, spearman } from '../../../statistics/spearman.ts'
import { describeUnbalanced, type Judged, judgedSql, unbalancedOf } from '../../../store/books.ts'
import type { Database } from '../../../store/database.ts'
import type { EarlyFigures } from '../../../store/diagnostics.ts'
import type { PredictorRow, SweepSummary } from '../../schemas/sweeps.ts'
import { confidence } from './summary.ts'

/** A run of the sweep that has succeeded. */
export type FinishedRun = {
  early: Partial<Record<SplitName, EarlyFigures[]>> | null
  splits: Partial<Record<SplitName, { loss: { final: number }; accuracy: { final: number | null } }>>
}

const finishedSql = `
  SELECT id, variant, (spec #>> '{training,seed}')::float8 AS seed, summary -> 'splits' AS splits, early,
         (spec #>> '{training,iterations}')::int AS iterations, spec #> '{allocation,splits}' AS allocated,
         ${judgedSql}
    FROM experiments e
   WHERE sweep_id = $1::uuid AND status = 'succeeded'
   ORDER BY sweep_index`

type Succeeded = FinishedRun & { id: string; variant: number; seed: number } & {
  iterations: number
  allocated: SplitName[]
} & Judged

/** The runs that have succeeded: those whose books balance, and the others with what is wrong with them. */
export async function readFinished(
  db: Pick<Database, 'pool'>,
  id: string,
  variants: string[],
): Promise<{ finished: FinishedRun[]; leftOut: SweepSummary['leftOut'] }> {
  const { rows } = await db.pool.query<Succeeded>(finishedSql, [id])
  const leftOut: SweepSummary['leftOut'] = []
  const finished: FinishedRun[] = []
  for (const run of rows) {
    const { id, variant, seed, iterations, allocated } = run
    const unbalanced = await unbalancedOf(db.pool, { id, iterations, splits: allocated }, run)
    if (unbalanced === null) finished.push(run)
    else
      leftOut.push({
        experiment: id,
        variant: variants[variant],
        seed,
        reason: describeUnbalanced(unbalanced),
      })
  }
  return { finished, leftOut }
}

const outcomes = {
  finalLoss: ({ validation }: FinishedRun['splits']) => validation?.loss.final,
  finalAccuracy: ({ validation }: FinishedRun['splits']) => validation?.accuracy.final,
} as const

/** A row for every early figure and outcome of which enough runs have both, and both vary; in the order of the runs' figures. */
export function predictorsOf(runs: FinishedRun[]): PredictorRow[] {
  const places = new Map<string, { split: SplitName; fraction: number; figure: string }>()
  for (const { early } of runs)
    for (const [split, beginnings] of Object.entries(early ?? {}) as [SplitName, EarlyFigures[]][])
      for (const { fraction, figures } of beginnings)
        for (const figure of Object.keys(figures))
          places.set(`${split} ${fraction} ${figure}`, { split, fraction, figure })
  const found = [...places.values()].flatMap(({ split, fraction, figure }) =>
    (Object.keys(outcomes) as (keyof typeof outcomes)[]).flatMap(outcome => {
      const pairs = runs.flatMap(({ early, splits }): [number, number][] => {
        const x = early?.[split]?.find(one => one.fraction === fraction)?.figures[figure]
        const y = outcomes[outcome](splits)
        return typeof x === 'number' && typeof y === 'number' && Number.isFinite(y) ? [[x, y]] : []
      })
      if (pairs.length < fewestPairs) return []
      const correlation = spearman(
        pairs.map(([x]) => x),
        pairs.map(([, y]) => y),
      )
      if (Number.isNaN(correlation)) return []
      const n = pairs.length
      return [
        {
          ...{ figure, split, fraction, outcome, n, correlation },
          ...correlationInterval(correlation, n, confidence),
        },
      ]
    }),
  )
  const adjusted = holm(found.map(({ p }) => p))
  return found.map((row, i) => ({ ...row, adjustedP: adjusted[i] }))
}
