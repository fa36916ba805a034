/** Our own operations on CPUs (native/): odd sizes and extreme values beside float64, and the same bits on any number of threads. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { composedKernels } from '../src/nn/kernels/composed.ts'
import { nativeKernels } from '../src/nn/kernels/native.ts'
import type { NativeBackend } from '../src/nn/kernels/native-backend.ts'
import { randomStream } from '../src/nn/random.ts'
import { close } from './support/reference.ts'

const skip = defaultEngine() === 'wasm' && 'native TensorFlow is not built here'
const { kernels: k } = skip ? { kernels: undefined as never } : await loadEngine({ name: 'native' })

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)
function normal(seed: number, shape: number[], mean = 0, deviation = 1): Float32Array {
  const stream = randomStream(seed, 'fused-kernels')
  return Float32Array.from({ length: product(shape) }, () => mean + deviation * stream.normal())
}
test('the same bits on 1, 2 and 3 threads', { skip }, async () => {
  const script = fileURLToPath(new URL('support/fused-bits.js', import.meta.url))
  const run = promisify(execFile)
  // A newer Node warns of what it will do without, which nobody is to read in what a command says.
  const node = ['--throw-deprecation', script]
  const digests = await Promise.all(
    [1, 2, 3].map(async threads => (await run(process.execPath, [...node, String(threads)])).stdout.trim()),
  )
  assert.match(digests[0], /^[0-9a-f]{64}$/)
  assert.deepEqual(digests, Array(3).fill(digests[0]))
})

test('moments: as in float64, also far from 0 and of odd numbers of channels', { skip }, () => {
  for (const [shape, mean, deviation] of [
    ...[1, 7, 8, 16, 33].map(c => [[3, 5, 7, c], 0, 1] as const),
    [[1, 1, 1, 5], 2, 1] as const,
    [[250, 9, 9, 3], 1e6, 3] as const,
    [[40, 30, 31, 17], -1e4, 1e-2] as const,
  ]) {
    const values = normal(1, [...shape], mean, deviation)
    const c = shape[3]
    const n = values.length / c
    const expected = { mean: new Float64Array(c), variance: new Float64Array(c) }
    values.forEach((x, i) => {
      expected.mean[i % c] += x / n
    })
    values.forEach((x, i) => {
      expected.variance[i % c] += (x - expected.mean[i % c]) ** 2 / n
    })
    const found = k.moments(tf.tensor(values, [...shape]) as tf.Tensor4D)
    const what = `[${shape}] around ${mean}`
    close(found.mean, expected.mean, Math.max(Math.abs(mean), deviation) * 6e-8, what)
    close(found.variance, expected.variance, deviation ** 2 * 5e-7, what)
  }
})

test('sums of columns: as in float64, of 10⁵ values in odd numbers of columns', { skip }, () => {
  for (const shape of [...[1, 7, 16, 33].map(c => [5, c]), [40_000, 3], [90, 40, 21]]) {
    const values = normal(30, shape)
    const c = shape.at(-1)!
    const expected = new Float64Array(c)
    values.forEach((value, i) => {
      expected[i % c] += value
    })
    const scale = Math.sqrt(values.length / c)
    close(k.biasGradient(tf.tensor(values, shape)).dataSync(), expected, 1e-6 * scale, `[${shape}]`)
  }
  const broken = k.biasGradient(tf.tensor2d([1, Number.NaN, 2, 3, Number.NEGATIVE_INFINITY, 4], [2, 3]))
  assert.deepEqual([...broken.dataSync()].map(Number.isFinite), [true, false, true])
})

test('moments: what is no number stays in its channel', { skip }, () => {
  const values = normal(2, [4, 3, 3, 5])
  values[3] = Number.NaN
  values[5 * 7 + 1] = Number.POSITIVE_INFINITY
  const { mean, variance } = k.moments(tf.tensor(values, [4, 3, 3, 5]) as tf.Tensor4D)
  const isNumber = [true, false, true, false, true]
  assert.deepEqual([...mean].map(Number.isFinite), isNumber)
  assert.deepEqual([...variance].map(Number.isFinite), isNumber)
  assert.throws(() => k.moments(tf.zeros([0, 1, 1, 3])), /LedgerMoments: there are no values/)
})

/** Central differences would do for gradients (test/gradients.test.ts); here the formulas themselves, in float64. */
const sigmoid = (z: number) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)))
const geluInner = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)
const activations: Record<string, { of: (x: tf.Tensor) => tf.Tensor; formula: (x: number) => number }> = {
  gelu: { of: x => k.gelu(x).y, formula: x => x * sigmoid(geluInner(x)) },
  'gelu′': {
    of: x => k.geluGradient(tf.onesLike(x), k.gelu(x).saved),
    formula: x => {
      const [s, closed] = [sigmoid(geluInner(x)), sigmoid(-geluInner(x))]
      return s * (1 + x * closed * 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x ** 2))
    },
  },
  silu: { of: x => k.silu(x), formula: x => x * sigmoid(x) },
  'silu′': {
    of: x => k.siluGradient(tf.onesLike(x), x),
    formula: x => sigmoid(x) * (1 + x * sigmoid(-x)),
  },
  'tanh′': {
    of: x => k.tanhGradient(tf.onesLike(x), x),
    formula: x => 4 * sigmoid(2 * x) * sigmoid(-2 * x),
  },
}

