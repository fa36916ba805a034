/** Tails of allocations: against every single one, on samples whose tails are known, however segments are cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../src/lca/diagnostics/diagnostic.ts'
import { histogram } from '../src/lca/diagnostics/histogram.ts'
import {
  edgesOf,
  type Magnitudes,
  noMagnitudes,
  tailOf,
  topShare,
} from '../src/lca/diagnostics/magnitudes.ts'
import { tails } from '../src/lca/diagnostics/tails.ts'
import { randomStream } from '../src/nn/random.ts'
import { hasDiagnostic } from '../src/spec/recording.ts'
import { allocationsOf, factsOf, followed, isClose, rowsOfRun, rowsRead } from './support/diagnostics.ts'
import { runExperiment } from './support/experiment.ts'

/** Two layers of one variable each. */
const variables = [
  { name: 'a/kernel', layer: 'a', shape: [40, 20], offset: 0, size: 800 },
  { name: 'b/kernel', layer: 'b', shape: [20, 10], offset: 800, size: 200 },
]

/** What the rows say, from every value; shares exactly. */
function expectedOf(values: number[]) {
  const moved = values.filter(value => value !== 0)
  const sizes = moved.map(Math.abs).sort((a, b) => b - a)
  const sum = (of: number[]) => of.reduce((a, b) => a + b, 0)
  const squared = sum(moved.map(value => value ** 2))
  return {
    count: moved.length,
    absolute: sum(sizes),
    kurtosis: (moved.length * sum(moved.map(value => value ** 4))) / squared ** 2,
    share: (fraction: number) => sum(sizes.slice(0, Math.ceil(fraction * sizes.length))) / sum(sizes),
    max: Math.max(...moved),
    min: Math.min(...moved),
  }
}

function check(row: Row, values: number[], what: string) {
  const expected = expectedOf(values)
  const number = (name: string) => row[name] as number
  assert.equal(row.count, expected.count, what)
  for (const name of ['absolute', 'kurtosis'] as const)
    assert.ok(isClose(number(name), expected[name], 1e-9), `${name} of ${what}`)
  assert.deepEqual([row.max, row.min], [expected.max, expected.min], what)
  for (const [name, fraction] of [
    ['top01', 0.001],
    ['top1', 0.01],
    ['top10', 0.1],
  ] as const) {
    const share = expected.share(fraction)
    const [low, high] = [number(`${name}Low`), number(`${name}High`)]
    assert.ok(
      low <= share * (1 + 1e-9) && share <= high * (1 + 1e-9),
      `${name} of ${what}: ${low} ${share} ${high}`,
    )
    assert.ok(high < 2 * low && isClose(number(name), (low + high) / 2, 1e-12))
  }
}

