/** The losses of masked steps, against losses in float64; what is drawn is drawn from the seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counterfactuals } from '../src/lca/diagnostics/counterfactuals.ts'
import { groupsBy, markAsMany } from '../src/lca/masks.ts'
import { randomStream } from '../src/nn/random.ts'
import { allocationsName } from '../src/objects/names.ts'
import { segmentsOf } from '../src/spec/segments.ts'
import { examplesOf, factsOf, isClose, rowsOfRun, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { columnsOf, runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

const run = (segmentIterations: number) =>
  runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
    architecture: { name: 'fc', hidden: [4] },
    optimizer: { name: 'sgd', learningRate: 0.2, momentum: 0.9 },
    layers: { fc_2: { freeze: { from: 4 } } },
    training: { iterations: 6, batchSize: 20, seed: 2 },
    allocation: { segmentIterations, diagnostics: { counterfactuals: { every: 2 } } },
    keep: ['weights', 'allocations'],
  })
const whole = await run(4)
const trajectory = trajectoryOf(whole)

/** The allocations of iteration t. */
function lcaAt(split: 'train' | 'validation', t: number): Float32Array {
  const segment = segmentsOf(whole.spec).find(({ from, to }) => from <= t && t < to)!
  const { length } = trajectory[0]
  const start = (t - segment.from) * length
  return whole.floats(allocationsName(split, segment)).subarray(start, start + length)
}

for (const split of ['train', 'validation'] as const)
  test(`the loss of every masked step of ${split} is that in float64, and predictions are sums of LCA`, async () => {
    const { examples, labels } = await examplesOf(whole, split)
    const rows = await rowsOfRun(counterfactuals, whole, split)
    const { variables, layers, layerOf, parameters } = factsOf(whole, split, counterfactuals)
    assert.equal(rows.length, 3 * (4 + 2 * layers.length))
    const inLayer = (i: number, name: string) =>
      layers[layerOf[variables.findIndex(({ offset, size }) => i >= offset && i < offset + size)]] === name
    const chooses: Record<string, (i: number, lca: Float32Array, layer: string) => boolean> = {
      helpers: (i, lca) => lca[i] < 0,
      hurters: (i, lca) => lca[i] > 0,
      all: () => true,
      alone: (i, _, layer) => inLayer(i, layer),
      without: (i, _, layer) => !inLayer(i, layer),
    }
    for (const row of rows) {
      const t = row.iteration as number
      const choose = chooses[row.mask as string]
      if (choose === undefined) continue
      const lca = lcaAt(split, t)
      const chosen = Array.from({ length: parameters }, (_, i) => choose(i, lca, row.layer as string))
      const theta = Float64Array.from(trajectory[t], (w, i) => (chosen[i] ? trajectory[t + 1][i] : w))
      const { loss } = lossAndGradient(theta, [784, 4, 10], examples, labels)
      const predicted = chosen.reduce((sum, isIn, i) => sum + (isIn ? lca[i] : 0), 0)
      const what = `${row.mask} ${row.layer ?? ''} at ${t}`
      assert.ok(isClose(row.loss as number, loss, 2e-7), `${what}: ${row.loss} against ${loss}`)
      assert.ok(isClose(row.predicted as number, predicted, 1e-12), `${what}: predicted ${row.predicted}`)
      assert.equal(row.parameters, chosen.filter(Boolean).length)
      assert.equal(row.interaction, (row.change as number) - (row.predicted as number))
    }
  })

test('all ones is the true step, to the bit, and its interaction the residual', async () => {
  for (const row of await rowsOfRun(counterfactuals, whole, 'train')) {
    const t = row.iteration as number
    const { lossBefore, lossAfter, residual } = columnsOf(whole, t < 4 ? 0 : 1, 'iterations', 'train')
    assert.equal(row.before, lossBefore[t % 4])
    if (row.mask === 'all') {
      assert.equal(row.loss, lossAfter[t % 4])
      assert.ok(Math.abs((row.interaction as number) - residual[t % 4]) < 1e-12)
    }
    // Frozen from 4 on: to leave it out changes nothing.
    if (t === 4 && row.layer === 'fc_2')
      assert.equal(row.loss, row.mask === 'alone' ? lossBefore[0] : lossAfter[0])
  }
})

test('of each layer as many are drawn at random as help: by the seed, whatever the segments are', async () => {
  const rows = await rowsOfRun(counterfactuals, whole, 'train')
  const of = (mask: string) => rows.filter(row => row.mask === mask)
  assert.deepEqual(
    of('random').map(({ parameters }) => parameters),
    of('helpers').map(({ parameters }) => parameters),
  )
  const facts = factsOf(whole, 'train', counterfactuals)
  const times = new Uint32Array(facts.parameters)
  for (let n = 0; n < 400; n++) {
    const drawn = new Uint8Array(facts.parameters)
    const stream = randomStream('counterfactuals', n)
    markAsMany(groupsBy(facts, 'parameter'), lcaAt('train', 2), stream, drawn)
    for (const { offset, size } of facts.variables.filter(({ layer }) => layer === 'fc_2'))
      for (let i = offset; i < offset + size; i++) times[i] += drawn[i]
  }
  const second = facts.variables.filter(({ layer }) => layer === 'fc_2')
  const start = second[0].offset
  const own = times.subarray(start)
  const helping = lcaAt('train', 2)
    .subarray(start)
    .filter(lca => lca < 0).length
  assert.equal(
    own.reduce((sum, count) => sum + count),
    400 * helping,
  )
  // Each is as likely as any: five binomial deviations.
  const p = helping / own.length
  for (const count of own) assert.ok(Math.abs(count - 400 * p) < 5 * Math.sqrt(400 * p * (1 - p)), `${count}`)
  for (const [n, row] of of('random').entries()) assert.notEqual(row.loss, of('helpers')[n].loss)
  assert.deepEqual(await rowsOfRun(counterfactuals, await run(3), 'train'), rows)
  assert.deepEqual(
    await rowsOfRun(counterfactuals, whole, 'train', { from: 1, to: 4, layers: ['fc_2'] }),
    rows.filter(({ iteration, layer }) => iteration === 2 && layer === 'fc_2'),
  )
})

test('figures are of all iterations that have rows, and of the beginning where that is asked', async () => {
  const facts = factsOf(whole, 'train', counterfactuals)
  const rows = await rowsOfRun(counterfactuals, whole, 'train')
  const sum = (mask: string, column: string, to: number) =>
    rows
      .filter(row => row.mask === mask && (row.iteration as number) < to)
      .reduce((total, row) => total + (row[column] as number), 0)
  for (const to of [6, 2]) {
    const figures = await counterfactuals.summarise!(sourceOf(whole, 'train'), { ...facts, to })
    const expected = {
      helpers: sum('helpers', 'change', to) / sum('helpers', 'predicted', to),
      hurters: sum('hurters', 'change', to) / sum('hurters', 'predicted', to),
      gain: (sum('all', 'change', to) - sum('helpers', 'change', to)) / (to / 2),
      layers: sum('alone', 'change', to) / sum('all', 'change', to),
    }
    for (const [name, value] of Object.entries(expected))
      assert.ok(isClose(figures[name], value, 1e-9), `${name}: ${figures[name]} for ${value}`)
  }
})
