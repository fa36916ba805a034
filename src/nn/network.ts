/** What a network is, before any tensor: its variables in the order of the flat parameter vector, and what it costs. */
import type { DatasetFacts, NetworkFacts, VariableFacts } from '../spec/facts.ts'
import type { ResolvedArchitecture } from '../spec/schema.ts'
import { layersOf } from './architectures.ts'
import { type Initializer, type Layer, shapeOf } from './layers.ts'

export type Variable = VariableFacts & { role: string; initializer: Initializer }

export type Network = Omit<NetworkFacts, 'variables'> & {
  /** Shape of one example, channels last. */
  inputShape: number[]
  classes: number
  graph: Layer[]
  variables: Variable[]
}

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

/** Lays an architecture out for examples of a dataset: shapes, variables and their offsets, FLOPs, bytes. */
export function buildNetwork(
  architecture: ResolvedArchitecture,
  dataset: Pick<DatasetFacts, 'shape' | 'classes'>,
): Network {
  const graph = layersOf(architecture, dataset.classes)
  const variables: Variable[] = []
  let shape = dataset.shape
  let parameters = 0
  let forwardFlops = 0
  let firstFlops = 0
  let floats = product(shape)
  for (const layer of graph) {
    const { output, variables: own, flops } = shapeOf(layer, shape)
    for (const { role, shape, initializer } of own) {
      const name = 'name' in layer ? layer.name : layer.kind
      const size = product(shape)
      variables.push({
        name: `${name}/${role}`,
        layer: name,
        role,
        shape,
        offset: parameters,
        size,
        initializer,
      })
      parameters += size
    }
    if (own.length > 0 && firstFlops === 0) firstFlops = flops
    forwardFlops += flops
    // An activation and its gradient; flatten is a view.
    if (layer.kind !== 'flatten') floats += 2 * product(output)
    shape = output
  }
  return {
    inputShape: dataset.shape,
    classes: dataset.classes,
    graph,
    variables,
    layers: [...new Set(variables.map(variable => variable.layer))],
    parameters,
    // Forward, kernel gradients (as much again) and input gradients (as much again, but for the first layer's).
    gradientFlops: 3 * forwardFlops - firstFlops,
    bytesPerExample: 4 * floats,
  }
}

/**
 * The chunk that `auto` stands for: as few equal chunks as keep a pass within 160 MiB, which is where the measured
 * throughput is highest (large matrices, yet activations that the next kernel finds in the cache or close to it).
 * A function of the network and the split alone, so that the same spec means the same bits everywhere.
 */
export function autoChunkSize(network: NetworkFacts, examples: number): number {
  const most = Math.max(1, Math.floor((160 * 2 ** 20) / network.bytesPerExample))
  return Math.ceil(examples / Math.ceil(examples / most))
}
