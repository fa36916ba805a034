/** Squares of single examples' gradients against float64; ranks with ties; what a change of scale does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { examplesFor, fisher } from '../src/lca/diagnostics/fisher.ts'
import { addFullGradients, makeModel, passes, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { addSquares, drawLabel } from '../src/nn/parts-of-splits.ts'
import { randomStream } from '../src/nn/random.ts'
import { allocationsName } from '../src/objects/names.ts'
import { ranksOf, spearman } from '../src/statistics/spearman.ts'
import { examplesOf, factsOf, isClose, rowsOfRun, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

const run = (segmentIterations: number) =>
  runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
    architecture: { name: 'fc', hidden: [4] },
    optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
    training: { iterations: 5, batchSize: 20, seed: 2 },
    allocation: { segmentIterations, diagnostics: { fisher: { every: 2, examples: 30 } } },
    keep: ['weights', 'allocations'],
  })
const whole = await run(5)
const widths = [784, 4, 10]

test('equal values share the mean of their ranks', () => {
  assert.deepEqual([...ranksOf([3, 1, 3, 0, 3, -0])], [5, 3, 5, 1.5, 5, 1.5])
  // Σ d² with no ties: ρ = 1 − 6·(1 + 1 + 0 + 0)/(4·15).
  assert.ok(isClose(spearman([1, 2, 3, 4], [20, 10, 30, 400]), 0.8, 1e-12))
  // Of ties: x has ranks 1.5, 1.5, 3 and y 1, 2, 3, whose correlation is √3/2.
  assert.ok(isClose(spearman([0, 0, 7], [1, 2, 3]), Math.sqrt(3) / 2, 1e-12))
  assert.ok(Number.isNaN(spearman([1, 1, 1], [1, 2, 3])))
  assert.throws(() => ranksOf([1, Number.NaN]), RangeError)
})

for (const split of ['train', 'validation'] as const)
  test(`every sum and rank of ${split} is that of single examples’ gradients in float64`, async () => {
    const { examples, labels } = await examplesOf(whole, split)
    const trajectory = trajectoryOf(whole)
    const { variables, parameters } = factsOf(whole, split, fisher)
    const chosen = examplesFor(split === 'train' ? 30 : 20, examples.length, [2, split])
    const lca = whole.floats(allocationsName(split, { from: 0, to: 5 }))
    const rows = [
      ...(await rowsOfRun(fisher, whole, split, { by: 'variable' })),
      ...(await rowsOfRun(fisher, whole, split, { by: 'network' })),
    ]
    assert.equal(rows.length, 3 * (variables.length + 1))
    for (const t of [0, 2, 4]) {
      const theta = trajectory[t]
      const { uniform } = randomStream('fisher', 'labels', 2, split, t)
      const drawn = [...chosen].map(n => {
        // The probabilities by the gradient of the last bias: p − onehot.
        const { gradient } = lossAndGradient(theta, widths, [examples[n]], [0])
        const p = gradient.subarray(parameters - 10).map((g, c) => g + Number(c === 0))
        const u = uniform()
        let below = 0
        return p.findIndex(share => {
          below += share
          return below > u
        })
      })
      assert.ok(drawn.some((label, n) => label !== labels[chosen[n]]))
      const squares = (labelOf: (place: number) => number) => {
        const sums = new Float64Array(parameters)
        for (const [place, n] of chosen.entries())
          for (const [i, g] of lossAndGradient(
            theta,
            widths,
            [examples[n]],
            [labelOf(place)],
          ).gradient.entries())
            sums[i] += g ** 2 / chosen.length
        return sums
      }
      const fishers = {
        empirical: squares(place => labels[chosen[place]]),
        true: squares(place => drawn[place]),
      }
      const delta = trajectory[t + 1].map((w, i) => w - theta[i])
      const did = lca.subarray(t * parameters, (t + 1) * parameters).map(Math.abs)
      for (const row of rows.filter(({ iteration }) => iteration === t)) {
        const whole = { name: null, offset: 0, size: parameters }
        const { offset, size } = variables.find(({ name }) => name === row.variable) ?? whole
        const cut = <T extends Float32Array | Float64Array>(values: T) =>
          values.subarray(offset, offset + size) as T
        for (const [kind, f] of Object.entries(fishers)) {
          const step = f.map((value, i) => value * delta[i] ** 2)
          const sum = (values: Float64Array) => cut(values).reduce((total, value) => total + value, 0)
          const check = (column: string, expected: number, floor = 0) =>
            assert.ok(
              isClose(row[column] as number, expected, 1e-4, floor) ||
                (row[column] === null && Number.isNaN(expected)),
              `${column} of ${row.variable} at ${t}: ${row[column]} for ${expected}`,
            )
          check(kind, sum(f))
          check(`${kind}Step`, sum(step) / 2)
          // Ranks of what is all but equal may change places.
          check(`${kind}Rank`, spearman(cut(did), cut(f)), 1)
          check(`${kind}StepRank`, spearman(cut(did), cut(step)), 1)
        }
      }
    }
    const figures = await fisher.summarise!(sourceOf(whole, split), factsOf(whole, split, fisher))
    assert.ok(figures.empirical > 0 && figures.true > 0 && figures.empiricalStepRank > 0.5)
  })

test('the rows are the same bits again, whatever the segments are', async () => {
  const by = { by: 'variable' } as const
  assert.deepEqual(
    await rowsOfRun(fisher, await run(3), 'train', by),
    await rowsOfRun(fisher, whole, 'train', by),
  )
})

const data = (() => {
  const stream = randomStream('images of this test')
  const images = Uint8Array.from({ length: 24 * 36 }, () => stream.integer(256))
  const labels = Uint8Array.from({ length: 24 }, () => stream.integer(3))
  return { images, labels, shape: [6, 6, 1], count: 24, classes: 3 } as Parameters<typeof uploadSplit>[0]
})()
const modelOf = async (architecture: Parameters<typeof buildNetwork>[0]) =>
  makeModel(buildNetwork(architecture, data), (await loadEngine({})).kernels)
const drawnTheta = ({ network }: Awaited<ReturnType<typeof modelOf>>) => {
  const stream = randomStream('weights of this test')
  return Float32Array.from({ length: network.parameters }, () => 0.3 * stream.normal())
}

test('weights that are written as w = c·u have F times c²', async () => {
  const model = await modelOf({ name: 'fc', hidden: [5] })
  const theta = drawnTheta(model)
  const { variables } = model.network
  const scaled = theta.slice()
  // ReLU lets a layer be twice and the next half as large: the outputs are the same, bit for bit.
  for (const { name, offset, size } of variables) {
    const by = name.startsWith('fc_1/') ? 2 : name === 'fc_2/kernel' ? 0.5 : 1
    for (let i = offset; i < offset + size; i++) scaled[i] *= by
  }
  const split = uploadSplit(data, 10)
  const all = Uint32Array.from({ length: 24 }, (_, i) => i)
  const of = async (at: Float32Array) => {
    const sums = new Float64Array(theta.length)
    await addSquares(model, at, split, all, sums, randomStream('labels of this test').uniform)
    return sums
  }
  const [before, after] = [await of(theta), await of(scaled)]
  for (const { name, offset, size } of variables) {
    const by = name.startsWith('fc_1/') ? 1 / 4 : name === 'fc_2/kernel' ? 4 : 1
    for (let i = offset; i < offset + size; i++) assert.equal(after[i], before[i] * by, name)
  }
})

test('with batch norm an example’s gradient is taken within its chunk: they add up to the chunk’s', async () => {
  const model = await modelOf({
    name: 'custom',
    layers: [
      { kind: 'conv2d', filters: 2, size: 3, stride: 1, padding: 'same', bias: false },
      { kind: 'batch_norm' },
      { kind: 'relu' },
      { kind: 'flatten' },
      { kind: 'dense', units: 3 },
    ],
  })
  const theta = drawnTheta(model)
  const split = uploadSplit(data, 8)
  const full = new Float64Array(theta.length)
  await addFullGradients(model, theta, [split], [full])
  const sum = new Float64Array(theta.length)
  const squares = new Float64Array(theta.length)
  const { gradients, dispose } = passes(model, theta)
  const tf = await import('@tensorflow/tfjs-core')
  for (const chunk of split.chunks)
    for (let n = 0; n < 8; n++)
      gradients({ ...chunk, weights: tf.tensor1d(new Float32Array(8).fill(1, n, n + 1)) }, all => {
        const one = all.flatMap(tensor => [...tensor.dataSync()])
        for (const [i, g] of one.entries()) {
          sum[i] += g / 24
          squares[i] += g * g
        }
      })
  dispose()
  const norm = Math.hypot(...full)
  for (const [i, g] of full.entries())
    assert.ok(Math.abs(sum[i] - g) < 1e-6 * norm, `${i}: ${sum[i]} for ${g}`)
  const found = new Float64Array(theta.length)
  await addSquares(
    model,
    theta,
    split,
    Uint32Array.from({ length: 24 }, (_, i) => i),
    found,
  )
  for (const [i, square] of squares.entries())
    assert.ok(isClose(found[i], square, 1e-6, 1e-9), `${i}: ${found[i]} for ${square}`)
})

test('labels are drawn as often as the softmax has them', () => {
  const logits = [2, 0, 1]
  const stream = randomStream('draws of this test')
  const times = [0, 0, 0]
  for (let n = 0; n < 20_000; n++) times[drawLabel(logits, stream.uniform())]++
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0)
  for (const [c, z] of logits.entries()) {
    const p = Math.exp(z) / total
    assert.ok(Math.abs(times[c] / 20_000 - p) < 4 * Math.sqrt((p * (1 - p)) / 20_000), `${times}`)
  }
  assert.equal(drawLabel([1000, 0], 0.999), 0)
})
