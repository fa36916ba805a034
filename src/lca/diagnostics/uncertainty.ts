/**
 * How far LCA may be from that of the population which the split was drawn from. A split's LCA is the mean of its chunks',
 * each of which is an estimate of the population's: with w_c the share of examples and ȳ_c = Σ_i (∫_0^1 ∇L_c dα)_i Δ_{t,i}
 * over a layer,
 *
 *     s.e.² = Σ w_c² (ȳ_c − ȳ)² / (1 − Σ w_c²)
 *
 * (statistics/random-groups.ts, for a population without end), and (ȳ − Y)/s.e. is nearly Student's t with C − 1 degrees of
 * freedom. It holds for examples in random order: chunks of a file that is sorted differ by more than chance, and make the
 * error too large. The weights are taken as they are: of the train split, which they were fitted to, it says how far another
 * draw's LCA along these same steps would be.
 *
 * The same examples are in every iteration, so errors of iterations do not add up. What each chunk has is summed over each
 * segment as well, and the spread of the run's sums is the run's error.
 */
import { groupSums, standardError } from '../../statistics/random-groups.ts'
import { studentQuantile } from '../../statistics/student.ts'
import type { Step } from '../allocate.ts'
import type { Diagnostic, ReadFacts, Row, Source } from './diagnostic.ts'
import { checkRows, median } from './sums.ts'

/** Chunks from which a spread is told at all: with fewer its own error is as large as it is. */
const fewestChunks = 5

const lackOf = (chunks: number, examples: number): string =>
  examples < fewestChunks
    ? `${examples} examples are too few for a spread`
    : `no standard errors: ${chunks} ${chunks === 1 ? 'chunk has' : 'chunks have'} no spread to speak of; allocation.chunkSize of at most ${Math.ceil(examples / fewestChunks)} makes ${fewestChunks} or more of ${examples} examples`

const errorOf = (means: ArrayLike<number>, examples: ArrayLike<number>, start = 0): number =>
  examples.length < fewestChunks
    ? Number.NaN
    : standardError(means, { examples, of: Number.POSITIVE_INFINITY }, start)

/** LCA of the network over [0, to) and its error, from the chunks' sums; NaN where `to` lies within a segment. */
async function ofRun(source: Source, { layers, to }: Pick<ReadFacts, 'layers' | 'to'>) {
  let sums: Float64Array | undefined
  let examples: ArrayLike<number> = []
  let end = 0
  for await (const block of source('uncertainty.chunks', { from: 0, to })) {
    const chunks = block.rows / (layers.length + 1)
    sums ??= new Float64Array(chunks)
    const first = layers.length * chunks
    for (let c = 0; c < chunks; c++) sums[c] += block.columns.lca[first + c]
    examples = block.columns.examples.subarray(first, first + chunks)
    end = block.to
  }
  if (sums === undefined || end !== to) return { lca: Number.NaN, error: Number.NaN, chunks: examples.length }
  let lca = 0
  let n = 0
  for (let c = 0; c < sums.length; c++) {
    lca += sums[c] * examples[c]
    n += examples[c]
  }
  return { lca: lca / n, error: errorOf(sums, examples), chunks: sums.length }
}

/** Of the split, or its sample: those of all chunks. 0 where nothing is stored yet. */
async function examplesOf(
  source: Source,
  layers: number,
  { from, to }: { from: number; to: number },
): Promise<number> {
  for await (const { columns, rows } of source('uncertainty.chunks', { from, to })) {
    let sum = 0
    for (let row = 0; row < rows; row++) sum += columns.examples[row]
    return sum / (layers + 1)
  }
  return 0
}

