/** The loops over the host's vectors are the same in C++ as in JavaScript, to the bit. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { defaultEngine, hostLoopsPath } from '../src/engine/binding.ts'
import { extremes, type HostLoops, portableLoops, rangesOf, signedBins, spansOf } from '../src/host-loops.ts'
import { randomStream } from '../src/nn/random.ts'

const skip = defaultEngine() === 'wasm' && 'native TensorFlow is not built here'
const native = skip ? portableLoops : (createRequire(import.meta.url)(hostLoopsPath()) as HostLoops)

/** Of several blocks and a rest, of any sign and size, and some 0 and −0. */
const length = 200_003
const stream = randomStream('host loops')
const special = [0, -0, 1e-40, -1e30]
const value = () => (stream.integer(9) === 0 ? special[stream.integer(4)] : stream.normal())
const doubles = () => Float64Array.from({ length }, value)
const floats = () => Float32Array.from({ length }, value)
const [a, b, c] = [doubles(), doubles(), doubles()]
const [x, y] = [floats(), floats()]
/** With a gap before, between and after, and one that is empty. */
const ranges = rangesOf([
  { offset: 1001, size: 180_000 },
  { offset: 181_002, size: 9000 },
  { offset: 190_002, size: 0 },
  { offset: 190_005, size: 77 },
])

/** What each loop writes, and what it returns, if anything. */
const cases: Record<string, (loops: HostLoops) => unknown[]> = {
  combine: ({ combine }) => {
    const into = [a.slice(), doubles().fill(0), floats().fill(0), doubles().fill(0), floats().fill(0)]
    combine(into[0], 1, into[0], 1 / 3, b)
    combine(into[1], 1, x, -1, y)
    combine(into[2], 1, x, 0.7, a)
    combine(into[3], 1 / 45, a, -20 / 45, b, 64 / 45, c)
    combine(into[4], 0.3, x, 0.1, a, 0.2, y)
    return into
  },
  allocate: ({ allocate }) => {
    const lca = floats().fill(0)
    return [allocate(lca, a, b), lca]
  },
  sums: ({ sums }) => found(6, into => sums(x, a, ranges, into)),
  slopes: ({ slopes }) => found(5, into => slopes(x, a, b, c, ranges, into)),
  compare: ({ compare }) => found(5, into => compare(a, b, ranges, into)),
  compareUpdates: ({ compareUpdates }) => found(5, into => compareUpdates(x, y, c, ranges, into)),
  compareSigns: ({ compareSigns }) => found(2, into => compareSigns(x, y, ranges, into)),
  join: ({ join }) => {
    const sum = new Float32Array(length)
    return [
      ...found(4, into => join(x, sum, true, ranges, into)),
      ...found(4, into => join(y, sum, false, ranges, into)),
      sum,
    ]
  },
  tally: ({ tally }) => {
    const [counts, absolute] = [new Float64Array(4 * signedBins), new Float64Array(4 * signedBins)]
    const none = { max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }
    const kept = Float64Array.from(
      [0, 1, 2, 3].flatMap(() => extremes.map(name => ({ ...none })[name as 'max'] ?? 0)),
    )
    tally(x, 7, ranges, counts, absolute, kept)
    tally(y, 8, ranges, counts, absolute, kept)
    const width = extremes.length
    assert.ok(kept[0] > 0 && kept[2] === Math.max(...valuesIn(0)), 'the largest')
    assert.deepEqual([...kept.subarray(2 * width, 3 * width)], [0, 0, none.max, 0, 0, none.min, 0, 0])
    return [counts, absolute, kept]
  },
  addUnits: ({ addUnits }) => {
    const all = Array.from({ length: 2 }, () => new Float64Array(100))
    addUnits(x, ranges, spans, all[0], all[1])
    return all
  },
  sumUnits: ({ sumUnits }) => {
    const sums = new Float64Array(100)
    sumUnits(x, ranges, spans, sums)
    return [sums]
  },
  sgd: ({ sgd }) =>
    [false, true].flatMap(nesterov => {
      const [theta, v] = [x.slice(), b.slice()]
      sgd(theta, a, v, { momentum: 0.9, nesterov, rate: 0.03, kept: 1 - 1e-4 })
      return [theta, v]
    }),
  adam: ({ adam }) => {
    const [theta, m, s] = [x.slice(), b.slice(), c.map(Math.abs)]
    const [first, second] = [1 - 0.9 ** 3, 1 - 0.999 ** 3]
    adam(theta, a, m, s, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, first, second, rate: 0.003, kept: 1 })
    return [theta, m, s]
  },
}
/** Two that share units, and two in whose units several are in a row. */
const spans = spansOf([
  { first: 3, stride: 1, units: 67 },
  { first: 3, stride: 1, units: 67 },
  { first: 70, stride: 5, units: 2 },
  { first: 72, stride: 7, units: 12 },
])
/** Those of x and y in a range. */
const valuesIn = (r: number) =>
  [x, y].map(of =>
    of.subarray(ranges[2 * r], ranges[2 * r] + ranges[2 * r + 1]).reduce((m, v) => Math.max(m, v)),
  )
function found(each: number, loop: (into: Float64Array) => void) {
  const into = new Float64Array((each * ranges.length) / 2)
  loop(into)
  assert.ok(into.subarray(0, each).every(value => value !== 0))
  return [into]
}

for (const [name, run] of Object.entries(cases))
  test(`${name}: the same bits`, { skip }, () => assert.deepStrictEqual(run(native), run(portableLoops)))

test('sums by sign are those of a loop that looks at each sign', () => {
  const [sums] = cases.sums(portableLoops) as [Float64Array]
  const expected = new Float64Array(6)
  for (let i = ranges[0]; i < ranges[0] + ranges[1]; i++) {
    expected[x[i] < 0 ? 0 : 1] += x[i]
    expected[2] += x[i] * x[i]
    expected[3] += a[i] * a[i]
    if (x[i] < 0) expected[4]++
    if (x[i] > 0) expected[5]++
  }
  assert.deepEqual(sums.subarray(0, 6), expected)
})

test('native loops refuse what lies beyond a vector, or is of another type', { skip }, () => {
  const into = new Float64Array(6)
  const all = (offset: number, size: number) => Float64Array.of(offset, size)
  const wrong: (() => unknown)[] = [
    () => native.sums(x, a, all(4, length - 3), into),
    () => native.sums(x, a, all(-1, 3), into),
    () => native.sums(x, a, all(0.5, 3), into),
    () => native.sums(x, a, all(0, Number.NaN), into),
    () => native.sums(x, a, all(0, 3).subarray(1), into),
    () => native.sums(x, a, all(0, 3), new Float64Array(5)),
    () => native.sums(a as unknown as Float32Array, a, all(0, 3), into),
    () => native.tally(x, 0, all(0, length), into, into, new Float64Array(8)),
    () => native.addUnits(x, all(0, length), Float64Array.of(0, 1, 7), into, into),
    () => native.addUnits(x, all(0, length), Float64Array.of(0, 0, 6), into, into),
    () => native.sumUnits(x, all(0, length), Float64Array.of(Number.NaN, 1, 6), into),
    () => native.combine(into, 1, a, 2, [] as unknown as Float64Array),
    () => native.sgd(x, a, new Float64Array(length - 1), { momentum: 0, nesterov: false, rate: 1, kept: 1 }),
    () => native.sgd(x, a, b, { momentum: 0, rate: 1, kept: 1 } as Parameters<HostLoops['sgd']>[3]),
    () => (native.combine as (...args: unknown[]) => void)(),
  ]
  for (const call of wrong) assert.throws(call, TypeError)
})
