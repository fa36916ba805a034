/**
 * How much memory training and allocation take, and that it does not grow with the iterations:
 *
 *   node dist/bench/memory.js [--arch resnet20] [--examples 10000] [--iterations 20] [--passes N]
 *
 * trains and allocates that many iterations over a split of random images that lies on the device as a whole, and prints the
 * resident memory along the way and its peak. `--passes` has a gradient go over the first N chunks alone: the peak is that of
 * one chunk beside the whole split, so it stays the same, and hundreds of iterations take minutes instead of hours.
 */
import { readConfig } from '../src/config.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { makeAggregator } from '../src/lca/aggregate.ts'
import { allocate } from '../src/lca/allocate.ts'
import { makeModel, uploadSplit } from '../src/nn/model.ts'
import { autoChunkSize } from '../src/nn/network.ts'
import { train } from '../src/nn/training/train.ts'
import type { ResolvedLayer } from '../src/spec/schema.ts'
import { namesIn, optionsOf } from './options.ts'
import { networkOfWork, randomExamples, straightPath, works } from './works.ts'

const values = optionsOf(import.meta.url, {
  arch: 'resnet20',
  examples: 10000,
  iterations: 20,
  passes: null,
})
const config = readConfig()
const { description, kernels } = await loadEngine({ name: config.engine, threads: config.threads })
const { examples, iterations } = values
const work = works[namesIn(values.arch, 'arch', Object.keys(works))[0]]
const network = networkOfWork(work)
const chunkSize = autoChunkSize(network, examples)
const model = makeModel(network, kernels)
const data = randomExamples(examples, work)
const gibibytes = (kibibytes: number) => `${(kibibytes / 2 ** 20).toFixed(3)} GiB`
const report = (what: string) =>
  console.log(
    `${what.padEnd(26)}${gibibytes(process.memoryUsage.rss() / 1024)}, at most ${gibibytes(process.resourceUsage().maxRSS)}`,
  )

console.log(
  `${work.title}, ${examples} examples in chunks of ${chunkSize}, ${iterations} iterations, ${description.name}`,
)
report('loaded')
const layers = network.layers.map(
  (layer): ResolvedLayer => ({
    layer,
    parameters: 0,
    optimizer: { name: 'adam', learningRate: 1e-3, schedule: { name: 'constant' }, ...moments() },
    freeze: null,
    l2: 0,
  }),
)
let theta: Float32Array = new Float32Array()
const training = { iterations, batchSize: 250, seed: 0, l2: 0 }
for await (const step of train(model, { training }, layers, data)) theta = step.theta
report(`trained ${iterations}`)

const split = uploadSplit(data, chunkSize)
report('split uploaded')
const passes = values.passes ?? split.chunks.length
const device = { ...split, chunks: split.chunks.slice(0, passes) }
const aggregator = makeAggregator(network.variables, iterations, ['train'])
const options = { method: 'trapezoid', maxError: 1e6, maxSplits: 1, from: 0, to: iterations } as const
for await (const step of allocate(model, { train: device }, straightPath(theta.slice()), options)) {
  aggregator.step(step)
  const done = step.iteration + 1
  if (done === 1 || done % Math.max(1, iterations / 4) === 0) report(`allocated ${done}`)
}

function moments() {
  return { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
}
