/** What a sweep says: every measure of every layer in every variant, over its seeds and against the baseline. */
import type { SplitName } from '../../../spec/schema.ts'
import { differenceBySeed, estimate, sharedSeeds } from '../../../statistics/intervals.ts'
import type { Queryable } from '../../../store/blocks.ts'
import { describeUnbalanced } from '../../../store/books.ts'
import { type Database, snapshot } from '../../../store/database.ts'
import { type Head, type Measures, makeMeasures, unpackMeasures } from '../../../store/measures.ts'
import { turn } from '../../../turns.ts'
import type { FigureName, Measure, SummaryRow, SweepSummary } from '../../schemas/sweeps.ts'
import { helpFractions } from '../../tables/ledger.ts'
import { stateOf } from './query.ts'

export const confidence = 0.95

const membersSql = `
  SELECT id, variant, sweep_index AS place, status::text AS status, extract(epoch FROM finished_at)::float8 AS finished,
         CASE status WHEN 'succeeded' THEN encode(measures, 'base64') END AS measures
    FROM experiments
   WHERE sweep_id = $1::uuid`

type Member = { id: string; variant: number; place: number } & {
  status: string
  finished: number | null
  measures: string | null
}

/** In the order of the sweep. */
async function readMembers(db: Queryable, sweep: string): Promise<Member[]> {
  const { rows } = await db.query<Member>(membersSql, [sweep])
  // Here: Postgres would sort megabytes.
  return rows.sort((a, b) => a.place - b.place)
}

const isLacking = ({ status, measures }: Member) => status === 'succeeded' && measures === null

/** Also of what earlier versions finished and nobody has noted measures of yet. */
async function readMeasured(pool: Database['pool'], sweep: string): Promise<Member[]> {
  const members = await readMembers(pool, sweep)
  if (!members.some(isLacking)) return members
  // Read again: in one moment with what theirs are made of, which goes when an experiment goes on.
  return snapshot(pool, async client => {
    const members = await readMembers(client, sweep)
    const made = await makeMeasures(
      client,
      members.filter(isLacking).map(({ id }) => id),
    )
    return members.map(member => ({
      ...member,
      measures: member.measures ?? made.get(member.id)?.toString('base64') ?? null,
    }))
  })
}

/** A run that has succeeded and whose books balance; `place`: among those of its variant. */
type Run = Measures & { variant: number; seed: number; place: number }

/** Values of one measure by variant, each by the places of its runs, NaN where one has none; `layer` null is the whole network. */
type Series = {
  split: SplitName
  layer: string | null
  measure: Measure
  values: Map<number, Float64Array>
}

/** What the experiments of a sweep say, all of it true of one moment. */
export type Summarised = {
  /** By variant: experiments that there are, and the seeds of those whose values are in the rows. */
  variants: { experiments: number; seeds: number[] }[]
  /** What has succeeded and is not in the rows: runs whose books do not balance. */
  leftOut: SweepSummary['leftOut']
  /** The rows of these splits and measures, variant by variant, each in a turn of the event loop of its own. */
  rows(isWanted: (series: Pick<SummaryRow, 'split' | 'measure'>) => boolean): Promise<SummaryRow[]>
  /** Whether every experiment has succeeded. */
  complete: boolean
  /** Names this state, where all have ended; undefined: some have not. */
  version: string | undefined
}

/** One query and, where there is what earlier versions finished and nobody has noted measures of yet, some more. */
export async function summariseSweep(
  db: Pick<Database, 'pool'>,
  id: string,
  labels: string[],
  baseline: number,
): Promise<Summarised> {
  const members = await readMeasured(db.pool, id)
  const succeeded = members.flatMap(({ id, variant, measures }) =>
    measures === null ? [] : [{ id, variant, measures }],
  )
  const unpacked = unpackMeasures(succeeded.map(({ measures }) => measures))
  const runs: Run[] = []
  const seeds: number[][] = labels.map(() => [])
  const leftOut: SweepSummary['leftOut'] = []
  for (const [i, { id, variant }] of succeeded.entries()) {
    const { head, numbers } = unpacked[i]
    const { unbalanced } = head
    const [seed] = numbers
    if (unbalanced === null) runs.push({ head, numbers, variant, seed, place: seeds[variant].push(seed) - 1 })
    else
      leftOut.push({ experiment: id, variant: labels[variant], seed, reason: describeUnbalanced(unbalanced) })
  }
  const series = collect(
    runs,
    seeds.map(own => own.length),
  )
  const isOver = members.every(({ status }) => ['succeeded', 'failed', 'cancelled'].includes(status))
  return {
    variants: labels.map((_, variant) => ({
      experiments: members.filter(member => member.variant === variant).length,
      seeds: seeds[variant],
    })),
    leftOut,
    async rows(isWanted) {
      const wanted = series.filter(isWanted)
      const rows: SummaryRow[] = []
      for (const [variant, label] of labels.entries()) {
        await turn()
        for (const row of rowsOf(wanted, { label, variant, baseline }, seeds)) rows.push(row)
      }
      return rows
    },
    complete: members.every(({ status }) => status === 'succeeded'),
    version: isOver ? stateOf(id, members) : undefined,
  }
}

