/** What a network is, before any tensor: its variables in the order of the flat parameter vector, and what it costs. */
import { SpecError } from '../spec/errors.ts'
import type { DataShape, NetworkFacts, VariableFacts } from '../spec/facts.ts'
import type { ResolvedArchitecture } from '../spec/schema.ts'
import { layersOf } from './architectures/index.ts'
import {
  type Branches,
  type Initializer,
  type Layer,
  type LeafLayer,
  ShapeError,
  type Surroundings,
  shapeOf,
} from './layers.ts'

export type Variable = VariableFacts & { role: string; initializer: Initializer; statistic?: true }

/** The layer that a batch norm's running statistics are in: no part of what is trained. */
export const statisticsOf = (layer: string): string => `${layer}/statistics`

export type Network = Omit<NetworkFacts, 'variables'> & {
  /** Shape of one example, channels last. */
  inputShape: number[]
  /** The embedding whose kernel an unembedding shares. */
  embedding?: string
  graph: Layer[]
  variables: Variable[]
}

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

/** Lays an architecture out for examples of a dataset: shapes, variables and their offsets, FLOPs, bytes. */
export function buildNetwork(architecture: ResolvedArchitecture, dataset: DataShape): Network {
  const graph = layersOf(architecture, dataset)
  const variables: Variable[] = []
  let parameters = 0
  let forwardFlops = 0
  let firstFlops: number | undefined
  let floats = product(dataset.shape)
  let batchNorm = false
  let embedding: Surroundings['embedding']

  const add = (layer: LeafLayer, input: number[], at: Surroundings, image?: number[]): number[] => {
    const { output, variables: own, flops, held = 0 } = shapeOf(layer, input, at)
    for (const { role, shape, initializer, statistic } of own) {
      const trained = 'name' in layer ? layer.name : layer.kind
      const name = statistic ? statisticsOf(trained) : trained
      const size = product(shape)
      variables.push({
        name: `${name}/${role}`,
        layer: name,
        role,
        shape,
        offset: parameters,
        size,
        initializer,
        kind: layer.kind,
        ...(statistic && { statistic }),
        ...(image && { image }),
      })
      parameters += size
    }
    if (own.length > 0) firstFlops ??= flops
    forwardFlops += flops
    floats += held
    if (layer.kind === 'embedding')
      embedding = { name: layer.name, vocabulary: at.vocabulary!, features: layer.features }
    // An activation and its gradient; flatten is a view, dropout is not there.
    if (layer.kind !== 'flatten' && layer.kind !== 'dropout') floats += 2 * product(output)
    batchNorm ||= layer.kind === 'batch_norm' && layer.statistics !== 'running'
    return output
  }

  /** Tokens until an embedding has taken them. `image`: what was flattened into these features. */
  type Value = { shape: number[]; vocabulary?: number; image?: number[] }
  const through = (layers: Layer[], input: Value, at: string): Value =>
    layers.reduce((value, layer, i): Value => {
      const path = `${at}[${i}]`
      const { shape } = value
      if ('branches' in layer) {
        const ways = layer.branches.map((way, b) =>
          numbers(through(way, value, `${path}.branches[${b}]`), path),
        )
        return { shape: placed(architecture, path, layer, ways[0], () => together(layer, ways)) }
      }
      if (layer.kind !== 'residual') {
        const around = { vocabulary: value.vocabulary, embedding }
        const output = placed(architecture, path, layer, shape, () => add(layer, shape, around, value.image))
        if (layer.kind === 'flatten') return { shape: output, ...(shape.length === 3 && { image: shape }) }
        const kept = layer.kind !== 'dense' && String(output) === String(shape)
        return { shape: output, ...(kept && value.image && { image: value.image }) }
      }
      const main = numbers(through(layer.main, value, `${path}.layers`), path)
      const shortcut = numbers(through(layer.shortcut, value, `${path}.shortcut`), path)
      return {
        shape: placed(architecture, path, layer, main, () => {
          if (String(main) === String(shortcut)) {
            floats += 2 * product(main)
            return main
          }
          throw new ShapeError(`adds [${shortcut.join(', ')}], which is the shape of its shortcut`)
        }),
      }
    }, input)
  /** The shape of what is not tokens. */
  const numbers = ({ shape, vocabulary }: Value, path: string): number[] => {
    if (vocabulary === undefined) return shape
    const message = `does not fit: tokens, integers below ${vocabulary}, cannot be added or laid side by side; an embedding comes first`
    throw new SpecError([{ path: architecture.name === 'custom' ? path : '$.architecture.name', message }])
  }
  const together = ({ kind }: Branches, ways: number[][]): number[] => {
    const [first] = ways
    const kept = (shape: number[]) => String(kind === 'add' ? shape : [shape.length, ...shape.slice(0, -1)])
    const odd = ways.find(shape => kept(shape) !== kept(first))
    if (odd)
      throw new ShapeError(
        `wants branches that end in ${kind === 'add' ? 'one shape' : 'one shape but for the last axis'}; another ends in [${odd.join(', ')}]`,
      )
    const last =
      kind === 'add' ? first[first.length - 1] : ways.reduce((sum, way) => sum + way[way.length - 1], 0)
    const output = [...first.slice(0, -1), last]
    floats += 2 * product(output)
    return output
  }

  const end = through(
    graph,
    { shape: dataset.shape, vocabulary: dataset.vocabulary },
    '$.architecture.layers',
  )
  const { classes, targets, regression } = dataset
  const wanted = targets === undefined ? [classes] : [targets, classes]
  const output = end.shape
  if (end.vocabulary !== undefined || String(output) !== String(wanted)) {
    const each =
      targets === undefined
        ? `a number for each ${regression ? 'target' : 'class'} of the dataset`
        : `a number for each class at each of the ${targets} places that have labels (last_tokens picks them)`
    const message = `must end in [${wanted.join(', ')}], ${each}, and ends in [${output.join(', ')}]`
    throw new SpecError([
      { path: architecture.name === 'custom' ? '$.architecture.layers' : '$.architecture.name', message },
    ])
  }
  return {
    inputShape: dataset.shape,
    classes,
    ...(targets !== undefined && { targets }),
    ...(regression && { regression }),
    ...(embedding && { embedding: embedding.name }),
    graph,
    variables,
    layers: [...new Set(variables.filter(({ statistic }) => !statistic).map(variable => variable.layer))],
    parameters,
    // Forward, kernel gradients (as much again) and input gradients (as much again, but for the first layer's).
    gradientFlops: 3 * forwardFlops - (firstFlops ?? 0),
    bytesPerExample: 4 * floats,
    batchNorm,
    ...(variables.some(({ statistic }) => statistic) && { runningStatistics: true as const }),
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
