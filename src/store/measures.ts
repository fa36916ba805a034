/**
 * What the summary of a sweep is made of: of every run that has succeeded its last losses and accuracies, its figures, and
 * what each layer did. A run keeps them as one value (experiments.measures), for a sweep has a thousand runs, and each of
 * these hundreds of totals. Finalize writes it in the transaction that says 'succeeded'; a trigger takes it away when the
 * experiment goes on. Of what earlier versions finished it is made in the background, and on reading until then.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { group } from 'd3-array'
import type { VariableFacts } from '../spec/facts.ts'
import type { SplitName } from '../spec/schema.ts'
import type { Queryable } from './blocks.ts'
import { type Judged, judgedSql, type UnbalancedSplits, unbalancedOf } from './books.ts'
import type { OnFailure } from './chores.ts'
import { type Database, snapshot, whileAlone } from './database.ts'
import type { Figures } from './diagnostics.ts'
import type { SplitSummary } from './summary.ts'
import type { VariableTotals } from './totals.ts'

/** Which numbers the measures of a run are: the same for all runs of a sweep that are alike. */
export type Head = {
  /** What is wrong with its books: then it is in no mean. */
  unbalanced: UnbalancedSplits
  /** In the order of the network. */
  layers: string[]
  parameters: number[]
  /** Whether a split's layers are `summed`: without totals, which every version has made for long, nothing is known of them. */
  splits: { split: SplitName; figures: string[]; summed: boolean }[]
}

/**
 * The measures of a run: its seed and its iterations; then of every split its last loss and accuracy, its figures, and what
 * each layer did: the lca of all of them, then helped, then hurt. NaN where there is none.
 */
export type Measures = { head: Head; numbers: Float64Array }

type Part = Pick<SplitSummary, 'diagnostics'> & {
  loss: { final: number | null }
  accuracy: { final: number | null }
}
type Sums = Pick<VariableTotals, 'lca' | 'helped' | 'hurt'>

const summedOfLayers = ['lca', 'helped', 'hurt'] as const

/** The measures of a run, packed: its splits as the summary has them, and what its variables did over all its iterations. */
export function packMeasures(
  { seed, iterations, unbalanced }: { seed: number; iterations: number; unbalanced: UnbalancedSplits },
  splits: Partial<Record<SplitName, Part>>,
  totals: { split: string; variables: Sums }[],
  variables: Pick<VariableFacts, 'layer' | 'size'>[],
): Buffer {
  const layers = new Map<string, { parameters: number; variables: number[] }>()
  for (const [variable, { layer, size }] of variables.entries()) {
    const own = layers.get(layer) ?? { parameters: 0, variables: [] }
    layers.set(layer, own)
    own.parameters += size
    own.variables.push(variable)
  }
  // jsonb has its keys in an order of its own; rows come in the same order whether they were read from one or not.
  const parts = (Object.entries(splits) as [SplitName, Part][]).sort(byKey).map(([split, part]) => ({
    ...{ split, part },
    figures: Object.entries(part.diagnostics ?? ({} as Figures)).sort(byKey),
    sums: totals.find(one => one.split === split)?.variables,
  }))
  const head: Head = {
    unbalanced,
    layers: [...layers.keys()],
    parameters: [...layers.values()].map(({ parameters }) => parameters),
    splits: parts.map(({ split, figures, sums }) => ({
      split,
      figures: figures.map(([name]) => name),
      summed: sums !== undefined,
    })),
  }
  const numbers = [seed, iterations]
  for (const { part, figures, sums } of parts) {
    const known = [part.loss.final, part.accuracy.final, ...figures.map(([, value]) => value)]
    for (const value of known) numbers.push(value ?? Number.NaN)
    if (sums === undefined) continue
    for (const name of summedOfLayers)
      for (const { variables: own } of layers.values())
        numbers.push(own.reduce((sum, variable) => sum + sums[name][variable], 0))
  }
  return pack(head, numbers)
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]) =>
  Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The length of the head (uint32), the head as JSON, spaces up to a multiple of 8, and the numbers as float64, little-endian. */
function pack(head: Head, numbers: number[]): Buffer {
  const text = Buffer.from(JSON.stringify(head))
  const begin = aligned(4 + text.length)
  const bytes = Buffer.alloc(begin + 8 * numbers.length, ' ')
  bytes.writeUInt32LE(begin - 4)
  text.copy(bytes, 4)
  for (const [i, value] of numbers.entries()) bytes.writeDoubleLE(value, begin + 8 * i)
  return bytes
}

const aligned = (offset: number) => 8 * Math.ceil(offset / 8)

/** Undoes packMeasures, of many runs; those with the same head get the same. Throws where one is cut short. */
export function unpackMeasures(packed: Buffer[]): Measures[] {
  const heads = new Map<string, { head: Head; bytes: Buffer; length: number }>()
  let last: { head: Head; bytes: Buffer; length: number } | undefined
  return packed.map(bytes => {
    const begin = 4 + bytes.readUInt32LE(0)
    const own = bytes.subarray(4, begin)
    if (last === undefined || !last.bytes.equals(own)) {
      const json = own.toString()
      last = heads.get(json)
      if (last === undefined) {
        const head = JSON.parse(json) as Head
        last = { head, bytes: own, length: lengthOf(head) }
        heads.set(json, last)
      }
    }
    const { head, length } = last
    if (bytes.length !== begin + 8 * length)
      throw new Error(`measures of ${bytes.length} bytes where ${begin + 8 * length} were to be`)
    return { head, numbers: numbersIn(bytes.subarray(begin)) }
  })
}

