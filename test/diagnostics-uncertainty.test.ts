/** Standard errors of LCA for the population: what every example has in float64, and intervals that hold the truth. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import type { CostFacts } from '../src/lca/diagnostics/diagnostic.ts'
import { uncertainty } from '../src/lca/diagnostics/uncertainty.ts'
import { addFullGradients, makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import { deviceSums, hostSums } from '../src/nn/sums.ts'
import { standardError } from '../src/statistics/random-groups.ts'
import { studentQuantile } from '../src/statistics/student.ts'
import { examplesOf, factsOf, isClose, rowsOfRun, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { columnsOf, runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

const run = (segmentIterations: number, on: boolean) =>
  runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 66, validationExamples: 20 },
    architecture: { name: 'fc', hidden: [4] },
    optimizer: { name: 'sgd', learningRate: 0.1 },
    training: { iterations: 4, batchSize: 20, seed: 2 },
    allocation: {
      ...{ method: 'trapezoid', maxSplits: 1, chunkSize: 8, segmentIterations },
      diagnostics: { uncertainty: on },
    },
  })
const whole = await run(3, true)

test('every error is the spread of what the chunks have by gradients in float64', async () => {
  const { examples, labels } = await examplesOf(whole, 'train')
  const { layers, variables } = factsOf(whole, 'train', uncertainty)
  const trajectory = trajectoryOf(whole)
  const starts = Array.from({ length: 9 }, (_, c) => 8 * c)
  const sizes = starts.map(start => Math.min(8, 66 - start))
  const gradientsAt = trajectory.map(theta =>
    starts.map(start => {
      const [own, of] = [examples.slice(start, start + 8), labels.slice(start, start + 8)]
      return lossAndGradient(theta, [784, 4, 10], own, of).gradient
    }),
  )
  const rows = await rowsOfRun(uncertainty, whole, 'train')
  assert.equal(rows.length, 4 * (layers.length + 1))
  const totals = new Float64Array(9)
  for (const { iteration, layer, lca, standardError: error, chunks } of rows) {
    const t = iteration as number
    const inGroup = variables.filter(variable => layer === null || variable.layer === layer)
    const means = starts.map((_, c) => {
      let sum = 0
      for (const { offset, size } of inGroup)
        for (let i = offset; i < offset + size; i++)
          sum +=
            ((gradientsAt[t][c][i] + gradientsAt[t + 1][c][i]) / 2) *
            (trajectory[t + 1][i] - trajectory[t][i])
      return sum
    })
    if (layer === null) for (const [c, mean] of means.entries()) totals[c] += mean
    const expected = standardError(means, { examples: sizes, of: 1e15 })
    assert.ok(isClose(error as number, expected), `${layer} at ${t}: ${error} for ${expected}`)
    assert.ok(
      isClose(
        lca as number,
        means.reduce((sum, mean, c) => sum + (mean * sizes[c]) / 66, 0),
        1e-4,
      ),
    )
    assert.equal(chunks, 9)
  }
  const figures = await uncertainty.summarise!(sourceOf(whole, 'train'), factsOf(whole, 'train', uncertainty))
  assert.ok(isClose(figures.run, standardError(totals, { examples: sizes, of: 1e15 })), `${figures.run}`)
  // The first two iterations are no whole segment, three are.
  const to = (end: number) => ({ ...factsOf(whole, 'train', uncertainty), to: end })
  assert.ok(Number.isNaN((await uncertainty.summarise!(sourceOf(whole, 'train'), to(2))).run))
  assert.ok((await uncertainty.summarise!(sourceOf(whole, 'train'), to(3))).run > 0)
})

test('of three chunks nothing is said, in words', async () => {
  for (const { standardError, note, chunks } of await rowsOfRun(uncertainty, whole, 'validation')) {
    assert.equal(standardError, null)
    assert.equal(chunks, 3)
    assert.match(
      note as string,
      /^no standard errors: 3 chunks have no spread to speak of; allocation.chunkSize of at most \d+ makes 5/,
    )
  }
  // The preview says so before, and what would have to be set.
  const facts = { chunks: 2, examples: 55_000 } as CostFacts
  assert.match(uncertainty.lacks!(facts, {})!, /: 2 chunks .*chunkSize of at most 11000 makes 5 or more/)
  assert.equal(uncertainty.lacks!({ ...facts, chunks: 5 }, {}), undefined)
})

test('it changes no bit of the allocations, and is the same however the run is cut', async () => {
  const without = await run(3, false)
  for (const kind of ['allocations', 'iterations'] as const)
    for (const segment of [0, 1])
      for (const split of ['train', 'validation'])
        assert.deepEqual(
          columnsOf(whole, segment, kind as 'iterations', split),
          columnsOf(without, segment, kind as 'iterations', split),
        )
  assert.deepEqual(
    await rowsOfRun(uncertainty, await run(4, true), 'train'),
    await rowsOfRun(uncertainty, whole, 'train'),
  )
})

test('slopes of chunks are those of the host, whoever adds up, and change no gradient', async () => {
  const { images, labels, shape } = {
    images: new Uint8Array(30 * 16),
    labels: new Uint8Array(30),
    shape: [4, 4, 1],
  }
  const stream = randomStream('images of this test')
  for (let i = 0; i < images.length; i++) images[i] = stream.integer(256)
  for (let i = 0; i < labels.length; i++) labels[i] = stream.integer(3)
  const data = { images, labels, shape, count: 30, classes: 3 } as Parameters<typeof uploadSplit>[0]
  // A kernel of several blocks, and a rest.
  const network = buildNetwork({ name: 'fc', hidden: [4201] }, data)
  const model = makeModel(network, (await loadEngine({})).kernels)
  const vector = () => Float64Array.from({ length: network.parameters }, () => stream.normal())
  const theta = Float32Array.from(vector())
  const directions = [vector(), vector()]
  const split = uploadSplit(data, 8)
  const slopes = await Promise.all(
    [hostSums, deviceSums, model.sums].map(async sums => {
      const [sum, without] = [vector().fill(0), vector().fill(0)]
      const [found] = await addFullGradients({ ...model, sums }, theta, [split], [sum], { directions })
      await addFullGradients({ ...model, sums }, theta, [split], [without])
      assert.deepEqual(sum, without, 'to the bit')
      return found.slopes!
    }),
  )
  for (const [d, expected] of slopes[0].entries())
    for (const [i, value] of expected.entries())
      for (const [o, other] of slopes.slice(1).entries()) {
        // The device's are float32; in the library they are float64, as on the host.
        const tolerance = [deviceSums, model.sums][o] === deviceSums ? 1e-5 : 1e-12
        const close = tolerance * (1 + Math.abs(value))
        assert.ok(Math.abs(other[d][i] - value) < close, `${other[d][i]} for ${value}`)
      }
})

test('95 % of the intervals of splits that are drawn from a population hold what it has', async () => {
  const { examples, labels } = await examplesOf(whole, 'train')
  const [before, after] = trajectoryOf(whole)
  // What each example has, by one point of the quadrature: the population is all of them, drawn with replacement.
  const each = examples.map((example, n) => {
    const { gradient } = lossAndGradient(before, [784, 4, 10], [example], [labels[n]])
    return gradient.reduce((sum, g, i) => sum + g * (after[i] - before[i]), 0)
  })
  const truth = each.reduce((sum, value) => sum + value, 0) / each.length
  const [splits, chunks, size] = [2000, 20, 10]
  const stream = randomStream('splits of this test')
  const quantile = studentQuantile(0.95, chunks - 1)
  const network = { layers: ['a'], layerOf: [0], variables: [], units: [], parameters: 0 }
  const counts = new Array(chunks).fill(size)
  const follower = uncertainty.follow!({
    ...{ network, splits: ['train'], from: 0, to: splits, iterations: splits, options: {} },
    ...{ probes: { chunks: () => counts } as never, signal: new AbortController().signal },
  })
  for (let iteration = 0; iteration < splits; iteration++) {
    const chunkLca = Float64Array.from({ length: chunks }, () => {
      let sum = 0
      for (let i = 0; i < size; i++) sum += each[stream.integer(each.length)]
      return sum / size
    })
    follower.step({ iteration, perSplit: [{ split: 'train', chunkLca }] } as never)
  }
  const { lca, standardError: errors } = follower.tables().uncertainty.train!
  let covered = 0
  for (let row = 0; row < 2 * splits; row += 2)
    if (Math.abs(lca[row] - truth) <= quantile * errors[row]) covered++
  // Four binomial deviations of 2,000: 2 %.
  assert.ok(Math.abs(covered / splits - 0.95) < 0.02, `${covered} of ${splits}`)
})
