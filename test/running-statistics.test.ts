/** Batch norm whose allocated loss has running statistics: what they are, and that the books balance with them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSplits } from '../src/data/registry.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { makeBatches } from '../src/nn/training/iteration.ts'
import type { SpecError } from '../src/spec/errors.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { columnsOf, runExperiment, total } from './support/experiment.ts'

const spec: ExperimentSpec = {
  dataset: { name: 'spirals', trainExamples: 60, validationExamples: 30 },
  architecture: {
    name: 'custom',
    layers: [
      { kind: 'batch_norm', statistics: 'running', momentum: 0.3, epsilon: 1e-5 },
      { kind: 'dense', units: 8 },
      { kind: 'batch_norm', statistics: 'running' },
      { kind: 'tanh' },
      { kind: 'dense', units: 3 },
    ],
  },
  optimizer: { name: 'sgd', learningRate: 0.2, momentum: 0.9 },
  layers: { bn_1: { freeze: true } },
  training: { iterations: 6, batchSize: 20 },
  allocation: { maxError: 1e-5, segmentIterations: 4 },
}

test('running statistics are averages of batches, part of the weights, and have their share of LCA: the books balance with them, and not without', async () => {
  const run = await runExperiment(spec)
  const { train } = await loadSplits(run.spec.dataset, { directory: '.' })
  const network = buildNetwork(run.spec.architecture, train)
  const own = (name: string) => network.variables.find(variable => variable.name === name)!
  assert.deepEqual(network.layers, ['bn_1', 'fc_1', 'bn_2', 'fc_2'])
  assert.equal(network.batchNorm, false, 'the loss of an example does not depend on its chunk')
  const rows = [run.floats('weights/0-4.npy'), run.floats('weights/4-6.npy').subarray(network.parameters)]
  const theta = (t: number) =>
    (t <= 4 ? rows[0] : rows[1])
      .subarray((t <= 4 ? t : t - 5) * network.parameters)
      .subarray(0, network.parameters)

  // The first layer's are those of the points themselves, with momentum 0.3 and the unbiased variance.
  const batchOf = makeBatches(train.count, 20, run.spec.training.seed)
  const expected = [0, 0, 1, 1]
  for (let t = 0; t < 6; t++) {
    const batch = [...batchOf(t)]
    for (const c of [0, 1]) {
      const values = batch.map(n => train.images[n * 2 + c])
      const mean = values.reduce((a, b) => a + b) / 20
      const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 19
      expected[c] = 0.7 * expected[c] + 0.3 * mean
      expected[2 + c] = 0.7 * expected[2 + c] + 0.3 * variance
    }
    const found = ['mean', 'variance'].flatMap(role => {
      const { offset } = own(`bn_1/statistics/${role}`)
      return [...theta(t + 1).subarray(offset, offset + 2)]
    })
    for (const [i, value] of found.entries()) assert.ok(Math.abs(value - expected[i]) < 1e-6, `${t} ${i}`)
  }
  // What is frozen keeps its bits; its statistics go on.
  const { offset } = own('bn_1/gamma')
  assert.deepEqual(theta(6).subarray(offset, offset + 4), theta(0).subarray(offset, offset + 4))

  // The loss at the end, in float64, with the averages as they are then.
  const last = Float64Array.from(theta(6))
  const at = (name: string) => last.subarray(own(name).offset, own(name).offset + own(name).size)
  const normalized = (x: number[], bn: string, epsilon: number) =>
    x.map(
      (value, c) =>
        (at(`${bn}/gamma`)[c] * (value - at(`${bn}/statistics/mean`)[c])) /
          Math.sqrt(at(`${bn}/statistics/variance`)[c] + epsilon) +
        at(`${bn}/beta`)[c],
    )
  const dense = (x: number[], layer: string) => {
    const bias = [...at(`${layer}/bias`)]
    return bias.map((b, o) =>
      x.reduce((sum, v, i) => sum + v * at(`${layer}/kernel`)[i * bias.length + o], b),
    )
  }
  let loss = 0
  for (let n = 0; n < train.count; n++) {
    const x = normalized([train.images[2 * n], train.images[2 * n + 1]], 'bn_1', 1e-5)
    const z = dense(normalized(dense(x, 'fc_1'), 'bn_2', 1e-3).map(Math.tanh), 'fc_2')
    loss += Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0)) - z[train.labels[n]]
  }
  const final = run.evaluations.find(({ split, iteration }) => split === 'train' && iteration === 6)!
  assert.ok(Math.abs(final.loss - loss / train.count) < 1e-5, `${final.loss} and ${loss / train.count}`)

  for (const split of ['train', 'validation']) {
    const [first, end] = run.evaluations.filter(one => one.split === split)
    const change = end.loss - first.loss
    const allocated = total(run, 'lca', row => row.split === split)
    assert.ok(Math.abs(change - allocated) < 6 * 1e-5 + 1e-6, `${allocated} of ${change}`)
    const isStatistic = (v: number) => network.variables[v].statistic === true
    const statistics = total(run, 'lca', row => row.split === split && isStatistic(row.variable))
    assert.ok(Math.abs(statistics) > 1e-2 * Math.abs(change), `statistics ${statistics} of ${change}`)
    const frozen = total(run, 'squared', row => row.split === split && row.variable === 0)
    assert.equal(frozen, 0)
    for (const [s] of run.segments.entries())
      assert.ok(columnsOf(run, s, 'iterations', split).residual.every(residual => Math.abs(residual) < 1e-5))
  }
})

test('what no optimizer moves does not go with what is said of its steps', async () => {
  const refuse = async (more: object, path: string, message: RegExp) =>
    assert.rejects(
      runExperiment({ ...spec, ...more } as ExperimentSpec),
      ({ errors }: SpecError) => errors[0].path === path && message.test(errors[0].message),
    )
  for (const name of ['components', 'sharpness'])
    await refuse(
      { allocation: { diagnostics: { [name]: true } } },
      `$.allocation.diagnostics.${name}`,
      /running statistics/,
    )
  const layers = [
    { kind: 'batch_norm', momentum: 0.3 },
    { kind: 'dense', units: 3 },
  ]
  await refuse(
    { architecture: { name: 'custom', layers }, layers: {} },
    '$.architecture.layers[0]',
    /set statistics to "running"/,
  )
})
