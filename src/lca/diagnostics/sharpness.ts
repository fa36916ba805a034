/**
 * The sharpest direction of the loss at θ_t: the largest eigenvalue λ of the Hessian H of the whole split, by Lanczos
 * (Golub and Van Loan, Matrix Computations, §10.1, every vector made orthogonal to all before) on products
 *
 *     H·v ≈ (∇L(θ + εv) − ∇L(θ − εv)) / 2ε,      ‖v‖ = 1, ε = 10⁻³·‖θ‖
 *
 * of full gradients. With Ritz pair (λ, u) and residual norm ρ = ‖H·u − λ·u‖ = β_k·|s_k| an eigenvalue lies within ρ of λ (Parlett, The Symmetric
 * Eigenvalue Problem, §4.5). It begins along the gradient, whose Rayleigh quotient is the first that it finds. Gradient
 * descent on a quadratic diverges along u where λ > 2/η (Cohen et al., ICLR 2021, on how training gets there).
 */
import { randomStream } from '../../nn/random.ts'
import { largestEigenpair } from '../../statistics/lanczos.ts'
import type { Step } from '../allocate.ts'
import type { ColumnRule, Diagnostic, Row } from './diagnostic.ts'
import type { Probes } from './probes.ts'
import { isDue, makeSparse, sparseRows, timesDue } from './sparse.ts'
import { median } from './sums.ts'

/** Products of Lanczos at most, and how small its residual is to be beside λ for fewer. */
const mostProducts = 20
const tolerance = 1e-3

const types = {
  iteration: 'int32',
  products: 'int32',
  eigenvalue: 'float64',
  residual: 'float64',
  alongStep: 'float64',
  alongGradient: 'float64',
  threshold: 'float64',
  stepShare: 'float64',
  lcaAlong: 'float64',
  lca: 'float64',
} as const

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
const norm = (a: ArrayLike<number>) => Math.sqrt(dot(a, a))

/** v ↦ H·v at θ, v of norm 1. */
function hessianAt(
  { addGradient }: Pick<Probes, 'addGradient'>,
  split: Step['perSplit'][number]['split'],
  theta: Float32Array,
): (v: ArrayLike<number>) => Promise<Float64Array> {
  const epsilon = 1e-3 * (norm(theta) || 1)
  const point = new Float32Array(theta.length)
  return async v => {
    const product = new Float64Array(theta.length)
    const below = new Float64Array(theta.length)
    for (const [sign, into] of [
      [1, product],
      [-1, below],
    ] as const) {
      for (let i = 0; i < point.length; i++) point[i] = theta[i] + sign * epsilon * v[i]
      await addGradient(split, point, into)
    }
    for (let i = 0; i < product.length; i++) product[i] = (product[i] - below[i]) / (2 * epsilon)
    return product
  }
}

const columns: ColumnRule[] = [
  { name: 'iteration', type: 'int32', description: 'The iteration.' },
  { name: 'eigenvalue', type: 'float64', description: 'λ, the largest eigenvalue of the Hessian at θ_t.' },
  { name: 'residual', type: 'float64', description: '‖H·u − λ·u‖: an eigenvalue lies within it of λ.' },
  { name: 'products', type: 'int32', description: 'Products with the Hessian that it took.' },
  {
    name: 'threshold',
    type: 'float64',
    description:
      '2 / learning rate of the experiment’s optimizer: where plain gradient descent is no longer stable.',
  },
  { name: 'alongStep', type: 'float64', description: 'ΔᵀHΔ / ‖Δ‖²; null where nothing moved.' },
  { name: 'alongGradient', type: 'float64', description: 'gᵀHg / ‖g‖²; null where the gradient is 0.' },
  { name: 'stepShare', type: 'float64', description: '(u·Δ)² / ‖Δ‖²: how much of the step is along u.' },
  { name: 'lca', type: 'float64', description: 'Σ LCA.' },
  {
    name: 'lcaAlong',
    type: 'float64',
    description: '(ḡ·u)(u·Δ): what of it is along u, where the axes are turned so.',
  },
]

