/**
 * A consumer of steps that sums allocations over the parameters of every output unit: what each neuron, channel or head did
 * in an iteration, and over the segment. Accumulated in float64, in the order of iterations, variables and parameters.
 */
import { hostLoops, rangesOf, spansOf } from '../host-loops.ts'
import type { VariableFacts } from '../spec/facts.ts'
import type { SplitName } from '../spec/schema.ts'
import { layerUnits, unitSpan } from '../spec/units.ts'
import type { Step } from './allocate.ts'
import type { SegmentColumns } from './columns.ts'

/** One split's sums over the iterations of a segment, by unit; lca = helping + hurting. */
export type NeuronColumns = {
  lca: Float64Array
  /** Σ of the negative allocations, and of the positive ones. */
  helping: Float64Array
  hurting: Float64Array
}

export type Neurons = {
  /** Units of all layers. */
  units: number
  /** Adds a step; returns the LCA of every unit in it, float32 [units] for each split, valid until the next step. */
  step(step: Step): Float32Array[]
  /** In the order of the splits. */
  columns: SegmentColumns[]
}

export function makeNeurons(variables: VariableFacts[], splits: SplitName[]): Neurons {
  const layers = layerUnits(variables)
  const units = layers.reduce((sum, layer) => sum + layer.units, 0)
  const ranges = rangesOf(variables)
  const spans = spansOf(variables.map(one => unitSpan(one, layers.find(({ layer }) => layer === one.layer)!)))
  const floats = () => new Float64Array(units)
  const sums = splits.map((): NeuronColumns => ({ lca: floats(), helping: floats(), hurting: floats() }))
  const rows = splits.map(() => new Float32Array(units))
  const helping = floats()
  const hurting = floats()

  const addSplit = (lca: Float32Array, total: NeuronColumns, row: Float32Array) => {
    helping.fill(0)
    hurting.fill(0)
    hostLoops.addUnits(lca, ranges, spans, helping, hurting)
    for (let unit = 0; unit < units; unit++) {
      total.helping[unit] += helping[unit]
      total.hurting[unit] += hurting[unit]
      total.lca[unit] = total.helping[unit] + total.hurting[unit]
      row[unit] = helping[unit] + hurting[unit]
    }
  }
  return {
    units,
    columns: splits.map((split, s) => ({ kind: 'neurons', split, of: 'segment', columns: sums[s] })),
    step({ perSplit }) {
      for (const { split, lca } of perSplit) {
        const s = splits.indexOf(split)
        addSplit(lca, sums[s], rows[s])
      }
      return rows
    },
  }
}
