/** What a sweep says: every measure of every layer in every variant, over its seeds and against the baseline. */
import { group } from 'd3-array'
import type { SplitName } from '../../../spec/schema.ts'
import { differenceBySeed, estimate, sharedSeeds } from '../../../statistics/intervals.ts'
import { type Kind, type Queryable, queryBinary } from '../../../store/binary.ts'
import { describeUnbalanced } from '../../../store/books.ts'
import { type Database, snapshot } from '../../../store/database.ts'
import { type Head, type Measures, makeMeasures, unpackMeasures } from '../../../store/measures.ts'
import { turn } from '../../../turns.ts'
import { type FigureName, type Measure, SummaryRow, type SweepSummary } from '../../schemas/sweeps.ts'
import { share } from '../../tables/ledger.ts'
import { batchOf, columnsOf, type Table } from '../../tables/table.ts'
import { digestOf, memberStateSql, stateOf } from './query.ts'

export const confidence = 0.95

const membersSql = `
  SELECT id::text, variant, sweep_index, status::text, extract(epoch FROM finished_at)::float8, ${memberStateSql},
         CASE status WHEN 'succeeded' THEN measures END
    FROM experiments
   WHERE sweep_id = $1::uuid`

type Member = { id: string; variant: number; place: number } & {
  status: string
  finished: number | null
  /** As memberStateSql has it. */
  state: string
  measures: Buffer | null
}

const memberFields = {
  ...{ id: 'text', variant: 'int4', place: 'int4', status: 'text', finished: 'float8', state: 'text' },
  measures: 'bytea',
} satisfies Record<keyof Member, Kind>

/** In the order of the sweep. */
async function readMembers(db: Queryable, sweep: string): Promise<Member[]> {
  const rows = await queryBinary<Member>(db, membersSql, [sweep], memberFields)
  // Here: Postgres would sort megabytes.
  return rows.sort((a, b) => a.place - b.place || (a.id < b.id ? -1 : 1))
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
      measures: member.measures ?? made.get(member.id) ?? null,
    }))
  })
}

/** A run that has succeeded and whose books balance; `place`: among those of its variant. */
type Run = Measures & { variant: number; seed: number; place: number }

/** Values of one measure, by variant and then by the places of its runs, NaN where one has none; `layer` null is the whole network. */
type Series = {
  split: SplitName
  layer: string | null
  measure: Measure
  values: (Float64Array | undefined)[]
}

/** What the experiments of a sweep say, all of it true of one moment. */
type Summarised = {
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
  /** digestOf the states of the experiments that it is made of. */
  digest: string
}

/** The table of what a sweep's experiments say, of the rows that are wanted. */
export async function summaryTable(
  db: Pick<Database, 'pool'>,
  { id, variants, baseline }: { id: string; variants: string[]; baseline: string },
  isWanted: (row: Pick<SummaryRow, 'split' | 'measure'>) => boolean,
): Promise<{ table: Table; state: string; rows: number }> {
  const summary = await summariseSweep(db, id, variants, variants.indexOf(baseline))
  const { complete, leftOut, version, digest } = summary
  const columns = columnsOf(SummaryRow)
  const rows = await summary.rows(isWanted)
  const table = {
    head: {
      ...{ sweepId: id, complete, baseline, confidence },
      variants: variants.map((label, i) => ({ label, ...summary.variants[i] })),
      leftOut,
    },
    columns,
    batches: [batchOf(columns, rows)],
    version,
    warning: leftOutInWords(leftOut),
  }
  // Seeds, in the head, weigh too.
  const seeds = summary.variants.reduce((sum, own) => sum + own.seeds.length, 0)
  return { table, state: digest, rows: rows.length + seeds }
}

/** For a header, so ids and not the labels of variants, and not too many. */
export function leftOutInWords(leftOut: SweepSummary['leftOut']): string | undefined {
  if (leftOut.length === 0) return undefined
  const named = leftOut.slice(0, 20).map(({ experiment }) => experiment)
  const more = leftOut.length > named.length ? [`and ${leftOut.length - named.length} more`] : []
  return `left out, as their books do not balance: ${[...named, ...more].join(', ')}`
}

/** One query and, where there is what earlier versions finished and nobody has noted measures of yet, some more. */
async function summariseSweep(
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
  const series = await collect(
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
    digest: digestOf(members.map(({ state }) => state)),
  }
}

/** Values that are collected in one turn of the event loop: a few milliseconds of work. */
const atOnce = 2 ** 17

