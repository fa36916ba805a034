/**
 * LCA by where the step came from. With the denominator of the optimizer given (√s + ε, |u| of lion; 1 of sgd), an update is
 * linear in what it is made of, and so is ḡ·Δ:
 *
 *     Δ_t = −η·(batch gradient + momentum + L2) / denominator − decoupled decay
 *     LCA = ḡ·Δ(gradient) + ḡ·Δ(momentum) + ḡ·Δ(L2) + ḡ·Δ(decay) + rest
 *
 * gradient: of this iteration's batch; momentum: what gradients of earlier ones (L2's in them) still push; L2: the gradient
 * of l2·w² at θ_t; decay: −η·λ·θ_t. The batch gradient is computed again and the optimizer's state goes on from the
 * segment's, as in training; of a training that happened elsewhere they follow from the states that came along (nn/recorded.ts). The rest is what weights in float32 round off, and what a worker of another kind than the one
 * that trained computes otherwise: as good as nothing, or the parts are not to be trusted.
 *
 * And how noisy the batch's gradient b is beside g_t, the gradient over the whole split: their norms and their cosine. Of the
 * train split, of whose N examples the batch's B are drawn without replacement, E‖b − g‖² = tr Σ (1 − B/N)/B, so
 *
 *     tr Σ ≈ ‖b − g‖² · B / (1 − B/N),      simple noise scale = tr Σ / ‖g‖²
 *
 * the batch size at which noise and signal are equal (McCandlish et al. 2018, "An empirical model of large-batch training",
 * eq. 2.9). Dropout, augmentation and batch norm's statistics are in b and not in g, and count as noise.
 */
import type { Step } from '../allocate.ts'
import type { ColumnRule, Diagnostic } from './diagnostic.ts'
import type { StepParts } from './probes.ts'
import { makeTables, median, totalsOf } from './sums.ts'

const parts = ['gradient', 'momentum', 'l2', 'decay'] as const

const sums: ColumnRule[] = [
  { name: 'lca', description: 'Σ LCA.' },
  { name: 'gradient', description: 'Of it by the gradient of the iteration’s own batch.' },
  {
    name: 'momentum',
    description: 'By what the gradients of earlier iterations still push, their L2 among them.',
  },
  { name: 'l2', description: 'By L2’s gradient of the iteration.' },
  { name: 'decay', description: 'By decoupled weight decay.' },
  { name: 'rest', description: 'LCA less these: rounding of the weights.' },
  { name: 'dot', description: 'Σ b · g_t, b the batch’s gradient and g_t the split’s.' },
  { name: 'batch', description: 'Σ b², the squared norm of the batch’s gradient.' },
  { name: 'full', description: 'Σ g_t², the squared norm of the split’s gradient.' },
  {
    name: 'noise',
    description:
      'tr Σ by ‖b − g_t‖²·B/(1 − B/N), Σ the covariance of single examples’ gradients; null of splits that batches are not drawn from, of samples, and where a batch is all of it.',
  },
].map(column => ({ ...column, type: 'float64' as const }))
const names = sums.map(({ name }) => name)

/** The sums of one variable, in the order of `names`. */
function sumsOf(
  { lca, meanGradient, gradientBefore }: Step['perSplit'][number],
  step: StepParts,
  { offset, size }: { offset: number; size: number },
  noiseScale: number,
): number[] {
  const of = [0, 0, 0, 0]
  let [total, dot, batch, full, apart] = [0, 0, 0, 0, 0]
  const vectors = parts.map(part => step[part])
  const [gradient, momentum, l2, decay] = vectors
  for (let i = offset; i < offset + size; i++) {
    const mean = meanGradient[i]
    const b = step.batchGradient[i]
    const g = gradientBefore[i]
    total += lca[i]
    of[0] += mean * gradient[i]
    of[1] += mean * momentum[i]
    of[2] += mean * l2[i]
    of[3] += mean * decay[i]
    dot += b * g
    batch += b * b
    full += g * g
    apart += (b - g) * (b - g)
  }
  const rest = total - of[0] - of[1] - of[2] - of[3]
  return [total, ...of, rest, dot, batch, full, apart * noiseScale]
}

