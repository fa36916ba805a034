/** `ledger doctor`: what TensorFlow sees on this machine, and how fast it is; or what is missing. */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { childArguments, childEnvironment } from '../children.ts'
import type { Config } from '../config.ts'
import { bindingPath } from '../engine/binding.ts'
import type { EngineDescription } from '../engine/description.ts'
import { type CudaDevice, cudaDevices, visibleDevices } from '../engine/devices.ts'
import { openS3 } from '../objects/s3.ts'
import { printable } from '../printable.ts'
import { reachRedis } from '../queue/reach.ts'
import { reachDatabase } from '../store/reach.ts'
import type { Tried, Wanted } from './doctor-engine.ts'
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
  const tried = await tryEngine({ name: config.engine, threads: config.threads })
  if ('error' in tried) {
    const { error } = tried
    return { ok: false, ...machine, engine: null, error, gflops: null, missing: missing() }
  }
  const ok = visible.length === 0 || tried.engine.onGpu === true
  return { ok: ok && answered, ...machine, ...tried, error: null, missing: ok ? [] : missing() }
}

/** What TensorFlow says of itself, at its level of information and whatever is asked of its log: nothing is wrong. */
const chatter = /^(WARNING: All log messages before absl::InitializeLog\(\)|I\d{4} [\d:.]+ +\d+ \S+:\d+\] )/

/** Loads the engine and computes with it, in a process of its own. What that says of what is wrong goes to stderr. */
async function tryEngine(wanted: Wanted): Promise<Tried> {
  const child = fork(fileURLToPath(new URL('./doctor-engine.js', import.meta.url)), [], {
    execArgv: childArguments(),
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let tried: Tried | undefined
  child.once('message', answer => {
    tried = answer as Tried
  })
  createInterface({ input: child.stderr! }).on('line', line => {
    if (!chatter.test(line)) console.error(printable(line))
  })
  child.send(wanted)
  const [code, signal] = await once(child, 'close')
  const end = signal === null ? `with code ${code}` : `by ${signal}`
  return tried ?? { error: `the process that loaded it ended ${end}` }
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

/** The libraries that the binding asks for and the system does not find, as ldd tells them. */
function missing(): string[] {
  try {
    return missingLibraries(execFileSync('ldd', [bindingPath()], { encoding: 'utf8', stdio: 'pipe' }))
  } catch {
    return []
  }
}
