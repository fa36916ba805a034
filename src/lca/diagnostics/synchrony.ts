/**
 * Whether layers learn at the same moments. A layer peaks at t where its LCA is a local minimum, below both neighbours
 * (peak moments of learning: Lan, Liu, Zhou, Yosinski, NeurIPS 2019, §4.3). With m_t the number of layers that peak at t,
 *
 *     shared = Σ_t m_t (m_t − 1)/2 = Σ over pairs of layers of the iterations in which both peak
 *
 * against what independent layers would share: every layer's peaks are shifted circularly, each by a shift of its own, so
 * that how many there are and how they follow each other stays as it is. For a pair all shifts are tried:
 * p = #{s : shared(s) ≥ shared} / T. For the network 10,000 are drawn: p = (1 + #{draws : shared ≥}) / 10,001. Draws and
 * shifts that share as many count against it, so p is never 0, and of short runs, where many do, a little too large.
 */
import { randomStream } from '../../nn/random.ts'
import { circularCounts } from '../../statistics/circular-correlation.ts'
import type { Diagnostic, ReadFacts, Row, Source } from './diagnostic.ts'
import { checkRows } from './sums.ts'

const draws = 10_000
/** Iterations that are looked at at most, and pairs of layers times iterations: what takes some seconds. */
const mostIterations = 2 ** 14
const mostWork = 2 ** 23
/** Milliseconds of work at once. */
const slice = 10

const breathe = () => new Promise(resolve => setImmediate(resolve))

type Peaks = { layers: string[]; peaks: Uint8Array[]; iterations: number }

/** Where each layer peaks, of all iterations that have two neighbours. */
export function peaksOf(lca: Float64Array): Uint8Array {
  const peaks = new Uint8Array(Math.max(0, lca.length - 2))
  for (let t = 1; t + 1 < lca.length; t++) peaks[t - 1] = lca[t] < lca[t - 1] && lca[t] < lca[t + 1] ? 1 : 0
  return peaks
}

async function readPeaks(
  source: Source,
  { layers, layerOf, variables }: ReadFacts,
  { from, to, only }: { from: number; to: number; only: string[] | undefined },
): Promise<Peaks> {
  const chosen = layers.filter(layer => only === undefined || only.includes(layer))
  const pairs = Math.max(1, (chosen.length * (chosen.length - 1)) / 2)
  const end = Math.min(to, from + Math.min(mostIterations, Math.floor(mostWork / pairs)))
  const series = layers.map(() => new Float64Array(end - from))
  let read = 0
  for await (const block of source('allocations', { from, to: end })) {
    // Behind a gap neighbours are none.
    if (block.from !== from + read) break
    checkRows(block, variables.length)
    for (let t = block.from - from, row = 0; t < block.to - from; t++)
      for (let v = 0; v < variables.length; v++, row++) series[layerOf[v]][t] += block.columns.lca[row]
    read = block.to - from
  }
  return {
    layers: chosen,
    peaks: chosen.map(layer => peaksOf(series[layers.indexOf(layer)].subarray(0, read))),
    iterations: read,
  }
}

/** One row: of a pair of layers, or (both null) of all pairs. */
export type Shared = {
  layer: string | null
  other: string | null
  peaks: number
  otherPeaks: number | null
  shared: number
  expected: number
  p: number
  resolution: number
}

