/** What every table of an experiment's ledger starts from: the experiment, the split, and how variables are grouped. */
import type { FastifyInstance } from 'fastify'
import type { Unbalanced } from '../../lca/balance.ts'
import type { Recording } from '../../spec/recording.ts'
import type { ResolvedSpec } from '../../spec/resolved.ts'
import { type Sample, sampleOf } from '../../spec/sample.ts'
import type { SplitName } from '../../spec/schema.ts'
import { type Judged, judgedSql, unbalancedOf } from '../../store/books.ts'
import type { Database } from '../../store/database.ts'
import type { Reader } from '../../store/experiments.ts'
import { experimentNotFound, experimentsNotFound, invalidQuery } from '../problem.ts'

export type Ledger = {
  id: string
  split: SplitName
  /** Iterations of the training. */
  iterations: number
  /** Whether every one of them is allocated. */
  complete: boolean
  /** How many examples of the split its losses and allocations are over, of how many. */
  sample: Sample
  /** What of the spec the diagnostics go by. */
  recording: Recording
  /** Names this state of it, where it has succeeded: nothing changes any more but by being deleted. */
  version: string | undefined
  /** What is wrong with the books of what is allocated; null where they balance. */
  unbalanced: Unbalanced | null
}

const ledgerSql = `
  SELECT id, (spec #>> '{training,iterations}')::int AS iterations,
         spec #> '{allocation,splits}' AS splits,
         jsonb_build_object('dataset', spec -> 'dataset', 'allocation', spec -> 'allocation',
                            'training', spec -> 'training') AS sampled,
         CASE status WHEN 'succeeded' THEN id || ' ' || extract(epoch FROM updated_at) END AS version,
         (SELECT coalesce(sum(s."to" - s."from"), 0)::int FROM segments s
           WHERE s.experiment_id = e.id AND s.status = 'allocated') AS allocated,
         ${judgedSql}
    FROM experiments e
   WHERE id = ANY ($1::uuid[]) AND ($2::text IS NULL OR tenant = $2)`

type Found = Judged & {
  id: string
  iterations: number
  splits: SplitName[]
  sampled: Pick<ResolvedSpec, 'dataset' | 'allocation' | 'training'>
  allocated: number
  version: string | null
}
type Databases = Pick<FastifyInstance, 'db' | 'ledgerDb'>

/** Experiments in the order of their ids. Throws 404 with those that there are none of, or are not the reader's. */
async function findExperiments({ db }: Databases, { tenant }: Reader, ids: string[]): Promise<Found[]> {
  const { rows } = await db.pool.query<Found>(ledgerSql, [ids, tenant])
  const found = new Map(rows.map(row => [row.id, row]))
  const missing = ids.filter(id => !found.has(id))
  if (missing.length > 0) throw ids.length === 1 ? experimentNotFound(ids[0]) : experimentsNotFound(missing)
  return ids.map(id => found.get(id)!)
}

async function ledgerOf({ ledgerDb }: Databases, found: Found, split: SplitName): Promise<Ledger> {
  const { id, iterations, sampled } = found
  const unbalanced = await unbalancedOf(ledgerDb.pool, { id, splits: [split], iterations }, found)
  return {
    ...{ id, split, iterations },
    sample: sampleOf(sampled, split),
    recording: sampled,
    complete: found.allocated >= iterations,
    version: found.version ?? undefined,
    unbalanced: unbalanced?.[split] ?? null,
  }
}

/** Looks an experiment up; `split` defaults to the first that it allocates. Throws 404, and 400 for another split. */
export async function findLedger(
  app: Databases,
  reader: Reader,
  id: string,
  split: SplitName | undefined,
): Promise<Ledger> {
  // As rows have it: an id may have been written in capitals.
  const [found] = await findExperiments(app, reader, [id.toLowerCase()])
  if (split !== undefined && !found.splits.includes(split))
    throw invalidQuery('split', `this experiment allocates ${found.splits.join(' and ')} only`)
  return ledgerOf(app, found, split ?? found.splits[0])
}

