/**
 * The aggregates of DESIGN's ledger: one row a (split, iteration, variable), every column a sum over the variable's
 * parameters, so that layers, spans of iterations and the whole model are sums of rows. Accumulated in float64.
 */
import type { VariableFacts } from '../spec/facts.ts'
import type { SplitName } from '../spec/schema.ts'
import type { Step } from './allocate.ts'

/** Rows of `iterations`, column by column, in the order of (iteration, split). */
export type IterationTable = {
  split: SplitName[]
  iteration: Int32Array
  lossBefore: Float64Array
  lossAfter: Float64Array
  lca: Float64Array
  residual: Float64Array
  splits: Int32Array
  helped: Int32Array
  hurt: Int32Array
}

/** Rows of `allocations`, column by column, in the order of (iteration, split, variable). */
export type AllocationTable = {
  split: SplitName[]
  iteration: Int32Array
  variable: Int32Array
  /** Σ LCA, Σ of its negative part, Σ of its positive part, Σ LCA². */
  lca: Float64Array
  helping: Float64Array
  hurting: Float64Array
  squared: Float64Array
  /** Σ Δ²: the squared norm of the update. */
  moved: Float64Array
  /** Parameters with LCA < 0 and LCA > 0; the rest did not move or did not matter. */
  helped: Int32Array
  hurt: Int32Array
}

export type Tables = { iterations: IterationTable; allocations: AllocationTable }

/** The sums over parameters [offset, offset + size) of one step's allocations. */
export function sumsOf(lca: Float32Array, delta: Float64Array, offset: number, size: number) {
  let helping = 0
  let hurting = 0
  let squared = 0
  let moved = 0
  let helped = 0
  let hurt = 0
  for (let i = offset; i < offset + size; i++) {
    const allocation = lca[i]
    if (allocation < 0) {
      helping += allocation
      helped += 1
    } else if (allocation > 0) {
      hurting += allocation
      hurt += 1
    }
    squared += allocation * allocation
    moved += delta[i] * delta[i]
  }
  return { lca: helping + hurting, helping, hurting, squared, moved, helped, hurt }
}

/** A consumer of steps that fills the tables of a segment: `iterations` steps over `splits` splits, in order. */
export function makeAggregator(
  variables: VariableFacts[],
  iterations: number,
  splits: number,
): { step: (step: Step) => void; tables: Tables } {
  const rows = iterations * splits
  const tables = { iterations: iterationTable(rows), allocations: allocationTable(rows * variables.length) }
  let row = 0
  let cell = 0

  const step = ({ iteration, delta, splits, perSplit }: Step) => {
    for (const { split, lossBefore, lossAfter, residual, lca } of perSplit) {
      const total = { lca: 0, helped: 0, hurt: 0 }
      for (const [variable, { offset, size }] of variables.entries()) {
        const sums = sumsOf(lca, delta, offset, size)
        put(tables.allocations, cell++, { split, iteration, variable, ...sums })
        total.lca += sums.lca
        total.helped += sums.helped
        total.hurt += sums.hurt
      }
      put(tables.iterations, row++, { split, iteration, lossBefore, lossAfter, residual, splits, ...total })
    }
  }
  return { step, tables }
}

type Row<Table> = { [Column in keyof Table]: Table[Column] extends SplitName[] ? SplitName : number }

function put<Table extends Record<keyof Table, unknown>>(
  table: Table,
  row: number,
  values: Row<Table>,
): void {
  for (const column in values) (table[column] as unknown[])[row] = values[column]
}

function iterationTable(rows: number): IterationTable {
  const floats = () => new Float64Array(rows)
  const integers = () => new Int32Array(rows)
  return {
    split: new Array<SplitName>(rows),
    iteration: integers(),
    lossBefore: floats(),
    lossAfter: floats(),
    lca: floats(),
    residual: floats(),
    splits: integers(),
    helped: integers(),
    hurt: integers(),
  }
}

function allocationTable(rows: number): AllocationTable {
  const floats = () => new Float64Array(rows)
  const integers = () => new Int32Array(rows)
  return {
    split: new Array<SplitName>(rows),
    iteration: integers(),
    variable: integers(),
    lca: floats(),
    helping: floats(),
    hurting: floats(),
    squared: floats(),
    moved: floats(),
    helped: integers(),
    hurt: integers(),
  }
}