/** Every series that any run has a value of, in the order of the table; `counts`: the runs of each variant. */
function collect(runs: Run[], counts: number[]): Series[] {
  const found = new Map<string, Series>()
  const valuesOf = (split: SplitName, layer: string | null, measure: Measure, variant: number) => {
    const key = `${split} ${measure} ${layer ?? ''}`
    const series = found.get(key) ?? { split, layer, measure, values: new Map() }
    found.set(key, series)
    const values = series.values.get(variant) ?? new Float64Array(counts[variant]).fill(Number.NaN)
    series.values.set(variant, values)
    return values
  }
  // Runs with the same head have the same measures in the same order, and there are hundreds of them.
  const known = new Map<Head, Float64Array[][]>()
  for (const { head, numbers, variant, place } of runs) {
    const variants = known.get(head) ?? []
    known.set(head, variants)
    variants[variant] ??= []
    const columns = variants[variant]
    let next = 0
    const add = (split: SplitName, layer: string | null, measure: Measure, value: number | null) => {
      const own = next++
      // A share of nothing, or what is not known.
      if (value === null || Number.isNaN(value)) return
      columns[own] ??= valuesOf(split, layer, measure, variant)
      columns[own][place] = value
    }
    const iterations = numbers[1]
    let at = 2
    for (const { split, figures, summed } of head.splits) {
      add(split, null, 'finalLoss', numbers[at++])
      add(split, null, 'finalAccuracy', numbers[at++])
      for (const figure of figures) add(split, null, figure as FigureName, numbers[at++])
      if (!summed) continue
      const count = head.layers.length
      const [lca, helped, hurt] = [0, 1, 2].map(i => numbers.subarray(at + i * count, at + (i + 1) * count))
      at += 3 * count
      const addSums = (
        layer: string | null,
        lca: number,
        helped: number,
        hurt: number,
        parameters: number,
      ) => {
        const { helpFractionOfMoved, helpFractionOfAll } = helpFractions(
          helped,
          hurt,
          parameters * iterations,
        )
        add(split, layer, 'lca', lca)
        add(split, layer, 'helpFractionOfMoved', helpFractionOfMoved)
        add(split, layer, 'helpFractionOfAll', helpFractionOfAll)
      }
      addSums(null, sumOf(lca), sumOf(helped), sumOf(hurt), sumOf(head.parameters))
      for (let i = 0; i < count; i++) addSums(head.layers[i], lca[i], helped[i], hurt[i], head.parameters[i])
    }
  }
  return [...found.values()]
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum
}

/** Where the baseline’s network has no such layer. */
const none: number[] = []

/** The rows of a variant; `wanted` are the series that are, `seeds` those of every variant's runs by their places. */
function* rowsOf(
  wanted: Series[],
  { label, variant, baseline }: { label: string; variant: number; baseline: number },
  seeds: number[][],
): Generator<SummaryRow> {
  const shared = sharedSeeds(seeds[variant], seeds[baseline])
  for (const { split, layer, measure, values } of wanted) {
    const own = values.get(variant)
    // A layer that this variant’s network does not have.
    if (own === undefined) continue
    const { n, mean, sd, low, high } = estimate(own, confidence)
    const against =
      variant === baseline
        ? { difference: null, low: null, high: null, pairs: null }
        : differenceBySeed(own, values.get(baseline) ?? none, shared, confidence)
    yield {
      ...{ variant: label, split, layer, measure, n, mean, sd, low, high },
      ...{ difference: against.difference, differenceLow: against.low, differenceHigh: against.high },
      pairs: against.pairs,
    }
  }
}