/**
 * Looks several experiments up, each once; `split` defaults to the first that the first of them allocates, and `without` are
 * those that do not allocate it. Throws 404 with all that are missing, and 400 where none allocates it.
 */
export async function findLedgers(
  app: Databases,
  reader: Reader,
  ids: string[],
  split: SplitName | undefined,
): Promise<{ split: SplitName; ledgers: Ledger[]; without: string[] }> {
  const all = await findExperiments(app, reader, [...new Set(ids.map(id => id.toLowerCase()))])
  const own = split ?? all[0].splits[0]
  const having = all.filter(({ splits }) => splits.includes(own))
  if (having.length === 0)
    throw invalidQuery(
      'split',
      `these experiments allocate ${[...new Set(all.flatMap(({ splits }) => splits))].join(' and ')} only`,
    )
  return {
    split: own,
    ledgers: await Promise.all(having.map(found => ledgerOf(app, found, own))),
    without: all.filter(({ splits }) => !splits.includes(own)).map(({ id }) => id),
  }
}

/** What the JSON of every table says first. */
export const headOf = ({ id, split, complete, sample, unbalanced }: Ledger) => ({
  experimentId: id,
  split,
  complete,
  ...sample,
  unbalanced,
})

/** The iterations [from, to) of a query, within the training. Throws 400 where there can be none. */
export function spanOf(
  query: { from: number; to?: number },
  { iterations }: Ledger,
): { from: number; to: number } {
  const to = Math.min(query.to ?? iterations, iterations)
  if (query.from >= iterations)
    throw invalidQuery('from', `must be below ${iterations}, the iterations of the training`)
  if (query.from >= to) throw invalidQuery('to', `must be above from (${query.from})`)
  return { from: query.from, to }
}

/** One row of a table that is grouped by layer or by variable. */
export type Group = { layer: string; variable: string; parameters: number; variables: number }

export type Grouping = {
  groups: Group[]
  /** For each variable, in the order of the network, the index of its group; -1: left out. */
  groupOf: number[]
  /** All layers of the network, in order. */
  layers: string[]
}

const variablesSql = 'SELECT name, layer, size FROM variables WHERE experiment_id = $1::uuid ORDER BY index'

/**
 * How the variables of an experiment make up the rows of a table, in the order of the network. Empty before training
 * has laid the network out. Throws 400 where one of `layers` is not a layer.
 */
export async function groupVariables(
  db: Pick<Database, 'pool'>,
  id: string,
  by: 'layer' | 'variable',
  layers?: string[],
): Promise<Grouping> {
  const { rows } = await db.pool.query<{ name: string; layer: string; size: number }>(variablesSql, [id])
  const known = new Set(rows.map(({ layer }) => layer))
  const unknown = known.size > 0 && layers?.find(layer => !known.has(layer))
  if (unknown)
    throw invalidQuery('layer', `there is no layer ${unknown}; this network has ${[...known].join(', ')}`)
  const groups: Group[] = []
  const groupOf = rows.map(({ name, layer, size }) => {
    if (layers && !layers.includes(layer)) return -1
    let index = by === 'layer' ? groups.findIndex(group => group.layer === layer) : -1
    if (index < 0) index = groups.push({ layer, variable: name, parameters: 0, variables: 0 }) - 1
    groups[index].parameters += size
    groups[index].variables++
    return index
  })
  return { groups, groupOf, layers: [...known] }
}

/** x/n where there is an n, else NaN: of many, as a number or nothing is an object each. */
export const share = (x: number, n: number): number => (n > 0 && Number.isFinite(x) ? x / n : Number.NaN)

/** The same, null for NaN. */
export const ratio = (x: number, n: number): number | null => {
  const found = share(x, n)
  return Number.isNaN(found) ? null : found
}

/** The share of what moved that helped, and of everything; `postings` is parameters × iterations. */
export const helpFractions = (helped: number, hurt: number, postings: number) => ({
  helpFractionOfMoved: ratio(helped, helped + hurt),
  helpFractionOfAll: ratio(helped, postings),
})
