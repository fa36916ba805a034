/** `ledger doctor`: what TensorFlow sees on this machine, and how fast it is; or what is missing. */
import { execFileSync } from 'node:child_process'
import os from 'node:os'
import * as tf from '@tensorflow/tfjs-core'
import type { Config } from '../config.ts'
import { cudaDevices, visibleDevices } from '../engine/devices.ts'
import { bindingPath, loadEngine } from '../engine/engine.ts'
import { missingLibraries } from './libraries.ts'

const GiB = 2 ** 30

/** Prints what it finds, a line each; says whether computing works as configured. */
export async function runDoctor(config: Config, say: (line: string) => void = console.log): Promise<boolean> {
  say(
    `Node ${process.versions.node} on ${os.platform()} ${os.arch()}, ${os.availableParallelism()} CPU threads`,
  )
  say(`memory      ${(os.totalmem() / GiB).toFixed(1)} GiB`)
  const all = cudaDevices()
  const visible = visibleDevices(all, process.env.CUDA_VISIBLE_DEVICES)
  for (const { index, name, memoryBytes } of all) {
    const hidden = visible.some(device => device.index === index) ? '' : ' (hidden by CUDA_VISIBLE_DEVICES)'
    say(`CUDA ${index}      ${name}, ${(memoryBytes / GiB).toFixed(1)} GiB${hidden}`)
  }
  if (all.length === 0) say('CUDA        nvidia-smi sees no device')

  try {
    const { description } = await loadEngine({ name: config.engine, threads: config.threads })
    say(`engine      ${description.name}, TensorFlow ${description.version}, ${description.threads} threads`)
    say(`computes on ${description.device}`)
    say(`matmul      ${(await matmul()).toFixed(0)} GFLOP/s (1024³, float32)`)
    if (visible.length > 0 && !description.onGpu) {
      say('            a GPU is there, and TensorFlow does not use it')
      for (const line of missing()) say(`missing     ${line}`)
      say('            npm run setup builds TensorFlow with CUDA where nvidia-smi sees a device')
      return false
    }
    return true
  } catch (error) {
    say(`engine      does not load: ${(error as Error).message}`)
    for (const line of missing()) say(`missing     ${line}`)
    return false
  }
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
