/** Every operation beside its formula in float64, one by one and in a graph. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { makeOps } from '../src/nn/ops/ops.ts'
import { imageOperations } from './support/image-operations.ts'
import { draw } from './support/operation-case.ts'
import { centralDifferences, relativeError } from './support/reference.ts'
import { sequenceOperations } from './support/sequence-operations.ts'

const engines = defaultEngine() === 'native' ? (['native', 'wasm'] as const) : (['wasm'] as const)
const cases = { ...imageOperations, ...sequenceOperations }
const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

for (const name of engines) {
  test(`${name}: every operation's value and gradients against central differences in float64`, async () => {
    const { kernels } = await loadEngine({ name })
    // Nor anything of TensorFlow.js beside its core: in each worker 0.4 s, and memory.
    const read = Object.keys(createRequire(import.meta.url).cache)
    assert.ok(read.some(file => file.includes('tfjs-core')))
    assert.deepEqual(
      read.filter(file => /tfjs-(layers|converter|data|backend-webgl)/.test(file)),
      [],
    )
    const ops = makeOps(kernels)
    const covered = new Set(Object.keys(cases).map(name => name.split(' ')[0]))
    assert.deepEqual([...covered].sort(), Object.keys(ops).sort(), 'every operation has a case')
    for (const [op, { op: run, inputs, labels, tokens, formula }] of Object.entries(cases)) {
      const values = inputs.map((shape, i) => draw(size(shape), op, i))
      const tensors = values.map((value, i) => tf.tensor(value, inputs[i]))
      const rest = labels ? [tf.tensor(labels, tokens ?? [labels.length], 'int32')] : []
      const expected = formula(...values)
      const dy = draw(expected.length, op, 'dy')
      const y = run(ops, ...tensors, ...rest)
      assert.ok(relativeError(y.dataSync(), expected) < 1e-5, `${op}: value`)
      const { grads } = tf
        .engine()
        .gradients(() => run(ops, ...tensors, ...rest), tensors, tf.tensor(dy, y.shape))
      for (const [i, value] of values.entries()) {
        const scalar = (x: Float64Array) =>
          Array.from(formula(...values.map((other, j) => (j === i ? x : other)))).reduce(
            (sum, out, k) => sum + dy[k] * out,
            0,
          )
        const error = relativeError(grads[i].dataSync(), centralDifferences(scalar, value))
        assert.ok(error < 1e-4, `${op}: gradient of input ${i} is off by ${error}`)
      }
    }
  })

  const skip = name === 'wasm' && 'WebAssembly records no graphs'
  test(`${name}: every operation in a graph, recorded with other values`, { skip }, async () => {
    const { kernels } = await loadEngine({ name })
    const ops = makeOps(kernels)
    const all = Object.entries(cases)
    const inputsOf = (draws: string) =>
      all.map(([op, { inputs, labels, tokens }]) => [
        ...inputs.map((shape, i) => tf.tensor(draw(size(shape), op, i, draws), shape)),
        ...(labels ? [tf.tensor(labels, tokens ?? [labels.length], 'int32')] : []),
      ])
    const compute = (given: tf.Tensor[][]) =>
      all.flatMap(([name, { op, inputs }], c) => {
        const [tensors, rest] = [given[c].slice(0, inputs.length), given[c].slice(inputs.length)]
        const run = () => op(ops, ...tensors, ...rest)
        const y = run()
        const dy = tf.tensor(draw(y.size, name, 'dy'), y.shape)
        return [y, ...tf.engine().gradients(run, tensors, dy).grads]
      })
    const [recorded, given] = [inputsOf('recorded'), inputsOf('given')]
    const graph = kernels.record!(recorded.flat(), () => compute(recorded))
    const names = all.flatMap(([op, { inputs }]) => [op, ...inputs.map((_, i) => `${op}, input ${i}`)])
    const expected = compute(given)
    graph.run(given.flat()).forEach((output, i) => {
      assert.deepEqual(output.shape, expected[i].shape, names[i])
      const error = relativeError(output.dataSync(), expected[i].dataSync())
      assert.ok(error < 2e-6, `${names[i]} is off by ${error}`)
    })
    graph.dispose()
  })
}
