/**
 * The diagonal of the Fisher information at θ_t, over n examples that are drawn from the split once and stay:
 *
 *     F_i = 1/n · Σ_n (∂ℓ_n/∂θ_i)²
 *
 * empirical with the labels of the data and the loss as it is; true with a label drawn from the network's own softmax for
 * each example, and its cross-entropy (Kunstner, Balles and Hennig, NeurIPS 2019, on how the two differ). Δᵀ·diag(F)·Δ/2 is what a
 * quadratic with this curvature would say the step costs, beside what it did; and Spearman's ρ says whether
 * the parameters that did most are those that matter most to the outputs.
 *
 * Whoever writes a weight as w = c·u multiplies its F by c² and leaves its LCA as it was: F alone is no property of
 * what was learned, F·Δ² is.
 */
import { permutation, randomStream } from '../../nn/random.ts'
import { rankCorrelation, ranksOf } from '../../statistics/spearman.ts'
import type { Step } from '../allocate.ts'
import type { CostFacts, Diagnostic, Row } from './diagnostic.ts'
import { isDue, makeSparse, sparseRows, timesDue } from './sparse.ts'
import { median } from './sums.ts'

const kinds = ['empirical', 'true'] as const

const numbers = {
  lca: 'float64',
  empirical: 'float64',
  true: 'float64',
  empiricalStep: 'float64',
  trueStep: 'float64',
  empiricalRank: 'float64',
  trueRank: 'float64',
  empiricalStepRank: 'float64',
  trueStepRank: 'float64',
} as const
const types = { iteration: 'int32', variable: 'int32', examples: 'int32', ...numbers } as const

/** Which examples of a split of so many, in its order. */
export const examplesFor = (examples: number, of: number, key: (string | number)[]): Uint32Array =>
  permutation(of, randomStream('fisher', 'examples', ...key))
    .subarray(0, examples)
    .sort()

const taken = ({ examples: asked = Number.POSITIVE_INFINITY }: { examples?: number }, examples: number) =>
  Math.min(asked, examples)

/** ρ of |LCA_i| with F_i and with F_i·Δ_i² over parameters [offset, offset + size). */
function correlationsOf(
  lca: Float32Array,
  delta: Float64Array,
  fishers: (Float64Array | undefined)[],
  { offset, size }: { offset: number; size: number },
): number[] {
  const slice = (of: (i: number) => number) =>
    ranksOf(Float64Array.from({ length: size }, (_, i) => of(offset + i)))
  const did = slice(i => Math.abs(lca[i]))
  const over = (weight: (i: number) => number) =>
    fishers.map(fisher =>
      fisher === undefined
        ? Number.NaN
        : rankCorrelation(
            did,
            slice(i => fisher[i] * weight(i)),
          ),
    )
  return [...over(() => 1), ...over(i => delta[i] * delta[i])]
}

