/** Help over windows of iterations: against sums of every stored allocation; windows across segments. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../src/lca/diagnostics/diagnostic.ts'
import { windows } from '../src/lca/diagnostics/windows.ts'
import { randomStream } from '../src/nn/random.ts'
import { allocationsOf, factsOf, followed, rowsOfRun, rowsRead } from './support/diagnostics.ts'
import { runExperiment } from './support/experiment.ts'

type Part = { name: string; layer: string; shape: number[]; offset: number; size: number }

/** The windows that there are of so many iterations in segments of a length, from the definition. */
function windowsOf(iterations: number, segment: number): Map<number, [number, number][]> {
  const found = new Map<number, [number, number][]>()
  const add = (from: number, to: number) =>
    found.set(to - from, [...(found.get(to - from) ?? []), [from, to]])
  for (let from = 0; from < iterations; from += segment) {
    const to = Math.min(iterations, from + segment)
    for (let window = 1; window <= to - from; window *= 2)
      for (let start = from; start + window <= to; start += window) add(start, start + window)
  }
  const within = new Set(found.keys())
  for (let window = segment; window <= iterations; window *= 2)
    if (!within.has(window))
      for (let start = 0; start + window <= iterations; start += window) add(start, start + window)
  if (!found.has(iterations)) add(0, iterations)
  return found
}

function expectedOf(lca: Float32Array[], parts: Part[], spans: [number, number][]) {
  const tally = { helped: 0, hurt: 0, unitsHelped: 0, unitsHurt: 0 }
  for (const [from, to] of spans) {
    const units = new Map<string, number>()
    for (const { layer, shape, offset, size } of parts)
      for (let i = 0; i < size; i++) {
        let sum = 0
        for (let t = from; t < to; t++) sum += lca[t][offset + i]
        if (sum < 0) tally.helped++
        if (sum > 0) tally.hurt++
        const unit = `${layer} ${i % shape[shape.length - 1]}`
        units.set(unit, (units.get(unit) ?? 0) + sum)
      }
    for (const sum of units.values()) {
      if (sum < 0) tally.unitsHelped++
      if (sum > 0) tally.unitsHurt++
    }
  }
  return tally
}

function check(rows: Row[], lca: Float32Array[], parts: Part[], expected: Map<number, [number, number][]>) {
  assert.deepEqual(
    rows.map(({ window, windows }) => [window, windows]),
    [...expected].sort(([a], [b]) => a - b).map(([window, spans]) => [window, spans.length]),
  )
  const parameters = parts.reduce((sum, { size }) => sum + size, 0)
  for (const row of rows) {
    const tally = expectedOf(lca, parts, expected.get(row.window as number)!)
    const { helped, hurt, unitsHelped, unitsHurt } = row
    assert.deepEqual({ helped, hurt, unitsHelped, unitsHurt }, tally, `windows of ${row.window}`)
    const all = parameters * (row.windows as number)
    assert.equal(row.helpFractionOfAll, tally.helped / all)
    assert.equal(row.helpFractionOfMoved, tally.helped / (tally.helped + tally.hurt))
    assert.equal(row.unitHelpFraction, tally.unitsHelped / (tally.unitsHelped + tally.unitsHurt))
  }
}

test('of a run: the signs of sums of every stored allocation, in segments of another length too', async () => {
  const iterations = 7
  const runIn = (segmentIterations: number) =>
    runExperiment({
      dataset: { name: 'synthetic-digits', trainExamples: 40, validationExamples: 20 },
      architecture: { name: 'fc', hidden: [4] },
      optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
      training: { iterations, batchSize: 20, seed: 2 },
      allocation: { segmentIterations, method: 'trapezoid' },
    })
  const cut = await runIn(3)
  const { variables } = factsOf(cut, 'train')
  const lca = allocationsOf(cut, 'train')
  check(await rowsOfRun(windows, cut, 'train'), lca, variables, windowsOf(iterations, 3))
  for (const layer of ['fc_1', 'fc_2']) {
    const rows = await rowsOfRun(windows, cut, 'train', { by: 'layer', layers: [layer] })
    const parts = variables.filter(one => one.layer === layer)
    check(rows, lca, parts, windowsOf(iterations, 3))
    assert.ok(rows.every(row => row.layer === layer))
  }
  // Whole segments of a span, and nothing that reaches beyond.
  const within = windowsOf(6, 3)
  for (const window of [3, 6]) within.delete(window)
  check(await rowsOfRun(windows, cut, 'train', { to: 6 }), lca, variables, within)

  // What does not depend on where segments begin is the same however they are cut.
  const whole = await runIn(iterations)
  const [a, b] = [await rowsOfRun(windows, cut, 'train'), await rowsOfRun(windows, whole, 'train')]
  check(b, lca, variables, windowsOf(iterations, iterations))
  for (const window of [1, iterations])
    assert.deepEqual(
      a.find(row => row.window === window),
      b.find(row => row.window === window),
    )
})

const variables: Part[] = [
  { name: 'a/kernel', layer: 'a', shape: [5, 4], offset: 0, size: 20 },
  { name: 'a/bias', layer: 'a', shape: [4], offset: 20, size: 4 },
  { name: 'b/kernel', layer: 'b', shape: [4, 2], offset: 24, size: 8 },
]

test('every length of segments has the windows of its definition, and counts them right', async () => {
  const stream = randomStream('windows')
  for (const iterations of [1, 8, 21]) {
    // Whole numbers, of which no sum rounds; some are −0, as what is negative and too small for float32.
    const steps = Array.from({ length: iterations }, () => ({
      lca: Float32Array.from({ length: 32 }, () => stream.integer(7) - 3 || -1e-60),
    }))
    const lca = steps.map(step => step.lca)
    for (const segment of [1, 2, 3, 4, 8, 21]) {
      const made = await followed(windows, variables, steps, segment)
      const rows = await rowsRead(windows, made)
      check(rows, lca, variables, windowsOf(iterations, Math.min(segment, iterations)))
      const figures = await windows.summarise!(made.source, made.facts)
      const run = expectedOf(lca, variables, [[0, iterations]])
      assert.equal(figures.run, run.helped / (run.helped + run.hurt))
      const early = await windows.summarise!(made.source, { ...made.facts, to: Math.ceil(iterations / 2) })
      assert.ok(iterations === 1 || Number.isNaN(early.run))
    }
  }
})

test('to and fro is gone in windows of two: what is left is the drift', async () => {
  // ±1 by turns, and a drift of −0.01, or of +0.01 in the last quarter of the parameters, layer b.
  const steps = Array.from({ length: 16 }, (_, t) => ({
    lca: Float32Array.from({ length: 32 }, (_, i) => (t % 2 === 0 ? 1 : -1) + (i < 24 ? -0.01 : 0.01)),
  }))
  const made = await followed(windows, variables, steps, 4)
  const fractions = async (layers?: string[]) =>
    (await rowsRead(windows, made, { layers })).map(row => [row.window, row.helpFractionOfMoved])
  const lengths = (first: number, more: number) => [1, 2, 4, 8, 16].map(n => [n, n === 1 ? first : more])
  assert.deepEqual(await fractions(), lengths(0.5, 0.75))
  assert.deepEqual(await fractions(['a']), lengths(0.5, 1))
  assert.deepEqual(await fractions(['b']), lengths(0.5, 0))
})