test('of a run: what every stored allocation says, by variable, layer and network', async () => {
  const run = await runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 40, validationExamples: 20 },
    architecture: {
      name: 'custom',
      layers: [
        { kind: 'conv2d', filters: 4, size: 3, stride: 3, padding: 'same', bias: false },
        { kind: 'batch_norm' },
        { kind: 'relu' },
        { kind: 'flatten' },
        { kind: 'dense', units: 10 },
      ],
    },
    optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
    training: { iterations: 4, batchSize: 20, seed: 2 },
    allocation: { segmentIterations: 3 },
  })
  const facts = factsOf(run, 'train')
  const lca = allocationsOf(run, 'train')
  const valuesOf = (parts: { offset: number; size: number }[], rows = lca) =>
    rows.flatMap(row => parts.flatMap(({ offset, size }) => [...row.subarray(offset, offset + size)]))
  const [network] = await rowsOfRun(tails, run, 'train')
  check(network, valuesOf(facts.variables), 'the network')
  const at = lca[network.maxIteration as number][network.maxIndex as number]
  assert.equal(at, network.max)
  const named = facts.variables.find(({ name }) => name === network.minVariable)!
  assert.ok((network.minIndex as number) >= named.offset)
  assert.ok((network.minIndex as number) < named.offset + named.size)
  for (const row of await rowsOfRun(tails, run, 'train', { by: 'variable' }))
    check(row, valuesOf(facts.variables.filter(({ name }) => name === row.variable)), String(row.variable))
  for (const row of await rowsOfRun(tails, run, 'train', { by: 'layer' }))
    check(row, valuesOf(facts.variables.filter(({ layer }) => layer === row.layer)), String(row.layer))
  // Segments that lie in the span, whole: [0, 3) of [0, 4).
  const [first] = await rowsOfRun(tails, run, 'train', { to: 3 })
  assert.deepEqual([first.from, first.to], [0, 3])
  check(first, valuesOf(facts.variables, lca.slice(0, 3)), 'the first segment')
  assert.deepEqual(await rowsOfRun(tails, run, 'train', { to: 2 }), [])

  // What is drawn is what is counted.
  const bins = await rowsOfRun(histogram, run, 'train')
  for (const { low, high, helped, hurt } of bins as Record<string, number>[]) {
    const within = valuesOf(facts.variables).filter(v => Math.abs(v) >= low && Math.abs(v) < high && v !== 0)
    assert.deepEqual([helped, hurt], [within.filter(v => v < 0).length, within.filter(v => v > 0).length])
  }
  // Bytes of its tables beside those of the aggregates, in the first segment: 50 iterations have 50/3 times the latter.
  const bytes = (wanted: (kind: string) => boolean) =>
    run.segments[0].columns
      .filter(({ kind, split }) => wanted(kind) && split === 'train')
      .flatMap(({ columns }) => Object.values(columns))
      .reduce((sum, { byteLength }) => sum + byteLength, 0)
  const own = bytes(kind => kind.startsWith('tails'))
  const ledger = (50 / 3) * bytes(kind => kind === 'allocations' || kind === 'iterations')
  assert.ok(own < 0.25 * ledger, `${own} bytes of tails, ${ledger} of the ledger`)
})

/** 10 iterations of values that `draw` gives. */
const drawn = (draw: () => number, iterations = 10) =>
  Array.from({ length: iterations }, () => ({ lca: Float32Array.from({ length: 1000 }, draw) }))

test('kurtosis of normal, Laplace and uniform samples', async () => {
  const stream = randomStream('kurtosis')
  const cases: [string, () => number, number, number][] = [
    ['normal', () => 1e-4 * stream.normal(), 3, 0.1],
    ['Laplace', () => (stream.uniform() < 0.5 ? 1e-3 : -1e-3) * Math.log(1 - stream.uniform()), 6, 0.6],
    ['uniform', () => stream.uniform() - 0.5, 1.8, 0.03],
  ]
  for (const [what, draw, expected, tolerance] of cases) {
    const [{ kurtosis }] = await rowsRead(tails, await followed(tails, variables, drawn(draw, 50)))
    assert.ok(Math.abs((kurtosis as number) - expected) < tolerance, `${what}: ${kurtosis}`)
  }
})

test('the tail index of Pareto and Student samples, and the spread that its standard error says', async () => {
  const stream = randomStream('hill')
  const pareto = (alpha: number) => () =>
    (stream.uniform() < 0.5 ? -1e-6 : 1e-6) * (1 - stream.uniform()) ** (-1 / alpha)
  for (const alpha of [0.8, 1.5, 3]) {
    const scores: number[] = []
    for (let sample = 0; sample < 60; sample++) {
      const [row] = await rowsRead(tails, await followed(tails, variables, drawn(pareto(alpha), 5)))
      const { tailIndex, tailError, tailCount, count } = row as Record<string, number>
      assert.ok(tailCount >= 0.01 * count && tailCount < 0.25 * count)
      scores.push((tailIndex - alpha) / tailError)
    }
    const mean = scores.reduce((a, b) => a + b, 0) / scores.length
    const sd = Math.sqrt(scores.reduce((sum, z) => sum + (z - mean) ** 2, 0) / (scores.length - 1))
    // Of standard normal scores: 0.13 and 0.09 are one standard error of each.
    assert.ok(Math.abs(mean) < 0.6, `α = ${alpha}: scores are ${mean} on average`)
    assert.ok(sd > 0.7 && sd < 1.35, `α = ${alpha}: scores spread by ${sd}`)
  }
  // Cauchy's α is 1.
  const cauchy = () => 1e-5 * Math.tan(Math.PI * (stream.uniform() - 0.5))
  const [row] = await rowsRead(tails, await followed(tails, variables, drawn(cauchy, 100)))
  assert.ok(Math.abs((row.tailIndex as number) - 1) < 4 * (row.tailError as number))
})