export const uncertainty: Diagnostic = {
  name: 'uncertainty',
  description: `The standard error of each layer’s LCA as an estimate for the population that the split was drawn from, by the spread of what its chunks have (ḡ·Δ of each, by the same quadrature); nearly Student’s t with chunks − 1 degrees of freedom. Null below ${fewestChunks} chunks, where there is no spread to speak of: a smaller allocation.chunkSize has more. It takes the examples to be in random order.`,
  cost: 'free',
  takesChunks: true,
  // Chunks of fewer examples take longer, and other bits: they are the spec's to choose.
  lacks: ({ chunks, examples }) => (chunks < fewestChunks ? lackOf(chunks, examples) : undefined),
  tables: [
    { kind: 'uncertainty', of: 'iterations', rows: ({ layers }) => layers + 1, rowBytes: 18 },
    {
      kind: 'uncertainty.chunks',
      of: 'segment',
      expected: ({ segments, layers, chunks }) => segments * (layers + 1) * chunks,
      rowBytes: 10,
    },
  ],

  follow({ network, splits, from, to, probes }) {
    const width = network.layers.length + 1
    const made = splits.map(split => {
      const examples = probes.chunks(split)
      const count = examples.length
      return {
        ...{ split, examples, count, total: examples.reduce((sum, n) => sum + n, 0) },
        lca: new Float64Array((to - from) * width),
        standardError: new Float64Array((to - from) * width),
        chunks: new Int32Array((to - from) * width).fill(count),
        sums: new Float64Array(width * count),
      }
    })
    return {
      step({ iteration, perSplit }: Step) {
        for (const { split, examples, count, total, lca, standardError, sums } of made) {
          const { chunkLca } = perSplit.find(one => one.split === split)!
          if (chunkLca === undefined) throw new Error(`what the chunks of ${split} have is not known`)
          const own = groupSums(chunkLca, count, network.layerOf, network.layers.length)
          for (let i = 0; i < own.length; i++) sums[i] += own[i]
          for (let layer = 0; layer < width; layer++) {
            const row = (iteration - from) * width + layer
            let sum = 0
            for (let c = 0; c < count; c++) sum += own[layer * count + c] * examples[c]
            lca[row] = sum / total
            standardError[row] = errorOf(own.subarray(layer * count, (layer + 1) * count), examples)
          }
        }
      },
      tables: () => ({
        uncertainty: Object.fromEntries(
          made.map(({ split, lca, standardError, chunks }) => [split, { lca, standardError, chunks }]),
        ),
        'uncertainty.chunks': Object.fromEntries(
          made.map(({ split, examples, count, sums }) => [
            split,
            { lca: sums, examples: Int32Array.from({ length: sums.length }, (_, i) => examples[i % count]) },
          ]),
        ),
      }),
    }
  },

  view: {
    kind: 'rows',
    query: { layer: true, span: true },
    columns: [
      { name: 'iteration', type: 'int32', description: 'The iteration.' },
      { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
      { name: 'lca', type: 'float64', description: 'Σ LCA, as the chunks have it.' },
      { name: 'standardError', type: 'float64', description: 'Its standard error; null of too few chunks.' },
      {
        name: 'chunks',
        type: 'int32',
        description: 'Chunks that it comes from: one more than its degrees of freedom.',
      },
      { name: 'note', type: 'name', description: 'Why there is none; else null.' },
    ],
    async *rows(source, { layers }, asked) {
      const names: (string | null)[] = [...layers, null]
      const examples = await examplesOf(source, layers.length, asked)
      const isIn = (name: string | null) =>
        asked.layers === undefined || (name !== null && asked.layers.includes(name))
      for await (const block of source('uncertainty', asked)) {
        checkRows(block, names.length)
        const { lca, standardError, chunks } = block.columns
        const rows = Array.from({ length: block.rows }, (_, row): Row => {
          const few = chunks[row] < fewestChunks
          return {
            iteration: block.from + Math.floor(row / names.length),
            layer: names[row % names.length],
            lca: lca[row],
            ...{ standardError: few ? null : standardError[row], chunks: chunks[row] },
            note: few ? lackOf(chunks[row], examples) : null,
          }
        }).filter(({ layer }) => isIn(layer as string | null))
        if (rows.length > 0) yield rows
      }
    },
  },

  figures: [
    { name: 'relative', description: 'Median over iterations of s.e. / |LCA| of the whole network.' },
    {
      name: 'told',
      description:
        'Fraction of iterations in which the sign of the network’s LCA is told apart from chance: its 95 % interval is without 0.',
    },
    {
      name: 'run',
      description: 'Standard error of the LCA of all iterations together; null over part of a segment.',
    },
  ],
  async summarise(source, facts) {
    const relative: number[] = []
    const told: number[] = []
    const width = facts.layers.length + 1
    for await (const block of source('uncertainty', facts)) {
      checkRows(block, width)
      const { lca, standardError, chunks } = block.columns
      for (let row = width - 1; row < block.rows; row += width) {
        if (!Number.isFinite(standardError[row])) continue
        relative.push(standardError[row] / Math.abs(lca[row]))
        told.push(Number(Math.abs(lca[row]) > studentQuantile(0.95, chunks[row] - 1) * standardError[row]))
      }
    }
    return {
      relative: median(relative),
      told: told.reduce((sum, is) => sum + is, 0) / told.length,
      run: (await ofRun(source, facts)).error,
    }
  },
}