const share = (part: number, whole: number) => (whole === 0 ? Number.NaN : part / whole)

export const components: Diagnostic = {
  name: 'components',
  description:
    'LCA by where the step came from: the gradient of the iteration’s batch, momentum (what earlier gradients still push), L2, decoupled decay; given the optimizer’s denominator the update is linear in these, and with `rest`, which is rounding, they sum to LCA. And the batch’s gradient beside the whole split’s: their cosine, their norms, and the simple noise scale tr(Σ)/‖g‖².',
  cost: 'asked',
  asksTraining: true,
  // The batch's gradient is taken once for all splits, in units of the split's own examples.
  work: ({ iterations, batchSize, examples, splits }) => ({
    gradients: (iterations * batchSize) / examples / splits,
    forwardPasses: 0,
  }),
  tables: [{ kind: 'components', of: 'iterations', rows: ({ variables }) => variables, rowBytes: 80 }],

  follow({ network, splits, from, to, probes }) {
    const { variables } = network
    const { tables, put } = makeTables(names, splits, (to - from) * variables.length)
    return {
      async step({ iteration, theta, perSplit }: Step) {
        const step = await probes.training.parts(iteration, theta)
        const { batchSize, examples } = step
        for (const one of perSplit) {
          // Of a sample of the split, whose gradient has noise of its own, this would be another number.
          const taken = probes.chunks(one.split).reduce((sum, n) => sum + n, 0)
          const isKnown = one.split === 'train' && taken === examples && batchSize < examples
          const scale = isKnown ? batchSize / (1 - batchSize / examples) : Number.NaN
          for (const [v, variable] of variables.entries())
            put(one.split, (iteration - from) * variables.length + v, sumsOf(one, step, variable, scale))
        }
      },
      tables: () => ({ components: tables }),
    }
  },

  view: {
    kind: 'sums',
    query: { by: ['network', 'layer', 'variable'], layer: true, span: true, bucket: true },
    table: 'components',
    sums,
    derived: [
      {
        name: 'cosine',
        type: 'float64',
        description: 'cos(b, g_t) = Σ b·g_t / √(Σ b² · Σ g_t²), of the sums.',
        of: ({ dot, batch, full }) => dot / Math.sqrt(batch * full),
      },
      {
        name: 'noiseScale',
        type: 'float64',
        description: 'tr Σ / Σ g_t², of the sums: the batch size at which noise and signal are equal.',
        of: ({ noise, full }) => noise / full,
      },
    ],
  },

  figures: [
    ...parts.map(part => ({
      name: part,
      description: `Σ of what ${{ gradient: 'the batches’ gradients', momentum: 'momentum', l2: 'L2', decay: 'decoupled decay' }[part]} did / Σ LCA.`,
    })),
    {
      name: 'rest',
      description: 'Σ |rest| / Σ |LCA| over iterations: as good as 0, or the parts are not to be trusted.',
    },
    { name: 'cosine', description: 'Median over iterations of cos(b, g_t) of the whole network.' },
    { name: 'noiseScale', description: 'Σ tr Σ / Σ ‖g_t‖² over iterations.' },
  ],
  async summarise(source, facts) {
    const total: Record<string, number> = Object.fromEntries(names.map(name => [name, 0]))
    const cosines: number[] = []
    let [rest, moved] = [0, 0]
    for await (const sums of totalsOf(source('components', facts), facts, names)) {
      for (const name of names) total[name] += sums[name]
      cosines.push(sums.dot / Math.sqrt(sums.batch * sums.full))
      rest += Math.abs(sums.rest)
      moved += Math.abs(sums.lca)
    }
    return {
      ...Object.fromEntries(parts.map(part => [part, share(total[part], total.lca)])),
      rest: share(rest, moved),
      cosine: median(cosines.filter(Number.isFinite)),
      noiseScale: share(total.noise, total.full),
    }
  },
}