test('activations: relative to float64 in the tails, what overflows, and what is no number', { skip }, () => {
  // A step that meets no zero of a derivative, near which nothing is relative.
  const sizes = Array.from({ length: 421 }, (_, i) => 10 ** ((i - 280) / 70))
  const xs = Float32Array.from([...sizes.flatMap(x => [x, -x]), 80, -80, 0, -0])
  for (const [name, { of, formula }] of Object.entries(activations)) {
    const found = of(tf.tensor1d(xs)).dataSync()
    xs.forEach((x, i) => {
      const expected = formula(x)
      // The exponent is rounded: of e^−z a part of z·2⁻²⁴ is not known. What is denormal is 0, as everywhere in TensorFlow, and times x no more.
      const z = name.startsWith('gelu') ? geluInner(x) : name === 'tanh′' ? 2 * x : x
      const tolerance = Math.abs(expected) * (1e-6 + 2.4e-7 * Math.abs(z)) + (Math.abs(x) < 4 ? 2e-7 : 0)
      const difference = Math.abs(found[i] - expected)
      assert.ok(
        difference <= tolerance + 1.2e-38 * (1 + z ** 2),
        `${name}(${x}) = ${found[i]}, not ${expected}`,
      )
    })
    const { NaN: none, POSITIVE_INFINITY: infinity } = Number
    const far = of(tf.tensor1d([1e30, -1e30, none, infinity])).dataSync()
    const slope = name === 'tanh′' ? 0 : 1
    const kept = name.endsWith('′') ? [slope, 0, none, slope] : [Math.fround(1e30), 0, none, infinity]
    assert.deepEqual(
      [...far].map(y => (y === 0 ? 0 : y)),
      kept,
      name,
    )
  }
})