test('where there is no tail, nothing is said of one', async () => {
  const noTail = async (draw: () => number) => {
    const [row] = await rowsRead(tails, await followed(tails, variables, drawn(draw)))
    return row
  }
  assert.ok(Number.isNaN((await noTail(() => 0.75)).tailIndex))
  const nothing = await noTail(() => 0)
  assert.deepEqual([nothing.count, nothing.max, nothing.maxIndex, nothing.maxVariable], [0, null, null, null])
  assert.ok(Number.isNaN(nothing.kurtosis) && Number.isNaN(nothing.top1))
  assert.ok(Number.isNaN(tailOf(noMagnitudes()).index))
})

test('shares are exact at the edges of bins, and between tight bounds inside one', () => {
  const magnitudes: Magnitudes = noMagnitudes()
  const put = (bin: number, count: number, sum: number) => {
    magnitudes.positive[bin] = count
    magnitudes.absolute[bin] = sum
  }
  const bin = 127
  assert.deepEqual(edgesOf(bin), { low: 1, high: 2 })
  put(bin, 1, 1.5)
  put(bin - 1, 99, 99 * 0.75)
  assert.deepEqual(topShare(magnitudes, 0.01), { low: 1.5 / 75.75, high: 1.5 / 75.75 })
  const { low, high } = topShare(magnitudes, 0.1)
  // Nine more: their mean is 0.75 at least and below 1.
  assert.ok(isClose(low, (1.5 + 9 * 0.75) / 75.75, 1e-12) && isClose(high, (1.5 + 9) / 75.75, 1e-12))
})

test('segments cut in two ways give the same', async () => {
  const stream = randomStream('cut')
  const steps = drawn(() => (stream.uniform() < 0.1 ? 0 : 1e-5 * stream.normal() ** 3), 7)
  // The largest three times, one of them earlier in a later variable.
  steps[1].lca[900] = steps[4].lca[3] = steps[5].lca[950] = 1
  const [cut, whole] = [await followed(tails, variables, steps, 3), await followed(tails, variables, steps)]
  for (const by of ['network', 'layer', 'variable'] as const) {
    const [a, b] = [await rowsRead(tails, cut, { by }), await rowsRead(tails, whole, { by })]
    for (const [r, row] of a.entries())
      for (const [name, value] of Object.entries(row))
        if (typeof value === 'number' && !Number.isInteger(value))
          assert.ok(isClose(value, b[r][name] as number, 1e-12), `${name}: ${value} and ${b[r][name]}`)
        else assert.equal(value, b[r][name], name)
  }
  const [network] = await rowsRead(tails, cut)
  assert.deepEqual([network.maxIteration, network.maxIndex, network.maxVariable], [1, 900, 'b/kernel'])
  const figures = await tails.summarise!(cut.source, { ...cut.facts, to: 2 })
  assert.ok(
    tails.figures.every(({ name }) => Number.isNaN(figures[name])),
    'no segment ends within two',
  )
})

test('the histogram is there where tails are recorded, and not where nothing was', () => {
  const has = (diagnostics?: Record<string, boolean>) =>
    hasDiagnostic(histogram, { allocation: { diagnostics }, training: {} })
  assert.deepEqual(
    [has({ tails: true }), has({ tails: false, units: true }), has(undefined)],
    [true, false, false],
  )
  assert.equal(hasDiagnostic(tails, { allocation: { diagnostics: { tails: true } }, training: {} }), true)
})
