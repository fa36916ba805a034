/**
 * `npm run bench:end-to-end`: a whole job beside PyTorch doing the same work, network by network.
 *
 *   npm run bench:end-to-end -- --peer torch_lca.py --python PYTHON --data DIR
 *                               [--arch fc,lenet,resnet20,all-cnn,vgg] [--pairs 5] [--iterations 20] [--scale 1]
 *
 * Ours is a real server with a real worker, from the job's startedAt to its finishedAt: data read, trained, allocated with
 * Simpson's rule, tables and neurons stored. The peer is one process in memory: its first full gradient and its iterations,
 * not its start. They alternate; the ratio is the median of the pairs. Each has its best chunk: ours is `auto`, the peer's is
 * the best of several, tried before; with batch norm the chunk is part of the work, and the peer has ours. `--scale`
 * multiplies the numbers of examples; `--data` is also where the server finds mnist and cifar-10.
 */
import { execFile } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { median } from 'd3-array'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { type ChaosFleet, startFleetOfProcesses } from '../test/chaos/harness.ts'
import { namesIn, optionsOf } from './options.ts'

const values = optionsOf(import.meta.url, {
  arch: 'fc,lenet,resnet20,all-cnn,vgg',
  pairs: 5,
  iterations: 20,
  scale: 1,
  peer: undefined,
  python: 'python3',
  data: '../shared/datasets',
})

/** A job, and what the peer calls it. */
type Job = {
  architecture: ExperimentSpec['architecture']
  dataset: 'mnist' | 'cifar-10'
  examples: number
  peer: string
}
const jobs: Record<string, Job> = {
  fc: {
    ...{ architecture: { name: 'fc', hidden: [100, 50] }, dataset: 'mnist', examples: 55_000, peer: 'fc' },
  },
  lenet: { architecture: { name: 'lenet' }, dataset: 'mnist', examples: 2_500, peer: 'lenet' },
  resnet20: { architecture: { name: 'resnet' }, dataset: 'cifar-10', examples: 500, peer: 'resnet20' },
  'all-cnn': { architecture: { name: 'all-cnn' }, dataset: 'cifar-10', examples: 100, peer: 'allcnn' },
  vgg: { architecture: { name: 'vgg' }, dataset: 'cifar-10', examples: 500, peer: 'vgg' },
}
const batchSize = 50
const { pairs, iterations, scale } = values
const threads = os.availableParallelism()
const data = path.resolve(values.data)
const chosen = namesIn(values.arch, 'arch', Object.keys(jobs)).map(
  name => [name, { ...jobs[name], examples: Math.round(scale * jobs[name].examples) }] as const,
)

const fleet = await startFleetOfProcesses({
  ...{ queue: 'postgres', objects: 'folder', workers: 1 },
  env: {
    ...{ DATASETS_DIR: data, LEDGER_THREADS: String(threads), LOG_LEVEL: 'warn', LEDGER_LOCK_SECONDS: '30' },
  },
})
try {
  console.log(`${os.cpus()[0].model}, ${threads} threads, load ${os.loadavg()[0].toFixed(1)}`)
  for (const [name, job] of chosen) await measure(name, job)
} finally {
  await fleet.stop()
}

async function measure(name: string, job: Job): Promise<void> {
  // The first loads the data, on both sides.
  const { chunk, batchNorm } = await run(job, 2)
  const peerChunk = values.peer && (batchNorm ? chunk : await bestChunk(job))
  const own: number[] = []
  const ratios: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    own.push((await run(job, iterations)).seconds)
    if (peerChunk) ratios.push((await peerSeconds(job, Number(peerChunk), iterations)) / own[pair])
  }
  const spread = (of: number[]) => `${Math.min(...of).toFixed(2)} … ${Math.max(...of).toFixed(2)}`
  const columns = [
    `${name.padEnd(9)} ${job.examples} examples, ${iterations} iterations, chunks of ${chunk}`,
    `${median(own)!.toFixed(2)} s (${spread(own)})`,
  ]
  if (ratios.length > 0)
    columns.push(
      `PyTorch (chunks of ${peerChunk}): ours is ${median(ratios)!.toFixed(2)}× (median of ${pairs} pairs, ${spread(ratios)})`,
    )
  columns.push(`load ${os.loadavg()[0].toFixed(1)}`)
  console.log(columns.join('  '))
}

type Found = {
  status: string
  startedAt: string
  finishedAt: string
  error: unknown
  spec: { allocation: { chunkSize: number }; architecture: { name: string } }
}

/** Posts a job and waits for it; seconds from its start to its end. */
async function run(job: Job, iterations: number) {
  const spec: ExperimentSpec = {
    dataset: { name: job.dataset, trainExamples: job.examples, validationExamples: 0 },
    architecture: job.architecture,
    optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
    training: { iterations, batchSize, seed: 1 },
    allocation: {
      ...{ method: 'simpson', maxSplits: 1, splits: ['train'], segmentIterations: iterations },
    },
    keep: [],
  }
  const { id } = await call<{ id: string }>(fleet, '', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  })
  for (;;) {
    const found = await call<Found>(fleet, `/${id}`)
    if (found.status === 'failed') throw new Error(JSON.stringify(found.error))
    if (found.status === 'succeeded') {
      const { name } = found.spec.architecture
      return {
        seconds: (Date.parse(found.finishedAt) - Date.parse(found.startedAt)) / 1e3,
        chunk: found.spec.allocation.chunkSize,
        batchNorm: name === 'resnet' || name === 'all-cnn',
      }
    }
    await sleep(250)
  }
}

async function call<T>({ api }: ChaosFleet, where: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(`${api.url}/v1/experiments${where}`, init)
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as T
}

/** Of the chunks that are worth a try, the one that the peer is fastest with. */
async function bestChunk(job: Job): Promise<number> {
  const tried: [number, number][] = []
  for (const chunk of [100, 250, 1000, 5000].filter(chunk => chunk <= job.examples))
    tried.push([(await peer(job, chunk, 1)).full_gradient_s, chunk])
  return tried.sort(([a], [b]) => a - b)[0][1]
}

async function peerSeconds(job: Job, chunk: number, iterations: number): Promise<number> {
  const found = await peer(job, chunk, iterations)
  return found.full_gradient_s + iterations * found.seconds_per_iteration
}

async function peer(
  job: Job,
  chunk: number,
  iterations: number,
): Promise<{ full_gradient_s: number; seconds_per_iteration: number }> {
  const args = { data, arch: job.peer, n: job.examples, chunk, iterations, batch: batchSize, threads }
  const { stdout } = await promisify(execFile)(values.python, [
    values.peer!,
    ...Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ])
  return JSON.parse(stdout)
}
