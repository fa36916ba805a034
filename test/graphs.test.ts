/** A chunk's pass as one graph: what it gives is what the operations give one by one, and it is asked for once. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { networkOfWork, randomExamples, works } from '../bench/works.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { batchGradient } from '../src/nn/batch-gradient.ts'
import { dropoutMasks } from '../src/nn/dropout.ts'
import {
  addFullGradients,
  type DeviceSplit,
  disposeBatch,
  disposeModel,
  makeModel,
  meanLoss,
  uploadBatch,
  uploadSplit,
} from '../src/nn/model.ts'
import { initialWeights } from '../src/nn/training/initial.ts'
import { counting } from './support/counting.ts'
import { relativeError } from './support/reference.ts'

const skip = defaultEngine() === 'wasm' && 'native TensorFlow is not built here'

/** Enough examples in two chunks of a size for a graph of that size, and one chunk more that is not worth one. */
const sizes = { lenet: 60, resnet20: 6, 'all-cnn': 2, vgg: 6, transformer: 180 }

for (const [name, size] of Object.entries(sizes))
  test(`${name}: a gradient by graphs is the gradient by operations`, { skip }, async () => {
    const { kernels } = await loadEngine({ name: 'native' })
    const network = networkOfWork(works[name])
    const model = makeModel(network, kernels)
    const { graphs: _, ...byOperations } = model
    const split = uploadSplit(randomExamples(2 * size + 1, works[name]), size)
    const gradientAt = async (seed: number, of: typeof model) => {
      const gradient = new Float64Array(network.parameters)
      const [measured] = await addFullGradients(of, initialWeights(network, seed), [split], [gradient], {
        accuracy: true,
      })
      return { gradient, ...measured }
    }
    await gradientAt(0, model)
    assert.equal(model.graphs!.made.size, 1, 'one graph, and none of the odd chunk')

    const before = tf.memory().numTensors
    const counts = await counting(async () => {
      const expected = await gradientAt(1, byOperations)
      const found = await gradientAt(1, model)
      assert.ok(Math.abs(found.loss - expected.loss) < 1e-6 * expected.loss, `loss ${found.loss}`)
      assert.equal(found.accuracy, expected.accuracy)
      assert.ok(relativeError(found.gradient, expected.gradient) < 2e-5)
      assert.deepEqual(await gradientAt(1, model), found, 'the same bits again')
      const alone = await meanLoss(model, initialWeights(network, 1), split)
      assert.ok(Math.abs(alone - expected.loss) < 1e-6 * expected.loss, `loss by itself ${alone}`)
    })
    assert.equal(counts.graphs, 6, 'two chunks, three times')
    assert.equal(tf.memory().numTensors, before, 'nothing is left behind')
    disposeModel(model)
    split.chunks.forEach(disposeBatch)
  })

test('a batch’s gradient by a graph is the one by operations, with the dropout of its iteration', {
  skip,
}, async () => {
  const { kernels } = await loadEngine({ name: 'native' })
  const network = networkOfWork(works.lenet)
  const model = makeModel(network, kernels)
  const { graphs: _, ...byOperations } = model
  const batch = uploadBatch(
    randomExamples(50, works.lenet),
    Array.from({ length: 50 }, (_, i) => i),
  )
  const theta = initialWeights(network, 0)
  const gradientOf = (of: typeof model, iteration?: number) => {
    const gradient = new Float64Array(network.parameters)
    const masks = iteration === undefined ? undefined : dropoutMasks(3, iteration)
    return { loss: batchGradient(of, theta, batch, gradient, masks), gradient }
  }
  gradientOf(model, 0)
  gradientOf(model)
  const before = tf.memory().numTensors
  const counts = await counting(async () => {
    for (const iteration of [1, 2, undefined]) {
      const [expected, found] = [gradientOf(byOperations, iteration), gradientOf(model, iteration)]
      assert.ok(Math.abs(found.loss - expected.loss) < 1e-6 * expected.loss, `loss ${found.loss}`)
      assert.ok(relativeError(found.gradient, expected.gradient) < 2e-5)
      assert.deepEqual(gradientOf(model, iteration), found, 'the same bits again')
    }
  })
  assert.notEqual(gradientOf(model, 1).loss, gradientOf(model, 2).loss)
  assert.equal(counts.graphs, 6, 'all of the model’s by graphs')
  assert.equal(model.graphs!.made.size, 2, 'with dropout, and without')
  assert.equal(tf.memory().numTensors, before, 'nothing is left behind')
  disposeModel(model)
  disposeBatch(batch)
})

test('signals leave what is computed alone', { skip }, async () => {
  const { kernels } = await loadEngine({ name: 'native' })
  const network = networkOfWork(works.lenet)
  const model = makeModel(network, kernels)
  const theta = initialWeights(network, 0)
  const gradientOf = async (split: DeviceSplit, of: typeof model) => {
    const gradient = new Float64Array(network.parameters)
    await addFullGradients(of, theta, [split], [gradient])
    return gradient
  }
  const { graphs: _, ...byOperations } = model
  const split = uploadSplit(randomExamples(120, works.lenet), 120)
  const [graphs, operations] = [await gradientOf(split, model), await gradientOf(split, byOperations)]
  // Not one that Node may have a use for: its test runner lets SIGUSR2 write reports.
  let handled = 0
  const handle = () => handled++
  process.on('SIGWINCH', handle)
  const each = `setInterval(() => process.kill(${process.pid}, 'SIGWINCH'), 1); console.log('begun')`
  const sender = spawn(process.execPath, ['-e', each], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(sender.stdout, 'data')
    for (let i = 0; i < 25; i++) {
      assert.deepEqual(await gradientOf(split, model), graphs, 'by graphs')
      assert.deepEqual(await gradientOf(split, byOperations), operations, 'by operations')
    }
    assert.ok(handled > 0, 'none came')
  } finally {
    sender.kill('SIGKILL')
    await once(sender, 'close')
    process.off('SIGWINCH', handle)
    disposeModel(model)
    split.chunks.forEach(disposeBatch)
  }
})

test('a graph refuses what it cannot hold', { skip }, async () => {
  const { kernels } = await loadEngine({ name: 'native' })
  const [x, elsewhere] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])]
  const record = (f: () => tf.Tensor) => () => kernels.record!([x], () => [f()])
  assert.throws(
    record(() => tf.mul(x, tf.add(x, 1).dataSync()[0])),
    /cannot depend on values that are read to the host/,
  )
  // What was not yet written to the library is a constant of the graph; what was is from elsewhere.
  tf.add(elsewhere, 1).dispose()
  assert.throws(
    record(() => tf.add(x, elsewhere)),
    /Add(V2)? takes a tensor from elsewhere/,
  )
  assert.deepEqual([...tf.add(x, 1).dataSync()], [2, 3], 'and the engine goes on')
})
