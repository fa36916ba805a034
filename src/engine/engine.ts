/**
 * Which TensorFlow computes: the native library (CPU or CUDA) through tfjs-node-gpu, or WebAssembly.
 *
 * Set-up (scripts/setup.mjs) builds the native binding where it can. What is there decides the default; LEDGER_ENGINE
 * decides otherwise. A choice that cannot be met is an error: nothing falls back in silence.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { type HostLoops, portableLoops, useHostLoops } from '../host-loops.ts'
import type { Kernels } from '../nn/kernels/kernels.ts'
import { nativeKernels } from '../nn/kernels/native.ts'
import type { NativeBackend } from '../nn/kernels/native-backend.ts'
import { portableKernels } from '../nn/kernels/portable.ts'
import { bindingPath, defaultEngine, hostLoopsPath } from './binding.ts'
import type { EngineDescription, EngineName } from './description.ts'
import { type CudaDevice, cudaDevices, visibleDevices } from './devices.ts'

const require = createRequire(import.meta.url)

export type Engine = { description: EngineDescription; kernels: Kernels }

/**
 * Loads TensorFlow into this process and makes it the backend that tensors are made on; another call may switch.
 * `threads` bounds the CPU threads of one operation (native only, and fixed when it first loads; default: all cores).
 * Throws where the engine asked for is not there or does not load, or where `requireGpu` and it computes on no GPU.
 */
export async function loadEngine(
  options: { name?: EngineName; threads?: number; requireGpu?: boolean } = {},
): Promise<Engine> {
  const name = options.name ?? defaultEngine()
  loaded[name] ??= name === 'native' ? loadNative(options.threads) : loadWasm()
  const engine = await loaded[name]
  if (options.requireGpu && !engine.description.onGpu)
    throw new Error(
      `a GPU is asked for, and TensorFlow computes on ${engine.description.device}: npx ledger doctor says what is missing`,
    )
  await tf.setBackend(backendNames[name])
  return engine
}
const loaded: Partial<Record<EngineName, Promise<Engine>>> = {}
const backendNames: Record<EngineName, string> = { native: 'tensorflow', wasm: 'wasm' }

async function loadNative(threads = os.availableParallelism()): Promise<Engine> {
  if (!existsSync(bindingPath()) || !existsSync(hostLoopsPath()))
    throw new Error(
      'LEDGER_ENGINE=native, but the native TensorFlow binding is not built: run `npm run setup` and read what it says, or use LEDGER_ENGINE=wasm',
    )
  // Read by TensorFlow when the library loads, so they must be set before.
  process.env.TF_NUM_INTRAOP_THREADS = String(threads)
  // Of a graph: while one operation runs on one thread alone, another begins. More would take each other's cores.
  process.env.TF_NUM_INTEROP_THREADS ??= String(Math.min(2, threads))
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  const device = prepareCuda()
  replaceUtil()
  registerNative()
  // The kernels are tried out where they will run.
  await tf.setBackend(backendNames.native)
  const backend = tf.backend() as unknown as NativeBackend & { binding: { TF_Version: string } }
  useHostLoops(nativeLoops())
  return {
    description: {
      name: 'native',
      version: backend.binding.TF_Version,
      threads,
      ...(backend.isUsingGpuDevice
        ? { device: device?.name ?? 'GPU:0', onGpu: true }
        : { device: cpuModel() }),
    },
    kernels: nativeKernels(backend),
  }
}

/**
 * Registers tfjs-node's kernels and its backend, as its index does. That reads all of @tensorflow/tfjs besides: models,
 * converters, WebGL, 0.4 s and their memory in every process, where kernels and backend take nothing from it but what
 * tfjs-core gives them. So that is what they find under its name.
 */
function registerNative(): void {
  const packageName = '@tensorflow/tfjs-node-gpu'
  const union = createRequire(require.resolve(`${packageName}/package.json`)).resolve('@tensorflow/tfjs')
  require.cache[union] ??= { exports: require('@tensorflow/tfjs-core'), loaded: true } as NodeJS.Module
  require(`${packageName}/dist/register_all_kernels`)
  const { NodeJSKernelBackend } = require(`${packageName}/dist/nodejs_kernel_backend`) as {
    NodeJSKernelBackend: new (binding: unknown, packageName: string) => tf.KernelBackend
  }
  const binding: unknown = require(bindingPath())
  tf.registerBackend(backendNames.native, () => new NodeJSKernelBackend(binding, packageName))
}

/** Throws where they were built before one of them came to it. */
function nativeLoops(): HostLoops {
  const loops = require(hostLoopsPath()) as HostLoops
  const missing = [...Object.keys(portableLoops), 'addressOf'].filter(name => !(name in loops))
  if (missing.length === 0) return loops
  throw new Error(
    `the native loops were built before ${missing.join(', ')} came to them: run \`npm run setup\`, which builds them anew`,
  )
}

async function loadWasm(): Promise<Engine> {
  const wasm = require('@tensorflow/tfjs-backend-wasm') as {
    setWasmPaths(prefix: string): void
    version_wasm: string
  }
  wasm.setWasmPaths(path.join(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), path.sep))
  if (!(await tf.setBackend('wasm'))) throw new Error('the WASM backend of TensorFlow.js did not start')
  await tf.ready()
  return {
    description: { name: 'wasm', version: wasm.version_wasm, threads: 1, device: cpuModel() },
    kernels: portableKernels,
  }
}

/**
 * Sets what CUDA and TensorFlow read when they load. One device only, the first that is visible: TensorFlow reserves
 * memory on each that it sees, and the binding computes on the last. Memory as it is needed, so that workers can share a
 * device. Float32 products in float32, not TF32, and no kernel whose sums depend on chance: the same spec gives the same
 * bits. What the environment says already stays.
 */
function prepareCuda(): CudaDevice | undefined {
  const devices = cudaDevices()
  if (devices.length === 0) return undefined
  const { env } = process
  const device = visibleDevices(devices, env.CUDA_VISIBLE_DEVICES)[0]
  if (device !== undefined) env.CUDA_VISIBLE_DEVICES = device.uuid
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'
  env.NVIDIA_TF32_OVERRIDE ??= '0'
  env.TF_DETERMINISTIC_OPS ??= '1'
  return device
}

const cpuModel = () => os.cpus()[0]?.model.trim() || os.arch()

/** tfjs-node 4.22 calls type checks that Node 22 warns of and Node 23 removed from util; others take their place before it loads. */
function replaceUtil() {
  const legacy = require('node:util') as Record<string, unknown>
  legacy.isNullOrUndefined = (value: unknown) => value === null || value === undefined
  legacy.isArray = Array.isArray
}