export const sharpness: Diagnostic = {
  name: 'sharpness',
  description:
    'The largest eigenvalue of the Hessian of the whole split at θ_t, by Lanczos on central differences of full gradients, with its residual norm; the Rayleigh quotients along the step and along the gradient; 2/learning rate beside it; and how much of the step and of LCA is along its eigenvector.',
  cost: 'asked',
  asksTraining: true,
  options: { every: 100 },
  // 2 gradients a product, and one product more for the step. It ends sooner where it is good enough.
  work: ({ iterations, parameters }, options) => ({
    gradients: 2 * (Math.min(mostProducts, parameters) + 1) * timesDue(iterations, options),
    forwardPasses: 0,
  }),
  tables: [
    {
      kind: 'sharpness',
      of: 'segment',
      expected: ({ iterations }, options) => timesDue(iterations, options),
      rowBytes: 68,
    },
  ],

  follow({ network, splits, options, probes }) {
    const { put, tables } = makeSparse(types, splits)
    const { parameters } = network
    return {
      async step({ iteration, theta, delta, perSplit }: Step) {
        if (!isDue(iteration, options)) return
        for (const { split, gradientBefore, meanGradient, lca } of perSplit) {
          const product = hessianAt(probes, split, theta)
          const hasGradient = norm(gradientBefore) > 0
          const start = hasGradient
            ? gradientBefore
            : Float64Array.from(
                { length: parameters },
                randomStream('sharpness', probes.training.seed, split, iteration).normal,
              )
          const found = await largestEigenpair(product, start, { mostProducts, tolerance })
          const length = norm(delta)
          const unit = delta.map(d => d / length)
          put(split, {
            ...{ iteration, products: found.products, eigenvalue: found.value, residual: found.residual },
            alongStep: length === 0 ? Number.NaN : dot(unit, await product(unit)),
            alongGradient: hasGradient ? found.first : Number.NaN,
            threshold: 2 / probes.training.learningRate(iteration),
            stepShare: length === 0 ? Number.NaN : dot(unit, found.vector) ** 2,
            lcaAlong: dot(meanGradient, found.vector) * dot(delta, found.vector),
            lca: lca.reduce((sum, value) => sum + value, 0),
          })
        }
      },
      tables: () => ({ sharpness: tables() }),
    }
  },

  view: {
    kind: 'rows',
    query: { span: true },
    columns,
    async *rows(source, _, asked) {
      for await (const batch of sparseRows(source, 'sharpness', types, asked)) yield batch satisfies Row[]
    },
  },

  figures: [
    { name: 'eigenvalue', description: 'λ where it was last computed.' },
    { name: 'largest', description: 'The largest λ of all iterations that have one.' },
    {
      name: 'ofThreshold',
      description: 'Median over iterations of λ · learning rate / 2: 1 at the edge of stability.',
    },
    { name: 'stepShare', description: 'Median over iterations of (u·Δ)² / ‖Δ‖².' },
    { name: 'lcaShare', description: 'Σ of LCA along u / Σ LCA, over the iterations that have it.' },
  ],
  async summarise(source, facts) {
    let eigenvalue = Number.NaN
    let largest = Number.NaN
    let [along, all] = [0, 0]
    const ratios: number[] = []
    const shares: number[] = []
    for await (const batch of sparseRows(source, 'sharpness', types, facts))
      for (const row of batch) {
        eigenvalue = row.eigenvalue
        largest = Number.isNaN(largest) ? eigenvalue : Math.max(largest, eigenvalue)
        along += row.lcaAlong
        all += row.lca
        ratios.push(eigenvalue / row.threshold)
        shares.push(row.stepShare)
      }
    return {
      ...{ eigenvalue, largest, ofThreshold: median(ratios) },
      stepShare: median(shares.filter(Number.isFinite)),
      lcaShare: all === 0 ? Number.NaN : along / all,
    }
  },
}
