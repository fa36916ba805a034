/**
 * What the allocations of a sample say of the whole split. A sample's LCA is the mean of its chunks', each of which is an
 * estimate of the split's: their spread gives every layer's standard error (statistics/random-groups.ts has the formula).
 *
 * The examples are the same in every iteration, so the errors of iterations are not independent and their squares do not
 * add up. What each chunk did is therefore summed over iterations first, and its spread taken of the sums: a consumer of
 * steps that keeps both, the errors of each iteration and the chunks' sums over the segment, which add up over segments.
 */
import type { VariableFacts } from '../spec/facts.ts'
import type { SplitName } from '../spec/schema.ts'
import { groupSums, standardError } from '../statistics/random-groups.ts'
import type { Step } from './allocate.ts'
import type { SegmentColumns } from './columns.ts'

/** A row an iteration and layer, in the order of the network, and one more an iteration for the whole network. */
export type ErrorColumns = { standardError: Float64Array }

/** A row a variable and chunk, in this order: its allocations summed over the segment, and the examples of the chunk. */
export type ChunkColumns = { lca: Float64Array; examples: Int32Array }

/**
 * A consumer of steps over the splits of which a sample is allocated; [] columns where there are none. `chunks`: the
 * examples of each chunk of each of these splits, `of` those of the split.
 */
export function makeSampling(
  variables: Pick<VariableFacts, 'layer'>[],
  iterations: number,
  samples: { split: SplitName; examples: number[]; of: number }[],
): { step: (step: Pick<Step, 'perSplit'>) => void; columns: SegmentColumns[] } {
  const layers = [...new Set(variables.map(({ layer }) => layer))]
  const layerOf = variables.map(({ layer }) => layers.indexOf(layer))
  const tables = samples.map(({ split, examples, of }) => {
    const chunks = examples.length
    const errors: ErrorColumns = { standardError: new Float64Array(iterations * (layers.length + 1)) }
    const totals: ChunkColumns = {
      lca: new Float64Array(variables.length * chunks),
      examples: Int32Array.from({ length: variables.length * chunks }, (_, i) => examples[i % chunks]),
    }
    return { split, chunks, groups: { examples, of }, errors, totals }
  })
  let row = 0

  const step = ({ perSplit }: Pick<Step, 'perSplit'>) => {
    for (const { split, chunks, groups, errors, totals } of tables) {
      const { chunkLca } = perSplit.find(one => one.split === split)!
      for (let i = 0; i < totals.lca.length; i++) totals.lca[i] += chunkLca![i]
      const sums = groupSums(chunkLca!, chunks, layerOf, layers.length)
      const network = layers.length
      for (let layer = 0; layer <= network; layer++)
        errors.standardError[row * (network + 1) + layer] = standardError(sums, groups, layer * chunks)
    }
    row++
  }
  const columns = tables.flatMap(({ split, errors, totals }): SegmentColumns[] => [
    { kind: 'errors', split, of: 'iterations', columns: errors },
    { kind: 'chunks', split, of: 'segment', columns: totals },
  ])
  return { step, columns }
}