test('batch norm, with ReLU and without: beside float64, and a gradient where ReLU let through, to the unit', {
  skip,
}, () => {
  for (const [shape, mean, deviation] of [
    ...[1, 7, 16, 33].map(c => [[3, 5, 4, c], 0, 1] as const),
    [[1, 2, 1, 40], 3, 1] as const,
    [[20, 20, 21, 19], -50, 0.1] as const,
  ])
    for (const relu of [false, true]) {
      const what = `${relu ? 'ReLU of ' : ''}batch norm of [${shape}] around ${mean}`
      const c = shape[3]
      const n = product([...shape]) / c
      const [x, dy] = [normal(20, [...shape], mean, deviation), normal(21, [...shape])]
      const [gamma, beta] = [normal(22, [c], 1, 0.5), normal(23, [c])]
      const of = (values: Float32Array) => tf.tensor(values, [...shape]) as tf.Tensor4D
      const [tg, tb] = [tf.tensor1d(gamma), tf.tensor1d(beta)]
      const { y, saved } = relu ? k.batchNormRelu(of(x), tg, tb, 1e-3) : k.batchNorm(of(x), tg, tb, 1e-3)
      const found = relu
        ? k.batchNormReluGradient(of(dy), tg, saved, 1e-3)
        : k.batchNormGradient(of(dy), tg, saved, 1e-3)
      const values = y.dataSync()

      const sums = (of: (i: number) => number) => {
        const totals = new Float64Array(c)
        for (let i = 0; i < n * c; i++) totals[i % c] += of(i)
        return totals
      }
      const mu = sums(i => x[i] / n)
      const s = sums(i => (x[i] - mu[i % c]) ** 2 / n).map(variance => 1 / Math.sqrt(variance + 1e-3))
      const normalized = (i: number) => (x[i] - mu[i % c]) * s[i % c]
      const z = Float64Array.from(x, (_, i) => normalized(i) * gamma[i % c] + beta[i % c])
      // What float32 says of x at all, in deviations.
      const known = 1e-6 + (2e-7 * Math.abs(mean)) / Math.max(deviation, 0.03)
      close(values, relu ? z.map(value => Math.max(value, 0)) : z, 8 * known, what)
      const dz = (i: number) => (relu && !(values[i] > 0) ? 0 : dy[i])
      const [dBeta, dGamma] = [sums(dz), sums(i => dz(i) * normalized(i))]
      const dx = Float64Array.from(
        x,
        (_, i) => gamma[i % c] * s[i % c] * (dz(i) - dBeta[i % c] / n - (normalized(i) * dGamma[i % c]) / n),
      )
      const scale = Math.max(...s)
      close(found[0].dataSync(), dx, 30 * known * scale, `${what}, dx`)
      close(found[1].dataSync(), dGamma, 20 * known * Math.sqrt(n), `${what}, dγ`)
      close(found[2].dataSync(), dBeta, 2e-6 * Math.sqrt(n), `${what}, dβ`)
    }
  // With a shortcut added: what the parts give one by one.
  for (const c of [3, 16, 21]) {
    const shape: [number, number, number, number] = [7, 9, 9, c]
    const [x, shortcut, dy] = [24, 25, 26].map(seed => tf.tensor4d(normal(seed, shape), shape))
    const [gamma, beta] = [tf.tensor1d(normal(27, [c])), tf.tensor1d(normal(28, [c]))]
    const composed = composedKernels(k)
    const [ours, theirs] = [k, composed].map(({ batchNormAddRelu, batchNormAddReluGradient }) => {
      const { y, saved } = batchNormAddRelu(x, gamma, beta, shortcut, 1e-3)
      return [y, ...batchNormAddReluGradient(dy, gamma, saved, 1e-3)]
    })
    ours.forEach((tensor, i) => {
      close(tensor.dataSync(), theirs[i].dataSync(), 0, `${c} channels with a shortcut, output ${i}`)
    })
  }
  const broken = tf.tensor4d([1, Number.NaN, 2, 4, 3, 5], [3, 1, 1, 2])
  const { y } = k.batchNormRelu(broken, tf.ones([2]), tf.ones([2]), 1e-3)
  assert.deepEqual([...y.dataSync()].map(Number.isFinite), [true, false, true, false, true, false])
})

