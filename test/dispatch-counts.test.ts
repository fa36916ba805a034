/** Counted, not timed: what one full gradient by operations asks of the engine. On a GPU these are what the host waits for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOfWork, randomExamples, works } from '../bench/works.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { addFullGradients, disposeBatch, makeModel, uploadSplit } from '../src/nn/model.ts'
import { deviceSums, hostSums, type MakeSums } from '../src/nn/sums.ts'
import { initialWeights } from '../src/nn/train.ts'
import { type Counts, counting } from './support/counting.ts'

const native = { skip: defaultEngine() === 'wasm' && 'native TensorFlow is not built here' }
// Elsewhere some operations are two, and on a GPU sums stay on the device.
const onThisCpu = { skip: native.skip || (process.arch !== 'x64' && 'counted on x86 CPUs') }

/** One full gradient of a split in chunks. */
async function gradientOf(name: string, chunks: number, sums: MakeSums, chunk = 2) {
  const { kernels } = await loadEngine({ name: 'native' })
  const network = networkOfWork(works[name])
  const { graphs: _, ...byOperations } = makeModel(network, kernels)
  const model = { ...byOperations, sums }
  const split = uploadSplit(randomExamples(chunk * chunks, works[name]), chunk)
  const theta = initialWeights(network, 0)
  const gradient = new Float64Array(network.parameters)
  const run = async () => {
    const [{ loss }] = await addFullGradients(model, theta, [split], [gradient.fill(0)])
    return loss
  }
  // What an operation is first asked for it is also tried out.
  await run()
  let loss = Number.NaN
  const counts = await counting(async () => {
    loss = await run()
  })
  split.chunks.forEach(disposeBatch)
  return { counts, loss, gradient, network }
}

/**
 * What one more chunk costs on a CPU, by network. Reads there are copies from memory to memory: the gradient of each variable
 * and the losses. Writes are shapes and axes, a few bytes each. None may grow unnoticed.
 */
const costs = {
  fc: { chunk: 2, operations: 22, reads: 7, writes: 3 },
  lenet: { chunk: 2, operations: 32, reads: 9, writes: 7 },
  resnet20: { chunk: 32, operations: 151, reads: 64, writes: 47 },
  'all-cnn': { chunk: 8, operations: 53, reads: 25, writes: 23 },
  vgg: { chunk: 2, operations: 67, reads: 19, writes: 15 },
  transformer: { chunk: 2, operations: 188, reads: 39, writes: 92 },
}
for (const [name, { chunk, ...expected }] of Object.entries(costs))
  test(`${name}: the operations and copies of a gradient`, onThisCpu, async () => {
    const one = await gradientOf(name, 1, hostSums, chunk)
    const two = await gradientOf(name, 2, hostSums, chunk)
    const more = (key: Exclude<keyof Counts, 'byName'>) => two.counts[key] - one.counts[key]
    const found = { operations: more('operations'), reads: more('reads'), writes: more('writes') }
    assert.deepEqual(found, expected, JSON.stringify(two.counts.byName))
    const { network, counts } = one
    const bytes = 4 * network.parameters
    // θ once, and beside it nothing that grows with the batch.
    assert.equal(counts.writes - found.writes, network.variables.length)
    assert.ok(more('bytesWritten') < 16 * 1024, `${more('bytesWritten')} bytes written a chunk`)
    assert.ok(more('bytesRead') <= bytes + 4 * chunk, `${more('bytesRead')} bytes read a chunk`)
  })

test('sums on the device are the sums in float64, and are read once a split', native, async () => {
  for (const name of ['fc', 'resnet20']) {
    const host = await gradientOf(name, 9, hostSums)
    const device = await gradientOf(name, 9, deviceSums)
    assert.equal(device.counts.reads, 1, 'one read, whatever the chunks')
    assert.equal(device.loss, host.loss)
    const scale = Math.sqrt(host.gradient.reduce((sum, g) => sum + g * g, 0) / host.gradient.length)
    host.gradient.forEach((g, i) => {
      assert.ok(Math.abs(device.gradient[i] - g) <= 1e-12 * Math.abs(g) + 1e-12 * scale, `parameter ${i}`)
    })
  }
})
