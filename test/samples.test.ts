/** `allocation.examples`: a sample that is the same for every segment and worker, and what is recorded of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSplits } from '../src/data/registry.ts'
import { drawSample } from '../src/data/select.ts'
import { loadEngine } from '../src/engine/engine.ts'
import type { ColumnsKind } from '../src/lca/columns.ts'
import { addFullGradients, makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import type { AllocationSpec, ExperimentSpec } from '../src/spec/schema.ts'
import { standardError } from '../src/statistics/random-groups.ts'
import { columnsOf, type Run, runExperiment } from './support/experiment.ts'

const spec = (allocation: AllocationSpec, more: Partial<ExperimentSpec> = {}): ExperimentSpec => ({
  dataset: { name: 'synthetic-digits', trainExamples: 300, validationExamples: 60, seed: 3 },
  architecture: { name: 'fc', hidden: [8] },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  training: { iterations: 4, batchSize: 50, seed: 2 },
  keep: ['allocations'],
  ...more,
  allocation: { method: 'trapezoid', maxError: 1e6, ...allocation },
})

const kinds = (run: Run) =>
  run.segments.map(({ columns }) => columns.map(({ kind, split }) => `${kind} ${split}`))
const all = (run: Run, kind: ColumnsKind, column: string) =>
  run.segments.map(({ columns }) => [
    ...columns.find(table => table.kind === kind && table.split === 'train')!.columns[column],
  ])

test('as many examples as the larger split has: the ledger is what it is without, to the last bit', async () => {
  const whole = await runExperiment(spec({}))
  const same = await runExperiment(spec({ examples: 300 }))
  assert.deepEqual(same.segments, whole.segments)
  assert.deepEqual(same.evaluations, whole.evaluations)
  assert.ok(
    !kinds(whole)
      .flat()
      .some(name => /^(errors|chunks) /.test(name)),
  )
})

test('a sample is one for the whole run, however it is cut into segments; a split that has no more is whole', async () => {
  const long = await runExperiment(spec({ examples: 100 }))
  const short = await runExperiment(spec({ examples: 100, segmentIterations: 2 }))
  for (const [kind, column] of [
    ['allocations', 'lca'],
    ['iterations', 'lossAfter'],
    ['errors', 'standardError'],
  ] as const)
    assert.deepEqual(all(short, kind, column).flat(), all(long, kind, column).flat())
  assert.deepEqual(short.evaluations, long.evaluations)
  for (const names of kinds(short))
    assert.deepEqual(
      names.filter(name => /^(errors|chunks) /.test(name)),
      ['errors train', 'chunks train'],
    )
  const whole = await runExperiment(spec({ chunkSize: long.spec.allocation.chunkSize }))
  assert.deepEqual(
    columnsOf(long, 0, 'allocations', 'validation'),
    columnsOf(whole, 0, 'allocations', 'validation'),
  )
  assert.notDeepEqual(columnsOf(long, 0, 'allocations', 'train'), columnsOf(whole, 0, 'allocations', 'train'))
  const other = await runExperiment(spec({ examples: 100 }, { training: { ...long.spec.training, seed: 9 } }))
  assert.notDeepEqual(all(other, 'chunks', 'lca'), all(long, 'chunks', 'lca'))
})

test('the chunks’ sums add up to the ledger, and their spread is the errors', async () => {
  // Every step is split, so that the chunks' sums go through every level of the quadrature.
  const split: AllocationSpec = {
    ...{ examples: 103, splits: ['train'], method: 'simpson', maxError: 1e-12, maxSplits: 2 },
  }
  const run = await runExperiment(spec({ ...split, segmentIterations: 2 }))
  const { allocation, dataset } = run.spec
  assert.equal(allocation.chunkSize, 5)
  const chunks = 21
  const variables = 4
  for (const [s, { from, to }] of run.segments.entries()) {
    const examples = all(run, 'chunks', 'examples')[s].slice(0, chunks)
    assert.deepEqual(examples, [...new Array(20).fill(5), 3])
    const lca = all(run, 'chunks', 'lca')[s]
    const table = columnsOf(run, s, 'allocations', 'train')
    for (let v = 0; v < variables; v++) {
      let expected = 0
      for (let t = 0; t < to - from; t++) expected += table.lca[t * variables + v]
      const found = examples.reduce((sum, m, c) => sum + (m / 103) * lca[v * chunks + c], 0)
      assert.ok(Math.abs(found - expected) < 1e-5 * Math.abs(expected) + 1e-7, `${found} for ${expected}`)
    }
  }
  const one = await runExperiment(spec({ ...split, segmentIterations: 1 }))
  const errors = all(run, 'errors', 'standardError').flat()
  for (const [t, lca] of all(one, 'chunks', 'lca').entries()) {
    const groups = { examples: all(one, 'chunks', 'examples')[t].slice(0, chunks), of: dataset.trainExamples }
    const layer = (first: number) =>
      Float64Array.from({ length: chunks }, (_, c) => lca[first * chunks + c] + lca[(first + 1) * chunks + c])
    const [fc1, fc2] = [layer(0), layer(2)]
    const rows = [fc1, fc2, fc1.map((value, c) => value + fc2[c])]
    for (const [row, means] of rows.entries()) {
      const expected = standardError(means, groups)
      const found = errors[t * 3 + row]
      assert.ok(expected > 0 && Math.abs(found / expected - 1) < 1e-9, `${found} for ${expected}`)
    }
  }
})

test('with batch norm whole chunks of the split are drawn: what they have is what the split’s have', async () => {
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
  const allocation = { chunkSize: 10, splits: ['train'], examples: 200 } satisfies AllocationSpec
  const run = await runExperiment(
    spec(allocation, {
      ...{ architecture, keep: ['weights'] },
      training: { iterations: 1, batchSize: 50, seed: 2 },
    }),
  )
  const { train } = await loadSplits(run.spec.dataset, { directory: run.directory })
  const network = buildNetwork(run.spec.architecture, train)
  const model = makeModel(network, (await loadEngine({})).kernels)
  const theta = run.floats('weights/0-1.npy').subarray(0, network.parameters)
  const lossOver = async (indices: Uint32Array) => {
    const split = uploadSplit(train, 10, indices)
    const [{ loss }] = await addFullGradients(model, theta, [split], [new Float64Array(network.parameters)])
    return loss
  }
  const indices = drawSample({ examples: 200, of: 300 }, [3, 2, 'train'], 10)
  const starts = Array.from({ length: 20 }, (_, c) => indices[10 * c])
  assert.ok(starts.every(start => start % 10 === 0) && new Set(starts).size === 20)
  assert.ok(indices.every((index, i) => index === starts[Math.floor(i / 10)] + (i % 10)))
  const { lossBefore } = columnsOf(run, 0, 'iterations', 'train')
  assert.equal(lossBefore[0], await lossOver(indices))
  // The same examples in other chunks are another loss.
  assert.notEqual(lossBefore[0], await lossOver(indices.toSorted((a, b) => (a % 7) - (b % 7) || a - b)))
})
