/** Experiments on tokens from end to end: the books balance, the losses are what they say, and the network learns. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { facts } from '../src/plan.ts'
import { preview } from '../src/spec/preview.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { columnsOf, runExperiment, total } from './support/experiment.ts'

const transformer = { name: 'transformer', depth: 1, width: 16, heads: 2, mlpRatio: 2 } as const

test('a transformer learns 1-digit addition: every posting adds up, by layer, by head and over the run', async () => {
  const spec: ExperimentSpec = {
    dataset: { name: 'addition', digits: 1, reversed: true },
    architecture: transformer,
    optimizer: { name: 'adamw', learningRate: 0.01, schedule: { name: 'warmup-cosine', warmup: 5 } },
    training: { iterations: 60, batchSize: 40, clipNorm: 1 },
    allocation: { method: 'trapezoid', maxError: 0.01, maxSplits: 4 },
  }
  const run = await runExperiment(spec)
  for (const split of ['train', 'validation']) {
    const [{ loss: first }, { loss: last, accuracy }] = run.evaluations.filter(one => one.split === split)
    assert.ok(Math.abs(first - Math.log(10)) < 1, `at the start ${first}`)
    if (split === 'train') assert.ok(last < 0.6 * first && accuracy! > 0.5, `${first} → ${last}, ${accuracy}`)
    const lca = total(run, 'lca', row => row.split === split)
    const residuals = run.segments.reduce(
      (sum, _, s) => sum + columnsOf(run, s, 'iterations', split).residual.reduce((a, b) => a + b, 0),
      0,
    )
    assert.ok(Math.abs(last - first - lca - residuals) < 1e-6)
    assert.ok(Math.abs(residuals) < 0.05 * (first - last) || split !== 'train', `residuals ${residuals}`)
  }
  const { variables } = preview(run.spec, facts)
  const attention = variables.flatMap(({ layer }, v) => (layer === 'block1/attention_1' ? [v] : []))
  const own = total(run, 'lca', ({ split, variable }) => split === 'train' && attention.includes(variable))
  const neurons = run.segments.flatMap(({ columns }) =>
    columns.filter(({ kind, split }) => kind === 'neurons' && split === 'train'),
  )
  // embedding_1, positional_1 and ln_1 of the block have 16 units each before the two heads and the bias that they share.
  const heads = neurons.reduce(
    (sum, { columns }) => sum + (columns.lca as Float64Array).subarray(48, 51).reduce((a, b) => a + b, 0),
    0,
  )
  assert.ok(Math.abs(heads - own) < 1e-9 * Math.abs(own), `${heads} by head, ${own} by variable`)
})

test('other losses are trained on and allocated: one-hot squares and smoothed labels of modular arithmetic', async () => {
  const spec: ExperimentSpec = {
    dataset: { name: 'modular-arithmetic', p: 5 },
    architecture: { ...transformer, norm: 'post', normalization: 'rms', positions: 'sinusoidal' },
    optimizer: { name: 'adam', learningRate: 0.01 },
    training: { iterations: 8, batchSize: 6 },
    allocation: { maxError: 1e-4, splits: ['train'] },
  }
  const plain = await runExperiment(spec)
  const smoothed = await runExperiment({ ...spec, loss: { name: 'cross-entropy', labelSmoothing: 0.2 } })
  const squared = await runExperiment({ ...spec, loss: { name: 'mean-squared-error' } })
  const [loss] = [plain, smoothed, squared].map(run => run.evaluations.map(({ loss }) => loss))
  assert.equal(new Set([plain, smoothed, squared].map(run => run.evaluations[0].loss)).size, 3)
  for (const run of [plain, smoothed, squared]) {
    const [first, last] = run.evaluations
    assert.ok(last.loss < first.loss)
    assert.ok(Math.abs(last.loss - first.loss - total(run, 'lca', () => true)) < 8e-4)
    assert.equal(
      first.accuracy,
      plain.evaluations[0].accuracy,
      'accuracy is of the outputs, whatever the loss',
    )
  }
  const again = await runExperiment({ ...spec, loss: { name: 'cross-entropy' } })
  assert.deepEqual(
    again.evaluations.map(({ loss }) => loss),
    loss,
    'the loss of a spec that names none',
  )
})
