/** Convolutions by 3×3 kernels on CPUs (native/winograd.cc): beside float64, and which of them are computed so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import type { Shape4D } from '../src/nn/kernels/kernels.ts'
import { counting } from './support/counting.ts'
import { draw } from './support/operation-case.ts'
import { close } from './support/reference.ts'

const skip = defaultEngine() === 'wasm' && 'native TensorFlow is not built here'

const normal = (seed: number, shape: number[]) => draw(tf.util.sizeFromShape(shape), seed, 'convolutions')

/** y = x ∗ kernel with zeros beyond the border, and the gradients of Σ y·dy, in float64, from what they are. */
function convolution(
  [n, h, w, c, k]: number[],
  { x, kernel, dy }: Record<'x' | 'kernel' | 'dy', Float32Array>,
) {
  const found = {
    y: new Float64Array(dy.length),
    dx: new Float64Array(x.length),
    dkernel: new Float64Array(kernel.length),
  }
  for (let image = 0; image < n; image++)
    for (let place = 0; place < h * w; place++)
      for (let tap = 0; tap < 9; tap++) {
        const [row, column] = [Math.floor(place / w) + Math.floor(tap / 3) - 1, (place % w) + (tap % 3) - 1]
        if (row < 0 || row >= h || column < 0 || column >= w) continue
        const [from, to] = [((image * h + row) * w + column) * c, (image * h * w + place) * k]
        for (let i = 0; i < c; i++)
          for (let o = 0; o < k; o++) {
            const at = (tap * c + i) * k + o
            found.y[to + o] += x[from + i] * kernel[at]
            found.dx[from + i] += dy[to + o] * kernel[at]
            found.dkernel[at] += x[from + i] * dy[to + o]
          }
      }
  return found
}

/** n, h, w and channels in and out. */
const shapes = {
  'odd images': [2, 5, 7, 32, 48],
  'the smallest images': [1, 4, 4, 64, 32],
  'many channels': [3, 6, 9, 48, 112],
  'several blocks of tiles': [40, 5, 5, 32, 32],
  'too few channels': [2, 6, 5, 16, 32],
  'channels that are no sixteens': [2, 6, 5, 33, 40],
  'images that are too small': [2, 3, 8, 32, 32],
}
for (const [what, shape] of Object.entries(shapes))
  test(`${what}: a convolution and its gradients are those of float64`, { skip }, async () => {
    const { kernels } = await loadEngine({ name: 'native' })
    const [n, h, w, c, k] = shape
    const sizes = { x: [n, h, w, c], kernel: [3, 3, c, k], dy: [n, h, w, k] }
    const given = {
      x: normal(1, sizes.x),
      kernel: normal(2, sizes.kernel),
      dy: normal(3, sizes.dy),
    }
    const x = tf.tensor<tf.Rank.R4>(given.x, sizes.x as Shape4D)
    const kernel = tf.tensor<tf.Rank.R4>(given.kernel, sizes.kernel as Shape4D)
    const dy = tf.tensor<tf.Rank.R4>(given.dy, sizes.dy as Shape4D)
    const bias = normal(4, [k])
    const biases = tf.tensor1d(bias)

    const expected = convolution(shape, given)
    const { byName } = await counting(async () => {
      const within = (of: number) => 3e-6 * Math.sqrt(of)
      close(kernels.conv2d(x, kernel, 1, 'same').dataSync(), expected.y, within(9 * c), 'y')
      const dx = kernels.conv2dInputGradient(dy, kernel, 1, 'same', x.shape)
      close(dx.dataSync(), expected.dx, within(9 * k), 'dx')
      const dkernel = kernels.conv2dKernelGradient(x, dy, 1, 'same', kernel.shape)
      close(dkernel.dataSync(), expected.dkernel, within(n * h * w), 'dkernel')
      const added = expected.y.map((value, i) => value + bias[i % k])
      close(kernels.conv2dBias(x, kernel, biases, 1, 'same').dataSync(), added, within(9 * c), 'y + bias')
    })
    const own = ['', 'InputGradient', 'KernelGradient', 'Bias'].map(of => `LedgerConvolution3${of}`)
    const isOurs = c >= 32 && c % 16 === 0 && h >= 4
    assert.deepEqual(
      Object.keys(byName).filter(name => name.startsWith('Ledger')),
      isOurs ? own : [],
    )
  })

test('strides, no zeros at the border and other sizes are not ours', { skip }, async () => {
  const { kernels } = await loadEngine({ name: 'native' })
  const x = tf.ones([1, 8, 8, 32]) as tf.Tensor4D
  const kernel = (size: number) => tf.ones([size, size, 32, 32]) as tf.Tensor4D
  const { byName } = await counting(async () => {
    kernels.conv2d(x, kernel(3), 2, 'same')
    kernels.conv2d(x, kernel(3), 1, 'valid')
    kernels.conv2d(x, kernel(5), 1, 'same')
  })
  assert.equal(byName.Conv2D, 3)
})

test('shapes that do not go together are refused', { skip }, async () => {
  const { kernels } = await loadEngine({ name: 'native' })
  const x = tf.ones([1, 8, 8, 48]) as tf.Tensor4D
  const kernel = tf.ones([3, 3, 32, 32]) as tf.Tensor4D
  assert.throws(
    () => kernels.conv2d(x, kernel, 1, 'same'),
    /LedgerConvolution3: the kernel is for another number of channels/,
  )
  const dy = tf.ones([1, 8, 9, 32]) as tf.Tensor4D
  assert.throws(
    () => kernels.conv2dKernelGradient(x, dy, 1, 'same', [3, 3, 48, 32]),
    /x and dy are not of the same places/,
  )
})