/** What every pair of layers shares, and last what all of them do; in pieces of some milliseconds. */
export async function* synchronyOf(
  { layers, peaks }: Pick<Peaks, 'layers' | 'peaks'>,
  key: (string | number)[],
): AsyncGenerator<Shared[]> {
  const points = peaks[0]?.length ?? 0
  if (points === 0 || layers.length < 2) return
  const random = randomStream('synchrony', ...key)
  const shifts: Int32Array[] = []
  for (const _ of layers) {
    const own = new Int32Array(draws)
    for (let draw = 0; draw < draws; draw++) own[draw] = random.integer(points)
    shifts.push(own)
    await breathe()
  }
  const sizes = peaks.map(own => own.reduce((sum, one) => sum + one, 0))
  const correlate = circularCounts(peaks)
  const totals = new Int32Array(draws)
  const all = { shared: 0, expected: 0 }
  let rows: Shared[] = []
  let begun = performance.now()
  for (let a = 0; a < layers.length; a++)
    for (let b = a + 1; b < layers.length; b++) {
      const counts = correlate(a, b)
      const shared = counts[0]
      let asMany = 0
      for (let s = 0; s < points; s++) if (counts[s] >= shared) asMany++
      for (let draw = 0; draw < draws; draw++) {
        const shift = shifts[a][draw] - shifts[b][draw]
        totals[draw] += counts[shift < 0 ? shift + points : shift]
      }
      const expected = (sizes[a] * sizes[b]) / points
      all.shared += shared
      all.expected += expected
      rows.push({
        ...{ layer: layers[a], other: layers[b], peaks: sizes[a], otherPeaks: sizes[b] },
        ...{ shared, expected, p: asMany / points, resolution: 1 / points },
      })
      if (performance.now() - begun < slice) continue
      yield rows
      await breathe()
      rows = []
      begun = performance.now()
    }
  // Of two layers that peak one is shifted against the other: there are no more ways than iterations.
  const moving = sizes.filter(size => size > 0).length
  const resolution = Math.max(1 / (draws + 1), points ** (1 - Math.max(1, moving)))
  const asMany = totals.reduce((count, total) => count + (total >= all.shared ? 1 : 0), 0)
  yield [
    ...rows,
    {
      ...{ layer: null, other: null, peaks: sizes.reduce((sum, size) => sum + size, 0), otherPeaks: null },
      ...{ ...all, p: (1 + asMany) / (draws + 1), resolution },
    },
  ]
}

export const synchrony: Diagnostic = {
  name: 'synchrony',
  description:
    'Whether layers learn at the same moments: peaks, local minima of a layer’s LCA, that pairs of layers share, against circular shifts of each layer’s peaks. Of a pair all shifts are tried, of the network 10,000 are drawn. At most 16,384 iterations from the first on are looked at, fewer of networks with many layers.',
  cost: 'reading',
  tables: [],
  view: {
    kind: 'rows',
    query: { layer: true, span: true },
    columns: [
      {
        name: 'layer',
        type: 'name',
        description: 'One layer of the pair; null in the last row, which is of all pairs.',
      },
      { name: 'other', type: 'name', description: 'The other layer; null in the last row.' },
      { name: 'iterations', type: 'int32', description: 'How many iterations were looked at.' },
      { name: 'peaks', type: 'int32', description: 'Peaks of the layer; in the last row of all layers.' },
      { name: 'otherPeaks', type: 'float64', description: 'Peaks of the other layer; null in the last row.' },
      {
        name: 'shared',
        type: 'int32',
        description:
          'Iterations in which both peak; in the last row their sum over all pairs, Σ m(m − 1)/2 of the m layers that peak in an iteration.',
      },
      {
        name: 'expected',
        type: 'float64',
        description: 'What independent layers would share: the mean over all circular shifts.',
      },
      {
        name: 'p',
        type: 'float64',
        description:
          'The share of circular shifts, this one among them, that have as many or more; of pairs not corrected for how many there are.',
      },
      { name: 'resolution', type: 'float64', description: 'The smallest p that there can be.' },
    ],
    async *rows(source, facts, { layers: only, from, to }) {
      const read = await readPeaks(source, facts, { from, to, only })
      for await (const rows of synchronyOf(read, [facts.split, from, read.iterations]))
        yield rows.map((row): Row => ({ ...row, iterations: read.iterations }))
    },
  },
  figures: [
    {
      name: 'p',
      description: 'Share of 10,000 circular shifts in which layers share as many peaks or more.',
    },
    { name: 'excess', description: 'Shared peaks, over what independent layers would share.' },
  ],
  async summarise(source, facts) {
    const read = await readPeaks(source, facts, { from: facts.from, to: facts.to, only: undefined })
    let last: Shared | undefined
    for await (const rows of synchronyOf(read, [facts.split, facts.from, read.iterations]))
      last = rows[rows.length - 1]
    if (last === undefined) return { p: Number.NaN, excess: Number.NaN }
    return { p: last.p, excess: last.shared / last.expected }
  },
}
