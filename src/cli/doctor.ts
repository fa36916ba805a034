/** `ledger doctor`: what TensorFlow sees on this machine, and how fast it is; or what is missing. */
import { execFileSync } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import type { Config } from '../config.ts'
import { bindingPath } from '../engine/binding.ts'
import type { EngineDescription } from '../engine/description.ts'
import { type CudaDevice, cudaDevices, visibleDevices } from '../engine/devices.ts'
import { loadEngine } from '../engine/engine.ts'
import type { Kernels } from '../nn/kernels/kernels.ts'
import { addFullGradients, disposeBatch, makeModel, uploadSplit } from '../nn/model.ts'
import { buildNetwork } from '../nn/network.ts'
import { openS3 } from '../objects/s3.ts'
import { reachRedis } from '../queue/reach.ts'
import { reachDatabase } from '../store/reach.ts'
import { bytesInWords } from './format.ts'
import { missingLibraries } from './libraries.ts'

/** What `ledger doctor --json` prints. */
export type Findings = {
  /** Whether computing works as configured, on the GPU where there is one, and every service that is named answers. */
  ok: boolean
  node: string
  platform: string
  arch: string
  cpuThreads: number
  memoryBytes: number
  /** Every CUDA device, and whether CUDA_VISIBLE_DEVICES shows it. */
  cuda: (CudaDevice & { visible: boolean })[]
  /** null where it does not load: `error` says why. */
  engine: EngineDescription | null
  error: string | null
  /** GFLOP/s of a float32 product of two 1024 × 1024 matrices. */
  gflops: number | null
  /** What the configuration names beside this machine: whether it can be used, and what is wrong where not. */
  services: { name: string; problem: string | null }[]
  /** What lies in the folders of this machine that the configuration names; elsewhere it does not look. */
  storage: { what: string; folder: string; bytes: number }[]
  /** Libraries that TensorFlow asks for and the system does not find; looked for where something is wrong only. */
  missing: string[]
}

/** Looks at the machine, and loads the engine that the configuration names. */
export async function examine(config: Config): Promise<Findings> {
  const all = cudaDevices()
  const visible = visibleDevices(all, process.env.CUDA_VISIBLE_DEVICES)
  const machine = {
    ...{ node: process.versions.node, platform: os.platform(), arch: os.arch() },
    ...{ cpuThreads: os.availableParallelism(), memoryBytes: os.totalmem() },
    services: await examineServices(config),
    storage: await examineStorage(config),
    cuda: all.map(device => ({
      ...device,
      visible: visible.some(({ index }) => index === device.index),
    })),
  }
  const answered = machine.services.every(({ problem }) => problem === null)
  try {
    const { description: engine, kernels } = await loadEngine({
      name: config.engine,
      threads: config.threads,
    })
    await tryOut(kernels)
    const ok = visible.length === 0 || engine.onGpu === true
    return {
      ...{ ok: ok && answered, ...machine, engine, error: null, gflops: await matmul() },
      missing: ok ? [] : missing(),
    }
  } catch (error) {
    const message = (error as Error).message
    return { ok: false, ...machine, engine: null, error: message, gflops: null, missing: missing() }
  }
}

/** The bytes of the folders that are in use here. */
async function examineStorage({ objectsDir, postgresDir, datasetsDir, databaseUrl, s3 }: Config) {
  const folders = [
    ...(s3 === undefined ? [{ what: 'objects', folder: objectsDir }] : []),
    ...(databaseUrl === undefined ? [{ what: 'Postgres', folder: postgresDir }] : []),
    { what: 'datasets', folder: datasetsDir },
  ]
  const sized: Findings['storage'] = []
  for (const { what, folder } of folders) sized.push({ what, folder, bytes: await bytesUnder(folder) })
  return sized
}

/** Of all files under a folder; what goes away meanwhile, or may not be read, does not count. */
async function bytesUnder(folder: string): Promise<number> {
  let bytes = 0
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const place = path.join(folder, entry.name)
    if (entry.isDirectory()) bytes += await bytesUnder(place)
    else if (entry.isFile())
      bytes += await stat(place).then(
        ({ size }) => size,
        () => 0,
      )
  }
  return bytes
}

/** Asks what DATABASE_URL, REDIS_URL and S3_BUCKET name; what is embedded or a folder is not asked. */
async function examineServices({ databaseUrl, redisUrl, s3 }: Config): Promise<Findings['services']> {
  const asked: [string, Promise<unknown>][] = []
  if (databaseUrl !== undefined)
    asked.push(['Postgres', reachDatabase(databaseUrl, { queue: redisUrl === undefined })])
  if (redisUrl !== undefined) asked.push(['Redis', reachRedis(redisUrl)])
  if (s3 !== undefined) asked.push(['objects', openS3(s3).ping()])
  return Promise.all(
    asked.map(([name, answer]) =>
      answer.then(
        () => ({ name, problem: null }),
        (error: Error) => ({ name, problem: error.message }),
      ),
    ),
  )
}

