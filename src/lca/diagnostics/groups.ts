/** What rows are of: the whole network, layers or variables; and reading what is kept by segments. */
import type { Asked, ReadFacts, Source, StoredBlock } from './diagnostic.ts'

/** The name of each row's layer and variable, and the row of each variable by index: −1 where it is left out. */
export type Groups = { groups: { layer: string | null; variable: string | null }[]; groupOf: number[] }

/** The rows that are asked for, in the order of the network. */
export function groupsOf(
  { variables, layers, layerOf }: Pick<ReadFacts, 'variables' | 'layers' | 'layerOf'>,
  { by, layers: only }: Pick<Asked, 'by' | 'layers'>,
): Groups {
  const isIn = (layer: string) => only === undefined || only.includes(layer)
  const inLayers = variables.map(({ layer }) => isIn(layer))
  if (by === 'variable') {
    const groups: Groups['groups'] = []
    const groupOf = variables.map(({ layer, name }, v) =>
      inLayers[v] ? groups.push({ layer, variable: name }) - 1 : -1,
    )
    return { groups, groupOf }
  }
  if (by === 'network')
    return { groups: [{ layer: null, variable: null }], groupOf: inLayers.map(isIn => (isIn ? 0 : -1)) }
  const chosen = layers.filter(isIn)
  return {
    groups: chosen.map(layer => ({ layer, variable: null })),
    groupOf: layerOf.map(layer => chosen.indexOf(layers[layer])),
  }
}

export const networkGroup = (facts: Pick<ReadFacts, 'variables' | 'layers' | 'layerOf'>): Groups =>
  groupsOf(facts, { by: 'network', layers: undefined })

/** The blocks of segments that lie within the span, whole: what is summed over a segment is of nothing less. */
export async function* wholeSegments(
  source: Source,
  kind: string,
  { from, to }: { from: number; to: number },
): AsyncGenerator<StoredBlock> {
  for await (const block of source(kind, { from, to })) if (block.from >= from && block.to <= to) yield block
}
