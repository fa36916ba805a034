/** What training does to its batches and gradients beside the optimizer: augmentation and clipping. Neither is in the ledger's loss. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { augmentation } from '../src/nn/augmentation.ts'
import { disposeBatch, uploadBatch } from '../src/nn/model.ts'
import { clip } from '../src/nn/training/iteration.ts'
import { facts } from '../src/plan.ts'
import { SpecError } from '../src/spec/errors.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { columnsOf, runExperiment, total } from './support/experiment.ts'

const shape = [5, 4, 2]
const size = 5 * 4 * 2
const count = 400
/** No value twice in an image, and none 0. */
const original = Float32Array.from({ length: count * size }, (_, i) => 1 + (i % size))

/** Every image that can come of one: shifted, mirrored. */
function images(flip: boolean, crop: number): Map<string, string> {
  const found = new Map<string, string>()
  for (const mirrored of flip ? [false, true] : [false])
    for (let down = -crop; down <= crop; down++)
      for (let right = -crop; right <= crop; right++) {
        const pixels: number[] = []
        for (let y = 0; y < 5; y++)
          for (let x = 0; x < 4; x++)
            for (let c = 0; c < 2; c++) {
              // The pixel of the mirrored image is the shifted one's, read from the right.
              const column = (mirrored ? 3 - x : x) + right
              const row = y + down
              pixels.push(row < 0 || row > 4 || column < 0 || column > 3 ? 0 : 1 + (row * 4 + column) * 2 + c)
            }
        found.set(pixels.join(), `${mirrored} ${down} ${right}`)
      }
  return found
}

test('every image is one of its crops, mirrored or not; all come up about as often, the same for the same seed', () => {
  const options = { flip: true, crop: 1 }
  const possible = images(true, 1)
  assert.equal(possible.size, 18)
  const changed = original.slice()
  augmentation(options, 3, 7)(changed, shape)
  const often = new Map<string, number>()
  for (let n = 0; n < count; n++) {
    const which = possible.get(changed.subarray(n * size, (n + 1) * size).join())
    assert.ok(which !== undefined, `image ${n} is none of its crops`)
    often.set(which, (often.get(which) ?? 0) + 1)
  }
  // Five standard deviations of a binomial with n = 400 and p = 1/18.
  for (const [which, times] of often) assert.ok(Math.abs(times - count / 18) < 5 * 4.6, `${which}: ${times}`)
  assert.equal(often.size, 18)
  const again = original.slice()
  augmentation(options, 3, 7)(again, shape)
  assert.deepEqual(again, changed)
  for (const [seed, iteration] of [
    [4, 7],
    [3, 8],
  ]) {
    const other = original.slice()
    augmentation(options, seed, iteration)(other, shape)
    assert.notDeepEqual(other, changed)
  }
  const untouched = original.slice()
  augmentation({ flip: false, crop: 0 }, 3, 7)(untouched, shape)
  assert.deepEqual(untouched, original)
})

test('the norm that is clipped is that of all variables that train, together', () => {
  const gradient = Float64Array.from([3, 0, 100, 4, 12])
  const variables = [
    { offset: 0, size: 2 },
    { offset: 3, size: 2 },
  ]
  clip(gradient, variables, 20)
  assert.deepEqual([...gradient], [3, 0, 100, 4, 12], '13 is below 20')
  clip(gradient, variables, 6.5)
  assert.deepEqual([...gradient], [1.5, 0, 100, 2, 6], 'half, and the frozen one stays')
})

const spec = (training: object, layers: object = {}): ExperimentSpec =>
  ({
    dataset: { name: 'synthetic-digits', trainExamples: 40, validationExamples: 10 },
    architecture: { name: 'fc', hidden: [6] },
    optimizer: { name: 'sgd', learningRate: 0.5 },
    layers,
    training: { iterations: 3, batchSize: 20, ...training },
    allocation: { method: 'left', maxSplits: 1 },
  }) as ExperimentSpec
const deltas = (weights: Float32Array) => {
  const parameters = weights.length / 4
  return [0, 1, 2].map(t => {
    const step = Array.from(
      { length: parameters },
      (_, i) => weights[(t + 1) * parameters + i] - weights[t * parameters + i],
    )
    return { step, norm: Math.hypot(...step) }
  })
}

test('training with clipNorm and augmentation: steps no longer than rate × clipNorm, other batches, the same loss at θ_0', async () => {
  const plain = await runExperiment(spec({}))
  const clipped = await runExperiment(spec({ clipNorm: 0.1 }, { fc_1: { freeze: true } }))
  const frozen = await runExperiment(spec({}, { fc_1: { freeze: true } }))
  const [a, b] = [clipped, frozen].map(run => deltas(run.floats('weights/0-3.npy')))
  for (const { norm } of a) assert.ok(Math.abs(norm - 0.05) < 1e-6, `a step of ${norm}`)
  // The first step goes the same way, shorter.
  b[0].step.forEach((value, i) => {
    assert.ok(Math.abs(a[0].step[i] - (value * 0.05) / b[0].norm) < 1e-6)
  })
  const augmented = await runExperiment({
    ...spec({ augmentation: { flip: true, crop: 3 } }),
  })
  const [first, second] = [plain, augmented].map(
    run => columnsOf(run, 0, 'iterations', 'train').lossBefore[0],
  )
  assert.equal(first, second, 'the loss that is allocated has no augmentation')
  assert.notDeepEqual(augmented.floats('weights/0-3.npy'), plain.floats('weights/0-3.npy'))
})

