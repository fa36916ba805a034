import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { loadSplits } from '../src/data/registry.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { columnsOf, runExperiment, total } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

const widths = [784, 4, 10]
const sizes = [784 * 4 + 4, 4 * 10 + 10]
const parameters = sizes[0] + sizes[1]
const spec: ExperimentSpec = {
  dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
  architecture: { name: 'fc', hidden: [4] },
  optimizer: { name: 'sgd', learningRate: 0.02 },
  training: { iterations: 4, batchSize: 20, seed: 2 },
}

/** Composite Simpson over n splits of the step between two rows of weights, all of it in float64. */
function simpson(
  before: Float32Array,
  after: Float32Array,
  n: number,
  examples: number[][],
  labels: ArrayLike<number>,
) {
  const delta = Float64Array.from(after, (w, i) => w - before[i])
  const lca = new Float64Array(parameters)
  for (let j = 0; j <= 2 * n; j++) {
    const weight = (j === 0 || j === 2 * n ? 1 : j % 2 === 1 ? 4 : 2) / (6 * n)
    const theta = Float64Array.from(before, (w, i) => w + (j / (2 * n)) * delta[i])
    const { gradient } = lossAndGradient(theta, widths, examples, labels)
    for (let i = 0; i < parameters; i++) lca[i] += weight * gradient[i] * delta[i]
  }
  return lca
}

test('the stored weights reproduce the stored allocations with a float64 reference', async () => {
  const run = await runExperiment(spec)
  const weights = run.floats('weights/0-4.npy')
  assert.equal(weights.length, 5 * parameters)
  const data = await loadSplits(run.spec.dataset, { directory: '.' })
  for (const split of ['train', 'validation'] as const) {
    const { images, labels, count } = data[split]
    const examples = Array.from({ length: count }, (_, n) =>
      Array.from(images.subarray(n * 784, (n + 1) * 784), v => v / 255),
    )
    const iterations = columnsOf(run, 0, 'iterations', split)
    const layers = [0, 0]
    for (let t = 0; t < 4; t++) {
      const before = weights.subarray(t * parameters, (t + 1) * parameters)
      const after = weights.subarray((t + 1) * parameters, (t + 2) * parameters)
      const { loss } = lossAndGradient(before, widths, examples, labels)
      assert.ok(Math.abs(iterations.lossBefore[t] - loss) < 1e-6 * loss)
      const lca = simpson(before, after, iterations.splits[t], examples, labels)
      layers[0] += lca.subarray(0, sizes[0]).reduce((a, b) => a + b, 0)
      layers[1] += lca.subarray(sizes[0]).reduce((a, b) => a + b, 0)
    }
    for (const layer of [0, 1]) {
      const stored = total(run, 'lca', row => row.split === split && row.variable >> 1 === layer)
      const error = Math.abs(stored - layers[layer]) / Math.abs(layers[layer])
      assert.ok(error < 1e-4, `${split}, layer ${layer + 1}: ${stored} against ${layers[layer]}`)
    }
  }
})

const hasNumpy = spawnSync('python3', ['-c', 'import numpy']).status === 0

test('numpy loads and memory-maps the artifacts', {
  skip: !hasNumpy && 'python3 has no numpy here',
}, async () => {
  const run = await runExperiment(spec)
  const script = `
import json, sys, numpy
arrays = [numpy.load(name, mmap_mode=mode) for name in sys.argv[1:] for mode in (None, 'r')]
print(json.dumps([[str(a.dtype), a.shape, float(a.astype('float64').sum())] for a in arrays]))`
  const names = ['weights/0-4.npy', 'allocations/train/0-4.npy']
  const { stdout, stderr, status } = spawnSync(
    'python3',
    ['-c', script, ...names.map(name => path.join(run.directory, name))],
    {
      encoding: 'utf8',
    },
  )
  assert.equal(status, 0, stderr)
  const sum = (name: string) => run.floats(name).reduce((a, b) => a + b, 0)
  const expected = names.map((name, i) => ['float32', [i === 0 ? 5 : 4, parameters], sum(name)])
  const close = (actual: unknown[], wanted: unknown[]) => {
    assert.deepEqual(actual.slice(0, 2), wanted.slice(0, 2))
    assert.ok(Math.abs((actual[2] as number) - (wanted[2] as number)) < 1e-9)
  }
  for (const [i, actual] of (JSON.parse(stdout) as unknown[][]).entries()) close(actual, expected[i >> 1])
})
