/** How gradients, updates and allocations turn: against float64, over the borders of segments, and as sums of groups. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSums } from '../src/api/routes/diagnostics/query.ts'
import type { Asked } from '../src/lca/diagnostics/diagnostic.ts'
import { oscillation } from '../src/lca/diagnostics/oscillation.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { allocationsOf, examplesOf, factsOf, isClose, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { type Run, runExperiment } from './support/experiment.ts'
import { batchNorm, conv2d, dense, globalAveragePool, relu } from './support/images.ts'
import { lossAndGradientOf, type Reference } from './support/networks.ts'
import { lossAndGradient } from './support/reference.ts'

const iterations = 5
/** A dense network and one with batch norm, whose float64 references take θ, examples and labels. */
const cases: { title: string; spec: Partial<ExperimentSpec>; gradientOf: GradientOf }[] = [
  {
    title: 'a dense network',
    spec: { architecture: { name: 'fc', hidden: [4] } },
    gradientOf: (theta, examples, labels) => lossAndGradient(theta, [784, 4, 10], examples, labels).gradient,
  },
  {
    title: 'convolution and batch norm',
    spec: {
      architecture: {
        name: 'custom',
        layers: [
          { kind: 'conv2d', filters: 2, size: 3, stride: 3, padding: 'same', bias: false },
          { kind: 'batch_norm' },
          { kind: 'relu' },
          { kind: 'global_average_pool' },
          { kind: 'dense', units: 10 },
        ],
      },
    },
    gradientOf: (theta, examples, labels) => {
      const network: Reference = (take, images) => {
        const y = batchNorm(conv2d(images, take(3, 3, 1, 2), 3), take(2), take(2))
        return dense(globalAveragePool(relu(y)), take(2, 10), take(10))
      }
      const values = Float64Array.from(examples.flatMap(pixels => [...pixels]))
      const images = { values, shape: [examples.length, 28, 28, 1] }
      return lossAndGradientOf(network, theta, images, labels).gradient
    },
  },
]
type GradientOf = (theta: Float32Array, examples: Float64Array[], labels: ArrayLike<number>) => Float64Array

const runIn = (spec: Partial<ExperimentSpec>, segmentIterations: number) =>
  runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 40, validationExamples: 20 },
    architecture: { name: 'fc', hidden: [4] },
    optimizer: { name: 'sgd', learningRate: 0.3, momentum: 0.5 },
    training: { iterations, batchSize: 20, seed: 2 },
    ...spec,
    allocation: { segmentIterations },
  })

type Row = Record<string, number>
/** The rows that the API gives of a run, numbers only; what is null there is NaN. */
async function rowsOf(run: Run, asked: Partial<Asked> = {}): Promise<Row[]> {
  const facts = factsOf(run, 'train', oscillation)
  assert.ok(oscillation.view.kind === 'sums')
  const rows: Row[] = []
  const whole: Asked = {
    ...{ by: 'network', layers: undefined, from: 0, to: iterations, bucket: 1 },
    ...asked,
  }
  for await (const { length, values } of readSums(oscillation.view, sourceOf(run, 'train'), facts, whole))
    for (let row = 0; row < length; row++)
      rows.push(
        Object.fromEntries(
          Object.entries(values).flatMap(([name, all]) => ('names' in all ? [] : [[name, all[row]]])),
        ),
      )
  return rows
}

