/** What a sweep says: every measure of every layer in every variant, over its seeds and against the baseline. */
import type { SplitName } from '../../../spec/schema.ts'
import { estimate, welch } from '../../../statistics/intervals.ts'
import type { Database } from '../../../store/database.ts'
import type { Measure, SummaryRow } from '../../schemas/sweeps.ts'

export const confidence = 0.95

type Finished = {
  id: string
  variant: number
  seed: number
  splits: Partial<Record<SplitName, { loss: { final: number }; accuracy: { final: number } }>>
}

const finishedSql = `
  SELECT id, variant, (spec #>> '{training,seed}')::float8 AS seed, summary -> 'splits' AS splits
    FROM experiments
   WHERE sweep_id = $1::uuid AND status = 'succeeded'
   ORDER BY sweep_index`

const layersSql = `
  SELECT t.experiment_id AS id, t.split, v.layer, sum(t.lca ORDER BY t.variable) AS lca,
         sum(t.helped) AS helped, sum(v.size::float8 * t.iterations) AS postings
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
  postings: number
}

/** Values of one measure by variant; `layer` null is the whole network. */
type Series = { split: SplitName; layer: string | null; measure: Measure; values: Map<number, number[]> }

/** The seeds that have succeeded, by variant, and the rows of the summary. */
export async function summariseSweep(
  db: Pick<Database, 'pool'>,
  id: string,
  variants: string[],
  baseline: number,
): Promise<{ seeds: number[][]; items: SummaryRow[] }> {
  const [finished, layers] = await Promise.all([
    db.pool.query<Finished>(finishedSql, [id]).then(({ rows }) => rows),
    db.pool.query<LayerSums>(layersSql, [id]).then(({ rows }) => rows),
  ])
  const series = collect(finished, layers)
  const items = variants.flatMap((label, variant) =>
    series.flatMap(one => rowOf(one, label, variant, baseline)),
  )
  const seeds = variants.map((_, variant) =>
    finished.flatMap(experiment => (experiment.variant === variant ? [experiment.seed] : [])),
  )
  return { seeds, items }
}

/** Every series that any experiment has a value of, in the order of the table. */
function collect(finished: Finished[], layers: LayerSums[]): Series[] {
  const found = new Map<string, Series>()
  const add = (split: SplitName, layer: string | null, measure: Measure, variant: number, value: number) => {
    const key = JSON.stringify([split, layer, measure])
    const series = found.get(key) ?? { split, layer, measure, values: new Map<number, number[]>() }
    series.values.set(variant, [...(series.values.get(variant) ?? []), value])
    found.set(key, series)
  }
  const rowsOf = new Map<string, LayerSums[]>(finished.map(({ id }) => [id, []]))
  for (const row of layers) rowsOf.get(row.id)?.push(row)
  for (const { id, variant, splits } of finished) {
    for (const [split, { loss, accuracy }] of Object.entries(splits) as [
      SplitName,
      NonNullable<Finished['splits'][SplitName]>,
    ][]) {
      const rows = (rowsOf.get(id) ?? []).filter(row => row.split === split)
      const sum = (name: 'lca' | 'helped' | 'postings') => rows.reduce((total, row) => total + row[name], 0)
      add(split, null, 'finalLoss', variant, loss.final)
      add(split, null, 'finalAccuracy', variant, accuracy.final)
      add(split, null, 'lca', variant, sum('lca'))
      add(split, null, 'helpFraction', variant, sum('helped') / sum('postings'))
      for (const { layer, lca, helped, postings } of rows) {
        add(split, layer, 'lca', variant, lca)
        add(split, layer, 'helpFraction', variant, helped / postings)
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
  const { n, mean, sd, low, high } = estimate(own, confidence)
  const against =
    variant === baseline
      ? { difference: null, low: null, high: null }
      : welch(estimate(own, confidence), estimate(values.get(baseline) ?? [], confidence), confidence)
  return [
    {
      ...{ variant: label, split, layer, measure, n, mean, sd, low, high },
      ...{ difference: against.difference, differenceLow: against.low, differenceHigh: against.high },
    },
  ]
}
