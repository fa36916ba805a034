/** A digest of what our own operations make of large inputs, on as many threads as the argument says. */
import { createHash } from 'node:crypto'
import * as tf from '@tensorflow/tfjs-core'
import { loadEngine } from '../../src/engine/engine.ts'
import { randomStream } from '../../src/nn/random.ts'

const { kernels } = await loadEngine({ name: 'native', threads: Number(process.argv[2]) })
const digest = createHash('sha256')
const take = (...tensors: tf.Tensor[]) => {
  for (const tensor of tensors) digest.update(tensor.dataSync() as Uint8Array)
}
let seed = 0
const normal = (...shape: number[]) => {
  const { normal } = randomStream(9, 'fused-bits', seed++)
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 3 + normal()),
    shape,
  )
}

const images = normal(70, 13, 9, 21) as tf.Tensor4D
const { mean, variance } = kernels.moments(images)
digest.update(mean).update(variance)
take(...kernels.batchNorm(images, normal(21) as tf.Tensor1D, normal(21) as tf.Tensor1D, 1e-3))

console.log(digest.digest('hex'))
