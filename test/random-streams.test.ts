import assert from 'node:assert/strict'
import { test } from 'node:test'
import { permutation, randomStream, xoshiro128 } from '../src/nn/random.ts'

const take = (n: number, draw: () => number) => Array.from({ length: n }, draw)

test('xoshiro128** gives the numbers of its reference implementation', () => {
  assert.deepEqual(
    take(10, xoshiro128([1, 2, 3, 4])),
    [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
  )
})

test('a key always gives the same stream, and any part that differs another', () => {
  const first = (...key: (string | number)[]) => take(4, randomStream(...key).uint32)
  assert.deepEqual(first('init', 1, 'fc_1/kernel'), first('init', 1, 'fc_1/kernel'))
  const keys: (string | number)[][] = [
    ['init', 1, 'fc_1'],
    ['init', 2, 'fc_1'],
    ['shuffle', 1, 'fc_1'],
    ['init', 1, 'fc_2'],
    ['init', 11],
  ]
  assert.equal(new Set(keys.map(key => first(...key).join())).size, keys.length)
})

test('uniform, normal and integer have the moments of their distributions', () => {
  const n = 100_000
  const moments = (values: number[]) => {
    const mean = values.reduce((a, b) => a + b, 0) / n
    return { mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / n }
  }
  const uniforms = take(n, randomStream('uniform').uniform)
  assert.ok(uniforms.every(u => u >= 0 && u < 1))
  const uniform = moments(uniforms)
  assert.ok(Math.abs(uniform.mean - 0.5) < 0.005 && Math.abs(uniform.variance - 1 / 12) < 0.002)

  const normals = take(n, randomStream('normal').normal)
  const normal = moments(normals)
  assert.ok(Math.abs(normal.mean) < 0.015 && Math.abs(normal.variance - 1) < 0.02)
  const beyondTwo = normals.filter(x => Math.abs(x) > 2).length / n
  assert.ok(Math.abs(beyondTwo - 0.0455) < 0.004)
  // The two numbers of a Box–Muller pair are independent.
  const paired = normals.reduce((sum, x, i) => (i % 2 === 0 ? sum + x * normals[i + 1] : sum), 0) / (n / 2)
  assert.ok(Math.abs(paired) < 0.02)

  const stream = randomStream('integer')
  const counts = new Array(7).fill(0)
  for (let i = 0; i < n; i++) counts[stream.integer(7)]++
  const expected = n / 7
  const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  assert.ok(chiSquared < 22.5, `χ² with 6 degrees of freedom is ${chiSquared}, p < 0.001`)
})

test('integer refuses what it cannot draw from', () => {
  const { integer } = randomStream('range')
  for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) assert.throws(() => integer(n), RangeError)
  assert.equal(integer(1), 0)
})

test('permutation holds every index once and favours no position', () => {
  const order = permutation(1000, randomStream('permutation'))
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...Array(1000).keys()],
  )
  assert.deepEqual([...permutation(0, randomStream('none'))], [])
  const stream = randomStream('small')
  const counts = new Map<string, number>()
  for (let i = 0; i < 6000; i++) {
    const key = permutation(3, stream).join('')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  assert.equal(counts.size, 6)
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 120)
})
