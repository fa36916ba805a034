/** LCA of each class against float64; the classes sum to LCA, with batch norm too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classes } from '../src/lca/diagnostics/classes.ts'
import { fisher } from '../src/lca/diagnostics/fisher.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { examplesOf, factsOf, isClose, rowsOfRun, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { type Run, runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

const runOf = (
  architecture: ExperimentSpec['architecture'],
  allocation: ExperimentSpec['allocation'],
  seed = 2,
) =>
  runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
    architecture,
    optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
    training: { iterations: 4, batchSize: 20, seed },
    allocation: { diagnostics: { classes: true }, ...allocation },
    keep: ['weights'],
  })

/** The classes of each layer and iteration sum to what the ledger has there. */
async function addUp(run: Run, split: 'train' | 'validation') {
  const { variables, layers } = factsOf(run, split, classes)
  const sums = new Map<string, number>()
  const sizes = new Map<string, number>()
  for (const { iteration, layer, lca } of await rowsOfRun(classes, run, split)) {
    const key = `${iteration} ${layer}`
    sums.set(key, (sums.get(key) ?? 0) + (lca as number))
    sizes.set(key, (sizes.get(key) ?? 0) + Math.abs(lca as number))
  }
  assert.equal(sums.size, 4 * layers.length)
  for (const { from, to, columns } of run.segments) {
    const table = columns.find(one => one.kind === 'allocations' && one.split === split)!.columns
    for (let t = from; t < to; t++)
      for (const layer of layers) {
        let expected = 0
        for (const [v, variable] of variables.entries())
          if (variable.layer === layer) expected += table.lca[(t - from) * variables.length + v]
        const key = `${t} ${layer}`
        const [sum, size] = [sums.get(key)!, sizes.get(key)!]
        assert.ok(Math.abs(sum - expected) <= 2e-6 * size, `${split} ${key}: ${sum} for ${expected}`)
      }
  }
}

const whole = await runOf(
  { name: 'fc', hidden: [4] },
  { method: 'trapezoid', maxSplits: 1, segmentIterations: 3, chunkSize: 25 },
)

for (const split of ['train', 'validation'] as const)
  test(`every class of ${split} has what gradients of its loss in float64 have, and they sum to LCA`, async () => {
    const { examples, labels } = await examplesOf(whole, split)
    const { variables, layers } = factsOf(whole, split, classes)
    const trajectory = trajectoryOf(whole)
    const rows = await rowsOfRun(classes, whole, split)
    assert.equal(rows.length, 4 * layers.length * 10)
    const own = Array.from({ length: 10 }, (_, c) => examples.map((_, n) => n).filter(n => labels[n] === c))
    const gradients = trajectory.map(theta =>
      own.map(
        chosen =>
          lossAndGradient(
            theta,
            [784, 4, 10],
            chosen.map(n => examples[n]),
            chosen.map(n => labels[n]),
          ).gradient,
      ),
    )
    for (const row of rows) {
      const [t, c] = [row.iteration as number, row.class as number]
      const { length } = own[c]
      assert.equal(row.labels, length)
      let expected = 0
      let size1 = 0
      for (const { layer, offset, size } of variables)
        for (let i = offset; i < offset + size && layer === row.layer && length > 0; i++) {
          const mean = (gradients[t][c][i] + gradients[t + 1][c][i]) / 2
          const lca = (length / examples.length) * mean * (trajectory[t + 1][i] - trajectory[t][i])
          expected += lca
          size1 += Math.abs(lca)
        }
      assert.ok(
        isClose(row.lca as number, expected, 1e-5, size1),
        `${row.layer} ${c} at ${t}: ${row.lca} for ${expected}`,
      )
    }
    await addUp(whole, split)
  })

test('by Simpson in parts, and with batch norm, the classes sum to LCA as well; segments do not matter', async () => {
  await addUp(
    await runOf(
      { name: 'fc', hidden: [4] },
      { method: 'simpson', maxError: 1e-7, maxSplits: 4, segmentIterations: 4 },
    ),
    'train',
  )
  const architecture: ExperimentSpec['architecture'] = {
    name: 'custom',
    layers: [
      { kind: 'conv2d', filters: 2, size: 3, stride: 4 },
      { kind: 'batch_norm' },
      { kind: 'relu' },
      { kind: 'flatten' },
      { kind: 'dense', units: 10 },
    ],
  }
  const run = await runOf(architecture, { chunkSize: 20, segmentIterations: 3, splits: ['train'] })
  await addUp(run, 'train')
  const cut = await runOf(architecture, { chunkSize: 20, segmentIterations: 2, splits: ['train'] })
  assert.deepEqual(await rowsOfRun(classes, cut, 'train'), await rowsOfRun(classes, run, 'train'))
})

test('rows add up over spans and layers, and figures over iterations', async () => {
  const each = await rowsOfRun(classes, whole, 'train')
  const rows = await rowsOfRun(classes, whole, 'train', { by: 'network', bucket: 3 })
  assert.equal(rows.length, 2 * 10)
  for (const { iteration, iterations, class: c, lca } of rows) {
    assert.equal(iterations, iteration === 0 ? 3 : 1)
    const own = each.filter(
      row => row.class === c && Math.floor((row.iteration as number) / 3) * 3 === iteration,
    )
    assert.ok(
      isClose(
        lca as number,
        own.reduce((sum, row) => sum + (row.lca as number), 0),
        1e-12,
        1,
      ),
    )
  }
  const figures = await classes.summarise!(sourceOf(whole, 'train'), factsOf(whole, 'train', classes))
  const byClass = await rowsOfRun(classes, whole, 'train', { by: 'network' })
  const present = byClass.filter(({ labels }) => labels !== 0)
  const hurting = present.filter(({ lca }) => (lca as number) > 0).length / present.length
  assert.equal(figures.hurting, hurting)
  const gross = byClass.reduce((sum, { lca }) => sum + Math.abs(lca as number), 0)
  const net = [0, 1, 2, 3].reduce((sum, t) => {
    const own = byClass.filter(({ iteration }) => iteration === t)
    return sum + Math.abs(own.reduce((total, { lca }) => total + (lca as number), 0))
  }, 0)
  assert.ok(isClose(figures.conflict, 1 - net / gross, 1e-9))
})

test('where an example has several labels, each label counts for its class', async () => {
  const run = await runExperiment({
    dataset: { name: 'addition', digits: 1 },
    architecture: { name: 'transformer', depth: 1, width: 8, heads: 2 },
    optimizer: { name: 'adam', learningRate: 0.01 },
    training: { iterations: 4, batchSize: 20, seed: 2 },
    allocation: { splits: ['train'], diagnostics: { classes: true, fisher: { every: 4, examples: 5 } } },
  })
  await addUp(run, 'train')
  const rows = await rowsOfRun(classes, run, 'train', { by: 'network', to: 1 })
  const labels = rows.reduce((sum, row) => sum + (row.labels as number), 0)
  assert.ok(
    labels > run.spec.dataset.trainExamples && labels % run.spec.dataset.trainExamples === 0,
    `${labels}`,
  )
  const [row] = await rowsOfRun(fisher, run, 'train')
  assert.ok((row.empirical as number) > 0 && (row.true as number) > 0)
})
