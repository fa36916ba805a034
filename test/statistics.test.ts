/** Student's t and the intervals made of it, against printed tables, quadrature, and examples worked by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { estimate, welch } from '../src/statistics/intervals.ts'
import { studentQuantile, twoTails } from '../src/statistics/student.ts'

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
