/** First order, end slope and curvature of every step, against gradients in float64; α of a quadratic. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curvature } from '../src/lca/diagnostics/curvature.ts'
import { networkOf } from '../src/lca/diagnostics/follow.ts'
import { makeProbes } from '../src/nn/probes.ts'
import { examplesOf, factsOf, isClose, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

const run = await runExperiment({
  dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
  architecture: { name: 'fc', hidden: [4] },
  optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
  training: { iterations: 5, batchSize: 20, seed: 2 },
  allocation: { segmentIterations: 3 },
})
const trajectory = trajectoryOf(run)
const dot = (a: Float64Array, b: Float64Array, { offset, size }: { offset: number; size: number }) => {
  let sum = 0
  for (let i = offset; i < offset + size; i++) sum += a[i] * b[i]
  return sum
}

for (const split of ['train', 'validation'] as const)
  test(`every sum of ${split} is that of gradients in float64`, async () => {
    const { examples, labels } = await examplesOf(run, split)
    const facts = factsOf(run, split, curvature)
    const gradients = trajectory.map(theta => lossAndGradient(theta, [784, 4, 10], examples, labels).gradient)
    let seen = 0
    for await (const { from, to, columns } of sourceOf(run, split)('curvature'))
      for (let t = from; t < to; t++) {
        const delta = Float64Array.from(trajectory[t + 1], (w, i) => w - trajectory[t][i])
        const change = gradients[t + 1].map((g, i) => g - gradients[t][i])
        for (const [v, variable] of facts.variables.entries()) {
          const row = (t - from) * facts.variables.length + v
          const check = (name: string, expected: number) =>
            assert.ok(
              isClose(columns[name][row], expected),
              `${name} of ${variable.name} at ${t}: ${columns[name][row]} against ${expected}`,
            )
          check('first', dot(gradients[t], delta, variable))
          check('end', dot(gradients[t + 1], delta, variable))
          check('gradient', dot(gradients[t], gradients[t], variable))
          check('gradientChange', dot(change, change, variable))
          seen++
        }
      }
    assert.equal(seen, 5 * 4)
  })

test('α of steps along a quadratic is where on it they ended, and figures are of all of them', async () => {
  // L = ½ Σ h_i w_i², one variable of two parameters; steps that end a half, all, and two of the way to the minimum.
  const variables = [{ name: 'q/kernel', layer: 'q', shape: [2], offset: 0, size: 2 }]
  const h = [3, 0.5]
  const network = networkOf(variables)
  const follower = curvature.follow!({
    ...{ network, splits: ['train'], from: 0, to: 3, iterations: 3, options: {} },
    ...{ probes: makeProbes(undefined as never, {}), signal: new AbortController().signal },
  })
  const start = [1, -2]
  for (const [iteration, way] of [0.5, 1, 2].entries()) {
    const delta = Float64Array.from(start, w => -way * w)
    const gradientBefore = Float64Array.from(start, (w, i) => h[i] * w)
    const gradientAfter = Float64Array.from(start, (w, i) => h[i] * (w + delta[i]))
    const meanGradient = gradientBefore.map((g, i) => (g + gradientAfter[i]) / 2)
    const lca = Float32Array.from(meanGradient, (g, i) => g * delta[i])
    await follower.step({
      ...{ iteration, theta: Float32Array.from(start), delta, splits: 1 },
      perSplit: [
        {
          ...{ split: 'train', lossBefore: 0, lossAfter: 0, residual: 0 },
          ...{ gradientBefore, gradientAfter, meanGradient, lca },
        },
      ],
    })
  }
  const columns = follower.tables().curvature.train!
  const source = async function* () {
    yield { from: 0, to: 3, rows: 3, columns }
  }
  const facts = { ...network, split: 'train' as const, iterations: 3, from: 0, to: 3, options: {} }
  const { view } = curvature
  assert.ok(view.kind === 'sums')
  const derived = (name: string, row: number) =>
    view.derived
      .find(one => one.name === name)!
      .of(Object.fromEntries(Object.entries(columns).map(([column, values]) => [column, values[row]])))
  assert.deepEqual(
    [0, 1, 2].map(row => derived('alpha', row)),
    [-0.5, 0, 1],
  )
  // ΔᵀHΔ = Σ h (way · w)².
  assert.ok(isClose(derived('curvature', 1), 3 * 1 + 0.5 * 4, 1e-12))
  // LCA = F + ½ΔᵀHΔ on a quadratic.
  assert.ok(isClose(derived('remainder', 1), 2.5, 1e-6))
  const figures = await curvature.summarise!(source, facts)
  assert.equal(figures.alpha, 0)
  assert.equal(figures.overshooting, 1 / 3)
})
