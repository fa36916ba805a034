/** Networks of dense layers in one pass over the examples: beside float64 and beside operation by operation, at odd sizes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { batchGradient } from '../src/nn/batch-gradient.ts'
import { dropoutMasks } from '../src/nn/dropout.ts'
import { disposeBatch, makeModel, meanLoss, pass, uploadBatch, uploadVariables } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import type { ResolvedArchitecture } from '../src/spec/schema.ts'
import { counting } from './support/counting.ts'
import { draw, range } from './support/operation-case.ts'
import { close, lossAndGradient, relativeError } from './support/reference.ts'

const skip = defaultEngine() === 'wasm' && 'native TensorFlow is not built here'
const { kernels } = skip ? { kernels: undefined as never } : await loadEngine({ name: 'native' })
const chains = ['LedgerDenseChain', 'LedgerDenseChainGradients']

function examplesOf(count: number, size: number, classes: number) {
  const stream = randomStream('dense-chain', count, size)
  return {
    ...{ count, shape: [size], classes },
    images: Float32Array.from({ length: count * size }, () => stream.normal()),
    labels: Uint8Array.from({ length: count }, () => stream.integer(classes)),
  }
}

/** What a network makes of all examples as one batch. */
function passOver(
  architecture: ResolvedArchitecture,
  data: ReturnType<typeof examplesOf>,
  theta: ArrayLike<number>,
  of: typeof kernels,
) {
  const network = buildNetwork(architecture, data)
  const batch = uploadBatch(data, range(data.count))
  const variables = uploadVariables(network, Float32Array.from(theta))
  const { losses, logits, gradients } = pass(makeModel(network, of), variables, batch)
  const found = {
    losses: Float32Array.from(losses.dataSync()),
    logits: Float32Array.from(logits.dataSync()),
    gradient: Float64Array.from(gradients.flatMap(gradient => [...gradient.dataSync()])),
  }
  tf.dispose([losses, logits, ...gradients, ...variables])
  disposeBatch(batch)
  return found
}

const thetaOf = (architecture: ResolvedArchitecture, data: ReturnType<typeof examplesOf>) =>
  draw(buildNetwork(architecture, data).parameters, 'theta').map(w => 0.3 * w)

test('the gradient is that of float64, whatever the widths and the number of examples', {
  skip,
}, async () => {
  // Rows at once, rows of a block, vectors of every level, lines, and what is one less and more; several parts of a sum.
  for (const [size, hidden, classes, count] of [
    ...([
      [1, [1], 2, 1],
      [7, [16], 3, 5],
      [17, [15, 33], 10, 95],
      [113, [100, 50], 10, 97],
    ] as const),
    ...([
      [40, [64, 129], 17, 96],
      [33, [], 5, 400],
      [21, [48, 80, 7], 4, 801],
    ] as const),
  ]) {
    const what = `${size} → [${hidden}] → ${classes}, ${count} examples`
    const data = examplesOf(count, size, classes)
    const architecture = { name: 'fc' as const, hidden: [...hidden] }
    const theta = Float32Array.from(thetaOf(architecture, data))
    const images = range(count).map(n => Array.from(data.images.subarray(n * size, (n + 1) * size)))
    const expected = lossAndGradient(theta, [size, ...hidden, classes], images, data.labels)
    const before = tf.memory().numTensors
    const counts = await counting(async () => {
      const found = passOver(architecture, data, theta, kernels)
      const loss = found.losses.reduce((sum, loss) => sum + loss, 0) / count
      assert.ok(Math.abs(loss - expected.loss) < 2e-6 * expected.loss, `${what}: loss ${loss}`)
      const gradient = found.gradient.map(g => g / count)
      const error = relativeError(gradient, expected.gradient)
      assert.ok(error < 3e-6, `${what}: gradient off by ${error}`)
    })
    assert.deepEqual(counts.byName, { [chains[1]]: 1 }, what)
    assert.equal(tf.memory().numTensors, before, 'nothing is left behind')
  }
})

