/** Which computations are recorded as graphs (kernels/graph.ts), and those that were. */
import type { Tensor } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Graph, Kernels } from './kernels/kernels.ts'

export type Graphs = {
  record: NonNullable<Kernels['record']>
  /** By what they compute. */
  made: Map<string, Graph>
}

/**
 * How much a full gradient has to compute in chunks of a size, in FLOPs, for a graph of them to be made: making one takes as
 * long as some ten such gradients, which run 1.2 to 2.5 times as fast from then on. A function of the network and the split alone, so
 * that the same spec means the same bits, whoever computes which segment of it.
 */
export const worthAGraph = 2e9

/** What `compute` makes of the inputs, by the graph that goes by a key; it is recorded where there is none yet. */
export function throughGraph(
  { record, made }: Graphs,
  key: string,
  inputs: Tensor[],
  compute: () => Tensor[],
): Tensor[] {
  let graph = made.get(key)
  if (graph === undefined) {
    let results: Tensor[] = []
    graph = record(inputs, () => {
      results = compute()
      return results
    })
    tf.dispose(results)
    made.set(key, graph)
  }
  return graph.run(inputs)
}
