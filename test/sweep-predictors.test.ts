/** Spearman against pairs worked by hand and a permutation count; Holm; and the predictors and figures of a sweep over HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predictorsOf } from '../src/api/routes/sweeps/predictors.ts'
import { correlationInterval, holm, ranksOf, spearman } from '../src/statistics/spearman.ts'
import { minimalSpec, startApi } from './support/api.ts'

const near = (actual: number | null, expected: number, error = 1e-12) =>
  assert.ok(actual !== null && Math.abs(actual - expected) <= error, `${actual} is not ${expected}`)

test('ρ is the correlation of ranks; equal values have the mean of theirs', () => {
  assert.deepEqual([...ranksOf([3, 1, 3, 2])], [3.5, 1, 3.5, 2])
  near(spearman([1, 2, 3, 4, 5], [1, 8, 27, 64, 125]), 1)
  // Without ties 1 − 6 Σd²/(n(n² − 1)): d = 1, 1, 1, 1, 0 gives 0.8.
  near(spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]), 0.8)
  assert.ok(Number.isNaN(spearman([1, 1, 1], [1, 2, 3])))
})

test('its interval and p; p is that of all orders where these are few; Holm', () => {
  const { low, high, p } = correlationInterval(0.8, 20, 0.95)
  const half = 1.959964 * Math.sqrt(1.32 / 17)
  near(low, Math.tanh(Math.atanh(0.8) - half), 1e-5)
  near(high, Math.tanh(Math.atanh(0.8) + half), 1e-5)
  // t = 5.657 with 18 degrees of freedom.
  near(p, 2.3e-5, 2e-6)
  assert.deepEqual(correlationInterval(1, 4, 0.95), { low: 1, high: 1, p: 2 / 24 })
  // The share of the 5,040 orders of 7 that are as far from 0.
  const order = [1, 2, 3, 4, 5, 6, 7]
  const all = ordersOf(order)
  const asFar = all.filter(other => Math.abs(spearman(order, other)) >= 0.75 - 1e-9).length
  near(correlationInterval(0.75, 7, 0.95).p, asFar / all.length, 0.02)
  assert.deepEqual(
    holm([0.01, 0.04, 0.03, 0.5]).map(value => Number(value.toPrecision(6))),
    [0.04, 0.09, 0.09, 0.5],
  )
})

function ordersOf(values: number[]): number[][] {
  if (values.length < 2) return [values]
  return values.flatMap((first, i) => ordersOf(values.toSpliced(i, 1)).map(rest => [first, ...rest]))
}

const runOf = (seed: number) => ({
  // α foretells the loss; the other figure is any number, and a third never varies.
  early: {
    train: [
      {
        fraction: 0.1,
        iterations: 1,
        figures: {
          'curvature.alpha': seed / 8,
          'curvature.firstOrder': (seed * 5) % 7,
          'curvature.overshooting': 0,
        },
      },
    ],
  },
  splits: {
    validation: { loss: { initial: 2, final: seed ** 2 }, accuracy: { initial: 0.1, final: 1 / (1 + seed) } },
  },
})

test('what foretells the end is told apart from what does not, for as many as were tried', () => {
  const rows = predictorsOf(Array.from({ length: 12 }, (_, i) => runOf(i + 1)))
  assert.deepEqual(
    rows.map(({ figure, outcome }) => `${figure} ${outcome}`),
    ['alpha', 'firstOrder'].flatMap(name =>
      ['finalLoss', 'finalAccuracy'].map(outcome => `curvature.${name} ${outcome}`),
    ),
  )
  assert.deepEqual([rows[0].correlation, rows[1].correlation, rows[0].n], [1, -1, 12])
  near(rows[0].adjustedP, (4 * 2) / 479_001_600, 1e-15)
  assert.ok(rows[2].adjustedP! > 0.2)
  assert.deepEqual(predictorsOf(Array.from({ length: 3 }, (_, i) => runOf(i + 1))), [])
})

test('a sweep has them in every format, and figures of diagnostics among its measures', async t => {
  const api = await startApi()
  t.after(() => api.close())
  const { body: sweep } = await api.http
    .post('/v1/sweeps')
    .send({
      base: minimalSpec(),
      vary: [{ name: 'a' }, { optimizer: { learningRate: 0.2 } }],
      seeds: [1, 2, 3],
    })
    .expect(202)
  const path = `/v1/sweeps/${sweep.id}`
  const none = await api.http.get(`${path}/predictors`).expect(200)
  assert.deepEqual([none.body.runs, none.body.items, none.body.complete], [0, [], false])
  for (const [i, { id }] of sweep.experiments.entries()) {
    const { early, splits } = runOf(i + 1)
    const train = {
      ...splits.validation,
      diagnostics: { 'curvature.alpha': i, 'curvature.firstOrder': null },
    }
    await api.db.prisma.experiment.update({
      where: { id },
      data: { status: 'succeeded', early, summary: { splits: { ...splits, train }, unbalanced: null } },
    })
  }
  const { body } = await api.http.get(`${path}/predictors`).expect(200)
  assert.deepEqual([body.runs, body.complete, body.items.length], [6, true, 4])
  assert.deepEqual(
    [body.items[0].figure, body.items[0].split, body.items[0].fraction],
    ['curvature.alpha', 'train', 0.1],
  )
  near(body.items[0].correlation, 1)
  const csv = await api.http.get(`${path}/predictors?format=csv`).expect(200)
  assert.equal(csv.text.split('\n')[0], 'figure,split,fraction,outcome,n,correlation,low,high,p,adjustedP')
  assert.equal(csv.text.trim().split('\n').length, 5)
  const { items } = (await api.http.get(`${path}/summary?measure=curvature.alpha`).expect(200)).body
  assert.deepEqual(
    items.map(({ variant, layer, n, mean, sd, difference }: Record<string, unknown>) => [
      ...[variant, layer, n, mean, sd, difference],
    ]),
    [
      ['a', null, 3, 1, 1, null],
      [sweep.variants[1], null, 3, 4, 1, 3],
    ],
  )
  await api.http.get(`${path}/summary?measure=curvature.nothing`).expect(400)
})
