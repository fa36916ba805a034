/** The top eigenvalue and the quotients beside it, against a dense Hessian in float64. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharpness } from '../src/lca/diagnostics/sharpness.ts'
import { allocationsName } from '../src/objects/names.ts'
import { largestEigenpair } from '../src/statistics/lanczos.ts'
import { examplesOf, factsOf, isClose, rowsOfRun, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { runExperiment } from './support/experiment.ts'

const hidden = 3
const inputs = 16
const run = (segmentIterations: number) =>
  runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
    architecture: {
      name: 'custom',
      layers: [
        { kind: 'average_pool', size: 7 },
        { kind: 'flatten' },
        { kind: 'dense', units: hidden },
        { kind: 'tanh' },
        { kind: 'dense', units: 10 },
      ],
    },
    optimizer: {
      ...{ name: 'sgd', learningRate: 0.5, momentum: 0.5 },
      schedule: { name: 'step', boundaries: [2], factor: 0.5 },
    },
    training: { iterations: 4, batchSize: 20, seed: 2 },
    allocation: { segmentIterations, splits: ['train'], diagnostics: { sharpness: { every: 3 } } },
    keep: ['weights', 'allocations'],
  })
const whole = await run(4)

/** The gradient of the mean loss of inputs → tanh → softmax, by the chain rule. */
function gradientOf(
  theta: ArrayLike<number>,
  examples: Float64Array[],
  labels: ArrayLike<number>,
): Float64Array {
  const [b1, w2] = [inputs * hidden, inputs * hidden + hidden]
  const b2 = w2 + hidden * 10
  const gradient = new Float64Array(theta.length)
  for (const [n, x] of examples.entries()) {
    const a = Array.from({ length: hidden }, (_, h) => {
      let z = theta[b1 + h]
      for (let i = 0; i < inputs; i++) z += x[i] * theta[i * hidden + h]
      return Math.tanh(z)
    })
    const logits = Array.from({ length: 10 }, (_, c) => {
      let z = theta[b2 + c]
      for (let h = 0; h < hidden; h++) z += a[h] * theta[w2 + h * 10 + c]
      return z
    })
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0)
    const d = logits.map((z, c) => (Math.exp(z) / total - Number(c === labels[n])) / examples.length)
    for (let c = 0; c < 10; c++) gradient[b2 + c] += d[c]
    for (let h = 0; h < hidden; h++) {
      let back = 0
      for (let c = 0; c < 10; c++) {
        gradient[w2 + h * 10 + c] += a[h] * d[c]
        back += theta[w2 + h * 10 + c] * d[c]
      }
      back *= 1 - a[h] ** 2
      gradient[b1 + h] += back
      for (let i = 0; i < inputs; i++) gradient[i * hidden + h] += x[i] * back
    }
  }
  return gradient
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
const apply = (matrix: Float64Array[], v: ArrayLike<number>) => Float64Array.from(matrix, row => dot(row, v))

/** The eigenvalues largest by value and their vectors, one after the other, by powers of H + c·1. */
function topTwo(matrix: Float64Array[]) {
  const shift = Math.max(...matrix.map(row => row.reduce((sum, value) => sum + Math.abs(value), 0)))
  const found: { value: number; vector: Float64Array }[] = []
  for (let k = 0; k < 2; k++) {
    let v = Float64Array.from(matrix, (_, i) => Math.sin(i + 1))
    for (let times = 0; times < 6000; times++) {
      const next = apply(matrix, v).map((value, i) => value + shift * v[i])
      for (const { vector } of found) {
        const overlap = dot(vector, next)
        for (let i = 0; i < next.length; i++) next[i] -= overlap * vector[i]
      }
      const length = Math.sqrt(dot(next, next))
      v = next.map(value => value / length)
    }
    found.push({ value: dot(v, apply(matrix, v)), vector: v })
  }
  return found
}

test('of a matrix that is known the largest eigenvalue is found, with its residual', async () => {
  const diagonal = Float64Array.from({ length: 50 }, (_, i) => (i === 7 ? 3 : Math.cos(i)))
  const product = async (v: Float64Array) => v.map((value, i) => value * diagonal[i])
  const found = await largestEigenpair(product, new Float64Array(50).fill(1), {
    mostProducts: 50,
    tolerance: 1e-8,
  })
  assert.ok(isClose(found.value, 3, 1e-14) && Math.abs(found.vector[7]) > 1 - 1e-12, `${found.value}`)
  assert.ok(isClose(found.first, diagonal.reduce((sum, value) => sum + value, 0) / 50, 1e-12))
  const few = await largestEigenpair(product, new Float64Array(50).fill(1), {
    mostProducts: 4,
    tolerance: 1e-8,
  })
  const left = few.vector.map((value, i) => (diagonal[i] - few.value) * value)
  assert.equal(few.products, 4)
  assert.ok(isClose(few.residual, Math.sqrt(dot(left, left)), 1e-9), `${few.residual}`)
  // From an eigenvector there is nowhere to go.
  const own = await largestEigenpair(
    product,
    diagonal.map((_, i) => Number(i === 7)),
    { mostProducts: 9, tolerance: 0 },
  )
  assert.equal(own.products, 1)
  assert.equal(own.value, 3)
})

