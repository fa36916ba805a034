/**
 * Whether training goes to and fro: angles between successive gradients and successive updates, and how many parameters
 * turned round. With g_t = ∇L(θ_t) and Δ_t = θ_{t+1} − θ_t,
 *
 *     cos(g_t, g_{t+1}) = Σ g_t·g_{t+1} / √(Σ g_t² · Σ g_{t+1}²)
 *     cos(Δ_{t−1}, Δ_t) = Σ Δ_{t−1}·Δ_t / √(Σ Δ_{t−1}² · Σ Δ_t²)
 *
 * The three sums of each are kept, so that those of groups and spans are sums. A parameter's gradient (g_t to g_{t+1}),
 * update (Δ_{t−1} to Δ_t) or LCA (t − 1 to t) turned where the two have opposite signs; it could where neither is 0.
 *
 * What came before a segment's first iteration is in another segment. Each leaves the weights at both ends, float32 as they
 * are, so that Δ = θ' − θ in float64 is what both had, bit for bit, and its first and last LCA. (θ' is rebuilt as θ + Δ,
 * rounded to float32: exact where |θ'| ≥ 2⁻²⁹|θ|, and else the difference from θ still rounds to Δ.)
 */
import { hostLoops, rangesOf, valuesFound } from '../../host-loops.ts'
import type { Step } from '../allocate.ts'
import { joinBorders } from './borders.ts'
import type { ColumnRule, Diagnostic } from './diagnostic.ts'
import { median, perSplitOf, totalsOf } from './sums.ts'

const sums: ColumnRule[] = [
  { name: 'gradients', description: 'Σ g_t · g_{t+1}.' },
  { name: 'gradientBefore', description: 'Σ g_t².' },
  { name: 'gradientAfter', description: 'Σ g_{t+1}².' },
  { name: 'gradientTurned', description: 'Parameters whose gradients g_t and g_{t+1} have opposite signs.' },
  { name: 'gradientSigned', description: 'Those of which neither gradient is 0: that could have turned.' },
  { name: 'updates', description: 'Σ Δ_{t−1} · Δ_t; null at iteration 0, where there is no update before.' },
  { name: 'updateBefore', description: 'Σ Δ_{t−1}², over the iterations that have one before.' },
  { name: 'updateAfter', description: 'Σ Δ_t², over the iterations that have one before.' },
  { name: 'updateTurned', description: 'Parameters whose updates Δ_{t−1} and Δ_t have opposite signs.' },
  { name: 'updateSigned', description: 'Those of which neither update is 0.' },
  {
    name: 'lcaTurned',
    description: 'Parameters that helped at t − 1 and hurt at t, or the other way round.',
  },
  { name: 'lcaSigned', description: 'Those of which neither LCA is 0.' },
].map(column => ({ ...column, type: 'float64' as const }))

const borders = {
  table: 'oscillation.borders',
  columns: [
    ...['updates', 'updateBefore', 'updateAfter', 'updateTurned'],
    ...['updateSigned', 'lcaTurned', 'lcaSigned'],
  ],
}

/** Rounding may take it a little over 1, where no angle has it for a cosine. */
const cosine = (dot: number, a: number, b: number) => Math.max(-1, Math.min(1, dot / Math.sqrt(a * b)))

const gradientCosine = (of: Record<string, number>) =>
  cosine(of.gradients, of.gradientBefore, of.gradientAfter)
const updateCosine = (of: Record<string, number>) => cosine(of.updates, of.updateBefore, of.updateAfter)

/** What loops find of two vectors, of each variable: Σ a·b, Σ a², Σ b², how many products are negative, and how many not 0. */
const noComparisons = (variables: number) => ({
  all: new Float64Array(valuesFound.compare * variables),
  signs: new Float64Array(valuesFound.compareSigns * variables),
})

/** What is said of an iteration and the one before: so many rows, of which nothing is known yet. */
const makeComparisons = (rows: number) => ({
  updates: new Float64Array(rows).fill(Number.NaN),
  updateBefore: new Float64Array(rows).fill(Number.NaN),
  updateAfter: new Float64Array(rows).fill(Number.NaN),
  updateTurned: new Int32Array(rows),
  updateSigned: new Int32Array(rows),
  lcaTurned: new Int32Array(rows),
  lcaSigned: new Int32Array(rows),
})
type Comparisons = ReturnType<typeof makeComparisons>