test('layers without ReLU, and with dropout where none is dropped, are as operation by operation', {
  skip,
}, async () => {
  const data = examplesOf(250, 40, 6)
  const dense = (name: string, units: number) => ({ kind: 'dense' as const, name, units })
  const relu = { kind: 'relu' as const }
  const dropout = { kind: 'dropout' as const, name: 'drop', rate: 0.5 }
  const architecture = {
    name: 'custom' as const,
    layers: [dense('a', 33), dense('b', 20), relu, relu, dropout, dense('c', 18), dense('d', 6)],
  } as ResolvedArchitecture
  const theta = thetaOf(architecture, data)
  const { denseChain: _, ...others } = kernels
  const [found, expected] = [kernels, others].map(of => passOver(architecture, data, theta, of))
  close(found.losses, expected.losses, 1e-5, 'losses')
  close(found.logits, expected.logits, 1e-5, 'logits')
  assert.ok(relativeError(found.gradient, expected.gradient) < 3e-6)

  const network = buildNetwork(architecture, data)
  const model = makeModel(network, kernels)
  const batch = uploadBatch(data, range(50))
  const gradient = new Float64Array(network.parameters)
  const flat = Float32Array.from(theta)
  const split = { examples: 50, of: 50, chunks: [batch] }
  const ran = async (run: () => unknown) => {
    const { byName } = await counting(async () => run())
    return chains.map(name => byName[name] ?? 0)
  }
  assert.deepEqual(await ran(() => meanLoss(model, flat, split)), [1, 0])
  assert.deepEqual(await ran(() => batchGradient(model, flat, batch, gradient)), [0, 1])
  const masks = dropoutMasks(1, 2)
  assert.deepEqual(await ran(() => batchGradient(model, flat, batch, gradient, masks)), [0, 0])
  disposeBatch(batch)
})

test('what is no number stays in its example, and a label that is none is said', { skip }, () => {
  const data = examplesOf(200, 9, 3)
  const architecture = { name: 'fc' as const, hidden: [5] }
  data.images[150 * 9 + 4] = Number.NaN
  const { losses } = passOver(architecture, data, thetaOf(architecture, data), kernels)
  assert.deepEqual(
    range(200).filter(n => !Number.isFinite(losses[n])),
    [150],
  )
  data.labels[77] = 3
  assert.throws(
    () => passOver(architecture, data, thetaOf(architecture, data), kernels),
    /label 3 of row 77 is none of 3 classes/,
  )
})

test('what a chain cannot be goes operation by operation', { skip }, async () => {
  const data = examplesOf(20, 12, 3)
  const batch = uploadBatch(data, range(20))
  const layers = (...between: object[]) =>
    ({
      name: 'custom',
      layers: [{ kind: 'dense', name: 'a', units: 4 }, ...between, { kind: 'dense', name: 'b', units: 3 }],
    }) as ResolvedArchitecture
  const ran = async (
    architecture: ResolvedArchitecture,
    loss?: Parameters<typeof makeModel>[2],
    shape = data.shape,
  ) => {
    const network = buildNetwork(architecture, { ...data, shape })
    const gradient = new Float64Array(network.parameters)
    const theta = new Float32Array(network.parameters)
    const run = async () => batchGradient(makeModel(network, kernels, loss), theta, batch, gradient)
    return (await counting(run)).byName[chains[1]] ?? 0
  }
  assert.equal(await ran(layers({ kind: 'relu' })), 1)
  assert.equal(await ran(layers({ kind: 'tanh' })), 0)
  const deep = (hidden: number) => ran({ name: 'fc', hidden: Array(hidden).fill(2) })
  assert.deepEqual([await deep(49), await deep(50)], [1, 0])
  assert.equal(await ran(layers({ kind: 'layer_norm', name: 'n' })), 0)
  assert.equal(await ran(layers({ kind: 'relu' }), { name: 'cross-entropy', labelSmoothing: 0.1 }), 0)
  assert.equal(await ran(layers({ kind: 'relu' }), { name: 'mean-squared-error' } as never), 0)
  disposeBatch(batch)
})
