/** Student's t and the intervals made of it, against printed tables, quadrature, and examples worked by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differenceBySeed, estimate, sharedSeeds, welch } from '../src/statistics/intervals.ts'
import { studentQuantile, twoTails } from '../src/statistics/student.ts'
import { axisOf, bucketMeans, groupings, groupsOf, meansOver } from '../src/web/grouped.ts'

const near = (actual: number | null, expected: number, error: number) =>
  assert.ok(actual !== null && Math.abs(actual - expected) <= error, `${actual} is not ${expected}`)

test('quantiles are those of the printed tables', () => {
  // Fisher and Yates, Statistical Tables, table III: two-tailed 5 % and 1 %.
  const table: [degrees: number, five: number, one: number][] = [
    [1, 12.706, 63.657],
    [2, 4.303, 9.925],
    [3, 3.182, 5.841],
    [4, 2.776, 4.604],
    [5, 2.571, 4.032],
    [10, 2.228, 3.169],
    [30, 2.042, 2.75],
    [120, 1.98, 2.617],
  ]
  for (const [degrees, five, one] of table) {
    near(studentQuantile(0.95, degrees), five, 5.001e-4)
    near(studentQuantile(0.99, degrees), one, 5.001e-4)
  }
  // With one degree it is Cauchy's distribution, with two it has a closed form, with very many it is the normal one.
  near(studentQuantile(0.95, 1), Math.tan(0.475 * Math.PI), 1e-11)
  near(studentQuantile(0.95, 2), (2 * 0.475) / Math.sqrt(2 * 0.975 * 0.025), 1e-12)
  const z = 1.959963984540054
  near(studentQuantile(0.95, 1e5), z + (z ** 3 + z) / 4e5, 1e-8)
})

test('the tails are the integral of the density, also for degrees that are not whole', () => {
  // Without Γ: the density is normalised by its own integral. t = √ν tan φ turns (−∞, ∞) into (−π/2, π/2).
  for (const degrees of [1.37, 2.5, 3.99, 7.2, 41.6]) {
    const steps = 20_000
    const integral = (from: number) => {
      const h = (Math.PI / 2 - from) / steps
      let sum = 0
      for (let i = 0; i < steps; i++) sum += Math.cos(from + (i + 0.5) * h) ** (degrees - 1)
      return sum * h
    }
    for (const t of [0.1, 1, 2.776, 8])
      near(twoTails(t, degrees), integral(Math.atan(t / Math.sqrt(degrees))) / integral(0), 3e-6)
    near(twoTails(studentQuantile(0.95, degrees), degrees), 0.05, 1e-14)
  }
})

test('a quantile needs a confidence and degrees of freedom', () => {
  for (const [confidence, degrees] of [
    [0, 3],
    [1, 3],
    [0.95, 0],
    [0.95, Number.NaN],
  ])
    assert.throws(() => studentQuantile(confidence, degrees), RangeError)
})

test('an estimate of nothing, of one value, and of some', () => {
  assert.deepEqual(estimate([], 0.95), { n: 0, mean: null, sd: null, low: null, high: null })
  assert.deepEqual(estimate([3], 0.95), { n: 1, mean: 3, sd: null, low: null, high: null })
  const { n, mean, sd, low, high } = estimate([1, 2, 3], 0.95)
  assert.deepEqual([n, mean, sd], [3, 2, 1])
  near(low, 2 - 4.302652729749462 / Math.sqrt(3), 1e-12)
  near(high, 2 + 4.302652729749462 / Math.sqrt(3), 1e-12)
})

test('the difference of two means, where the variances differ', () => {
  // Variances 1 and 100 of three values each: ν = (1/3 + 100/3)² / ((1/3)²/2 + (100/3)²/2) = 2·101²/10001.
  const [x, y] = [estimate([1, 2, 3], 0.95), estimate([0, 10, 20], 0.95)]
  const { difference, low, high } = welch(x, y, 0.95)
  assert.equal(difference, -8)
  const half = studentQuantile(0.95, (2 * 101 ** 2) / 10_001) * Math.sqrt(101 / 3)
  near(low, -8 - half, 1e-12)
  near(high, -8 + half, 1e-12)
  // R: t.test(c(1, 2, 3), c(0, 10, 20))$conf.int
  near(low, -32.4, 0.3)
})

/** As sweeps have them: the values of each by its places, and which places have a seed in common. */
const bySeed = (x: Map<number, number>, y: Map<number, number>) =>
  differenceBySeed([...x.values()], [...y.values()], sharedSeeds([...x.keys()], [...y.keys()]), 0.95)