/** Values found, variable after variable, into the columns that they are of: the rows from `first` on, one a variable. */
function put(columns: (Float64Array | Int32Array)[], first: number, found: Float64Array) {
  const each = columns.length
  for (let i = 0; i < found.length; i++) columns[i % each][first + Math.floor(i / each)] = found[i]
}

/** Columns in the order in which `compare` and `compareSigns` find them. */
const ofUpdates = (into: Comparisons) => [
  into.updates,
  into.updateBefore,
  into.updateAfter,
  into.updateTurned,
  into.updateSigned,
]
const ofAllocations = (into: Comparisons) => [into.lcaTurned, into.lcaSigned]
const ofGradients = (into: Gradients) => [
  into.gradients,
  into.gradientBefore,
  into.gradientAfter,
  into.gradientTurned,
  into.gradientSigned,
]

const makeGradients = (rows: number) => ({
  gradients: new Float64Array(rows),
  gradientBefore: new Float64Array(rows),
  gradientAfter: new Float64Array(rows),
  gradientTurned: new Int32Array(rows),
  gradientSigned: new Int32Array(rows),
})

type Gradients = ReturnType<typeof makeGradients>

/** The weights and allocations of a segment's ends, by which its neighbours go on. */
const vectors = ['start', 'second', 'lastStart', 'firstLca', 'lastLca'] as const
type Ends = Record<(typeof vectors)[number], Float32Array>

