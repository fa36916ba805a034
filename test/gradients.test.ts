import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine, loadEngine } from '../src/engine/engine.ts'
import { addFullGradients, makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { makeOps, type Ops } from '../src/nn/ops/ops.ts'
import { randomStream } from '../src/nn/random.ts'
import { centralDifferences, lossAndGradient, relativeError } from './support/reference.ts'

const engines = defaultEngine() === 'native' ? (['native', 'wasm'] as const) : (['wasm'] as const)

/** An operation beside its formula in float64: inputs by shape, values as flat arrays. */
type Case = {
  op: (ops: Ops, ...inputs: tf.Tensor[]) => tf.Tensor
  inputs: number[][]
  /** Integer inputs that are not differentiated, after the others. */
  labels?: number[]
  formula: (...inputs: ArrayLike<number>[]) => number[]
}

const cases: Record<string, Case> = {
  dense: {
    op: (ops, x, w, b) => ops.dense(x as tf.Tensor2D, w as tf.Tensor2D, b as tf.Tensor1D),
    inputs: [[5, 4], [4, 3], [3]],
    formula: (x, w, b) =>
      grid(5, 3, (n, o) => range(4).reduce((sum, i) => sum + x[n * 4 + i] * w[i * 3 + o], b[o])),
  },
  relu: {
    op: (ops, x) => ops.relu(x),
    inputs: [[6, 5]],
    formula: x => Array.from(x, value => Math.max(value, 0)),
  },
  flatten: {
    op: (ops, x) => ops.flatten(x as tf.Tensor4D),
    inputs: [[2, 3, 3, 2]],
    formula: x => Array.from(x),
  },
  softmaxCrossEntropy: {
    op: (ops, z, labels) => ops.softmaxCrossEntropy(z as tf.Tensor2D, labels as tf.Tensor1D),
    inputs: [[4, 5]],
    labels: [2, 0, 4, 2],
    formula: z =>
      range(4).map(n => {
        const row = range(5).map(c => z[n * 5 + c])
        return Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[[2, 0, 4, 2][n]]
      }),
  },
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const grid = (rows: number, columns: number, f: (row: number, column: number) => number) =>
  range(rows).flatMap(row => range(columns).map(column => f(row, column)))
const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1)
const draw = (length: number, ...key: (string | number)[]) => {
  const stream = randomStream(...key)
  return Float32Array.from({ length }, () => stream.normal())
}

for (const name of engines) {
  test(`${name}: every operation's value and gradients against central differences in float64`, async () => {
    const { kernels } = await loadEngine({ name })
    const ops = makeOps(kernels)
    assert.deepEqual(Object.keys(cases).sort(), Object.keys(ops).sort(), 'every operation has a case')
    for (const [op, { op: run, inputs, labels, formula }] of Object.entries(cases)) {
      const values = inputs.map((shape, i) => draw(size(shape), op, i))
      const tensors = values.map((value, i) => tf.tensor(value, inputs[i]))
      const rest = labels ? [tf.tensor1d(labels, 'int32')] : []
      const expected = formula(...values)
      const dy = draw(expected.length, op, 'dy')
      const y = run(ops, ...tensors, ...rest)
      assert.ok(relativeError(y.dataSync(), expected) < 1e-5, `${op}: value`)
      const { grads } = tf
        .engine()
        .gradients(() => run(ops, ...tensors, ...rest), tensors, tf.tensor(dy, y.shape))
      for (const [i, value] of values.entries()) {
        const scalar = (x: Float64Array) =>
          formula(...values.map((other, j) => (j === i ? x : other))).reduce(
            (sum, out, k) => sum + dy[k] * out,
            0,
          )
        const error = relativeError(grads[i].dataSync(), centralDifferences(scalar, value))
        assert.ok(error < 1e-4, `${op}: gradient of input ${i} is off by ${error}`)
      }
    }
  })

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
      const [loss] = await addFullGradients(model, theta, [split], [gradient])
      tf.dispose(split.chunks.flatMap(({ images, labels }) => [images, labels]))
      assert.ok(Math.abs(loss - reference.loss) < 1e-6 * reference.loss, `loss at chunk ${chunkSize}`)
      assert.ok(relativeError(gradient, reference.gradient) < 1e-6, `gradient at chunk ${chunkSize}`)
      assert.equal(tf.memory().numTensors, tensorsBefore, 'nothing is left behind')
    }
  })
}
