/** Counted, not timed: what one full gradient by operations asks of the engine. On a GPU these are what the host waits for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOfWork, randomExamples, works } from '../bench/works.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { addFullGradients, disposeBatch, makeModel, uploadSplit } from '../src/nn/model.ts'
import { deviceSums, hostSums, type MakeSums } from '../src/nn/sums.ts'
import { initialWeights } from '../src/nn/training/initial.ts'
import { type Counts, counting } from './support/counting.ts'

const native = { skip: defaultEngine() === 'wasm' && 'native TensorFlow is not built here' }
// Elsewhere some operations are two, and on a GPU sums stay on the device.
const onThisCpu = { skip: native.skip || (process.arch !== 'x64' && 'counted on x86 CPUs') }

/** One full gradient of a split in chunks. */
async function gradientOf(name: string, chunks: number, sums?: MakeSums, chunk = 2) {
  const { kernels } = await loadEngine({ name: 'native' })
  const network = networkOfWork(works[name])
  const { graphs: _, ...byOperations } = makeModel(network, kernels)
  const model = { ...byOperations, ...(sums && { sums }) }
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
  return { counts, loss, gradient, network, onGpu: kernels.readsWait }
}

/**
 * What one more chunk costs on a CPU, by network. Reads there are copies from memory to memory: of the losses; the
 * gradients are added up where they lie. Writes are shapes, axes and where the sums are, a few bytes each. None may grow unnoticed.
 */
const costs = {
  fc: { chunk: 2, operations: 2, reads: 1, writes: 1 },
  lenet: { chunk: 2, operations: 29, reads: 1, writes: 8 },
  resnet20: { chunk: 32, operations: 125, reads: 1, writes: 28 },
  'all-cnn': { chunk: 8, operations: 54, reads: 1, writes: 16 },
  vgg: { chunk: 2, operations: 60, reads: 1, writes: 6 },
  transformer: { chunk: 2, operations: 189, reads: 1, writes: 93 },
}
for (const [name, { chunk, ...expected }] of Object.entries(costs))
  test(`${name}: the operations and copies of a gradient`, onThisCpu, async () => {
    const one = await gradientOf(name, 1, undefined, chunk)
    const two = await gradientOf(name, 2, undefined, chunk)
    const more = (key: Exclude<keyof Counts, 'byName'>) => two.counts[key] - one.counts[key]
    const found = { operations: more('operations'), reads: more('reads'), writes: more('writes') }
    assert.deepEqual(found, expected, JSON.stringify(two.counts.byName))
    const { network, counts } = one
    // θ once: nothing that grows with the batch.
    assert.equal(counts.writes - found.writes, network.variables.length)
    assert.ok(more('bytesWritten') < 16 * 1024, `${more('bytesWritten')} bytes written a chunk`)
    assert.ok(more('bytesRead') <= 4 * chunk, `${more('bytesRead')} bytes read a chunk`)
  })

test(
  'sums in the library and on the device are the sums in float64, and are read once a split',
  native,
  async () => {
    for (const name of ['fc', 'resnet20']) {
      const host = await gradientOf(name, 9, hostSums)
      const own = await gradientOf(name, 9)
      const device = await gradientOf(name, 9, deviceSums)
      assert.equal(device.counts.reads, 1, 'one read, whatever the chunks')
      assert.equal(device.loss, host.loss)
      assert.equal(own.counts.reads, own.onGpu ? 1 : 9, 'the losses of each chunk')
      assert.equal(own.loss, host.loss)
      const scale = Math.sqrt(host.gradient.reduce((sum, g) => sum + g * g, 0) / host.gradient.length)
      host.gradient.forEach((g, i) => {
        assert.ok(Math.abs(device.gradient[i] - g) <= 1e-12 * Math.abs(g) + 1e-12 * scale, `parameter ${i}`)
        const tolerance = (own.onGpu ? 1e-12 : 1e-14) * (Math.abs(g) + 10 * scale)
        assert.ok(Math.abs(own.gradient[i] - g) <= tolerance, `parameter ${i}`)
      })
    }
  },
)
