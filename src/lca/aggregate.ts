/**
 * The aggregates of DESIGN's ledger: one row a (split, iteration, variable), every column a sum over the variable's
 * parameters, so that layers, spans of iterations and the whole model are sums of rows. Accumulated in float64.
 */
import { hostLoops, rangesOf, valuesFound } from '../host-loops.ts'
import type { VariableFacts } from '../spec/facts.ts'
import type { SplitName } from '../spec/schema.ts'
import type { Step } from './allocate.ts'
import type { Columns, SegmentColumns } from './columns.ts'

/** A row an iteration of the segment. */
export type IterationColumns = {
  lossBefore: Float64Array
  lossAfter: Float64Array
  lca: Float64Array
  residual: Float64Array
  splits: Int32Array
  helped: Int32Array
  hurt: Int32Array
}

/** A row an (iteration, variable), in this order. */
export type AllocationColumns = {
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

/** A consumer of steps that fills the tables of a segment: `iterations` steps over `splits`, in order. */
export function makeAggregator(
  variables: VariableFacts[],
  iterations: number,
  splits: SplitName[],
): { step: (step: Step) => void; columns: SegmentColumns[] } {
  const tables = splits.map(() => ({
    iterations: iterationColumns(iterations),
    allocations: allocationColumns(iterations * variables.length),
  }))
  const ranges = rangesOf(variables)
  const found = new Float64Array(valuesFound.sums * variables.length)
  let row = 0

  const step = ({ delta, splits: parts, perSplit }: Step) => {
    for (const { split, lossBefore, lossAfter, residual, lca } of perSplit) {
      const table = tables[splits.indexOf(split)]
      const total = { lca: 0, helped: 0, hurt: 0 }
      hostLoops.sums(lca, delta, ranges, found)
      for (let variable = 0; variable < variables.length; variable++) {
        const [helping, hurting, squared, moved, helped, hurt] = found.subarray(valuesFound.sums * variable)
        const sums = { lca: helping + hurting, helping, hurting, squared, moved, helped, hurt }
        put(table.allocations, row * variables.length + variable, sums)
        total.lca += sums.lca
        total.helped += helped
        total.hurt += hurt
      }
      put(table.iterations, row, { lossBefore, lossAfter, residual, splits: parts, ...total })
    }
    row++
  }
  const columns = tables.flatMap(({ iterations, allocations }, s): SegmentColumns[] => [
    { kind: 'iterations', split: splits[s], of: 'iterations', columns: iterations },
    { kind: 'allocations', split: splits[s], of: 'iterations', columns: allocations },
  ])
  return { step, columns }
}

function put<Table extends Columns>(
  table: Table,
  row: number,
  values: Record<keyof Table & string, number>,
): void {
  for (const column in values) table[column][row] = values[column]
}

function iterationColumns(rows: number): IterationColumns {
  const floats = () => new Float64Array(rows)
  const integers = () => new Int32Array(rows)
  return {
    lossBefore: floats(),
    lossAfter: floats(),
    lca: floats(),
    residual: floats(),
    splits: integers(),
    helped: integers(),
    hurt: integers(),
  }
}

function allocationColumns(rows: number): AllocationColumns {
  const floats = () => new Float64Array(rows)
  const integers = () => new Int32Array(rows)
  return {
    lca: floats(),
    helping: floats(),
    hurting: floats(),
    squared: floats(),
    moved: floats(),
    helped: integers(),
    hurt: integers(),
  }
}