test('max pool, with ReLU and without: the largest of each window, and dy at the first of these', {
  skip,
}, () => {
  for (const c of [1, 7, 16, 20, 33, 40])
    for (const relu of [false, true]) {
      const [n, h, w] = [3, 7, 5]
      const [x, dy] = [normal(40, [n, h, w, c]).map(Math.round), normal(41, [n, 3, 2, c])]
      const [y, dx] = [new Float32Array(dy.length), new Float32Array(x.length)]
      for (let i = 0; i < y.length; i++) {
        const [channel, column, row] = [i % c, Math.floor(i / c) % 2, Math.floor(i / c / 2)]
        const first = (Math.floor(row / 3) * h + 2 * (row % 3)) * w + 2 * column
        const window = [first, first + 1, first + w, first + w + 1].map(place => place * c + channel)
        const place = window.reduce((best, at) => (x[at] > x[best] ? at : best))
        y[i] = relu ? Math.max(x[place], 0) : x[place]
        if (!relu || x[place] > 0) dx[place] = dy[i]
      }
      const [images, slopes] = [tf.tensor4d(x, [n, h, w, c]), tf.tensor4d(dy, [n, 3, 2, c])]
      const [pool, gradient] = relu ? [k.maxPoolRelu, k.maxPoolReluGradient] : [k.maxPool, k.maxPoolGradient]
      const [found, ...places] = pool(images, 2)
      assert.deepEqual(found.shape, [n, 3, 2, c])
      close(found.dataSync(), y, 0, `${c} channels`)
      close(gradient(slopes, images, found, places, 2).dataSync(), dx, 0, `${c} channels’ gradient`)
    }
  for (const pool of [k.maxPool, k.maxPoolRelu])
    for (let at = 0; at < 4; at++) {
      const image = Float32Array.from({ length: 4 * 17 }, (_, i) =>
        Math.floor(i / 17) === at ? Number.NaN : i,
      )
      const [y] = pool(tf.tensor4d(image, [1, 2, 2, 17]), 2)
      assert.ok(y.dataSync().every(Number.isNaN), 'what is not a number is not overlooked')
    }
})

test('layer norm and RMS norm: beside float64, rows of 1 to 515 values, and far from 0', { skip }, () => {
  for (const [rows, c, mean, deviation] of [
    ...[1, 7, 16, 33, 515].map(c => [3, c, 0, 1] as const),
    [1, 24, 5, 2] as const,
    [70, 48, 1e4, 1e-1] as const,
  ])
    for (const centred of [true, false]) {
      const what = `${centred ? 'layer' : 'RMS'} norm of [${rows}, ${c}] around ${mean}`
      const [x, dy] = [normal(3, [rows, c], mean, deviation), normal(4, [rows, c])]
      const [gamma, beta] = [normal(5, [c], 1, 0.5), normal(6, [c])]
      const expected = { y: new Float64Array(rows * c), dx: new Float64Array(rows * c) }
      const [dGamma, dBeta] = [new Float64Array(c), new Float64Array(c)]
      for (let row = 0; row < rows; row++) {
        const part = (values: ArrayLike<number>) => Array.from({ length: c }, (_, j) => values[row * c + j])
        const average = (values: number[]) => values.reduce((sum, value) => sum + value / c, 0)
        const own = part(x)
        const mu = centred ? average(own) : 0
        const s = 1 / Math.sqrt(average(own.map(value => (value - mu) ** 2)) + 1e-5)
        const normalized = own.map(value => (value - mu) * s)
        const g = part(dy).map((slope, j) => slope * gamma[j])
        const meanSlope = centred ? average(g) : 0
        const along = average(g.map((slope, j) => slope * normalized[j]))
        normalized.forEach((value, j) => {
          expected.y[row * c + j] = value * gamma[j] + (centred ? beta[j] : 0)
          expected.dx[row * c + j] = s * (g[j] - meanSlope - value * along)
          dGamma[j] += dy[row * c + j] * value
          dBeta[j] += dy[row * c + j]
        })
      }
      const [tx, tdy] = [tf.tensor2d(x, [rows, c]), tf.tensor2d(dy, [rows, c])]
      const [tg, tb] = [tf.tensor1d(gamma), tf.tensor1d(beta)]
      const { y, saved } = centred ? k.layerNorm(tx, tg, tb, 1e-5) : k.rmsNorm(tx, tg, 1e-5)
      const found = centred ? k.layerNormGradient(tdy, tg, saved) : k.rmsNormGradient(tdy, tg, saved)
      // What float32 says of x at all, in deviations.
      const known = 1e-6 + (centred ? (2e-7 * Math.abs(mean)) / deviation : 0)
      // A single value has no deviation: 1/√ε stands in its place.
      const scale = c === 1 && centred ? 1 / Math.sqrt(1e-5) : Math.max(1, 1 / deviation)
      close(y.dataSync(), expected.y, 8 * known, what)
      close(found[0].dataSync(), expected.dx, 20 * known * scale, `${what}, dx`)
      close(found[1].dataSync(), dGamma, 40 * known, `${what}, dγ`)
      if (centred) close(found[2]!.dataSync(), dBeta, 40 * known, `${what}, dβ`)
    }
  const broken = tf.tensor2d([1, 2, Number.NaN, 4, 5, 7], [2, 3])
  const { y } = k.layerNorm(broken, tf.ones([3]), tf.zeros([3]), 1e-5)
  assert.deepEqual([...y.dataSync()].map(Number.isFinite), [false, false, false, true, true, true])
})

