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

// An operation of the library's own.
take(tf.cast(normal(3), 'int32'))
const images = normal(70, 13, 9, 21) as tf.Tensor4D
const { mean, variance } = kernels.moments(images)
digest.update(mean).update(variance)
const [slope, shift] = [normal(21) as tf.Tensor1D, normal(21) as tf.Tensor1D]
const imagesSlopes = normal(70, 13, 9, 21) as tf.Tensor4D
take(
  ...kernels.batchNormGradient(imagesSlopes, slope, kernels.batchNorm(images, slope, shift, 1e-3).saved, 1),
)
const rectified = kernels.batchNormRelu(images, slope, shift, 1e-3)
take(rectified.y, ...kernels.batchNormReluGradient(imagesSlopes, slope, rectified.saved, 1e-3))

const [rows, slopes] = [normal(300, 391), normal(300, 391)]
take(kernels.geluGradient(slopes, kernels.gelu(rows).saved), kernels.silu(rows))
take(kernels.tanhGradient(slopes, rows), kernels.siluGradient(slopes, rows))
const [gamma, beta] = [normal(391) as tf.Tensor1D, normal(391) as tf.Tensor1D]
take(...kernels.layerNormGradient(slopes, gamma, kernels.layerNorm(rows, gamma, beta, 1e-5).saved))
take(...kernels.rmsNormGradient(slopes, gamma, kernels.rmsNorm(rows, gamma, 1e-5).saved))

const [q, k, v, dy] = Array.from({ length: 4 }, () => normal(60, 9, 66) as tf.Tensor3D)
const attention = kernels.attention(q, k, v, 3, true)
take(attention.y, ...kernels.attentionGradient(dy, attention.saved))
const labels = tf.tensor1d(
  Int32Array.from({ length: 300 }, (_, i) => i),
  'int32',
)
take(...kernels.softmaxCrossEntropy(rows as tf.Tensor2D, labels))
// Of two parts.
const chain = [normal(391, 20), normal(20), normal(20, 300), normal(300)]
const { losses, gradients } = kernels.denseChain!(rows, labels, chain, [true, false], true)
take(losses, ...gradients)
const joined = kernels.batchNormAddRelu(images, slope, shift, imagesSlopes, 1e-3)
take(joined.y, ...kernels.batchNormAddReluGradient(imagesSlopes, slope, joined.saved, 1e-3))
const direction = Float64Array.from({ length: rows.size + q.size }, (_, i) => Math.sin(i))
const [sums, again] = [direction.slice(), direction.slice()]
kernels.accumulate!(sums, 0.3, [rows, q], [])
take(kernels.accumulate!(again, 1 / 7, [rows, q], [direction, sums]))
digest.update(sums).update(again)

// Nine blocks of tiles, five parts.
const [places, kernel, found] = [
  normal(34, 15, 17, 48),
  normal(3, 3, 48, 64),
  normal(34, 15, 17, 64),
] as tf.Tensor4D[]
take(kernels.conv2dBias(places, kernel, normal(64) as tf.Tensor1D, 1, 'same'))
take(kernels.conv2dInputGradient(found, kernel, 1, 'same', places.shape))
take(kernels.conv2dKernelGradient(places, found, 1, 'same', kernel.shape))

console.log(digest.digest('hex'))
