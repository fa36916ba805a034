import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { columnsOf, runExperiment, total } from './support/experiment.ts'

const spec = (over: Partial<ExperimentSpec> = {}): ExperimentSpec => ({
  dataset: { name: 'synthetic-digits', trainExamples: 600, validationExamples: 200 },
  architecture: { name: 'fc', hidden: [16] },
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
  training: { iterations: 24, batchSize: 50, seed: 3 },
  ...over,
})

test('the allocations add up to the change of the loss', async () => {
  const run = await runExperiment(
    spec({ allocation: { maxError: 1e-4, maxSplits: 64, segmentIterations: 10 } }),
  )
  assert.equal(run.segments.length, 3)
  for (const split of ['train', 'validation']) {
    const rows = run.segments.flatMap((_, segment) => {
      const table = columnsOf(run, segment, 'iterations', split)
      return [...table.residual].map((_, i) => ({ table, i }))
    })
    assert.equal(rows.length, 24)
    rows.forEach(({ table, i }, t) => {
      assert.ok(Math.abs(table.residual[i]) <= 1e-4, `residual ${table.residual[i]} at iteration ${t}`)
      const change = table.lossAfter[i] - table.lossBefore[i]
      assert.ok(Math.abs(change - table.lca[i] - table.residual[i]) < 1e-12)
      // The end of an iteration is the start of the next, also across segments that knew nothing of each other.
      const next = rows[t + 1]
      if (next) assert.equal(next.table.lossBefore[next.i], table.lossAfter[i])
    })
    const first = rows[0]
    const last = rows[rows.length - 1]
    const change = last.table.lossAfter[last.i] - first.table.lossBefore[first.i]
    const allocated = total(run, 'lca', row => row.split === split)
    assert.ok(change < -0.5, `it learns: ${change}`)
    const residuals = rows.reduce((sum, { table, i }) => sum + table.residual[i], 0)
    assert.ok(Math.abs(allocated + residuals - change) < 1e-12)
    assert.ok(Math.abs(allocated - change) < 1e-3 * Math.abs(change), `${allocated} of ${change}`)
  }
})

test('a step is split until its residual is small enough, and no further than allowed', async () => {
  const coarse = spec({
    optimizer: { name: 'sgd', learningRate: 0.5 },
    training: { iterations: 6, seed: 3, batchSize: 50 },
  })
  const allocation = { method: 'trapezoid', splits: ['train'] } as const
  const count = async (maxError: number, maxSplits: number) => {
    const run = await runExperiment({
      ...coarse,
      allocation: { ...allocation, splits: ['train'], maxError, maxSplits },
    })
    const { splits, residual } = columnsOf(run, 0, 'iterations', 'train')
    return { splits: [...splits], residual: [...residual].map(Math.abs), gradients: run.gradients }
  }
  const once = await count(1e6, 1024)
  assert.deepEqual(once.splits, [1, 1, 1, 1, 1, 1])
  assert.equal(once.gradients, 7, 'one gradient an iteration, and the first')

  const split = await count(1e-3, 64)
  assert.ok(split.residual.every(residual => residual <= 1e-3))
  assert.ok(Math.max(...split.splits) > 1)
  // n splits have n + 1 end points, of which the last is the next iteration's first.
  assert.equal(split.gradients, 1 + split.splits.reduce((sum, n) => sum + n, 0))

  const capped = await count(1e-12, 4)
  assert.deepEqual(capped.splits, [4, 4, 4, 4, 4, 4])
})

