/**
 * How fast the engine computes what LCA is made of, beside what the machine can do:
 *
 *   npm run bench -- [--arch fc|lenet|resnet20] [--examples N] [--chunk N] [--rounds 7]
 *                    [--peer torch_gradient.py --python PYTHON --data DIR [--peer-chunk N]]
 *
 * prints the matmul peak, the full gradient of MNIST-FC (784-100-50-10), LeNet on MNIST or ResNet-20 on CIFAR-10 in
 * examples/s and as a fraction of that peak, seconds per LCA iteration (Simpson, one split), and its overhead over the
 * two full gradients it needs. With a peer, PyTorch's figure on the same work, alternating with ours, median of pairs.
 * Batch norm makes the chunk part of the work: there the peer gets ours unless told otherwise.
 */
import { execFileSync } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { readConfig } from '../src/config.ts'
import type { Examples } from '../src/data/examples.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { makeAggregator } from '../src/lca/aggregate.ts'
import { allocate } from '../src/lca/allocate.ts'
import { addFullGradients, makeModel, uploadSplit } from '../src/nn/model.ts'
import { autoChunkSize, buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import { initialWeights } from '../src/nn/train.ts'
import type { ResolvedArchitecture } from '../src/spec/schema.ts'

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'fc' },
    examples: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    chunk: { type: 'string' },
    peer: { type: 'string' },
    'peer-chunk': { type: 'string' },
    python: { type: 'string', default: 'python3' },
    data: { type: 'string', default: '../shared/datasets' },
  },
})
type Work = { title: string; architecture: ResolvedArchitecture; shape: number[]; examples: number }
const works: Record<string, Work> = {
  fc: {
    title: 'MNIST-FC',
    architecture: { name: 'fc', hidden: [100, 50] },
    shape: [28, 28, 1],
    examples: 55_000,
  },
  lenet: {
    title: 'LeNet on MNIST',
    architecture: { name: 'lenet', channels: [20, 40], units: 400, dropout: [0.25, 0.5] },
    shape: [28, 28, 1],
    examples: 5_000,
  },
  resnet20: {
    title: 'ResNet-20 on CIFAR-10',
    architecture: { name: 'resnet', depth: 20, width: 16, widthFactors: [1, 1, 1] },
    shape: [32, 32, 3],
    examples: 1_000,
  },
}
const work = works[values.arch]
if (!work) throw new Error(`--arch must be one of ${Object.keys(works).join(', ')}, got ${values.arch}`)
const config = readConfig()
const { description, kernels } = await loadEngine({ name: config.engine, threads: config.threads })
const rounds = Number(values.rounds)
const iterationsARound = 2
const examples = Number(values.examples ?? work.examples)
const network = buildNetwork(work.architecture, { shape: work.shape, classes: 10 })
const chunkSize = values.chunk ? Number(values.chunk) : autoChunkSize(network, examples)
const model = makeModel(network, kernels)
const split = uploadSplit(randomExamples(examples), chunkSize)

// Two trajectories' worth of points: small steps around θ_0, as training makes them.
const theta = initialWeights(network, 0)
const stream = randomStream('bench')
const direction = Float32Array.from(theta, () => 1e-3 * stream.normal())
const weightsAt = async (t: number) => theta.map((w, i) => w + t * direction[i])

const peak = Math.max(matmulPeak(1024), matmulPeak(2048))
const gradientSeconds: number[] = []
const iterationSeconds: number[] = []
const overheads: number[] = []
const peerRates: number[] = []
await gradient()
for (let round = 0; round < rounds; round++) {
  const before = [await gradient(), await gradient()]
  const iteration = (await lcaSeconds(iterationsARound)) / iterationsARound
  const after = [await gradient(), await gradient()]
  gradientSeconds.push(...before, ...after)
  iterationSeconds.push(iteration)
  overheads.push(iteration / (2 * median([...before, ...after])) - 1)
  if (values.peer) peerRates.push(peerRate())
}

const seconds = median(gradientSeconds)
const rate = examples / seconds
const flops = rate * network.gradientFlops
const lines = [
  [
    'engine',
    `${description.name} ${description.version}, ${description.threads} threads, ${description.device}`,
  ],
  ['matmul peak', `${(peak / 1e9).toFixed(0)} GFLOP/s`],
  [
    'full gradient',
    `${work.title}, ${examples} examples, chunks of ${chunkSize}: ${(seconds * 1e3).toFixed(1)} ms, ${rate.toFixed(0)} examples/s`,
  ],
  ['fraction of peak', `${((100 * flops) / peak).toFixed(0)} % (${(flops / 1e9).toFixed(0)} GFLOP/s)`],
  ['memory', `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB at most`],
  ['LCA iteration', `${median(iterationSeconds).toFixed(3)} s (Simpson, train split)`],
  ['overhead', `${(100 * median(overheads)).toFixed(1)} % over the two gradients`],
]
if (values.peer) {
  const pairs = peerRates.map(
    (other, i) => examples / median(gradientSeconds.slice(4 * i, 4 * i + 4)) / other,
  )
  lines.push([
    'PyTorch',
    `${median(peerRates).toFixed(0)} examples/s; ours is ${median(pairs).toFixed(2)}× (median of ${rounds} pairs)`,
  ])
}
for (const [name, value] of lines) console.log(`${name.padEnd(18)}${value}`)

async function gradient(): Promise<number> {
  const accumulator = new Float64Array(network.parameters)
  const start = performance.now()
  await addFullGradients(model, theta, [split], [accumulator])
  return (performance.now() - start) / 1e3
}

/** The whole loop with its consumer, less the first gradient, which belongs to no iteration. */
async function lcaSeconds(iterations: number): Promise<number> {
  const aggregator = makeAggregator(network.variables, iterations, 1)
  const options = { method: 'simpson', maxError: 1e6, maxSplits: 1, from: 0, to: iterations } as const
  let start = 0
  const onGradients = () => {
    if (start === 0) start = performance.now()
  }
  for await (const step of allocate(model, { train: split }, weightsAt, { ...options, onGradients }))
    aggregator.step(step)
  return (performance.now() - start) / 1e3
}

/** FLOP/s of the fastest of ten n×n×n products. */
function matmulPeak(n: number): number {
  const [a, b] = [tf.randomNormal([n, n]), tf.randomNormal([n, n])] as [tf.Tensor2D, tf.Tensor2D]
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    const start = performance.now()
    const product = kernels.matMul(a, b, false, false)
    best = Math.min(best, performance.now() - start)
    product.dispose()
  }
  tf.dispose([a, b])
  return (2 * n ** 3) / (best / 1e3)
}

function peerRate(): number {
  const args = [
    values.peer!,
    '--data',
    values.data,
    '--arch',
    values.arch,
    '--n',
    String(examples),
    '--threads',
    String(description.threads),
  ]
  const chunk = values['peer-chunk'] ?? (network.batchNorm ? chunkSize : undefined)
  if (chunk !== undefined) args.push('--chunk', String(chunk))
  return JSON.parse(execFileSync(values.python, args, { encoding: 'utf8' })).examples_per_s
}

function randomExamples(count: number): Examples {
  const bytes = randomStream('images')
  const size = work.shape.reduce((a, b) => a * b, 1)
  return {
    count,
    shape: work.shape,
    classes: 10,
    images: Uint8Array.from({ length: count * size }, () => bytes.uint32() & 255),
    labels: Uint8Array.from({ length: count }, () => bytes.integer(10)),
  }
}

function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