const runs: Run[] = []
for (const { title, spec, gradientOf } of cases)
  test(`${title}: every number is that of float64, over the border of segments too`, async () => {
    const run = await runIn(spec, 2)
    runs.push(run)
    const { examples, labels } = await examplesOf(run, 'train')
    const theta = trajectoryOf(run)
    const gradients = theta.map(at => gradientOf(at, examples, labels))
    const deltas = theta.slice(1).map((next, t) => Float64Array.from(next, (w, i) => w - theta[t][i]))
    const lca = allocationsOf(run, 'train')
    const { variables } = factsOf(run, 'train')
    const rows = await rowsOf(run, { by: 'variable' })
    assert.equal(rows.length, iterations * variables.length)
    let turned = 0
    for (const [at, row] of rows.entries()) {
      const { name, offset, size } = variables[at % variables.length]
      const t = Math.floor(at / variables.length)
      assert.equal(row.iteration, t)
      const check = (column: string, expected: number, tolerance: number, floor = 0) =>
        assert.ok(
          isClose(row[column], expected, tolerance, floor),
          `${column} of ${name} at ${t}: ${row[column]} against ${expected}`,
        )
      const pairOf = (all: ArrayLike<number>[], before: number, after: number) => {
        const pair = { dot: 0, before: 0, after: 0, turned: 0, signed: 0 }
        for (let i = offset; i < offset + size; i++) {
          const [a, b] = [all[before][i], all[after][i]]
          pair.dot += a * b
          pair.before += a * a
          pair.after += b * b
          if (a * b < 0) pair.turned++
          if (a * b !== 0) pair.signed++
        }
        return pair
      }
      const gradient = pairOf(gradients, t, t + 1)
      // A dot product of what nearly cancels is as good as its terms.
      check('gradients', gradient.dot, 1e-4, 1e-2 * Math.sqrt(gradient.before * gradient.after))
      check('gradientBefore', gradient.before, 1e-4)
      check('gradientAfter', gradient.after, 1e-4)
      const slack = 2 + 1e-3 * size
      assert.ok(Math.abs(row.gradientTurned - gradient.turned) <= slack)
      assert.ok(Math.abs(row.gradientSigned - gradient.signed) <= slack)
      if (t === 0) {
        for (const column of ['updates', 'updateBefore', 'updateAfter', 'updateCosine', 'updateTurning'])
          assert.ok(Number.isNaN(row[column]), `${column} at 0 is ${row[column]}`)
        for (const column of ['updateTurned', 'updateSigned', 'lcaTurned', 'lcaSigned', 'lcaTurning'])
          assert.ok(Number.isNaN(row[column]), `${column} at 0 is ${row[column]}`)
        continue
      }
      // Weights and allocations are as they are stored: no rounding is between.
      const update = pairOf(deltas, t - 1, t)
      const allocation = pairOf(lca, t - 1, t)
      assert.deepEqual(
        [row.updates, row.updateBefore, row.updateAfter, row.updateTurned, row.updateSigned],
        [update.dot, update.before, update.after, update.turned, update.signed],
      )
      assert.deepEqual([row.lcaTurned, row.lcaSigned], [allocation.turned, allocation.signed])
      turned += update.turned + allocation.turned
    }
    assert.ok(turned > 0, 'something turned')
  })

test('the table and its figures are the same bits however a run is cut', async () => {
  const [cut] = runs
  const whole = await runIn(cases[0].spec, iterations)
  for (const asked of [{ by: 'variable' }, { by: 'layer', bucket: 3 }, { by: 'network', from: 2 }] as const)
    assert.deepEqual(await rowsOf(cut, asked), await rowsOf(whole, asked))
  const figures = async (run: Run, to: number) =>
    oscillation.summarise!(sourceOf(run, 'train'), { ...factsOf(run, 'train', oscillation), to })
  for (const to of [1, 3, iterations]) assert.deepEqual(await figures(cut, to), await figures(whole, to))
  const { updateTurning, ...early } = await figures(whole, 1)
  assert.ok(Number.isNaN(updateTurning) && early.gradientCosine > -1)
})

test('what spans a border is missing while only its segments are there, and is not counted', async () => {
  const [run] = runs
  const facts = factsOf(run, 'train', oscillation)
  const source = sourceOf(run, 'train')
  const unjoined: typeof source = async function* (kind, span) {
    if (kind === 'oscillation') yield* source(kind, span)
  }
  assert.ok(oscillation.view.kind === 'sums')
  const asked: Asked = { by: 'network', layers: undefined, from: 0, to: 4, bucket: 4 }
  const [all] = await rowsOf(run, asked)
  const singles = await rowsOf(run, { to: 4 })
  for await (const { values } of readSums(oscillation.view, unjoined, facts, asked)) {
    const column = (name: string) => (values[name] as Float64Array)[0]
    // Iterations 1 and 3; 2 begins a segment.
    assert.ok(isClose(column('updates'), singles[1].updates + singles[3].updates, 1e-12))
    assert.equal(column('lcaSigned'), singles[1].lcaSigned + singles[3].lcaSigned)
    assert.equal(column('gradientSigned'), all.gradientSigned)
    assert.ok(column('lcaSigned') < all.lcaSigned)
  }
})

test('cosines of a bucket are of its sums', async () => {
  const rows = await rowsOf(runs[0])
  const [span] = await rowsOf(runs[0], { bucket: iterations })
  const sum = (name: string) => rows.slice(1).reduce((total, row) => total + row[name], 0)
  const expected = sum('updates') / Math.sqrt(sum('updateBefore') * sum('updateAfter'))
  assert.ok(isClose(span.updateCosine, expected, 1e-12))
})
