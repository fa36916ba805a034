/**
 * How good the first order is, and what curvature does along each step. With g_t = ∇L(θ_t), Δ_t = θ_{t+1} − θ_t:
 *
 *     F = Σ g_t·Δ_t                what the loss would change by if it were linear
 *     E = Σ g_{t+1}·Δ_t            the slope at the end of the step
 *     E − F ≈ Δᵀ H Δ               curvature along the step (exactly, of a quadratic)
 *     α = −E / F                   −1: the step has only begun, the slope is what it was; 0: it ends at the minimum along
 *                                  its line; 1: of a quadratic, as high as it began. Over 0: it overshoots
 *     LCA − F                      what the first order does not see
 *
 * E and F are slopes along one line, so over all parameters α says where on it the step ended (α of Mutschler and Zell,
 * and of Cockpit, Schneider, Dangel and Hennig, NeurIPS 2021, §3.1, there noisy, here of the whole split). Of one layer: how
 * the slope that it contributes changed while all layers moved.
 */
import { hostLoops, rangesOf, valuesFound } from '../../host-loops.ts'
import type { Step } from '../allocate.ts'
import type { Diagnostic } from './diagnostic.ts'
import { makeTables, median, totalsOf } from './sums.ts'

const sums = [
  { name: 'lca', description: 'Σ LCA.' },
  { name: 'first', description: 'F = Σ g_t · Δ_t, the first-order change of the loss.' },
  { name: 'end', description: 'E = Σ g_{t+1} · Δ_t, the same with the gradient after the step.' },
  { name: 'gradient', description: 'Σ g_t², the squared norm of the gradient before the step.' },
  { name: 'gradientChange', description: 'Σ (g_{t+1} − g_t)².' },
].map(column => ({ ...column, type: 'float64' as const }))

const alphaOf = (first: number, end: number) => (first === 0 ? Number.NaN : -end / first)

export const curvature: Diagnostic = {
  name: 'curvature',
  description:
    'How good the first order is: F = Σ g_t·Δ_t against LCA, the slope E = Σ g_{t+1}·Δ_t at the end of the step, curvature E − F ≈ ΔᵀHΔ along it, and α = −E/F: −1 the step has only begun, 0 it ends at the minimum along its line, 1 as high as it began.',
  cost: 'free',
  tables: [{ kind: 'curvature', of: 'iterations', rows: ({ variables }) => variables, rowBytes: 40 }],

  follow({ network, splits, from, to }) {
    const names = sums.map(({ name }) => name)
    const { variables } = network
    const ranges = rangesOf(variables)
    const found = new Float64Array(valuesFound.slopes * variables.length)
    const { tables, put } = makeTables(names, splits, (to - from) * variables.length)
    return {
      step({ iteration, delta, perSplit }: Step) {
        for (const { split, gradientBefore: before, gradientAfter: after, lca } of perSplit) {
          hostLoops.slopes(lca, before, after, delta, ranges, found)
          for (let v = 0; v < variables.length; v++) {
            const row = (iteration - from) * variables.length + v
            put(split, row, found.subarray(valuesFound.slopes * v, valuesFound.slopes * (v + 1)))
          }
        }
      },
      tables: () => ({ curvature: tables }),
    }
  },

  view: {
    kind: 'sums',
    query: { by: ['network', 'layer', 'variable'], layer: true, span: true, bucket: true },
    table: 'curvature',
    sums,
    derived: [
      {
        name: 'remainder',
        type: 'float64',
        description: 'LCA − F: what the first order does not see.',
        of: ({ lca, first }) => lca - first,
      },
      {
        name: 'curvature',
        type: 'float64',
        description: 'E − F ≈ ΔᵀHΔ, curvature along the step.',
        of: ({ first, end }) => end - first,
      },
      {
        name: 'alpha',
        type: 'float64',
        description:
          'α = −E/F, of the sums: −1 the step has only begun, 0 at the minimum along its line, 1 as high as it began; null where F is 0.',
        of: ({ first, end }) => alphaOf(first, end),
      },
    ],
  },

  figures: [
    { name: 'alpha', description: 'Median over iterations of α = −E/F of the whole network.' },
    { name: 'overshooting', description: 'Fraction of iterations with α > 0.' },
    { name: 'firstOrder', description: 'Σ F / Σ LCA: 1 where the first order says it all.' },
  ],
  async summarise(source, facts) {
    const alphas: number[] = []
    const total = { lca: 0, first: 0 }
    for await (const { lca, first, end } of totalsOf(source('curvature', facts), facts, [
      'lca',
      'first',
      'end',
    ] as const)) {
      total.lca += lca
      total.first += first
      alphas.push(alphaOf(first, end))
    }
    const known = alphas.filter(Number.isFinite)
    return {
      alpha: median(known),
      overshooting: known.filter(alpha => alpha > 0).length / known.length,
      firstOrder: total.first / total.lca,
    }
  },
}