test('attention: as composed of products, at lengths and widths that fill no vector', { skip }, () => {
  const composed = composedKernels(k)
  for (const [n, length, heads, c] of [
    [1, 1, 1, 1],
    [3, 3, 4, 32],
    [2, 6, 3, 16],
    [2, 16, 1, 16],
    [2, 19, 3, 7],
    [1, 33, 2, 40],
  ])
    for (const causal of [true, false]) {
      const shape: [number, number, number] = [n, length, heads * c]
      const [q, key, v, dy] = [7, 8, 9, 10].map(seed => tf.tensor3d(normal(seed, shape), shape))
      const ours = k.attention(q, key, v, heads, causal)
      const theirs = composed.attention(q, key, v, heads, causal)
      const what = `[${shape}], ${heads} heads${causal ? ', causal' : ''}`
      close(ours.y.dataSync(), theirs.y.dataSync(), 2e-6, what)
      const slopes = composed.attentionGradient(dy, theirs.saved)
      k.attentionGradient(dy, ours.saved).forEach((slope, i) => {
        close(slope.dataSync(), slopes[i].dataSync(), 1e-5, `${what}, d${'qkv'[i]}`)
      })
    }
  // A score that overflows is no number, in its own row and head alone.
  const one = tf.tensor3d([1e30, 1, 1, 1], [1, 2, 2])
  const { y } = k.attention(one, one, tf.ones([1, 2, 2]), 2, true)
  assert.deepEqual([...y.dataSync()].map(Number.isFinite), [false, true, true, true])
})

test('cross-entropy: beside float64, whatever the classes and however sure', { skip }, () => {
  for (const classes of [1, 2, 10, 16, 33, 98])
    for (const spread of [1, 40, 1000]) {
      const rows = 21
      const z = normal(11, [rows, classes], 0, spread)
      const labels = Int32Array.from({ length: rows }, (_, i) => (5 * i) % classes)
      const [loss, derivative] = k
        .softmaxCrossEntropy(tf.tensor2d(z, [rows, classes]), tf.tensor1d(labels, 'int32'))
        .map(tensor => tensor.dataSync())
      for (let row = 0; row < rows; row++) {
        const own = Array.from(z.subarray(row * classes, (row + 1) * classes))
        const label = labels[row]
        const most = Math.max(...own)
        const e = own.map(value => Math.exp(value - most))
        const others = e.reduce((sum, value, j) => (j === label ? sum : sum + value), 0)
        const q = others / (others + e[label])
        const expected = q < 0.5 ? -Math.log1p(-q) : Math.log(others + e[label]) - (own[label] - most)
        const near = (found: number, value: number, what: string) =>
          assert.ok(
            Math.abs(found - value) <= Math.abs(value) * (1e-6 + 1e-7 * spread) + 1.2e-38,
            `${what} of row ${row} of ${classes}, spread ${spread}: ${found}, not ${value}`,
          )
        near(loss[row], expected, 'loss')
        e.forEach((value, j) => {
          near(derivative[row * classes + j], j === label ? -q : value / (others + e[label]), `class ${j}`)
        })
      }
    }
  const outside = tf.tensor1d([0, 3], 'int32')
  assert.throws(
    () => k.softmaxCrossEntropy(tf.zeros([2, 3]), outside),
    /label 3 of row 1 is none of 3 classes/,
  )
})

test('a binding without our operations says what to run', () => {
  const old = {
    binding: {},
    isUsingGpuDevice: false,
    executeMultipleOutputs: (name: string) => {
      throw new Error(`Invalid TF_Status: 5\nMessage: '${name}' is neither a type of a primitive operation`)
    },
  } as unknown as NativeBackend
  assert.throws(() => nativeKernels(old), /built before LedgerMoments.*came to it: run `npm run setup`/)
})