test('the difference of runs that share seeds is taken seed by seed; of those that share none it is Welch’s', () => {
  const x = new Map([
    [1, 1.1],
    [2, 2.3],
    [3, 2.9],
    [4, 50],
  ])
  const y = new Map([
    [3, 2.5],
    [2, 2],
    [1, 1],
    [7, -50],
  ])
  // R: t.test(c(.1, .3, .4))$conf.int, half of it t(2) · √(0.07/3)/√3
  const { difference, low, high, pairs } = bySeed(x, y)
  assert.equal(pairs, 3)
  near(difference, 0.8 / 3, 1e-12)
  near(low, 0.8 / 3 - (4.302652729749462 * Math.sqrt(0.07 / 3)) / Math.sqrt(3), 1e-12)
  near(high, 0.8 / 3 + (4.302652729749462 * Math.sqrt(0.07 / 3)) / Math.sqrt(3), 1e-12)
  assert.deepEqual(
    bySeed(
      new Map([
        [1, 3],
        [2, 5],
      ]),
      new Map([[2, 1]]),
    ),
    {
      ...{ difference: 4, low: null, high: null, pairs: 1 },
    },
  )
  const others = new Map([
    [8, 2.5],
    [9, 2],
  ])
  const [ofX, ofOthers] = [x, others].map(values => estimate([...values.values()], 0.95))
  assert.deepEqual(bySeed(x, others), { ...welch(ofX, ofOthers, 0.95), pairs: 0 })
  assert.deepEqual(bySeed(x, new Map()), {
    difference: null,
    low: null,
    high: null,
    pairs: 0,
  })
})

test('intervals of a sweep are those of SciPy 1.17.1', () => {
  const seeds = [11, 12, 13, 14, 15]
  const x = [-1.6214, -1.5987, -1.7031, -1.6402, -1.5555]
  const otherSeeds = [14, 11, 13, 15, 12]
  const y = [-1.4023, -1.4172, -1.441, -1.3999, -1.3871]
  // ttest_1samp(x, 0).confidence_interval(0.95), and of its first three values and two
  for (const [n, mean, sd, low, high] of [
    [5, -1.62378, 0.05444747009733326, -1.6913854634131347, -1.5561745365868653],
    [3, -1.6410666666666665, 0.054908317524154183, -1.7774664889171794, -1.5046668444161535],
    [2, -1.61005, 0.016051323932934587, -1.7542654237555824, -1.4658345762444176],
  ]) {
    const found = estimate(x.slice(0, n), 0.95)
    assert.equal(found.n, n)
    near(found.mean, mean, 1e-14)
    near(found.sd, sd, 1e-14)
    near(found.low, low, 1e-12)
    near(found.high, high, 1e-12)
  }
  // ttest_rel(x, y[[1, 4, 2, 0, 3]]).confidence_interval(0.95), and over the first three seeds
  const shared = sharedSeeds(seeds, otherSeeds)
  const paired = differenceBySeed(x, y, shared, 0.95)
  assert.equal(paired.pairs, 5)
  near(paired.difference, -0.21428, 1e-14)
  near(paired.low, -0.2639340951616336, 1e-12)
  near(paired.high, -0.16462590483836648, 1e-12)
  // A run that has no value of a measure is in no pair of it, and in no mean.
  const some = [...x.slice(0, 3), Number.NaN, Number.NaN]
  const fewer = differenceBySeed(some, y, shared, 0.95)
  assert.equal(fewer.pairs, 3)
  near(fewer.low, -0.30424276177575516, 1e-12)
  near(fewer.high, -0.14769057155757814, 1e-12)
  assert.deepEqual(estimate(some, 0.95), estimate(x.slice(0, 3), 0.95))
  // ttest_ind(x, z, equal_var=False).confidence_interval(0.95): 3.103 degrees of freedom
  const z = [-1.2, -1.9, -1.05, -1.44]
  const unpaired = differenceBySeed(x, z, sharedSeeds(seeds, [1, 2, 3, 4]), 0.95)
  assert.equal(unpaired.pairs, 0)
  near(unpaired.difference, -0.22628, 1e-14)
  near(unpaired.low, -0.8114326856805189, 1e-12)
  near(unpaired.high, 0.3588726856805188, 1e-12)
  // t.ppf(0.975, ν) and t.ppf(0.995, ν), asked for twice: what is remembered is the same
  for (const [degrees, five, one] of [
    [1, 12.706204736174694, 63.656741162871526],
    [4, 2.7764451051977934, 4.604094871349992],
    [29, 2.045229642132703, 2.756385903670605],
    [499, 1.9647293909876886, 2.585717683111754],
    [3.0857, 3.1330235735607688, 5.68293877721955],
    [7.25, 2.348194849105371, 3.4587559624438082],
  ])
    for (let i = 0; i < 2; i++) {
      near(studentQuantile(0.95, degrees), five, 1e-10)
      near(studentQuantile(0.99, degrees), one, 1e-9)
    }
})

test('no interval where there are too few values; none is needed where nothing varies', () => {
  const [none, one, same] = [[], [1], [0, 0, 0]].map(values => estimate(values, 0.95))
  assert.deepEqual(welch(none, same, 0.95), { difference: null, low: null, high: null })
  assert.deepEqual(welch(one, same, 0.95), { difference: 1, low: null, high: null })
  assert.deepEqual(welch(same, same, 0.95), { difference: 0, low: 0, high: 0 })
  // One group frozen: the other's own interval, moved.
  const x = estimate([1, 2, 3], 0.95)
  const moved = welch(x, same, 0.95)
  assert.equal(moved.difference, x.mean)
  near(moved.low, x.low!, 1e-14)
  near(moved.high, x.high!, 1e-14)
})