export const oscillation: Diagnostic = {
  name: 'oscillation',
  description:
    'Whether training goes to and fro: the cosines between successive gradients g_t and g_{t+1} and between successive updates Δ_{t−1} and Δ_t, and how many parameters’ gradient, update (Δ_{t−1} to Δ_t) and LCA (t − 1 to t) changed sign, of those where neither of the two is 0. What goes over the border of two segments is there once the run has ended, and null before; of buckets it is missing until then.',
  cost: 'free',
  tables: [
    { kind: 'oscillation', of: 'iterations', rows: ({ variables }) => variables, rowBytes: 72 },
    {
      kind: borders.table,
      of: 'run',
      expected: ({ segments, variables }) => (segments - 1) * variables,
      rowBytes: 44,
    },
  ],

  follow({ network, splits, from, to }) {
    const { variables, parameters } = network
    const rows = (to - from) * variables.length
    const tables = splits.map(() => ({ ...makeGradients(rows), ...makeComparisons(rows) }))
    const ranges = rangesOf(variables)
    const found = noComparisons(variables.length)
    const lastLca = splits.map(() => new Float32Array(parameters))
    const ends = {
      start: new Float32Array(parameters),
      second: new Float32Array(parameters),
      /** θ of the latest step; in the end, where the last began. */
      lastStart: new Float32Array(parameters),
    }
    const firstLca = splits.map(() => new Float32Array(parameters))
    return {
      step({ iteration, theta, delta, perSplit }: Step) {
        const first = (iteration - from) * variables.length
        if (iteration === from) {
          ends.start.set(theta)
          hostLoops.combine(ends.second, 1, theta, 1, delta)
        }
        if (iteration > from) {
          hostLoops.compareUpdates(ends.lastStart, theta, delta, ranges, found.all)
          for (const table of tables) put(ofUpdates(table), first, found.all)
        }
        ends.lastStart.set(theta)
        for (const { split, gradientBefore, gradientAfter, lca } of perSplit) {
          const s = splits.indexOf(split)
          const table = tables[s]
          hostLoops.compare(gradientBefore, gradientAfter, ranges, found.all)
          put(ofGradients(table), first, found.all)
          if (iteration === from) firstLca[s].set(lca)
          else {
            hostLoops.compareSigns(lastLca[s], lca, ranges, found.signs)
            put(ofAllocations(table), first, found.signs)
          }
          lastLca[s].set(lca)
        }
      },
      tables: () => ({
        oscillation: perSplitOf(splits, s => tables[s]),
      }),
      seams: () => perSplitOf(splits, s => ({ ...ends, firstLca: firstLca[s], lastLca: lastLca[s] })),
    }
  },

  seams: {
    vectors: [...vectors],
    kind: borders.table,
    join({ variables, parameters }) {
      const ranges = rangesOf(variables)
      const found = noComparisons(variables.length)
      const before = new Float64Array(parameters)
      const after = new Float64Array(parameters)
      const made: { iteration: number; comparisons: Comparisons }[] = []
      let last: Ends | undefined
      return {
        add({ from, vectors }) {
          const own = vectors as Ends
          if (last !== undefined) {
            hostLoops.combine(before, 1, own.start, -1, last.lastStart)
            hostLoops.combine(after, 1, own.second, -1, own.start)
            const comparisons = makeComparisons(variables.length)
            hostLoops.compare(before, after, ranges, found.all)
            put(ofUpdates(comparisons), 0, found.all)
            hostLoops.compareSigns(last.lastLca, own.firstLca, ranges, found.signs)
            put(ofAllocations(comparisons), 0, found.signs)
            made.push({ iteration: from, comparisons })
          }
          last = own
        },
        columns() {
          const width = variables.length
          const joined = makeComparisons(made.length * width)
          const iteration = new Int32Array(made.length * width)
          for (const [m, { comparisons, iteration: own }] of made.entries()) {
            iteration.fill(own, m * width, (m + 1) * width)
            for (const [name, values] of Object.entries(comparisons))
              joined[name as keyof Comparisons].set(values, m * width)
          }
          return { iteration, ...joined }
        },
      }
    },
    recover: async (_, { from, to, weights, lca }) => ({
      start: await weights(from),
      // What it differs from θ + Δ by, where it does, Δ does not show (above).
      second: await weights(from + 1),
      lastStart: await weights(to - 1),
      firstLca: await lca(from),
      lastLca: await lca(to - 1),
    }),
  },

  view: {
    kind: 'sums',
    query: { by: ['network', 'layer', 'variable'], layer: true, span: true, bucket: true },
    table: 'oscillation',
    borders,
    sums,
    derived: [
      {
        name: 'gradientCosine',
        type: 'float64',
        description:
          'cos(g_t, g_{t+1}), of the sums: 1 the gradient stays as it is, −1 it turns round; null where one of them is 0.',
        of: gradientCosine,
      },
      {
        name: 'updateCosine',
        type: 'float64',
        description:
          'cos(Δ_{t−1}, Δ_t), of the sums: below 0 a step undoes some of the one before; null at iteration 0, and where one of them is 0.',
        of: updateCosine,
      },
      ...(['gradient', 'update', 'lca'] as const).map(what => ({
        name: `${what}Turning`,
        type: 'float64' as const,
        description: `${what}Turned / ${what}Signed: the fraction that changed sign.`,
        of: (row: Record<string, number>) => row[`${what}Turned`] / row[`${what}Signed`],
      })),
    ],
  },

  figures: [
    {
      name: 'gradientCosine',
      description: 'Median over iterations of cos(g_t, g_{t+1}) of the whole network.',
    },
    {
      name: 'updateCosine',
      description: 'Median over iterations of cos(Δ_{t−1}, Δ_t) of the whole network.',
    },
    {
      name: 'gradientTurning',
      description: 'Fraction of gradients that changed sign within an iteration, of all that could.',
    },
    {
      name: 'updateTurning',
      description: 'Fraction of updates with another sign than the one before, of all that could.',
    },
    {
      name: 'lcaTurning',
      description: 'Fraction of allocations with another sign than the one before, of all that could.',
    },
  ],
  async summarise(source, facts) {
    const blocks = joinBorders(source, 'oscillation', borders, facts.variables.length, facts)
    const cosines = { gradient: [] as number[], update: [] as number[] }
    const turned = { gradient: 0, update: 0, lca: 0 }
    const signed = { gradient: 0, update: 0, lca: 0 }
    const names = sums.map(({ name }) => name)
    for await (const of of totalsOf(blocks, facts, names)) {
      cosines.gradient.push(gradientCosine(of))
      cosines.update.push(updateCosine(of))
      for (const what of ['gradient', 'update', 'lca'] as const) {
        // There is none at iteration 0.
        turned[what] += of[`${what}Turned`] || 0
        signed[what] += of[`${what}Signed`] || 0
      }
    }
    return {
      gradientCosine: median(cosines.gradient.filter(Number.isFinite)),
      updateCosine: median(cosines.update.filter(Number.isFinite)),
      gradientTurning: turned.gradient / signed.gradient,
      updateTurning: turned.update / signed.update,
      lcaTurning: turned.lca / signed.lca,
    }
  },
}
