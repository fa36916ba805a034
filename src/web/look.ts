/** What of an experiment's ledger is looked at, as the address has it, and how its tables are read. */
import type { Experiment } from '../../clients/typescript/src/index.ts'
import { readColumns } from './columns.ts'
import { type Ledger, ledgerOf, type Splits } from './figures/series.ts'

/** Rows of a curve, and spans of the ledger, that are asked for: more than a screen has pixels to show. */
export const points = 800
export const columns = 400

export type Split = 'train' | 'validation'
export type Look = {
  id: string
  splits: Split[]
  /** The one that figures of one split show. */
  split: Split
  by: 'layer' | 'variable'
  from: number
  to: number
  /** Iterations of a span of the ledger. */
  bucket: number
}

/** The part of the run that the address names; all of it where it names none that there is. */
export function spanOf(query: URLSearchParams, iterations: number): [from: number, to: number] {
  const read = (name: string, otherwise: number) => {
    const value = Number(query.get(name) ?? otherwise)
    return Number.isInteger(value) && value >= 0 && value <= iterations ? value : otherwise
  }
  const from = read('from', 0)
  const to = read('to', iterations)
  return from < to ? [from, to] : [0, iterations]
}

export function splitOf(query: URLSearchParams, splits: readonly string[]): Split {
  const asked = query.get('split')
  return (asked !== null && splits.includes(asked) ? asked : splits[0]) as Split
}

export function lookOf(
  { id, iterations, spec }: Pick<Experiment, 'id' | 'iterations' | 'spec'>,
  query: URLSearchParams,
): Look {
  const { splits } = spec.allocation
  const [from, to] = spanOf(query, iterations)
  return {
    ...{ id, splits, from, to, bucket: Math.ceil((to - from) / columns) },
    split: splitOf(query, splits),
    by: query.get('by') === 'variable' ? 'variable' : 'layer',
  }
}

/** What tells one table of one look from all others. */
export const nameOf = (table: 'curves' | 'rows', look: Look): string => JSON.stringify([table, look])

/** The curves of every split that has any. */
export async function readCurves({ id, splits, from, to }: Look, signal?: AbortSignal): Promise<Splits> {
  const wanted = ['iteration', 'loss', 'lossAfter', 'residual', 'helpFractionOfMoved'] as const
  const tables = await Promise.all(
    splits.map(async split => {
      const query = { split, from, to, points }
      const asked = { numbers: wanted, texts: [], ...(signal && { signal }) }
      return [split, await readColumns(`/v1/experiments/${id}/iterations`, query, asked)] as const
    }),
  )
  return Object.fromEntries(tables.filter(([, { length }]) => length > 0))
}

/** LCA of one split, by layer or variable and span. */
export async function readRows(look: Look, signal?: AbortSignal): Promise<Ledger> {
  const { id, split, by, from, to, bucket } = look
  const table = await readColumns(
    `/v1/experiments/${id}/allocations`,
    { split, by, from, to, bucket },
    { numbers: ['iteration', 'iterations', 'lca'], texts: [by], ...(signal && { signal }) },
  )
  return ledgerOf({ ...table, name: table[by] })
}