/** The findings for a terminal, a line each. */
export function describeFindings(found: Findings): string {
  const { node, platform, arch, cpuThreads, memoryBytes, cuda, engine, gflops } = found
  const GiB = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const threads = (count: number, what = 'thread') => `${count} ${what}${count === 1 ? '' : 's'}`
  const unused = engine !== null && !engine.onGpu && cuda.some(({ visible }) => visible)
  const lines = [
    `Node ${node} on ${platform} ${arch}, ${threads(cpuThreads, 'CPU thread')}`,
    `memory      ${GiB(memoryBytes)}`,
    ...cuda.map(
      ({ index, name, memoryBytes, visible }) =>
        `CUDA ${index}      ${name}, ${GiB(memoryBytes)}${visible ? '' : ' (hidden by CUDA_VISIBLE_DEVICES)'}`,
    ),
    ...(cuda.length === 0 ? ['CUDA        nvidia-smi sees no device'] : []),
  ]
  if (engine)
    lines.push(
      `engine      ${engine.name}, TensorFlow ${engine.version}, ${threads(engine.threads)}`,
      `computes on ${engine.device}`,
      `matmul      ${gflops?.toFixed(0)} GFLOP/s (1024³, float32)`,
      ...(!unused ? [] : ['            a GPU is there, and TensorFlow does not use it']),
    )
  else lines.push(`engine      does not load: ${found.error}`)
  lines.push(...found.services.map(({ name, problem }) => `${name.padEnd(12)}${problem ?? 'answers'}`))
  lines.push(
    ...found.storage.map(
      ({ what, folder, bytes }) => `${what.padEnd(11)} ${bytesInWords(bytes)} in ${folder}`,
    ),
    `in all      ${bytesInWords(found.storage.reduce((sum, { bytes }) => sum + bytes, 0))}`,
  )
  lines.push(...found.missing.map(library => `missing     ${library}`))
  if (engine && unused)
    lines.push('            npm run setup builds TensorFlow with CUDA where nvidia-smi sees a device')
  return lines.join('\n')
}

/** One gradient of a network of every kind of layer: throws where the engine has not got what one of them needs. */
async function tryOut(kernels: Kernels): Promise<void> {
  const same = { size: 3, stride: 1, padding: 'same' as const }
  const network = buildNetwork(
    {
      name: 'custom',
      layers: [
        { kind: 'conv2d', filters: 4, ...same, bias: true },
        { kind: 'batch_norm' },
        { kind: 'relu' },
        { kind: 'max_pool', size: 2 },
        { kind: 'residual', layers: [{ kind: 'depthwise_conv2d', ...same, bias: false }], shortcut: [] },
        { kind: 'average_pool', size: 2 },
        { kind: 'gelu' },
        { kind: 'flatten' },
        { kind: 'dense', units: 10 },
      ],
    },
    { shape: [8, 8, 3], classes: 10 },
  )
  const split = uploadSplit(
    {
      ...{ count: 4, shape: [8, 8, 3], classes: 10 },
      images: Uint8Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => (i * 37) % 256),
      labels: Uint8Array.from([0, 3, 6, 9]),
    },
    4,
  )
  const gradient = new Float64Array(network.parameters)
  const theta = Float32Array.from(gradient, (_, i) => Math.sin(i) / 4)
  const [{ loss }] = await addFullGradients(makeModel(network, kernels), theta, [split], [gradient])
  split.chunks.forEach(disposeBatch)
  if (![loss, ...gradient].every(Number.isFinite)) throw new Error('a gradient that should be finite is not')
}

/** The best of several products, in GFLOP/s. */
async function matmul(): Promise<number> {
  const size = 1024
  const [a, b] = [tf.randomUniform([size, size]), tf.randomUniform([size, size])]
  const product = () => {
    const start = performance.now()
    // Reading an element waits for a device that computes on its own.
    const c = tf.matMul(a, b)
    const corner = tf.slice(c, [0, 0], [1, 1])
    corner.dataSync()
    corner.dispose()
    c.dispose()
    return performance.now() - start
  }
  product()
  const best = Math.min(...Array.from({ length: 10 }, product))
  tf.dispose([a, b])
  return (2 * size ** 3) / (best * 1e6)
}

/** The libraries that the binding asks for and the system does not find, as ldd tells them. */
function missing(): string[] {
  try {
    return missingLibraries(execFileSync('ldd', [bindingPath()], { encoding: 'utf8', stdio: 'pipe' }))
  } catch {
    return []
  }
}
