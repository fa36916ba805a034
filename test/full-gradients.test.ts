/** The gradient over a whole split does not depend on how it is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { addFullGradients, makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import { draw, range } from './support/operation-case.ts'
import { centralDifferences, lossAndGradient, relativeError } from './support/reference.ts'

const engines = defaultEngine() === 'native' ? (['native', 'wasm'] as const) : (['wasm'] as const)

for (const name of engines) {
  test(`${name}: a whole network's full gradient against float64, whatever the chunks`, async () => {
    const { kernels } = await loadEngine({ name })
    const widths = [12, 7, 5, 3]
    const network = buildNetwork({ name: 'fc', hidden: [7, 5] }, { shape: [3, 4, 1], classes: 3 })
    const model = makeModel(network, kernels)
    const bytes = randomStream('images')
    const count = 23
    const data = {
      count,
      shape: [3, 4, 1],
      classes: 3,
      images: Uint8Array.from({ length: count * 12 }, () => bytes.integer(256)),
      labels: Uint8Array.from({ length: count }, () => bytes.integer(3)),
    }
    const theta = draw(network.parameters, 'theta')
    const examples = range(count).map(n =>
      Array.from(data.images.subarray(n * 12, n * 12 + 12), b => b / 255),
    )
    const reference = lossAndGradient(theta, widths, examples, data.labels)
    const differences = centralDifferences(x => lossAndGradient(x, widths, examples, data.labels).loss, theta)
    assert.ok(
      relativeError(reference.gradient, differences) < 1e-7,
      'the reference agrees with its own differences',
    )
    for (const chunkSize of [1, 10, 23, 100]) {
      const tensorsBefore = tf.memory().numTensors
      const gradient = new Float64Array(network.parameters)
      const split = uploadSplit(data, chunkSize)
      const [{ loss }] = await addFullGradients(model, theta, [split], [gradient])
      tf.dispose(split.chunks.flatMap(({ images, labels }) => [images, labels]))
      assert.ok(Math.abs(loss - reference.loss) < 1e-6 * reference.loss, `loss at chunk ${chunkSize}`)
      assert.ok(relativeError(gradient, reference.gradient) < 1e-6, `gradient at chunk ${chunkSize}`)
      assert.equal(tf.memory().numTensors, tensorsBefore, 'nothing is left behind')
    }
  })
}
