/** How good the network was before and after training: known from the passes that allocation makes anyway. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSplits } from '../src/data/registry.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { columnsOf, runExperiment } from './support/experiment.ts'
import { layersOf } from './support/reference.ts'

const spec: ExperimentSpec = {
  dataset: { name: 'synthetic-digits', trainExamples: 300, validationExamples: 100 },
  architecture: { name: 'fc', hidden: [16] },
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
  training: { iterations: 7, batchSize: 50, seed: 3 },
  allocation: { segmentIterations: 3, chunkSize: 90 },
}

test('losses and accuracies at both ends are those of a forward pass in float64, and cost no pass of their own', async () => {
  const run = await runExperiment({
    ...spec,
    allocation: { ...spec.allocation, method: 'trapezoid', maxSplits: 1 },
  })
  // Two splits; every segment has the gradients at both of its ends.
  assert.equal(run.gradients, 2 * (4 + 4 + 2))
  const data = await loadSplits(run.spec.dataset, { directory: run.directory })
  const widths = [784, 16, 10]
  const first = run.floats('weights/0-3.npy')
  const last = run.floats('weights/6-7.npy')
  const parameters = last.length / 2
  const ends = { 0: first.subarray(0, parameters), 7: last.subarray(parameters) }
  const asked = run.evaluations.map(({ iteration, split }) => [iteration, split])
  assert.deepEqual(asked, [
    [0, 'train'],
    [0, 'validation'],
    [7, 'train'],
    [7, 'validation'],
  ])
  for (const { iteration, split, loss, accuracy } of run.evaluations) {
    const { images, labels, count } = data[split]
    const layers = layersOf(ends[iteration as 0 | 7], widths)
    let correct = 0
    for (let n = 0; n < count; n++) {
      let x = Float64Array.from(images.subarray(n * 784, (n + 1) * 784), byte => byte / 255)
      layers.forEach(({ kernel, bias, inputs, outputs }, l) => {
        const z = Float64Array.from(bias)
        for (let i = 0; i < inputs; i++)
          for (let o = 0; o < outputs; o++) z[o] += x[i] * kernel[i * outputs + o]
        x = l === 0 ? z.map(value => Math.max(value, 0)) : z
      })
      if (x.indexOf(Math.max(...x)) === labels[n]) correct += 1
    }
    assert.equal(accuracy, correct / count, `${split} at ${iteration}`)
    const { lossBefore } = columnsOf(run, 0, 'iterations', split)
    const { lossAfter } = columnsOf(run, 2, 'iterations', split)
    assert.equal(loss, iteration === 0 ? lossBefore[0] : lossAfter[lossAfter.length - 1])
  }
})
