/** Dead units: those whose gradient is exactly 0 in float64 too, in which iterations, and whether they come back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { units } from '../src/lca/diagnostics/units.ts'
import { examplesOf, factsOf, followed, rowsOfRun, rowsRead, trajectoryOf } from './support/diagnostics.ts'
import { runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

test('of a run: where the gradient in float64 is 0, and the same bits however it is cut', async () => {
  const iterations = 6
  const runIn = (segmentIterations: number) =>
    runExperiment({
      dataset: { name: 'synthetic-digits', trainExamples: 40, validationExamples: 20 },
      architecture: { name: 'fc', hidden: [10] },
      // Steps that throw units out of reach of every example.
      optimizer: { name: 'sgd', learningRate: 2 },
      training: { iterations, batchSize: 20, seed: 2 },
      allocation: { segmentIterations, method: 'left', maxSplits: 1 },
      keep: ['weights'],
    })
  const cut = await runIn(4)
  const { examples, labels } = await examplesOf(cut, 'train')
  const gradients = trajectoryOf(cut)
    .slice(0, iterations)
    .map(theta => lossAndGradient(theta, [784, 10, 10], examples, labels).gradient)
  const { variables, units: layers } = factsOf(cut, 'train')
  const rows = await rowsOfRun(units, cut, 'train')
  assert.equal(rows.length, 20)
  let ever = 0
  for (const { layer, units: width, offset } of layers)
    for (let unit = 0; unit < width; unit++) {
      const own = variables.filter(one => one.layer === layer)
      const dead = gradients.map(g =>
        own.every(({ offset, size }) =>
          g.subarray(offset, offset + size).every((value, i) => i % width !== unit || value === 0),
        ),
      )
      const [first, last] = [dead.indexOf(true), dead.lastIndexOf(true)]
      if (first >= 0) ever++
      assert.deepEqual(rows[offset + unit], {
        ...{ layer, unit, iterations, dead: dead.filter(Boolean).length },
        first: first < 0 ? null : first,
        last: last < 0 ? null : last,
        cameBack: Number(first >= 0 && dead.indexOf(false, first) >= 0),
      })
    }
  assert.ok(ever > 0 && ever < 20, `${ever} units died`)
  const whole = await runIn(iterations)
  assert.deepEqual(await rowsOfRun(units, whole, 'train'), rows)
  assert.deepEqual(
    await rowsOfRun(units, whole, 'train', { from: 1, to: 5 }),
    await rowsOfRun(units, cut, 'train', { from: 1, to: 5 }),
  )
})

/** A kernel and a bias of three units, and batch norm's scale and shift of two channels. */
const variables = [
  { name: 'a/kernel', layer: 'a', shape: [2, 3], offset: 0, size: 6 },
  { name: 'a/bias', layer: 'a', shape: [3], offset: 6, size: 3 },
  { name: 'n/scale', layer: 'n', shape: [2], offset: 9, size: 2 },
  { name: 'n/shift', layer: 'n', shape: [2], offset: 11, size: 2 },
]
/** alive[t][unit] of the five units; one that lives does by a weight of its own choice. */
const steps = (alive: number[][], by = (unit: number) => [3, 7, 2, 9, 12][unit]) =>
  alive.map(row => {
    const gradient = new Float64Array(13)
    for (const [unit, lives] of row.entries()) if (lives) gradient[by(unit)] = unit % 2 === 0 ? 1e-300 : -2
    return { gradient }
  })
// Units 0 dies for good, 1 comes back, 2 lives, 3 is dead throughout, 4 flickers.
const pattern = [
  [1, 1, 1, 0, 0],
  [1, 0, 1, 0, 1],
  [0, 0, 1, 0, 0],
  [0, 1, 1, 0, 1],
  [0, 1, 1, 0, 0],
]

test('spells over the borders of segments are one, in any span', async () => {
  const expected = [
    { dead: 3, first: 2, last: 4, cameBack: 0 },
    { dead: 2, first: 1, last: 2, cameBack: 1 },
    { dead: 0, first: null, last: null, cameBack: 0 },
    { dead: 5, first: 0, last: 4, cameBack: 0 },
    { dead: 3, first: 0, last: 4, cameBack: 1 },
  ]
  for (const segmentIterations of [1, 2, 3, 5]) {
    const made = await followed(units, variables, steps(pattern), segmentIterations)
    const rows = await rowsRead(units, made)
    const names = ['a', 'a', 'a', 'n', 'n'].map((layer, u) => ({ layer, unit: u < 3 ? u : u - 3 }))
    assert.deepEqual(
      rows,
      expected.map((one, u) => ({ ...names[u], iterations: 5, ...one })),
    )
    const [, second, , , fifth] = await rowsRead(units, made, { from: 1, to: 3 })
    assert.deepEqual([second.dead, second.first, second.last, second.cameBack, fifth.dead], [2, 1, 2, 0, 1])
    assert.deepEqual(
      (await rowsRead(units, made, { layers: ['n'] })).map(({ dead }) => dead),
      [5, 3],
    )
    assert.deepEqual(await units.summarise!(made.source, made.facts), {
      ...{ dead: 3 / 5, iterations: 13 / 25, cameBack: 2 / 4 },
    })
    const early = await units.summarise!(made.source, { ...made.facts, to: 1 })
    assert.deepEqual(early, { dead: 2 / 5, iterations: 2 / 5, cameBack: 0 })
  }
})
