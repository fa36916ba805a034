/** Peaks that layers share: counts against counting, p uniform where layers are independent, small where they are not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from '../src/lca/diagnostics/follow.ts'
import { peaksOf, type Shared, synchrony, synchronyOf } from '../src/lca/diagnostics/synchrony.ts'
import { randomStream } from '../src/nn/random.ts'
import { circularCounts } from '../src/statistics/circular-correlation.ts'

const noise = (seed: string, points: number) => {
  const random = randomStream('synchrony test', seed)
  return Float64Array.from({ length: points }, () => random.normal())
}
async function rowsOf(series: Float64Array[], key: string): Promise<Shared[]> {
  const layers = series.map((_, l) => `fc_${l}`)
  const rows: Shared[] = []
  for await (const some of synchronyOf({ layers, peaks: series.map(peaksOf) }, [key])) rows.push(...some)
  return rows
}

test('a peak is below both neighbours, and counts for every shift are those of counting', () => {
  assert.deepEqual([...peaksOf(Float64Array.of(0, -1, 0, 0, -2, -2, -3, 1))], [1, 0, 0, 0, 0, 1])
  assert.deepEqual([...peaksOf(Float64Array.of(1))], [])
  for (const points of [1, 7, 64, 101]) {
    const [a, b] = ['a', 'b'].map(seed => noise(`${seed} ${points}`, points).map(x => (x > 0.3 ? 1 : 0)))
    const counts = circularCounts([a, b].map(values => Uint8Array.from(values)))(0, 1)
    const counted = Array.from({ length: points }, (_, s) =>
      a.reduce((sum, x, t) => sum + x * b[(t + s) % points], 0),
    )
    assert.deepEqual([...counts], counted)
  }
})

test('of independent layers p is uniform, of pairs and of the network; the mean over shifts is what is expected', async () => {
  const runs = 100
  const ps: { pair: number[]; network: number[] } = { pair: [], network: [] }
  for (let run = 0; run < runs; run++) {
    const rows = await rowsOf(
      [0, 1, 2].map(l => noise(`${run} ${l}`, 1500)),
      `${run}`,
    )
    assert.equal(rows.length, 4)
    ps.pair.push(rows[0].p)
    ps.network.push(rows[3].p)
    assert.ok(Math.abs(rows[3].expected - (rows[0].expected + rows[1].expected + rows[2].expected)) < 1e-9)
  }
  for (const [what, values] of Object.entries(ps)) {
    const sorted = values.toSorted((a, b) => a - b)
    // Kolmogorov and Smirnov: above 1.63/√n in one of a hundred. Ties, which make p larger, are four hundredths here.
    const off = Math.max(...sorted.map((p, i) => Math.abs(p - (i + 0.5) / runs)))
    assert.ok(off < 1.63 / Math.sqrt(runs) + 0.04, `${what}: ${off}`)
  }
})

test('layers that peak together have a p at its resolution; a layer that is frozen shares nothing', async () => {
  const common = noise('common', 400)
  const with_ = (seed: string) => noise(seed, 400).map((x, t) => 0.3 * x + common[t])
  const frozen = new Float64Array(400)
  const series = [with_('a'), with_('b'), with_('c'), frozen]
  const rows = await rowsOf(series, 'together')
  assert.equal(rows.length, 7)
  const [pair, , still, , , , all] = rows
  assert.ok(pair.p <= 2 * pair.resolution && pair.resolution === 1 / 398, `${pair.p}`)
  assert.ok(pair.shared > 1.5 * pair.expected)
  assert.deepEqual([still.other, still.shared, still.expected, still.p], ['fc_3', 0, 0, 1])
  assert.deepEqual([all.layer, all.p, all.resolution], [null, 1 / 10_001, 1 / 10_001])
  assert.deepEqual(await rowsOf(series, 'together'), rows)
  // Two layers have no more shifts against each other than there are iterations.
  const two = await rowsOf(series.slice(0, 2), 'two')
  assert.equal(two[1].resolution, 1 / 398)
  assert.ok(Math.abs(two[1].p - two[0].p) < 0.002)
})

test('it is read of stored allocations: of a span, of some layers, in turns of the event loop', async () => {
  const iterations = 2000
  const layers = Array.from({ length: 24 }, (_, l) => `conv_${l}`)
  const network = networkOf(
    layers.map((layer, i) => ({ name: `${layer}/kernel`, layer, shape: [1], offset: i, size: 1 })),
  )
  const lca = noise('stored', iterations * layers.length)
  const source = async function* (_: string, { from, to } = { from: 0, to: iterations }) {
    const columns = { lca: lca.subarray(from * layers.length, to * layers.length) }
    yield { from, to, rows: (to - from) * layers.length, columns }
  }
  const facts = {
    ...network,
    split: 'train' as const,
    iterations,
    from: 0,
    to: iterations,
    options: undefined,
  }
  const { view } = synchrony
  assert.ok(view.kind === 'rows')
  const read = async (asked: { layers: string[] | undefined; from: number; to: number }) => {
    const rows = []
    for await (const some of view.rows(source, facts, { by: 'network', bucket: 1, ...asked }))
      rows.push(...some)
    return rows
  }
  const some = await read({ layers: ['conv_1', 'conv_3'], from: 500, to: 900 })
  assert.deepEqual(
    some.map(({ layer, other, iterations }) => [layer, other, iterations]),
    [
      ['conv_1', 'conv_3', 400],
      [null, null, 400],
    ],
  )
  // A timer that is due every millisecond comes to its turn between the pieces.
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const all = await read({ layers: undefined, from: 0, to: iterations })
  clearInterval(timer)
  assert.equal(all.length, (24 * 23) / 2 + 1)
  assert.ok(turns >= 5, `${turns} turns`)
  const last = all[all.length - 1]
  const figures = await synchrony.summarise!(source, facts)
  assert.deepEqual(figures, { p: last.p, excess: Number(last.shared) / Number(last.expected) })
})
