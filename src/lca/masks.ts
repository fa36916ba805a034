/**
 * Which parameters of a step are taken together, and which of them are chosen by their LCA: shared by interventions, which
 * take such steps, and counterfactuals, which ask what they would have done.
 */
import type { RandomStream } from '../nn/random.ts'
import { unitSpan } from '../spec/units.ts'
import type { NetworkOf } from './diagnostics/diagnostic.ts'

type Range = { offset: number; size: number }

/** Parameters in groups that are chosen as one, and the groups in strata, each of which is drawn from by itself. */
export type Groups = {
  count: number
  /** The group of each parameter, by index; undefined: each is its own. */
  of: Int32Array | undefined
  /** Ranges of groups; they cover all. */
  strata: Range[][]
}

/** By parameter and by unit the strata are the layers; by layer there is one, the network. */
export function groupsBy(network: NetworkOf, by: 'parameter' | 'unit' | 'layer'): Groups {
  const { variables, layers, layerOf, units, parameters } = network
  if (by === 'parameter') {
    const strata = layers.map((_, l) => variables.filter((_, v) => layerOf[v] === l))
    return { count: parameters, of: undefined, strata }
  }
  const of = new Int32Array(parameters)
  for (const [v, variable] of variables.entries()) {
    const { offset, size } = variable
    if (by === 'layer') {
      of.fill(layerOf[v], offset, offset + size)
      continue
    }
    const span = unitSpan(variable, units[layerOf[v]])
    for (let i = 0; i < size; i++) of[offset + i] = span.first + (Math.floor(i / span.stride) % span.units)
  }
  if (by === 'layer') return { count: layers.length, of, strata: [[{ offset: 0, size: layers.length }]] }
  const strata = units.map(layer => [{ offset: layer.offset, size: layer.units }])
  return { count: units.reduce((sum, layer) => sum + layer.units, 0), of, strata }
}

/** Σ over each group of values, float32 [parameters]; where each parameter is its own, the values themselves. */
export function sumsBy({ count, of }: Groups, values: Float32Array): ArrayLike<number> {
  if (of === undefined) return values
  const sums = new Float64Array(count)
  for (let i = 0; i < values.length; i++) sums[of[i]] += values[i]
  return sums
}

/** Marks the groups whose LCA is below 0 (sign −1), or above 0 (sign 1). */
export function markBySign(lca: ArrayLike<number>, sign: -1 | 1, into: Uint8Array): void {
  for (let g = 0; g < into.length; g++) into[g] = sign * lca[g] > 0 ? 1 : 0
}

/** Marks as many groups of each stratum as help there, each choice equally likely (Knuth, TAOCP 2, §3.4.2, algorithm S). */
export function markAsMany(
  { strata }: Groups,
  lca: ArrayLike<number>,
  { uniform }: RandomStream,
  into: Uint8Array,
): void {
  for (const ranges of strata) {
    let wanted = 0
    let left = 0
    for (const { offset, size } of ranges) {
      left += size
      for (let g = offset; g < offset + size; g++) if (lca[g] < 0) wanted++
    }
    for (const { offset, size } of ranges)
      for (let g = offset; g < offset + size; g++) {
        const isDrawn = uniform() * left-- < wanted
        into[g] = isDrawn ? 1 : 0
        if (isDrawn) wanted--
      }
  }
}
