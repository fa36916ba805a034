/** Whole transformers against PyTorch in float64 (support/torch_transformer.py made the values), and between engines. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs-core'
import type { Examples } from '../src/data/examples.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import type { EngineName } from '../src/engine/description.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { addFullGradients, disposeBatch, makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import type { ResolvedArchitecture } from '../src/spec/schema.ts'
import { relativeError } from './support/reference.ts'

const engines: EngineName[] = defaultEngine() === 'native' ? ['native', 'wasm'] : ['wasm']

type Case = {
  depth: number
  width: number
  heads: number
  hidden: number
  vocabulary: number
  classes: number
  length: number
  targets: number
  norm: 'pre' | 'post'
  causal: boolean
  activation: 'gelu' | 'silu'
  tied: boolean
  smoothing: number
  tokens: number[][]
  labels: number[]
  loss: number
  accuracy: number
  gradient: number[]
}
const fixture = new URL('../../test/support/torch_transformer.json', import.meta.url)
const cases: Case[] = JSON.parse(readFileSync(fixture, 'utf8'))

for (const one of cases)
  test(`a transformer of depth ${one.depth}, ${one.norm}-norm, ${one.targets} label(s): loss and full gradient against PyTorch in float64`, async () => {
    const { vocabulary, classes, length, targets, tokens, labels, gradient: expected } = one
    const { depth, width, heads, norm, causal, activation, tied } = one
    const architecture: ResolvedArchitecture = {
      ...{ name: 'transformer', depth, width, heads, mlpRatio: one.hidden / width, norm, causal, activation },
      ...{ tied, normalization: 'layer', bias: true, dropout: 0, positions: 'learned', pool: 'last' },
    }
    const data: Examples = {
      ...{ count: tokens.length, shape: [length], classes, vocabulary },
      ...(targets > 1 && { targets }),
      ...{ images: Uint16Array.from(tokens.flat()), labels: Uint16Array.from(labels) },
    }
    const network = buildNetwork(architecture, data)
    assert.equal(network.parameters, expected.length)
    const theta = Float32Array.from(
      expected,
      (_, i) => 0.4 * Math.sin(1.7 * i + 0.3) + 0.1 * Math.cos(0.37 * i),
    )
    for (const name of engines) {
      const { kernels } = await loadEngine({ name })
      const loss = { name: 'cross-entropy', labelSmoothing: one.smoothing } as const
      const model = makeModel(network, kernels, loss)
      for (const chunk of [2, 5]) {
        const before = tf.memory().numTensors
        const split = uploadSplit(data, chunk)
        const gradient = new Float64Array(network.parameters)
        const [measured] = await addFullGradients(model, theta, [split], [gradient], { accuracy: true })
        split.chunks.forEach(disposeBatch)
        assert.equal(tf.memory().numTensors, before, 'nothing is left behind')
        assert.ok(
          Math.abs(measured.loss / one.loss - 1) < 1e-6,
          `${name}: loss ${measured.loss}, not ${one.loss}`,
        )
        const error = relativeError(gradient, expected)
        assert.ok(error < 1e-5, `${name}, chunk ${chunk}: the gradient is off by ${error}`)
        assert.ok(Math.abs(measured.accuracy! - one.accuracy) < 1e-9, `accuracy ${measured.accuracy}`)
      }
    }
  })
