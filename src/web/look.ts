/** What of an experiment's ledger is looked at, as the address has it, and how its tables are read. */
import type { Experiment } from '../../clients/typescript/src/index.ts'
import { begin, taken } from './begun.ts'
import { readColumns } from './columns.ts'
import { type Ledger, ledgerOf, type Splits } from './figures/series.ts'

/** Rows of a curve, and spans of the ledger at most, that are asked for: as many as a screen can show. */
export const points = 800
export const columns = 400

export type Split = 'train' | 'validation'
/** What of a ledger a table is of: the whole run, and the first split that it has, where nothing else is said. */
export type Part = {
  id: string
  split?: Split
  from?: number
  to?: number
}
export type Look = {
  id: string
  splits: Split[]
  /** The one that figures of one split show. */
  split: Split
  by: 'layer' | 'variable'
  from: number
  to: number
  /** What the table of each split is of, and the ledger. */
  curves: Part[]
  rows: Part
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

const byOf = (query: URLSearchParams) => (query.get('by') === 'variable' ? 'variable' : 'layer')

export function lookOf(
  { id, iterations, spec }: Pick<Experiment, 'id' | 'iterations' | 'spec'>,
  query: URLSearchParams,
): Look {
  const { splits } = spec.allocation
  const [from, to] = spanOf(query, iterations)
  const split = splitOf(query, splits)
  const partOf = (one: Split): Part => ({
    id,
    ...(one !== splits[0] && { split: one }),
    ...((from > 0 || to < iterations) && { from, to }),
  })
  return { id, splits, split, from, to, by: byOf(query), curves: splits.map(partOf), rows: partOf(split) }
}

/** What is looked at as far as the address says it, of an experiment that is not known yet; undefined: it says too little. */
export function unknownLook(
  id: string,
  query: URLSearchParams,
): Pick<Look, 'by' | 'curves' | 'rows'> | undefined {
  if (['from', 'to', 'split'].some(name => query.has(name))) return undefined
  return { by: byOf(query), curves: [{ id }], rows: { id } }
}

const nameOf = (table: string, part: Part): string => JSON.stringify([table, part])

/** Begins to read what of a look has not begun. */
export function beginTables({ by, curves, rows }: Pick<Look, 'by' | 'curves' | 'rows'>): void {
  for (const part of curves) begin(nameOf('curve', part), () => readCurve(part))
  begin(nameOf(by, rows), () => readRows(rows, by))
}

const curveColumns = ['iteration', 'loss', 'lossAfter', 'residual', 'helpFractionOfMoved'] as const

function readCurve({ id, ...part }: Part, signal?: AbortSignal) {
  const asked = { numbers: curveColumns, texts: [], ...(signal && { signal }) }
  return readColumns(`/v1/experiments/${id}/iterations`, { ...part, points }, asked)
}

/** The curves of every split that has any. */
export async function takeCurves({ splits, curves }: Look, signal?: AbortSignal): Promise<Splits> {
  const tables = await Promise.all(
    curves.map(part => taken(nameOf('curve', part), () => readCurve(part, signal))),
  )
  const found = splits.map((split, i) => [split, tables[i]] as const)
  return Object.fromEntries(found.filter(([, { length }]) => length > 0))
}

/** LCA of one split, by layer or variable and span. */
export const takeRows = ({ by, rows }: Look, signal?: AbortSignal): Promise<Ledger> =>
  taken(nameOf(by, rows), () => readRows(rows, by, signal))

async function readRows({ id, ...part }: Part, by: Look['by'], signal?: AbortSignal): Promise<Ledger> {
  const table = await readColumns(
    `/v1/experiments/${id}/allocations`,
    { ...part, by, spans: columns },
    { numbers: ['iteration', 'iterations', 'lca'], texts: [by], ...(signal && { signal }) },
  )
  // A span begins at a multiple of its length, also where what is asked for begins within it.
  const { from = 0 } = part
  const iteration = table.iteration.map(start => Math.max(from, start))
  return ledgerOf({ ...table, iteration, name: table[by] })
}
