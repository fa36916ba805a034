/**
 * How fast the engines compute what LCA is made of, beside what the machine can do:
 *
 *   npm run bench -- [--arch fc,lenet,…] [--engine native,wasm] [--examples N] [--chunk N] [--rounds 5]
 *                    [--diagnostics [--only NAME,…]]
 *                    [--peer torch_gradient.py --python PYTHON --data DIR [--peer-chunk N]]
 *
 * prints, with --diagnostics, what diagnostics cost beside allocation (bench/diagnostics.ts). Without, for each architecture
 * × engine, the full gradient in examples/s and as a fraction of the engine's matmul peak, seconds per LCA iteration (Simpson,
 * one split) and its overhead over the two full gradients it needs. With a peer, PyTorch's figure on the same work and
 * threads, alternating with native's, median of pairs. Batch norm makes the chunk part of the work: there the peer gets ours
 * unless told otherwise; elsewhere each takes what is best for it, the peer the best of four. The transformer’s peer is
 * bench/torch_transformer.py, whatever --peer says; --chunk and --peer-chunk give both the same.
 */
import { execFileSync } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import * as tf from '@tensorflow/tfjs-core'
import { greatest, median } from 'd3-array'
import { readConfig } from '../src/config.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import type { EngineName } from '../src/engine/description.ts'
import { type Engine, loadEngine } from '../src/engine/engine.ts'
import { makeAggregator } from '../src/lca/aggregate.ts'
import { allocate } from '../src/lca/allocate.ts'
import { addFullGradients, disposeBatch, makeModel, uploadSplit } from '../src/nn/model.ts'
import { autoChunkSize } from '../src/nn/network.ts'
import { initialWeights } from '../src/nn/training/initial.ts'
import { measureDiagnostics } from './diagnostics.ts'
import { namesIn, optionsOf } from './options.ts'
import { networkOfWork, randomExamples, straightPath, type Work, works } from './works.ts'

const values = optionsOf(import.meta.url, {
  arch: undefined,
  engine: undefined,
  examples: null,
  rounds: 5,
  chunk: null,
  peer: undefined,
  'peer-chunk': null,
  python: 'python3',
  data: '../shared/datasets',
  diagnostics: false,
  only: undefined,
  pages: false,
  minutes: 0.5,
  experiments: 10000,
  profile: undefined,
  beside: undefined,
})
const config = readConfig()
const { rounds } = values
if (values.pages) {
  const { measurePages } = await import('./pages.ts')
  const { only, profile, beside } = values
  await measurePages({
    ...{ rounds, minutes: values.minutes, experiments: values.experiments },
    ...{ only: only?.split(','), profile, beside },
  })
  process.exit()
}
const archs = values.arch ?? (values.diagnostics ? 'fc,lenet,resnet20' : Object.keys(works).join())
const chosen = namesIn(archs, 'arch', Object.keys(works)).map(name => works[name])
const asked = values.engine ?? config.engine ?? (defaultEngine() === 'native' ? 'native,wasm' : 'wasm')

for (const name of namesIn(asked, 'engine', ['native', 'wasm']) as EngineName[]) {
  const engine = await loadEngine({ name, threads: config.threads })
  const { version, threads, device } = engine.description
  if (values.diagnostics) {
    console.log(`${name} ${version}, ${threads} threads, ${device}`)
    const { examples } = values
    for (const work of chosen)
      await measureDiagnostics(work, engine, { rounds, examples, only: values.only?.split(',') })
    continue
  }
  const peak = Math.max(matmulPeak(engine, 1024), name === 'native' ? matmulPeak(engine, 2048) : 0)
  console.log(`${name} ${version}, ${threads} threads, ${device}; matmul peak ${giga(peak)} GFLOP/s`)
  for (const work of chosen) await measure(work, engine, peak)
}

