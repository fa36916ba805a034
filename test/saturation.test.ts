/** Where float32 has the digits, they are kept: saturated activations, a certain softmax, statistics of many values. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { makeOps } from '../src/nn/ops/ops.ts'
import { randomStream } from '../src/nn/random.ts'

const engines = defaultEngine() === 'native' ? (['native', 'wasm'] as const) : (['wasm'] as const)

function close(actual: ArrayLike<number>, expected: number[], tolerance: number, what: string) {
  expected.forEach((value, i) => {
    const error = Math.abs(actual[i] - value) / Math.abs(value)
    assert.ok(error < tolerance, `${what} ${i}: ${actual[i]} for ${value}, off by ${error}`)
  })
}

function slopes(f: (x: tf.Tensor) => tf.Tensor, at: number[]) {
  const x = tf.tensor1d(at)
  const { value, grads } = tf.engine().gradients(() => f(x), [x])
  return { value: value.dataSync(), slope: grads[0].dataSync() }
}

/** float32 numbers, as float64 sees them. */
const floats = (...values: number[]) => values.map(Math.fround)

for (const name of engines) {
  test(`${name}: tanh's and GELU's derivatives keep their digits where they saturate`, async () => {
    const ops = makeOps((await loadEngine({ name })).kernels)
    const x = floats(-30, -12, -8.5, -6.2, -3, -0.4, 0.01, 1, 4.7, 7.1, 9, 20, 40)
    close(
      slopes(ops.tanh, x).slope,
      x.map(v => 1 / Math.cosh(v) ** 2),
      2e-6,
      "tanh'",
    )
    // σ(2u) by its exponential: 1 + tanh u would be all rounding in float64 too.
    const scale = Math.sqrt(2 / Math.PI)
    const gate = (v: number) => 1 / (1 + Math.exp(-2 * scale * (v + 0.044715 * v ** 3)))
    const derivative = (v: number) =>
      gate(v) * (1 + v * (1 - gate(v)) * 2 * scale * (1 + 3 * 0.044715 * v * v))
    const inputs = floats(-6, -4.5, -3, -1.5, -0.3, 0.2, 1, 2.5, 5)
    const { value, slope } = slopes(ops.gelu, inputs)
    close(
      value,
      inputs.map(v => v * gate(v)),
      1e-5,
      'gelu',
    )
    close(slope, inputs.map(derivative), 1e-5, "gelu'")
  })

  test(`${name}: the cross-entropy keeps its digits where the network is sure, rightly or wrongly`, async () => {
    const ops = makeOps((await loadEngine({ name })).kernels)
    for (const gap of [0.5, 3, 9, 14, 16.5, 18, 30, 60]) {
      const logits = floats(gap, 0.25, -1, gap / 3)
      for (const label of [0, 1, 2]) {
        const z = tf.tensor2d([logits])
        const labels = tf.tensor1d([label], 'int32')
        const { value, grads } = tf
          .engine()
          .gradients(() => ops.softmaxCrossEntropy(z as tf.Tensor2D, labels), [z])
        const others = logits.filter((_, c) => c !== label)
        const sum = others.reduce((total, other) => total + Math.exp(other - logits[label]), 0)
        const share = (c: number) => Math.exp(logits[c] - logits[label]) / (1 + sum)
        const q = sum / (1 + sum)
        const loss = sum < 1 ? Math.log1p(sum) : Math.log(1 + sum)
        close(value.dataSync(), [loss], 2e-6, `gap ${gap}, label ${label}: loss`)
        const expected = logits.map((_, c) => (c === label ? -q : share(c)))
        close(grads[0].dataSync(), expected, 1e-5, `gap ${gap}, label ${label}: gradient`)
      }
    }
  })

  test(`${name}: batch norm is right to float32 over 200,000 values a channel, wherever their mean lies`, async () => {
    const ops = makeOps((await loadEngine({ name })).kernels)
    // Means of 0, 1, 3 and 30 deviations; a prime number of examples.
    const [n, h, w] = [199, 32, 32]
    const means = [0, -1, 3, 30]
    const stream = randomStream('statistics')
    const values = Float32Array.from({ length: n * h * w * 4 }, (_, i) => stream.normal() + means[i % 4])
    const x = tf.tensor4d(values, [n, h, w, 4])
    const shift = [0.3, -0.2, 0.1, 0]
    for (const op of [ops.batchNorm, ops.batchNormRelu]) {
      const y = op(x, tf.ones([4]) as tf.Tensor1D, tf.tensor1d(shift), 1e-3)
      const found = y.dataSync()
      for (let c = 0; c < 4; c++) {
        const own = Float64Array.from({ length: n * h * w }, (_, i) => values[i * 4 + c])
        const mean = own.reduce((sum, v) => sum + v, 0) / own.length
        const variance = own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / own.length
        let worst = 0
        own.forEach((v, i) => {
          const normalized = (v - mean) / Math.sqrt(variance + 1e-3) + shift[c]
          const expected = op === ops.batchNorm ? normalized : Math.max(normalized, 0)
          worst = Math.max(worst, Math.abs(found[i * 4 + c] - expected))
        })
        // A float32 of 30 is itself only good to 2e-6.
        assert.ok(worst < 1e-6 * (1 + Math.abs(means[c])), `mean ${means[c]}: off by ${worst}`)
      }
      y.dispose()
    }
    x.dispose()
  })
}
