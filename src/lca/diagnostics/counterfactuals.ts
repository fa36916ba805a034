/**
 * The loss that other steps would have had. For a mask m over the parameters, 0 or 1 each,
 *
 *     change      = L(θ_t + m∘Δ_t) − L(θ_t)
 *     predicted   = Σ_i m_i · LCA_{t,i}        what the allocation says of the masked parameters
 *     interaction = change − predicted         what they owe to the others' moving at the same time
 *
 * by forward passes alone. LCA is allocated along the whole step, so a mask leaves its path: where the interaction is small
 * beside the change, "helps" means that taking the parameter alone would have helped. All ones is the true step, whose
 * interaction is the residual. As many random parameters of each layer as help are drawn beside the helpers: helpers that do no
 * better than those were not told apart from luck.
 */
import { randomStream } from '../../nn/random.ts'
import type { Step } from '../allocate.ts'
import { groupsBy, markAsMany, markBySign } from '../masks.ts'
import type { Diagnostic, NetworkOf, Row } from './diagnostic.ts'
import { isDue, makeSparse, sparseRows, timesDue } from './sparse.ts'

const masks = ['helpers', 'hurters', 'random', 'all', 'alone', 'without'] as const
type Mask = (typeof masks)[number]

const types = {
  iteration: 'int32',
  mask: 'int32',
  layer: 'int32',
  parameters: 'int32',
  before: 'float64',
  loss: 'float64',
  predicted: 'float64',
} as const

/** Every mask of a step, one after the other in the same vector: [parameters] of 0 and 1. */
function* masksOf(
  network: NetworkOf,
  lca: Float32Array,
  key: (string | number)[],
): Generator<{ mask: Mask; layer: number; chosen: Uint8Array }> {
  const chosen = new Uint8Array(network.parameters)
  markBySign(lca, -1, chosen)
  yield { mask: 'helpers', layer: -1, chosen }
  markBySign(lca, 1, chosen)
  yield { mask: 'hurters', layer: -1, chosen }
  markAsMany(groupsBy(network, 'parameter'), lca, randomStream('counterfactuals', ...key), chosen)
  yield { mask: 'random', layer: -1, chosen }
  yield { mask: 'all', layer: -1, chosen: chosen.fill(1) }
  for (const mask of ['alone', 'without'] as const)
    for (const [layer] of network.layers.entries()) {
      chosen.fill(mask === 'alone' ? 0 : 1)
      for (const [v, { offset, size }] of network.variables.entries())
        if (network.layerOf[v] === layer) chosen.fill(mask === 'alone' ? 1 : 0, offset, offset + size)
      yield { mask, layer, chosen }
    }
}

const share = (part: number, whole: number) => (whole === 0 ? Number.NaN : part / whole)

export const counterfactuals: Diagnostic = {
  name: 'counterfactuals',
  description:
    'The loss that other steps would have had, L(θ_t + m∘Δ_t): with the helpers’ part of the step alone, the hurters’, as many random parameters of each layer as it has helpers, all (the true step), each layer alone, all but each layer. Beside it what LCA predicts, Σ LCA over m, and the difference, which is interaction.',
  cost: 'asked',
  options: { every: 10 },
  work: ({ iterations, layers }, options) => ({
    gradients: 0,
    forwardPasses: (4 + 2 * layers) * timesDue(iterations, options),
  }),
  tables: [
    {
      kind: 'counterfactuals',
      of: 'segment',
      expected: ({ iterations, layers }, options) => (4 + 2 * layers) * timesDue(iterations, options),
      rowBytes: 34,
    },
  ],

  follow({ network, splits, options, probes }) {
    const { put, tables } = makeSparse(types, splits)
    const point = new Float32Array(network.parameters)
    return {
      async step({ iteration, theta, delta, perSplit }: Step) {
        if (!isDue(iteration, options)) return
        for (const { split, lca, lossBefore } of perSplit) {
          const key = [probes.training.seed, split, iteration]
          for (const { mask, layer, chosen } of masksOf(network, lca, key)) {
            let predicted = 0
            let parameters = 0
            for (let i = 0; i < point.length; i++) {
              point[i] = chosen[i] === 1 ? theta[i] + delta[i] : theta[i]
              if (chosen[i] === 0) continue
              predicted += lca[i]
              parameters++
            }
            const loss = await probes.loss(split, point)
            put(split, {
              ...{ iteration, mask: masks.indexOf(mask), layer, parameters },
              ...{ before: lossBefore, loss, predicted },
            })
          }
        }
      },
      tables: () => ({ counterfactuals: tables() }),
    }
  },

  view: {
    kind: 'rows',
    query: { layer: true, span: true },
    columns: [
      { name: 'iteration', type: 'int32', description: 'The iteration.' },
      {
        name: 'mask',
        type: 'name',
        description:
          'What of the step is taken: helpers, hurters, random, all, or of a layer: alone (nothing but it), without (all but it).',
      },
      { name: 'layer', type: 'name', description: 'The layer that is taken alone, or left out; else null.' },
      { name: 'parameters', type: 'int32', description: 'How many parameters the mask takes.' },
      { name: 'before', type: 'float64', description: 'L(θ_t).' },
      { name: 'loss', type: 'float64', description: 'L(θ_t + m∘Δ_t).' },
      { name: 'change', type: 'float64', description: 'L(θ_t + m∘Δ_t) − L(θ_t).' },
      { name: 'predicted', type: 'float64', description: 'Σ LCA over the mask.' },
      { name: 'interaction', type: 'float64', description: 'change − predicted.' },
    ],
    async *rows(source, { layers }, asked) {
      for await (const batch of sparseRows(source, 'counterfactuals', types, asked)) {
        const rows = batch.flatMap(
          ({ iteration, mask, layer, parameters, before, loss, predicted }): Row[] => {
            const name = layer < 0 ? null : layers[layer]
            if (asked.layers !== undefined && (name === null || !asked.layers.includes(name))) return []
            const change = loss - before
            const values = { before, loss, change, predicted, interaction: change - predicted }
            return [{ iteration, mask: masks[mask], layer: name, parameters, ...values }]
          },
        )
        if (rows.length > 0) yield rows
      }
    },
  },

  figures: [
    {
      name: 'helpers',
      description: 'Of the helpers alone: Σ change / Σ predicted, 1 where they do what LCA says.',
    },
    { name: 'hurters', description: 'The same of the hurters alone.' },
    {
      name: 'gain',
      description:
        'Mean of L(θ_{t+1}) − L(θ_t + helpers∘Δ_t): by how much the helpers alone would have ended lower.',
    },
    {
      name: 'layers',
      description:
        'Σ over the layers of what each changes alone, against what they change together: 1 where they do not interact.',
    },
  ],
  async summarise(source, facts) {
    const change = Object.fromEntries(masks.map(mask => [mask, 0])) as Record<Mask, number>
    const predicted = { ...change }
    let times = 0
    for await (const batch of sparseRows(source, 'counterfactuals', types, facts))
      for (const row of batch) {
        change[masks[row.mask]] += row.loss - row.before
        predicted[masks[row.mask]] += row.predicted
        if (masks[row.mask] === 'all') times++
      }
    return {
      helpers: share(change.helpers, predicted.helpers),
      hurters: share(change.hurters, predicted.hurters),
      gain: share(change.all - change.helpers, times),
      layers: share(change.alone, change.all),
    }
  },
}