test('a batch is uploaded as augmented, and as it is without', async () => {
  await loadEngine({})
  const data = {
    ...{ count: 3, shape, classes: 2, labels: new Uint8Array(3) },
    images: Uint8Array.from({ length: 3 * size }, (_, i) => i),
  }
  const plain = uploadBatch(data, [2, 0])
  const changed = uploadBatch(data, [2, 0], values => values.reverse())
  assert.deepEqual([...changed.images.dataSync()], [...plain.images.dataSync()].reverse())
  ;[plain, changed].forEach(disposeBatch)
})

test('what cannot be: augmentation without images, crops as large as they are, a rise that does not end', () => {
  const wrong: [object, string, RegExp][] = [
    [
      { ...spec({ augmentation: { flip: true } }), dataset: { name: 'spirals' } },
      '$.training.augmentation',
      /must be left out: spirals has no images, but \[2\]/,
    ],
    [spec({ augmentation: { crop: 28 } }), '$.training.augmentation.crop', /must be < 28/],
    [
      { ...spec({}), optimizer: { name: 'lion', schedule: { name: 'warmup-cosine', warmup: 3 } } },
      '$.optimizer.schedule.warmup',
      /must be < iterations \(3\)/,
    ],
    [
      { ...spec({}), optimizer: { name: 'sgdw', momentum: 0, nesterov: true } },
      '$.optimizer.nesterov',
      /needs momentum > 0/,
    ],
  ]
  for (const [input, path, message] of wrong)
    assert.throws(
      () => resolveSpec(input, facts),
      (error: unknown) => {
        assert.ok(error instanceof SpecError, String(error))
        assert.equal(error.errors[0].path, path)
        assert.match(error.errors[0].message, message)
        return true
      },
    )
  const resolved = resolveSpec(
    {
      ...spec({ augmentation: { crop: 2 } }),
      optimizer: { name: 'adamw', schedule: { name: 'warmup-cosine', warmup: 1 } },
    },
    facts,
  )
  assert.deepEqual(resolved.training.augmentation, { flip: false, crop: 2 })
  assert.deepEqual(resolved.optimizer.schedule, { name: 'warmup-cosine', warmup: 1, iterations: 3, final: 0 })
  assert.deepEqual(resolveSpec(resolved, facts), resolved)
})

test('the average of the weights is what is stored and allocated; training is what it is without', async () => {
  const plain: ExperimentSpec = {
    dataset: { name: 'spirals', trainExamples: 60, validationExamples: 0 },
    architecture: { name: 'fc', hidden: [6] },
    optimizer: { name: 'sgd', learningRate: 0.2, momentum: 0.9 },
    layers: { fc_2: { freeze: true } },
    training: { iterations: 6, batchSize: 20 },
    allocation: { maxError: 1e-5, segmentIterations: 10 },
  }
  const average = { decay: 0.7, from: 2 }
  const [trained, averaged] = [
    await runExperiment(plain),
    await runExperiment({ ...plain, training: { ...plain.training, average } }),
  ]
  const [theta, found] = [trained, averaged].map(run => run.floats('weights/0-6.npy'))
  const parameters = theta.length / 7
  const w = Float64Array.from(theta.subarray(0, parameters))
  for (let t = 0; t <= 6; t++) {
    const own = theta.subarray(t * parameters, (t + 1) * parameters)
    // w ← w + 0.3·(θ − w) from the third iteration on.
    for (let i = 0; i < parameters; i++) w[i] = t <= 2 ? own[i] : w[i] + (1 - 0.7) * (own[i] - w[i])
    assert.deepEqual(found.subarray(t * parameters, (t + 1) * parameters), Float32Array.from(w), `${t}`)
  }
  const [first, last] = averaged.evaluations
  const lca = total(averaged, 'lca', () => true)
  assert.ok(Math.abs(last.loss - first.loss - lca) < 6 * 1e-5 + 1e-6, `${lca} of ${last.loss - first.loss}`)
  assert.notEqual(trained.evaluations[1].loss, last.loss)
  // fc_2, whose variables are the third and the fourth, keeps still in the average too.
  assert.equal(
    total(averaged, 'moved', ({ variable }) => variable >= 2),
    0,
  )
  assert.equal(
    total(averaged, 'squared', ({ variable }) => variable >= 2),
    0,
  )
  assert.throws(
    () =>
      resolveSpec(
        {
          ...plain,
          training: { ...plain.training, average },
          allocation: { diagnostics: { components: true } },
        },
        facts,
      ),
    /\$\.allocation\.diagnostics\.components: must be false or left out with training\.average/,
  )
})
