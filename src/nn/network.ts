/** What a network is, before any tensor: its variables in the order of the flat parameter vector, and what it costs. */
import { SpecError } from '../spec/errors.ts'
import type { DatasetFacts, NetworkFacts, VariableFacts } from '../spec/facts.ts'
import type { ResolvedArchitecture } from '../spec/schema.ts'
import { layersOf } from './architectures/index.ts'
import { type Initializer, type Layer, type LeafLayer, ShapeError, shapeOf } from './layers.ts'

export type Variable = VariableFacts & { role: string; initializer: Initializer }

export type Network = Omit<NetworkFacts, 'variables'> & {
  /** Shape of one example, channels last. */
  inputShape: number[]
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
  let parameters = 0
  let forwardFlops = 0
  let firstFlops = 0
  let floats = product(dataset.shape)
  let batchNorm = false

  const add = (layer: LeafLayer, input: number[]): number[] => {
    const { output, variables: own, flops } = shapeOf(layer, input)
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
    // An activation and its gradient; flatten is a view, dropout is not there.
    if (layer.kind !== 'flatten' && layer.kind !== 'dropout') floats += 2 * product(output)
    batchNorm ||= layer.kind === 'batch_norm'
    return output
  }

  const through = (layers: Layer[], input: number[], at: string): number[] =>
    layers.reduce((shape, layer, i) => {
      const path = `${at}[${i}]`
      if (layer.kind !== 'residual') return placed(architecture, path, layer, shape, () => add(layer, shape))
      const main = through(layer.main, shape, `${path}.layers`)
      const shortcut = through(layer.shortcut, shape, `${path}.shortcut`)
      return placed(architecture, path, layer, main, () => {
        if (String(main) === String(shortcut)) {
          floats += 2 * product(main)
          return main
        }
        throw new ShapeError(`adds [${shortcut.join(', ')}], which is the shape of its shortcut`)
      })
    }, input)

  const output = through(graph, dataset.shape, '$.architecture.layers')
  if (output.length !== 1 || output[0] !== dataset.classes) {
    const message = `must end in [${dataset.classes}], a number for each class of the dataset, and ends in [${output.join(', ')}]`
    throw new SpecError([{ path: '$.architecture.layers', message }])
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
    batchNorm,
  }
}

/** Runs a shape rule; where the layer does not fit, the error says which it is: only custom networks list theirs. */
function placed(
  { name }: ResolvedArchitecture,
  path: string,
  layer: Layer,
  input: number[],
  rule: () => number[],
): number[] {
  try {
    return rule()
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error
    const label = 'name' in layer ? `${layer.kind} ${layer.name}` : layer.kind
    const message = `does not fit: ${label} ${error.message}, and gets [${input.join(', ')}]`
    throw new SpecError([{ path: name === 'custom' ? path : '$.architecture.name', message }])
  }
}

/** With batch norm the loss depends on the chunk: what `auto` stands for there, whatever the network. */
const batchNormChunk = 250

/**
 * The chunk that `auto` stands for: as few equal chunks as keep a pass within 160 MiB, which is where the measured
 * throughput is highest (large matrices, yet activations that the next kernel finds in the cache or close to it).
 * A function of the network and the split alone, so that the same spec means the same bits everywhere.
 *
 * With batch norm the chunk is part of what the loss is, so it is no matter of speed: 250, a training batch of the
 * default size, or as near to it as equal chunks come.
 */
export function autoChunkSize(network: NetworkFacts, examples: number): number {
  const fitting = Math.max(1, Math.floor((160 * 2 ** 20) / network.bytesPerExample))
  const most = network.batchNorm ? batchNormChunk : fitting
  return Math.ceil(examples / Math.ceil(examples / most))
}
