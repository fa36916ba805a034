import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultEngine } from '../src/engine/binding.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { columnsOf, runExperiment, total } from './support/experiment.ts'

const spec: ExperimentSpec = {
  dataset: { name: 'synthetic-digits', trainExamples: 500, validationExamples: 100 },
  architecture: { name: 'fc', hidden: [12, 8] },
  optimizer: { name: 'adam', learningRate: 0.003 },
  training: { iterations: 12, batchSize: 50, seed: 9 },
  allocation: { chunkSize: 200, segmentIterations: 5 },
}

test('the same spec gives the same bits in every artifact and row', async () => {
  const [once, again] = [await runExperiment(spec), await runExperiment(spec)]
  assert.deepEqual(once.segments, again.segments)
  assert.deepEqual(once.objects, again.objects)
  // Three segments: their weights, and of two splits the allocations, the neurons and what the next segment follows from.
  assert.equal(once.objects.length, 3 * (1 + 2 * 3))
})

test('how the run is cut into segments does not change a bit', async () => {
  const [cut, whole] = [
    await runExperiment(spec),
    await runExperiment({ ...spec, allocation: { ...spec.allocation, segmentIterations: 12 } }),
  ]
  const joined = (split: string) =>
    [0, 5, 10].flatMap(from => [...cut.floats(`allocations/${split}/${from}-${Math.min(from + 5, 12)}.npy`)])
  for (const split of ['train', 'validation'])
    assert.deepEqual(joined(split), [...whole.floats(`allocations/${split}/0-12.npy`)])
})

test('another seed gives other weights', async () => {
  const [one, other] = [
    await runExperiment(spec),
    await runExperiment({ ...spec, training: { ...spec.training, seed: 10 } }),
  ]
  assert.notDeepEqual(one.floats('weights/0-5.npy'), other.floats('weights/0-5.npy'))
})

const images: ExperimentSpec = {
  ...spec,
  dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
  training: { iterations: 3, batchSize: 20, seed: 9 },
  allocation: { chunkSize: 20, segmentIterations: 2, maxSplits: 4 },
}
const convolutional: ExperimentSpec[] = [
  { ...images, architecture: { name: 'resnet', depth: 8, width: 2 } },
  // With dropout in training.
  { ...images, architecture: { name: 'lenet', channels: [2, 4], units: 8 } },
]
for (const spec of convolutional)
  test(`a ${spec.architecture!.name} trains, balances its books, and gives the same bits twice`, async () => {
    const [once, again] = [await runExperiment(spec), await runExperiment(spec)]
    assert.deepEqual(once.segments, again.segments)
    assert.deepEqual(once.objects, again.objects)
    for (const [segment, { from }] of once.segments.entries())
      for (const split of ['train', 'validation']) {
        const { lossBefore, lossAfter, residual: residuals } = columnsOf(once, segment, 'iterations', split)
        residuals.forEach((residual, row) => {
          const change = lossAfter[row] - lossBefore[row]
          const lca = total(once, 'lca', at => at.split === split && at.iteration === from + row)
          assert.ok(Math.abs(change - lca - residual) < 1e-6)
          assert.ok(Math.abs(residual) < 0.01, `a residual of ${residual}`)
        })
      }
  })

test('native and WASM start from the same weights and agree on every layer to 1e-3', {
  skip: defaultEngine() === 'wasm' && 'native TensorFlow is not built here',
}, async () => {
  const native = await runExperiment(spec, 'native')
  const wasm = await runExperiment(spec, 'wasm')
  const parameters = native.floats('weights/0-5.npy').length / 6
  assert.deepEqual(
    native.floats('weights/0-5.npy').subarray(0, parameters),
    wasm.floats('weights/0-5.npy').subarray(0, parameters),
  )
  for (const split of ['train', 'validation'])
    for (const variables of [
      [0, 1],
      [2, 3],
      [4, 5],
    ]) {
      const layer = (run: typeof native) =>
        total(run, 'lca', row => row.split === split && variables.includes(row.variable))
      const difference = Math.abs(layer(native) - layer(wasm))
      assert.ok(
        difference < 1e-3 * Math.abs(layer(native)),
        `${split} ${variables}: ${difference} of ${layer(native)}`,
      )
    }
})
