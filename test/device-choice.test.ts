/** What is asked of the device and the clock of a machine is met, or said at the start. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { nativeKernels } from '../src/nn/kernels/native.ts'
import { checkClock, clockSkew } from '../workers/clock.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

test('a GPU that is asked for and not there is an error, not a slower computation', async () => {
  // WebAssembly has none on any machine.
  await assert.rejects(loadEngine({ name: 'wasm', requireGpu: true }), /a GPU is asked for, and TensorFlow/)
})

test('what CUDA adds in an order of chance is composed of what it does not, and says the same', {
  skip: defaultEngine() !== 'native',
}, async () => {
  const { kernels } = await loadEngine({ name: 'native' })
  const onGpu = nativeKernels(Object.create(tf.backend(), { isUsingGpuDevice: { value: true } }))
  const logits = tf.tensor2d([2, -1, 0.5, 30, 0, -30], [2, 3])
  const labels = tf.tensor1d([2, 0], 'int32')
  const x = tf.randomUniform<tf.Rank.R4>([2, 5, 5, 3], -1, 1, 'float32', 1)
  const pairs = [
    [kernels, onGpu].map(k => k.softmaxCrossEntropy(logits, labels)).map(([loss, d]) => [loss, d]),
    [kernels, onGpu].map(k => [k.depthwiseConv2dKernelGradient(x, x, 1, 'same', [3, 3, 3, 1])]),
  ]
  assert.notEqual(onGpu.softmaxCrossEntropy, kernels.softmaxCrossEntropy)
  for (const [native, composed] of pairs)
    for (const [i, tensor] of native.entries())
      assert.ok(tf.max(tf.abs(tf.sub(tensor, composed[i]))).dataSync()[0] < 1e-5)
})

test("a clock that is off by more than the queue's locks bear is an error", async () => {
  assert.ok(Math.abs(await clockSkew(database.db)) < 1000)
  await checkClock(database.db, 10_000)
  const { pool } = database.db
  const behind = {
    query: async (sql: string) => {
      const answer = await pool.query(sql)
      return { ...answer, rows: answer.rows.map(({ now }) => ({ now: now - 7000 })) }
    },
  } as unknown as typeof pool
  await assert.rejects(checkClock({ pool: behind }, 10_000), /clock is 7\.\d s ahead of Postgres's/)
})
