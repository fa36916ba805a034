/** What one job may cost: a spec beyond it is told how small its segments have to be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkCost, costOf, replayFlops } from '../src/spec/cost.ts'
import { fakeSpec } from './support/fake-ledger.ts'

/** 10⁹ FLOP an example. */
const shape = { variables: [], parameters: 0, batchNorm: false, classes: 10 }
const network = { ...shape, gradientFlops: 1e9 }

/** 100 + 20 examples; Simpson, at most 32 parts: 64 gradients of each an iteration. */
const spec = (iterations: number, segmentIterations: number, maxSplits = 32) => {
  const made = fakeSpec(iterations, segmentIterations, [])
  return { ...made, allocation: { ...made.allocation, maxSplits } }
}

test('turns are taken by the gradients of training and of allocation at its least', () => {
  // 1000 batches of 10; 2 points an iteration, and the end, of 120 examples.
  assert.deepEqual(costOf(spec(1000, 50), network), {
    ...{ training: (1000 * 10 * 1e9) / 1e12, segment: (101 * 120 * 1e9) / 1e12, segments: 20 },
  })
  // One segment, which is shorter than it might be.
  assert.deepEqual(costOf(spec(10, 50), network).segment, (21 * 120 * 1e9) / 1e12)
})

test('a segment that may cost too much names the segmentIterations that would do', () => {
  // (64 · n + 1) · 120 · 10⁹ ≤ 10¹⁵ as long as n ≤ 130.
  assert.deepEqual(checkCost(spec(1000, 130), network, 1), [])
  const [error, ...others] = checkCost(spec(1000, 131), network, 1)
  assert.deepEqual(others, [])
  assert.equal(error.path, '$.allocation.segmentIterations')
  assert.match(error.message, /^must be ≤ 130 .* at most 1 PFLOP \(LEDGER_MAX_JOB_PFLOP\); 131 iterations/)
  assert.deepEqual(checkCost(spec(1000, 131), network, 0), [])
})

test('where one iteration is too much already, the parts of a step are named, and then the examples', () => {
  const large = { ...shape, gradientFlops: 1e12 }
  // 10¹⁵ are 8 gradients of 120 examples: 3 parts of 2 points, and the end; a power of two.
  const [parts] = checkCost(spec(10, 1), large, 1)
  assert.equal(parts.path, '$.allocation.maxSplits')
  assert.match(parts.message, /^must be ≤ 2, with segmentIterations 1/)
  assert.deepEqual(checkCost(spec(10, 1, 2), large, 1), [])
  const [examples] = checkCost(spec(10, 1, 1), { ...shape, gradientFlops: 5e12 }, 1)
  assert.equal(examples.path, '$.dataset.trainExamples')
})

test('training is one job, too', () => {
  const [error] = checkCost(spec(1e6, 1), network, 1)
  assert.equal(error.path, '$.training.iterations')
  assert.match(error.message, /^must be ≤ 100000 /)
})

test('a branch repeats what it goes on with, and what that had to repeat', () => {
  const going = (iteration: number, made = spec(400, 50)) => ({
    ...made,
    training: { ...made.training, initial: { experiment: 'a', iteration, state: true } },
  })
  const first = { spec: spec(1000, 50), trainingCost: costOf(spec(1000, 50), network).training }
  // 600 batches of 10.
  const replay = replayFlops(going(600), first, network)
  assert.equal(replay, 6000 * 1e9)
  const second = { spec: going(600), trainingCost: costOf(going(600), network, replay).training }
  assert.equal(second.trainingCost, (10 * (600 + 400) * 1e9) / 1e12)
  assert.ok(Math.abs(replayFlops(going(100), second, network) / (7000 * 1e9) - 1) < 1e-12)
  assert.equal(replayFlops(spec(400, 50), first, network), 0)
  const [much] = checkCost(going(600, spec(1e6, 50)), network, 1, 2e15)
  assert.match(
    `${much.path} ${much.message}`,
    /^\$\.training\.initial\.state must be left out, or go on earlier: .* 2 PFLOP/,
  )
  const [long] = checkCost(going(600, spec(1e6, 50)), network, 1, 5e14)
  assert.match(long.message, /^must be ≤ 50000 .* 10 PFLOP, and to repeat what they go on with 0.5 PFLOP/)
})

test('what diagnostics cost is part of it, at the worst that a segment may have of them', () => {
  // 8 forward passes, a third of a gradient each, of 120 examples, at multiples of 10: of layers there are two.
  const variables = ['a', 'b'].map((layer, i) => ({
    ...{ name: `${layer}/kernel`, layer, shape: [1], offset: i, size: 1 },
  }))
  const layered = { ...network, variables, parameters: 2 }
  const asking = (iterations: number, segmentIterations: number, every = 10) => {
    const made = spec(iterations, segmentIterations)
    return { ...made, allocation: { ...made.allocation, diagnostics: { counterfactuals: { every } } } }
  }
  const gradients = (count: number) => count * 120 * 1e9
  assert.equal(costOf(asking(1000, 25), layered).segment, gradients(51 + (3 * 8) / 3) / 1e12)
  // 64 n + 1 + ⌈n/10⌉ · 8/3 gradients, of which 10¹⁵ are 8333.3: n = 129, where it was 130.
  assert.deepEqual(checkCost(asking(1000, 129), layered, 1), [])
  const [error] = checkCost(asking(1000, 130), layered, 1)
  assert.match(error.message, /^must be ≤ 129 .* of it diagnostics counterfactuals 0\.00416 PFLOP/)
  assert.equal(error.path, '$.allocation.segmentIterations')
  // Where one iteration is too much with it, and is not without.
  const large = { ...layered, gradientFlops: 2.5e12 }
  const one = spec(1, 1, 1).allocation
  const single = (diagnostics: object) => ({ ...spec(1, 1, 1), allocation: { ...one, ...diagnostics } })
  assert.deepEqual(checkCost(single({}), large, 1), [])
  const [itself] = checkCost(single({ diagnostics: { counterfactuals: { every: 1 } } }), large, 1)
  assert.equal(itself.path, '$.allocation.diagnostics.counterfactuals')
  assert.match(itself.message, /^costs 0\.8 PFLOP at a single iteration/)
})