/** Every series that any run has a value of, in the order of the table; `counts`: the runs of each variant. */
async function collect(runs: Run[], counts: number[]): Promise<Series[]> {
  const found = new Map<string, Series>()
  const seriesAt = (place: Place) => {
    const key = `${place.split} ${place.measure} ${place.layer ?? ''}`
    const series = found.get(key) ?? { ...place, values: [] }
    found.set(key, series)
    return series
  }
  let done = 0
  // Runs with the same head have the same measures, and there are hundreds of them.
  for (const [head, alike] of group(runs, run => run.head)) {
    const series = [...placesOf(head)].map(seriesAt)
    for (const [variant, runs] of group(alike, run => run.variant)) {
      const columns = columnsIn(series, variant, counts[variant])
      for (let first = 0; first < runs.length; first += together) {
        const some = runs.slice(first, first + together)
        put(head, some, columns)
        done += some.length * columns.length
        if (done < atOnce) continue
        await turn()
        done = 0
      }
    }
  }
  const hasAny = (values: Float64Array | undefined) => values?.some(value => !Number.isNaN(value))
  return [...found.values()].flatMap(series => {
    const values = series.values.map(own => (hasAny(own) ? own : undefined))
    return values.some(own => own !== undefined) ? [{ ...series, values }] : []
  })
}

/** The columns of a variant's values in these series, made where there are none: side by side, as hundreds of arrays cost time. */
function columnsIn(series: Series[], variant: number, count: number): Float64Array[] {
  const lacking = series.filter(({ values }) => values[variant] === undefined)
  const space = new Float64Array(lacking.length * count).fill(Number.NaN)
  for (const [i, { values }] of lacking.entries())
    values[variant] = space.subarray(i * count, (i + 1) * count)
  return series.map(({ values }) => values[variant]!)
}

type Place = Pick<Series, 'split' | 'layer' | 'measure'>

/** What runs with this head have values of, in the order of the table. */
function* placesOf({ layers, splits }: Head): Generator<Place> {
  for (const { split, figures, summed } of splits) {
    for (const measure of ['finalLoss', 'finalAccuracy', ...(figures as FigureName[])] as const)
      yield { split, layer: null, measure }
    if (!summed) continue
    for (const layer of [null, ...layers])
      for (const measure of ['lca', 'helpFractionOfMoved', 'helpFractionOfAll'] as const)
        yield { split, layer, measure }
  }
}

/** Runs that are put into their columns together: their values side by side fill a line of the processor's cache. */
const together = 8

/** Puts the values of some runs, one of each of placesOf, into their places in the columns. */
function put(head: Head, runs: Run[], columns: Float64Array[]): void {
  const width = columns.length
  const values = new Float64Array(runs.length * width)
  for (let i = 0; i < runs.length; i++) valuesOf(head, runs[i].numbers, values, i * width)
  for (let i = 0; i < width; i++) {
    const column = columns[i]
    for (let run = 0; run < runs.length; run++) column[runs[run].place] = values[run * width + i]
  }
}

/** Writes the values of a run from `at` on; NaN: a share of nothing, or not known. */
function valuesOf({ parameters, splits }: Head, numbers: Float64Array, into: Float64Array, at: number): void {
  const iterations = numbers[1]
  const count = parameters.length
  let from = 2
  for (const { figures, summed } of splits) {
    for (const end = from + 2 + figures.length; from < end; from++) into[at++] = numbers[from]
    if (!summed) continue
    const helped = from + count
    const hurt = helped + count
    const end = hurt + count
    into[at++] = sumOf(numbers, from, helped)
    const allHelped = sumOf(numbers, helped, hurt)
    into[at++] = share(allHelped, allHelped + sumOf(numbers, hurt, end))
    into[at++] = share(allHelped, sumOf(parameters, 0, count) * iterations)
    for (let i = 0; i < count; i++) {
      const own = numbers[helped + i]
      into[at++] = numbers[from + i]
      into[at++] = share(own, own + numbers[hurt + i])
      into[at++] = share(own, parameters[i] * iterations)
    }
    from = end
  }
}

function sumOf(values: ArrayLike<number>, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i]
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
    const own = values[variant]
    // A layer that this variant’s network does not have.
    if (own === undefined) continue
    const { n, mean, sd, low, high } = estimate(own, confidence)
    const against =
      variant === baseline
        ? { difference: null, low: null, high: null, pairs: null }
        : differenceBySeed(own, values[baseline] ?? none, shared, confidence)
    const { difference, low: differenceLow, high: differenceHigh, pairs } = against
    yield {
      ...{ variant: label, split, layer, measure, n, mean, sd, low, high },
      ...{ difference, differenceLow, differenceHigh, pairs },
    }
  }
}
