/** What a sweep says: every measure of every layer in every variant, over its seeds and against the baseline. */
import type { SplitName } from '../../../spec/schema.ts'
import { differenceBySeed, estimate } from '../../../statistics/intervals.ts'
import { describeUnbalanced, type Judged, judgedSql, unbalancedOf } from '../../../store/books.ts'
import type { Database } from '../../../store/database.ts'
import type { Figures } from '../../../store/diagnostics.ts'
import type { FigureName, Measure, SummaryRow, SweepSummary } from '../../schemas/sweeps.ts'
import { helpFractions } from '../../tables/ledger.ts'
import type { FinishedRun } from './predictors.ts'

export const confidence = 0.95

type Finished = FinishedRun & {
  id: string
  variant: number
  seed: number
  splits: Partial<
    Record<SplitName, { loss: { final: number }; accuracy: { final: number | null }; diagnostics?: Figures }>
  >
  iterations: number
  allocated: SplitName[]
} & Judged

const finishedSql = `
  SELECT id, variant, (spec #>> '{training,seed}')::float8 AS seed, summary -> 'splits' AS splits, early,
         (spec #>> '{training,iterations}')::int AS iterations, spec #> '{allocation,splits}' AS allocated,
         ${judgedSql}
    FROM experiments e
   WHERE sweep_id = $1::uuid AND status = 'succeeded'
   ORDER BY sweep_index`

const layersSql = `
  SELECT t.experiment_id AS id, t.split, v.layer, sum(t.lca ORDER BY t.variable) AS lca,
         sum(t.helped) AS helped, sum(t.hurt) AS hurt, sum(v.size::float8 * t.iterations) AS postings
    FROM variable_totals t
    JOIN variables v ON v.experiment_id = t.experiment_id AND v."index" = t.variable
    JOIN experiments e ON e.id = t.experiment_id
   WHERE e.sweep_id = $1::uuid AND e.status = 'succeeded'
   GROUP BY t.experiment_id, t.split, v.layer
   ORDER BY t.experiment_id, t.split, min(t.variable)`

type LayerSums = {
  id: string
  split: SplitName
  layer: string
  lca: number
  helped: number
  hurt: number
  postings: number
}

/** Values of one measure by variant and seed; `layer` null is the whole network. */
type Series = {
  split: SplitName
  layer: string | null
  measure: Measure
  values: Map<number, Map<number, number>>
}

/**
 * By variant the seeds that have succeeded, the rows of the summary, and what has succeeded and is not in them: runs
 * whose books do not balance.
 */
export async function summariseSweep(
  db: Pick<Database, 'pool'>,
  id: string,
  variants: string[],
  baseline: number,
): Promise<{ seeds: number[][]; leftOut: SweepSummary['leftOut']; items: SummaryRow[] }> {
  const [{ finished, leftOut }, layers] = await Promise.all([
    readFinished(db, id, variants),
    db.pool.query<LayerSums>(layersSql, [id]).then(({ rows }) => rows),
  ])
  const series = collect(finished, layers)
  const items = variants.flatMap((label, variant) =>
    series.flatMap(one => rowOf(one, label, variant, baseline)),
  )
  const seeds = variants.map((_, variant) =>
    finished.flatMap(experiment => (experiment.variant === variant ? [experiment.seed] : [])),
  )
  return { seeds, leftOut, items }
}

/** The experiments that have succeeded: those whose books balance, and the others with what is wrong with them. */
export async function readFinished(
  db: Pick<Database, 'pool'>,
  id: string,
  variants: string[],
): Promise<{ finished: Finished[]; leftOut: SweepSummary['leftOut'] }> {
  const { rows: succeeded } = await db.pool.query<Finished>(finishedSql, [id])
  const leftOut: SweepSummary['leftOut'] = []
  const finished: Finished[] = []
  for (const experiment of succeeded) {
    const { id, variant, seed, iterations, allocated } = experiment
    const unbalanced = await unbalancedOf(db.pool, { id, iterations, splits: allocated }, experiment)
    if (unbalanced === null) finished.push(experiment)
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

/** Every series that any experiment has a value of, in the order of the table. */
function collect(finished: Finished[], layers: LayerSums[]): Series[] {
  const found = new Map<string, Series>()
  const add = (
    split: SplitName,
    layer: string | null,
    measure: Measure,
    { variant, seed }: Finished,
    value: number | null,
  ) => {
    // A share of nothing.
    if (value === null) return
    const key = JSON.stringify([split, layer, measure])
    const series = found.get(key) ?? { split, layer, measure, values: new Map<number, Map<number, number>>() }
    series.values.set(variant, (series.values.get(variant) ?? new Map<number, number>()).set(seed, value))
    found.set(key, series)
  }
  const rowsOf = new Map<string, LayerSums[]>(finished.map(({ id }) => [id, []]))
  for (const row of layers) rowsOf.get(row.id)?.push(row)
  for (const experiment of finished) {
    const { id, splits } = experiment
    for (const [split, { loss, accuracy, diagnostics = {} }] of Object.entries(splits) as [
      SplitName,
      NonNullable<Finished['splits'][SplitName]>,
    ][]) {
      const rows = (rowsOf.get(id) ?? []).filter(row => row.split === split)
      const sum = (name: 'lca' | 'helped' | 'hurt' | 'postings') =>
        rows.reduce((total, row) => total + row[name], 0)
      add(split, null, 'finalLoss', experiment, loss.final)
      add(split, null, 'finalAccuracy', experiment, accuracy.final)
      for (const [figure, value] of Object.entries(diagnostics))
        add(split, null, figure as FigureName, experiment, value)
      const network = { layer: null, lca: sum('lca'), helped: sum('helped') }
      for (const one of [{ ...network, hurt: sum('hurt'), postings: sum('postings') }, ...rows]) {
        const { layer, lca, helped, hurt, postings } = one
        const { helpFractionOfMoved, helpFractionOfAll } = helpFractions(helped, hurt, postings)
        add(split, layer, 'lca', experiment, lca)
        add(split, layer, 'helpFractionOfMoved', experiment, helpFractionOfMoved)
        add(split, layer, 'helpFractionOfAll', experiment, helpFractionOfAll)
      }
    }
  }
  return [...found.values()]
}

function rowOf(
  { split, layer, measure, values }: Series,
  label: string,
  variant: number,
  baseline: number,
): SummaryRow[] {
  const own = values.get(variant)
  // A layer that this variant’s network does not have.
  if (own === undefined) return []
  const { n, mean, sd, low, high } = estimate([...own.values()], confidence)
  const against =
    variant === baseline
      ? { difference: null, low: null, high: null, pairs: null }
      : differenceBySeed(own, values.get(baseline) ?? new Map(), confidence)
  return [
    {
      ...{ variant: label, split, layer, measure, n, mean, sd, low, high },
      ...{ difference: against.difference, differenceLow: against.low, differenceHigh: against.high },
      pairs: against.pairs,
    },
  ]
}
