/**
 * The process in which `ledger doctor` loads TensorFlow: what that says on its way goes through the parent, and what ends
 * it in native code ends no more than this. Is sent the engine that is wanted; answers with what was found.
 */
import { once } from 'node:events'
import * as tf from '@tensorflow/tfjs-core'
import { onParentGone } from '../children.ts'
import type { EngineDescription, EngineName } from '../engine/description.ts'
import { loadEngine } from '../engine/engine.ts'
import type { Kernels } from '../nn/kernels/kernels.ts'
import { addFullGradients, disposeBatch, makeModel, uploadSplit } from '../nn/model.ts'
import { buildNetwork } from '../nn/network.ts'

export type Wanted = { name: EngineName | undefined; threads: number | undefined }
export type Tried = { engine: EngineDescription; gflops: number } | { error: string }

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

onParentGone(() => process.exit())
const [{ name, threads }] = (await once(process, 'message')) as [Wanted]
const tried: Tried = await loadEngine({ ...(name && { name }), ...(threads !== undefined && { threads }) })
  .then(async ({ description, kernels }) => {
    await tryOut(kernels)
    return { engine: description, gflops: await matmul() }
  })
  .catch((error: Error) => ({ error: error.message }))
process.send!(tried, () => process.disconnect())