/** How many numbers there are. */
const lengthOf = ({ layers, splits }: Head): number =>
  splits.reduce(
    (sum, { figures, summed }) =>
      sum + 2 + figures.length + (summed ? summedOfLayers.length * layers.length : 0),
    2,
  )

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

function numbersIn(bytes: Buffer): Float64Array {
  const { buffer, byteOffset, byteLength } = isLittleEndian ? bytes : Buffer.from(bytes).swap64()
  if (byteOffset % 8 === 0) return new Float64Array(buffer, byteOffset, byteLength / 8)
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

const earlierSql = `
  SELECT id, (spec #>> '{training,seed}')::float8 AS seed, summary -> 'splits' AS splits,
         (spec #>> '{training,iterations}')::int AS iterations, spec #> '{allocation,splits}' AS allocated, ${judgedSql}
    FROM experiments e WHERE id = ANY ($1::uuid[])`
const variablesSql = `
  SELECT experiment_id AS id, layer, size FROM variables WHERE experiment_id = ANY ($1::uuid[])
   ORDER BY experiment_id, "index"`
const totalsSql = `
  SELECT experiment_id AS id, split, lca, helped, hurt FROM variable_totals
   WHERE experiment_id = ANY ($1::uuid[]) ORDER BY experiment_id, split, variable`

/**
 * The measures of experiments that have succeeded, made of their summaries and totals, packed; by id. In a snapshot, or what is
 * read of an experiment that goes on meanwhile may be of two states.
 */
export async function makeMeasures(db: Queryable, ids: string[]): Promise<Map<string, Buffer>> {
  const made = new Map<string, Buffer>()
  if (ids.length === 0) return made
  type Earlier = Judged & { id: string; seed: number; iterations: number; allocated: SplitName[] } & {
    splits: Partial<Record<SplitName, Part>> | null
  }
  type Total = Record<'lca' | 'helped' | 'hurt', number> & { id: string; split: string }
  const { rows } = await db.query<Earlier>(earlierSql, [ids])
  const { rows: variables } = await db.query<{ id: string; layer: string; size: number }>(variablesSql, [ids])
  const { rows: totals } = await db.query<Total>(totalsSql, [ids])
  const variablesOf = group(variables, ({ id }) => id)
  const totalsOf = group(
    totals,
    ({ id }) => id,
    ({ split }) => split,
  )
  for (const row of rows) {
    const { id, seed, iterations, allocated, splits } = row
    const own = [...(totalsOf.get(id) ?? [])].map(([split, of]) => ({
      split,
      variables: {
        lca: Float64Array.from(of, ({ lca }) => lca),
        helped: Float64Array.from(of, ({ helped }) => helped),
        hurt: Float64Array.from(of, ({ hurt }) => hurt),
      },
    }))
    const unbalanced = await unbalancedOf(db, { id, iterations, splits: allocated }, row)
    made.set(id, packMeasures({ seed, iterations, unbalanced }, splits ?? {}, own, variablesOf.get(id) ?? []))
  }
  return made
}

// Any number that nothing else locks.
const measuresLock = 0x1ed9e5
const atOnce = 50

/**
 * Notes the measures of what earlier versions finished; resolves to how many experiments that were, or undefined where
 * another process is at it. A process that dies leaves what it had noted, and the next one goes on. As long again as the work
 * takes is waited in between.
 */
export function measureEarlier({ pool }: Database, onFailure: OnFailure): Promise<number | undefined> {
  return whileAlone(pool, measuresLock, async () => {
    let made = 0
    for (let last: string | undefined; ; ) {
      const start = performance.now()
      const ids = await nextWithout(pool, last)
      if (ids.length === 0) return made
      last = ids[ids.length - 1]
      try {
        made += await note(pool, ids)
      } catch {
        // One of them cannot be read: the others are not to wait for it.
        for (const id of ids)
          made += await note(pool, [id]).catch((error: Error) => {
            onFailure(id, error)
            return 0
          })
      }
      await sleep(performance.now() - start)
    }
  })
}

/** Some experiments behind `last` of which no measures are noted, if there are any. */
async function nextWithout(pool: Database['pool'], last: string | undefined): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM experiments
      WHERE status = 'succeeded' AND measures IS NULL AND sweep_id IS NOT NULL AND ($1::uuid IS NULL OR id > $1::uuid)
      ORDER BY id LIMIT $2`,
    [last ?? null, atOnce],
  )
  return rows.map(({ id }) => id)
}

/** Notes the measures of experiments; one that has gone on meanwhile is left as it is, also where it has succeeded again. */
async function note(pool: Database['pool'], ids: string[]): Promise<number> {
  const [rows, measures] = await snapshot(pool, async client => {
    const { rows } = await client.query<{ id: string; finished: string }>(
      `SELECT id, finished_at::text AS finished FROM experiments
        WHERE id = ANY ($1::uuid[]) AND status = 'succeeded' AND measures IS NULL`,
      [ids],
    )
    const found = rows.map(({ id }) => id)
    return [rows, await makeMeasures(client, found)] as const
  })
  const { rowCount } = await pool.query(
    `UPDATE experiments e SET measures = made.measures
       FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS made (id, finished, measures)
      WHERE e.id = made.id AND e.status = 'succeeded' AND e.measures IS NULL AND e.finished_at::text = made.finished`,
    [rows.map(({ id }) => id), rows.map(({ finished }) => finished), rows.map(({ id }) => measures.get(id))],
  )
  return rowCount ?? 0
}