test('eigenvalue, quotients and shares are those of a dense Hessian in float64', async () => {
  const { examples, labels } = await examplesOf(whole, 'train')
  const pooled = examples.map(x =>
    Float64Array.from({ length: inputs }, (_, p) => {
      let sum = 0
      for (let r = 0; r < 7; r++)
        for (let c = 0; c < 7; c++) sum += x[(7 * Math.floor(p / 4) + r) * 28 + 7 * (p % 4) + c]
      return sum / 49
    }),
  )
  const trajectory = trajectoryOf(whole)
  const rows = await rowsOfRun(sharpness, whole, 'train')
  assert.deepEqual(
    rows.map(({ iteration }) => iteration),
    [0, 3],
  )
  for (const row of rows) {
    const t = row.iteration as number
    const theta = Float64Array.from(trajectory[t])
    const gradient = gradientOf(theta, pooled, labels)
    const h = 1e-5
    const hessian = Array.from(theta, (w, i) => {
      theta[i] = w + h
      const above = gradientOf(theta, pooled, labels)
      theta[i] = w - h
      const below = gradientOf(theta, pooled, labels)
      theta[i] = w
      return above.map((g, j) => (g - below[j]) / (2 * h))
    })
    const [first, second] = topTwo(hessian)
    const delta = Float64Array.from(trajectory[t + 1], (w, i) => w - trajectory[t][i])
    const quotient = (v: Float64Array) => dot(v, apply(hessian, v)) / dot(v, v)
    const check = (column: string, expected: number, tolerance = 1e-4) =>
      assert.ok(
        isClose(row[column] as number, expected, tolerance),
        `${column} at ${t}: ${row[column]} for ${expected}`,
      )
    check('eigenvalue', first.value)
    check('alongStep', quotient(delta))
    check('alongGradient', quotient(gradient))
    check('threshold', 2 / (t < 2 ? 0.5 : 0.25), 1e-12)
    assert.ok((row.residual as number) <= 1e-3 * first.value && (row.products as number) > 2)
    // u is as far from the eigenvector as the residual is beside the gap.
    const off = 4 * ((row.residual as number) / (first.value - second.value)) + 1e-4
    const share = dot(first.vector, delta) ** 2 / dot(delta, delta)
    assert.ok(Math.abs((row.stepShare as number) - share) < off, `${row.stepShare} for ${share}`)
    const lca = whole
      .floats(allocationsName('train', { from: 0, to: 4 }))
      .subarray(t * theta.length, (t + 1) * theta.length)
    check(
      'lca',
      lca.reduce((sum, value) => sum + value, 0),
      1e-6,
    )
    const after = gradientOf(trajectory[t + 1], pooled, labels)
    const middle = gradientOf(
      trajectory[t].map((w, i) => w + delta[i] / 2),
      pooled,
      labels,
    )
    const mean = gradient.map((g, i) => (g + 4 * middle[i] + after[i]) / 6)
    const along = dot(mean, first.vector) * dot(delta, first.vector)
    const reach = Math.sqrt(dot(mean, mean) * dot(delta, delta))
    assert.ok(Math.abs((row.lcaAlong as number) - along) < off * reach, `${row.lcaAlong} for ${along}`)
  }
  const facts = factsOf(whole, 'train', sharpness)
  const figures = await sharpness.summarise!(sourceOf(whole, 'train'), facts)
  assert.equal(figures.eigenvalue, rows[1].eigenvalue)
  assert.equal(figures.largest, Math.max(...rows.map(({ eigenvalue }) => eigenvalue as number)))
  const early = await sharpness.summarise!(sourceOf(whole, 'train'), { ...facts, to: 2 })
  assert.equal(early.eigenvalue, rows[0].eigenvalue)
})

test('the rows are the same bits again, whatever the segments are', async () => {
  assert.deepEqual(
    await rowsOfRun(sharpness, await run(2), 'train'),
    await rowsOfRun(sharpness, whole, 'train'),
  )
})