const rows = (values: number[]) => ({ iteration: values.map((_, i) => i), values })

test('means over runs are of those that have a value at a place, and say how many these are', () => {
  const runs = [rows([1, 2, 3, 4]), rows([3, 4, 5, 6]), rows([5, Number.NaN, Number.NaN]), rows([7])]
  const axis = axisOf(runs)
  assert.deepEqual(axis, { length: 1, end: 4, count: 4 })
  const { n, mean, lower, upper } = meansOver(
    runs.map(run => bucketMeans(run, axis)),
    axis.count,
  )
  assert.deepEqual(
    [n, mean],
    [
      [4, 2, 2, 2],
      [4, 3, 4, 5],
    ],
  )
  // 1, 3, 5, 7: s² = (9 + 1 + 1 + 9)/3, t₃ = 3.18245, s/√4 = 1.29099. Of 2 and 4: s/√2 = 1, t₁ = 12.7062.
  near(lower[0], 4 - 4.10852, 1e-5)
  near(upper[0], 4 + 4.10852, 1e-5)
  near(lower[1], 3 - 12.7062, 1e-4)
  near(upper[3], 5 + 12.7062, 1e-4)
  // One run has no interval, none has no mean either.
  const few = meansOver([Float64Array.of(2, Number.NaN)], 2)
  assert.deepEqual(few, { n: [1, 0], mean: [2, null], lower: [null, null], upper: [null, null] })
})

test('a bucket of a run has a mean where all of its iterations have a value', () => {
  const axis = { length: 2, end: 5, count: 3 }
  const means = (values: number[]) => [...bucketMeans(rows(values), axis)]
  const none = Number.NaN
  // The last is as short as the longest run leaves it.
  assert.deepEqual(means([1, 2, 3, 4, 5]), [1.5, 3.5, 5])
  assert.deepEqual(means([1, 2, 3]), [1.5, none, none])
  assert.deepEqual(means([1, 2, none, 4, 5]), [1.5, none, 5])
  assert.deepEqual(means([1, 2, Number.POSITIVE_INFINITY, 4, 0]), [1.5, none, 0])
  // Segments that are not there yet; and rows that were left out on purpose, of a run that has gone so far.
  const [early, late] = [
    { iteration: [0, 1, 3, 4], values: [1, 2, 4, 5] },
    { iteration: [0, 3], values: [1, 4] },
  ]
  assert.deepEqual([...bucketMeans(early, axis)], [1.5, none, 5])
  assert.deepEqual([...bucketMeans({ ...late, thinned: true }, axis)], [1, 4, none])
  const lengthOf = (end: number) => axisOf([rows([1]), { iteration: [0, end - 1], values: [1, 1] }])
  assert.deepEqual(lengthOf(240), { length: 1, end: 240, count: 240 })
  assert.deepEqual(lengthOf(2401), { length: 20, end: 2401, count: 121 })
})

test('runs are grouped by tags, variants and fields, in the order of their values', () => {
  const run = (id: string, tags: Record<string, string>, sweepId: string | null = null) => ({
    item: { id, tags, sweepId, variant: sweepId && 'baseline' },
  })
  const runs = [
    run('a', { width: '100' }, 's1'),
    run('b', { width: '9' }, 's2'),
    run('c', {}),
    run('d', { width: '100' }, 's1'),
    run('e', { width: '10' }),
  ]
  const differences = [
    { path: 'optimizer.learningRate', values: [0.1, 0.01, 0.1, 0.01, null] },
    { path: 'layers."fc.1".freeze', values: [true, false, false, true, true] },
    { path: 'training.seed', values: [1, 2, 3, 4, 5] },
  ]
  const grouped = (by: string) =>
    groupsOf(by, runs, differences).map(({ label, curves }) => [
      label,
      curves.map(({ item }) => item.id).join(''),
    ])
  const [some, other] = [
    [
      ['width 9', 'b'],
      ['width 10', 'e'],
      ['width 100', 'ad'],
      ['without width', 'c'],
    ],
    [
      ['learningRate 0.01', 'bd'],
      ['learningRate 0.1', 'ac'],
      ['without learningRate', 'e'],
    ],
  ]
  assert.deepEqual(grouped('tags.width'), some)
  assert.deepEqual(grouped('spec.optimizer.learningRate'), other)
  assert.deepEqual(grouped('variant'), [
    ['sweep s1: baseline', 'ad'],
    ['sweep s2: baseline', 'b'],
    ['in no sweep', 'ce'],
  ])
  const [first, , third] = runs
  assert.deepEqual(
    groupsOf('variant', [first, third], []).map(({ label }) => label),
    ['baseline', 'in no sweep'],
  )
  assert.deepEqual(grouped('spec.layers."fc.1".freeze')[1], ['freeze true', 'ade'])
  assert.deepEqual(grouped('spec.training.batchSize'), [['the same batchSize', 'abcde']])
  // A seed of its own for each puts nothing together.
  const offered = ['variant', 'tags.width', 'spec.optimizer.learningRate', 'spec.layers."fc.1".freeze']
  assert.deepEqual(groupings(runs, differences), offered)
})