export const fisher: Diagnostic = {
  name: 'fisher',
  description:
    'The diagonal of the Fisher information over n examples, empirical (labels of the data) and true (labels drawn from the network’s softmax), summed over the variable; Δᵀ·diag(F)·Δ/2 beside LCA; and Spearman’s ρ of |LCA_i| with F_i and with F_i·Δ_i². With batch norm an example is taken within its chunk.',
  cost: 'asked',
  options: { every: 10, examples: 200 },
  work({ iterations, examples, chunkSize, chunks, batchNorm }: CostFacts, options) {
    const n = taken(options, examples)
    // Where examples share their loss, a whole chunk is what the gradient of one takes.
    const each = batchNorm ? Math.min(chunkSize, examples) : 1
    const times = timesDue(iterations, options)
    const forward = batchNorm ? Math.min(1, n / chunks) : n / examples
    return { gradients: (2 * times * n * each) / examples, forwardPasses: times * forward }
  },
  tables: [
    {
      kind: 'fisher',
      of: 'segment',
      expected: ({ iterations, variables }, options) => (variables + 1) * timesDue(iterations, options),
      rowBytes: 78,
    },
  ],

  follow({ network, splits, options, probes }) {
    const { put, tables } = makeSparse(types, splits)
    const { variables, parameters } = network
    return {
      async step({ iteration, theta, delta, perSplit }: Step) {
        if (!isDue(iteration, options)) return
        for (const { split, lca } of perSplit) {
          const of = probes.chunks(split).reduce((sum, n) => sum + n, 0)
          const { seed } = probes.training
          const examples = examplesFor(taken(options, of), of, [seed, split])
          const draw = randomStream('fisher', 'labels', seed, split, iteration)
          const squares = async (uniform?: () => number) => {
            const found = new Float64Array(parameters)
            await probes.addSquares(split, theta, examples, found, uniform)
            return found.map(sum => sum / examples.length)
          }
          const fishers = [await squares(), probes.drawsLabels ? await squares(draw.uniform) : undefined]
          const whole = { offset: 0, size: parameters }
          for (const [v, variable] of [...variables.entries(), [-1, whole] as const]) {
            const { offset, size } = variable
            const sum = (value: (i: number) => number) => {
              let total = 0
              for (let i = offset; i < offset + size; i++) total += value(i)
              return total
            }
            const [empirical, own] = fishers.map(f => (f ? sum(i => f[i]) : Number.NaN))
            const [empiricalStep, trueStep] = fishers.map(f =>
              f ? sum(i => f[i] * delta[i] * delta[i]) / 2 : Number.NaN,
            )
            const [empiricalRank, trueRank, empiricalStepRank, trueStepRank] = correlationsOf(
              lca,
              delta,
              fishers,
              variable,
            )
            put(split, {
              ...{ iteration, variable: v, examples: examples.length, lca: sum(i => lca[i]) },
              ...{ empirical, true: own, empiricalStep, trueStep },
              ...{ empiricalRank, trueRank, empiricalStepRank, trueStepRank },
            })
          }
        }
      },
      tables: () => ({ fisher: tables() }),
    }
  },

  view: {
    kind: 'rows',
    query: { by: ['network', 'variable'], layer: true, span: true },
    columns: [
      { name: 'iteration', type: 'int32', description: 'The iteration.' },
      { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
      { name: 'variable', type: 'name', description: 'The variable’s name; null for the whole network.' },
      { name: 'examples', type: 'int32', description: 'Of so many examples.' },
      { name: 'lca', type: 'float64', description: 'Σ LCA.' },
      { name: 'empirical', type: 'float64', description: 'Σ F_i with the labels of the data.' },
      {
        name: 'true',
        type: 'float64',
        description: 'Σ F_i with labels drawn from the softmax; null where the loss is no cross-entropy.',
      },
      { name: 'empiricalStep', type: 'float64', description: 'Δᵀ·diag(F)·Δ/2 with the empirical F.' },
      { name: 'trueStep', type: 'float64', description: 'Δᵀ·diag(F)·Δ/2 with the true F.' },
      {
        name: 'empiricalRank',
        type: 'float64',
        description: 'Spearman’s ρ of |LCA_i| with the empirical F_i.',
      },
      { name: 'trueRank', type: 'float64', description: 'Spearman’s ρ of |LCA_i| with the true F_i.' },
      {
        name: 'empiricalStepRank',
        type: 'float64',
        description: 'Spearman’s ρ of |LCA_i| with F_i·Δ_i², F the empirical one.',
      },
      {
        name: 'trueStepRank',
        type: 'float64',
        description: 'Spearman’s ρ of |LCA_i| with F_i·Δ_i², F the true one.',
      },
    ],
    async *rows(source, { variables }, asked) {
      for await (const batch of sparseRows(source, 'fisher', types, asked)) {
        const rows = batch.flatMap(({ iteration, variable, examples, ...values }): Row[] => {
          const own = variable < 0 ? undefined : variables[variable]
          if ((own === undefined) !== (asked.by === 'network')) return []
          if (asked.layers !== undefined && (own === undefined || !asked.layers.includes(own.layer)))
            return []
          return [{ iteration, layer: own?.layer ?? null, variable: own?.name ?? null, examples, ...values }]
        })
        if (rows.length > 0) yield rows
      }
    },
  },

  figures: kinds.flatMap(kind => [
    { name: kind, description: `Mean over iterations of Σ F_i of the network, ${kind}.` },
    {
      name: `${kind}Rank`,
      description: `Median over iterations of Spearman’s ρ of |LCA_i| with F_i over the network, ${kind}.`,
    },
    {
      name: `${kind}StepRank`,
      description: `Median over iterations of Spearman’s ρ of |LCA_i| with F_i·Δ_i² over the network, ${kind}.`,
    },
  ]),
  async summarise(source, facts) {
    const found: Record<string, number[]> = {}
    for await (const batch of sparseRows(source, 'fisher', types, facts))
      for (const row of batch)
        if (row.variable < 0)
          for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
            found[name] ??= []
            if (Number.isFinite(row[name])) found[name].push(row[name])
          }
    const all = (name: string) => found[name] ?? []
    return Object.fromEntries(
      kinds.flatMap(kind => [
        [kind, all(kind).reduce((sum, value) => sum + value, 0) / all(kind).length],
        [`${kind}Rank`, median(all(`${kind}Rank`))],
        [`${kind}StepRank`, median(all(`${kind}StepRank`))],
      ]),
    )
  },
}