async function measure(work: Work, engine: Engine, peak: number): Promise<void> {
  const { name, threads } = engine.description
  const examples = values.examples ?? work.examples[name]
  const network = networkOfWork(work)
  const chunk = Math.min(examples, values.chunk ?? autoChunkSize(network, examples))
  const model = makeModel(network, engine.kernels)
  const split = uploadSplit(randomExamples(examples, work), chunk)
  const theta = initialWeights(network, 0)
  const weightsAt = straightPath(theta)
  const peer = name === 'native' && values.peer !== undefined ? work.peer : undefined

  const gradient = async () => {
    const start = performance.now()
    await addFullGradients(model, theta, [split], [new Float64Array(network.parameters)])
    return (performance.now() - start) / 1e3
  }
  /** Seconds of the whole loop with its consumer an iteration, less the first gradient, which belongs to none. */
  const iteration = async () => {
    const iterations = 3
    const aggregator = makeAggregator(network.variables, iterations, ['train'])
    let start = 0
    const onGradients = () => {
      if (start === 0) start = performance.now()
    }
    const options = {
      method: 'simpson',
      maxError: 1e6,
      maxSplits: 1,
      from: 0,
      to: iterations,
      onGradients,
    } as const
    for await (const step of allocate(model, { train: split }, weightsAt, options)) aggregator.step(step)
    return (performance.now() - start) / 1e3 / iterations
  }

  const seconds: number[] = []
  const iterations: number[] = []
  const overheads: number[] = []
  const pairs: { peer: number; ratio: number }[] = []
  const peerChunk =
    peer === undefined ? 0 : network.batchNorm ? chunk : bestPeerChunk(work, examples, threads)
  for (let round = 0; round < rounds; round++) {
    // As the peer measures itself: one pass to warm up, the median of the next five.
    await gradient()
    const own: number[] = []
    for (let pass = 0; pass < 5; pass++) own.push(await gradient())
    iterations.push(await iteration())
    seconds.push(median(own)!)
    overheads.push(iterations[round] / (2 * seconds[round]) - 1)
    if (peer) {
      const rate = peerRate(work, examples, threads, peerChunk)
      pairs.push({ peer: rate, ratio: examples / seconds[round] / rate })
    }
  }
  split.chunks.forEach(disposeBatch)

  const rate = examples / median(seconds)!
  const flops = rate * network.gradientFlops
  const columns = [
    `${rate.toFixed(0)} examples/s`.padStart(18),
    `${((100 * flops) / peak).toFixed(0)} % of peak`.padStart(13),
    `${median(iterations)!.toFixed(3)} s an iteration of ${examples} (${(100 * median(overheads)!).toFixed(0)} % over two gradients)`,
    `chunks of ${chunk}`,
    `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB at most so far`,
  ]
  if (peer) {
    const [other, ratio] = [median(pairs, pair => pair.peer)!, median(pairs, pair => pair.ratio)!]
    columns.push(
      `PyTorch (chunks of ${values['peer-chunk'] ?? peerChunk}) ${other.toFixed(0)} examples/s: ours is ${ratio.toFixed(2)}× (median of ${rounds} pairs)`,
    )
  }
  console.log(`  ${work.title.padEnd(17)}${columns.join('  ')}`)
}

/** FLOP/s of the fastest of ten n×n×n products. */
function matmulPeak({ kernels }: Engine, n: number): number {
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

/** Of the chunks that are worth a try, the one that the peer is fastest with. */
function bestPeerChunk(work: Work, examples: number, threads: number): number {
  const tried = [100, 250, 1000, 5000].filter(chunk => chunk <= examples)
  return greatest(tried, chunk => peerRate(work, examples, threads, chunk))!
}

function peerRate({ peer, peerScript }: Work, examples: number, threads: number, chunk: number): number {
  const args = [peerScript ?? values.peer!, '--data', values.data, '--arch', peer!]
  args.push('--n', String(examples), '--threads', String(threads))
  args.push('--chunk', String(values['peer-chunk'] ?? chunk))
  return JSON.parse(execFileSync(values.python, args, { encoding: 'utf8' })).examples_per_s
}

function giga(flops: number): string {
  return (flops / 1e9).toFixed(0)
}
