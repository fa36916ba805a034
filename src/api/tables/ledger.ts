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
import { experimentNotFound, invalidQuery } from '../problem.ts'

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
  SELECT (spec #>> '{training,iterations}')::int AS iterations,
         spec #> '{allocation,splits}' AS splits,
         jsonb_build_object('dataset', spec -> 'dataset', 'allocation', spec -> 'allocation',
                            'training', spec -> 'training') AS sampled,
         CASE status WHEN 'succeeded' THEN id || ' ' || extract(epoch FROM updated_at) END AS version,
         (SELECT coalesce(sum(s."to" - s."from"), 0)::int FROM segments s
           WHERE s.experiment_id = e.id AND s.status = 'allocated') AS allocated,
         ${judgedSql}
    FROM experiments e
   WHERE id = $1::uuid AND ($2::text IS NULL OR tenant = $2)`

/** Looks an experiment up; `split` defaults to the first that it allocates. Throws 404, and 400 for another split. */
export async function findLedger(
  { db, ledgerDb }: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  { tenant }: Reader,
  id: string,
  split: SplitName | undefined,
): Promise<Ledger> {
  type Found = Judged & {
    iterations: number
    splits: SplitName[]
    sampled: Pick<ResolvedSpec, 'dataset' | 'allocation' | 'training'>
    allocated: number
    version: string | null
  }
  const { rows } = await db.pool.query<Found>(ledgerSql, [id, tenant])
  const found = rows[0]
  if (!found) throw experimentNotFound(id)
  if (split !== undefined && !found.splits.includes(split))
    throw invalidQuery('split', `this experiment allocates ${found.splits.join(' and ')} only`)
  const own = split ?? found.splits[0]
  const { iterations } = found
  const unbalanced = await unbalancedOf(ledgerDb.pool, { id, splits: [own], iterations }, found)
  return {
    id,
    split: own,
    iterations,
    sample: sampleOf(found.sampled, own),
    recording: found.sampled,
    complete: found.allocated >= found.iterations,
    version: found.version ?? undefined,
    unbalanced: unbalanced?.[own] ?? null,
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

/** x/n where there is an n. */
export const ratio = (x: number, n: number): number | null => (n > 0 && Number.isFinite(x) ? x / n : null)

/** The share of what moved that helped, and of everything; `postings` is parameters × iterations. */
export const helpFractions = (helped: number, hurt: number, postings: number) => ({
  helpFractionOfMoved: ratio(helped, helped + hurt),
  helpFractionOfAll: ratio(helped, postings),
})