test('a frozen layer keeps its bits and is allocated exactly nothing; it trains again when the freeze ends', async () => {
  const run = await runExperiment(
    spec({
      layers: { fc_1: { freeze: { from: 4, until: 12 } }, fc_2: { freeze: true } },
      allocation: { segmentIterations: 50 },
    }),
  )
  const parameters = 784 * 16 + 16 + 16 * 10 + 10
  const weights = run.floats('weights/0-24.npy')
  const row = (t: number, from: number, to: number) =>
    weights.subarray(t * parameters + from, t * parameters + to)
  const fc1 = 784 * 16 + 16
  for (let t = 4; t < 12; t++) assert.deepEqual(row(t + 1, 0, fc1), row(4, 0, fc1))
  for (let t = 0; t < 24; t++) assert.deepEqual(row(t, fc1, parameters), row(0, fc1, parameters))
  assert.notDeepEqual(row(4, 0, fc1), row(3, 0, fc1))
  assert.notDeepEqual(row(13, 0, fc1), row(12, 0, fc1))
  for (const column of ['lca', 'helping', 'hurting', 'squared', 'moved', 'helped', 'hurt'] as const) {
    const frozen = total(
      run,
      column,
      ({ iteration, variable }) => variable >= 2 || (iteration >= 4 && iteration < 12),
    )
    assert.ok(Object.is(frozen, 0), `${column} is ${frozen}`)
    assert.notEqual(
      total(run, column, () => true),
      0,
    )
  }
  const raw = run.floats('allocations/train/0-24.npy')
  assert.ok(raw.subarray(4 * parameters, 12 * parameters).every(value => Object.is(value, 0)))
})

test('the aggregates are sums over the raw allocations', async () => {
  const run = await runExperiment(spec({ training: { iterations: 5, batchSize: 50, seed: 1 } }))
  const sizes = [784 * 16, 16, 160, 10]
  const parameters = sizes.reduce((a, b) => a + b)
  for (const split of ['train', 'validation']) {
    const raw = run.floats(`allocations/${split}/0-5.npy`)
    assert.equal(raw.length, 5 * parameters)
    for (let iteration = 0; iteration < 5; iteration++) {
      let offset = iteration * parameters
      for (const [variable, size] of sizes.entries()) {
        const values = [...raw.subarray(offset, offset + size)]
        offset += size
        const stored = (column: Parameters<typeof total>[1]) =>
          total(
            run,
            column,
            row => row.split === split && row.iteration === iteration && row.variable === variable,
          )
        const close = (actual: number, expected: number) =>
          assert.ok(Math.abs(actual - expected) <= 1e-12 * Math.abs(expected), `${actual} is not ${expected}`)
        const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)
        close(stored('helping'), sum(values.filter(value => value < 0)))
        close(stored('hurting'), sum(values.filter(value => value > 0)))
        close(stored('squared'), sum(values.map(value => value * value)))
        close(stored('lca'), stored('helping') + stored('hurting'))
        assert.equal(stored('helped'), values.filter(value => value < 0).length)
        assert.equal(stored('hurt'), values.filter(value => value > 0).length)
      }
    }
  }
})

test('L2 pulls on kernels, by layer, and is no part of the loss that is allocated', async () => {
  const run = (change: Partial<ExperimentSpec>) =>
    runExperiment(
      spec({
        optimizer: { name: 'sgd', learningRate: 0.1 },
        training: { iterations: 1, batchSize: 50, seed: 3, l2: 0.01 },
        ...change,
      }),
    )
  const [plain, pulled] = [await run({}), await run({ layers: { fc_1: { l2: 0.5 } } })]
  const [kernel, parameters] = [784 * 16, 784 * 16 + 16 + 16 * 10 + 10]
  const [before, after] = [plain, pulled].map(({ floats }) => floats('weights/0-1.npy'))
  for (let i = 0; i < parameters; i++) {
    const expected = i < kernel ? -0.1 * 2 * (0.5 - 0.01) * before[i] : 0
    const found = after[parameters + i] - before[parameters + i]
    assert.ok(Math.abs(found - expected) < 1e-6, `parameter ${i} moved ${found} further, not ${expected}`)
  }
  // The loss at θ_0 is the data's alone.
  const [with_, without] = [pulled, plain].map(run => columnsOf(run, 0, 'iterations', 'train'))
  assert.equal(with_.lossBefore[0], without.lossBefore[0])
})
