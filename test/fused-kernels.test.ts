/** Our own operations on CPUs (native/): odd sizes and extreme values beside float64, and the same bits on any number of threads. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { nativeKernels } from '../src/nn/kernels/native.ts'
import type { NativeBackend } from '../src/nn/kernels/native-backend.ts'
import { randomStream } from '../src/nn/random.ts'

const skip = defaultEngine() === 'wasm' && 'native TensorFlow is not built here'
const { kernels: k } = skip ? { kernels: undefined as never } : await loadEngine({ name: 'native' })

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)
function normal(seed: number, shape: number[], mean = 0, deviation = 1): Float32Array {
  const stream = randomStream(seed, 'fused-kernels')
  return Float32Array.from({ length: product(shape) }, () => mean + deviation * stream.normal())
}
/** Each value within so many units of the scale. */
function close(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string) {
  assert.equal(found.length, expected.length, what)
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Object.is(found[i], expected[i]) || Math.abs(found[i] - expected[i]) <= tolerance,
      `${what}, value ${i}: ${found[i]}, not ${expected[i]}`,
    )
}

test('the same bits on 1, 2 and 3 threads', { skip }, async () => {
  const script = fileURLToPath(new URL('support/fused-bits.js', import.meta.url))
  const run = promisify(execFile)
  const digests = await Promise.all(
    [1, 2, 3].map(async threads => (await run(process.execPath, [script, String(threads)])).stdout.trim()),
  )
  assert.match(digests[0], /^[0-9a-f]{64}$/)
  assert.deepEqual(digests, Array(3).fill(digests[0]))
})

test('moments: as in float64, also far from 0 and of odd numbers of channels', { skip }, () => {
  for (const [shape, mean, deviation] of [
    ...[1, 7, 8, 16, 33].map(c => [[3, 5, 7, c], 0, 1] as const),
    [[1, 1, 1, 5], 2, 1] as const,
    [[250, 9, 9, 3], 1e6, 3] as const,
    [[40, 30, 31, 17], -1e4, 1e-2] as const,
  ]) {
    const values = normal(1, [...shape], mean, deviation)
    const c = shape[3]
    const n = values.length / c
    const expected = { mean: new Float64Array(c), variance: new Float64Array(c) }
    values.forEach((x, i) => {
      expected.mean[i % c] += x / n
    })
    values.forEach((x, i) => {
      expected.variance[i % c] += (x - expected.mean[i % c]) ** 2 / n
    })
    const found = k.moments(tf.tensor(values, [...shape]) as tf.Tensor4D)
    const what = `[${shape}] around ${mean}`
    close(found.mean, expected.mean, Math.max(Math.abs(mean), deviation) * 6e-8, what)
    close(found.variance, expected.variance, deviation ** 2 * 5e-7, what)
  }
})

test('moments: what is no number stays in its channel', { skip }, () => {
  const values = normal(2, [4, 3, 3, 5])
  values[3] = Number.NaN
  values[5 * 7 + 1] = Number.POSITIVE_INFINITY
  const { mean, variance } = k.moments(tf.tensor(values, [4, 3, 3, 5]) as tf.Tensor4D)
  const isNumber = [true, false, true, false, true]
  assert.deepEqual([...mean].map(Number.isFinite), isNumber)
  assert.deepEqual([...variance].map(Number.isFinite), isNumber)
  assert.throws(() => k.moments(tf.zeros([0, 1, 1, 3])), /LedgerMoments: there are no values/)
})

test('a binding without our operations says what to run', () => {
  const old = {
    binding: {},
    isUsingGpuDevice: false,
    executeMultipleOutputs: (name: string) => {
      throw new Error(`Invalid TF_Status: 5\nMessage: '${name}' is neither a type of a primitive operation`)
    },
  } as unknown as NativeBackend
  assert.throws(() => nativeKernels(old), /built before LedgerMoments.*came to it: run `npm run setup`/)
})
