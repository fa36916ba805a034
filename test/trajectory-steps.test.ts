/** Weights of trainings elsewhere: how others lay them out, and what their steps are made of by the optimizer's state. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { orderIn, theirShape } from '../src/data/trajectories/layouts.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import { makeRecordedParts, OtherStepError, type RecordedRow } from '../src/nn/recorded.ts'
import type { ResolvedOptimizer } from '../src/spec/resolved.ts'

describe('layouts', () => {
  const network = buildNetwork(
    {
      name: 'custom',
      layers: [
        { kind: 'conv2d', filters: 3, size: 2, stride: 1, padding: 'same', bias: true },
        { kind: 'depthwise_conv2d', size: 2, stride: 1, padding: 'same', bias: false },
        { kind: 'flatten' },
        { kind: 'dense', units: 2 },
      ],
    },
    { shape: [2, 2, 2], classes: 2 },
  )
  const at = (name: string) => network.variables.findIndex(variable => variable.name.endsWith(name))

  test('PyTorch has outputs first, and flattens with the channels first', () => {
    const shapes = network.variables.map(variable => theirShape(variable, 'torch'))
    assert.deepEqual(shapes, [[3, 2, 2, 2], [3], [3, 1, 2, 2], [2, 12], [2]])
    const orders = network.variables.map(variable => orderIn(variable, 'torch'))
    // Ours [h, w, in, out] at (1, 0, 1, 2) is theirs [out, in, h, w] at (2, 1, 1, 0).
    assert.equal(orders[0]![((1 * 2 + 0) * 2 + 1) * 3 + 2], ((2 * 2 + 1) * 2 + 1) * 2 + 0)
    // Depthwise: (0, 1, channel 2, 0) is (2, 0, 0, 1).
    assert.equal(orders[2]![((0 * 2 + 1) * 3 + 2) * 1], (2 * 1 * 2 + 0) * 2 + 1)
    // Feature (h 1, w 0, c 2) of 2×2×3 is 2·4 + 1·2 + 0 with the channels first; of output 1 of 2.
    assert.equal(orders[at('fc_1/kernel')]![((1 * 2 + 0) * 3 + 2) * 2 + 1], 1 * 12 + 2 * 4 + 1 * 2 + 0)
    for (const order of orders) if (order) assert.equal(new Set(order).size, order.length)
    assert.ok(network.variables.every(variable => orderIn(variable, 'keras') === undefined))
  })
})

describe('steps taken apart by the optimizer’s state', () => {
  const network = buildNetwork({ name: 'fc', hidden: [2] }, { shape: [2, 1, 1], classes: 2 })
  const { variables, parameters } = network
  const constant = { learningRate: 1, schedule: { name: 'constant' as const } }
  const [mu, b1, b2, epsilon] = [0.9, 0.8, 0.95, 1e-3]
  const moments = { beta1: b1, beta2: b2, epsilon }
  /** A step of one parameter as its paper has it: g with L2 in it, its state before; the state after, and Δ without decay. */
  type Step = (g: number, state: number[], rate: number, n: number) => { state: number[]; delta: number }
  const adam: Step = (g, [m, s], rate, n) => {
    const state = [b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g]
    const root = Math.sqrt(state[1] / (1 - b2 ** n)) + epsilon
    return { state, delta: (-rate * state[0]) / (1 - b1 ** n) / root }
  }
  const optimizers: Record<string, { optimizer: ResolvedOptimizer; step: Step; slots: number }> = {
    sgd: {
      optimizer: { ...constant, name: 'sgd', momentum: mu, nesterov: false },
      step: (g, [v], rate) => ({ state: [mu * v + g], delta: -rate * (mu * v + g) }),
      slots: 1,
    },
    nesterov: {
      optimizer: { ...constant, name: 'sgdw', momentum: mu, nesterov: true, weightDecay: 9 },
      step: (g, [v], rate) => ({ state: [mu * v + g], delta: -rate * (g + mu * (mu * v + g)) }),
      slots: 1,
    },
    adam: { optimizer: { ...constant, name: 'adam', ...moments }, step: adam, slots: 2 },
    adamw: { optimizer: { ...constant, name: 'adamw', ...moments, weightDecay: 9 }, step: adam, slots: 2 },
    rmsprop: {
      optimizer: { ...constant, name: 'rmsprop', decay: b2, momentum: mu, epsilon },
      step: (g, [s, v], rate) => {
        const next = b2 * s + (1 - b2) * g * g
        const pushed = mu * v + g / (Math.sqrt(next) + epsilon)
        return { state: [next, pushed], delta: -rate * pushed }
      },
      slots: 2,
    },
    lion: {
      optimizer: { ...constant, name: 'lion', beta1: b1, beta2: b2, weightDecay: 9 },
      step: (g, [m], rate) => ({
        state: [b2 * m + (1 - b2) * g],
        delta: -rate * Math.sign(b1 * m + (1 - b1) * g),
      }),
      slots: 1,
    },
  }
  const decays = variables.map((_, v) => 0.02 * v)
  const rounding = { weights: 2 ** -24, state: 2 ** -24 }
  const updates = 5
  /** Rows of the training, weights and state as float32 holds them, and the gradients of its batches, that large. */
  const recorded = ({ optimizer, step, slots }: (typeof optimizers)[string], size = 1) => {
    const decoupled = 'weightDecay' in optimizer
    const random = randomStream(3, 'recorded')
    let theta = Array.from({ length: parameters }, random.normal)
    const begun: number = size < 1 ? 0 : 0.3
    let state = Array.from({ length: slots }, () => Array.from({ length: parameters }, () => begun))
    const rowOf = (rate: number): RecordedRow => ({
      theta: Float32Array.from(theta),
      state: state.map(slot => Float64Array.from(Float32Array.from(slot))),
      rate,
    })
    const rows = [rowOf(Number.NaN)]
    const gradients: number[][] = []
    for (let t = 0; t < 3; t++) {
      const rate = 0.1 / (t + 1)
      const gradient = Array.from({ length: parameters }, () => size * random.normal())
      const lambda = variables.flatMap(({ size }, v) => Array.from({ length: size }, () => decays[v]))
      const made = gradient.map((g, i) =>
        step(
          g + (decoupled ? 0 : lambda[i] * theta[i]),
          state.map(slot => slot[i]),
          rate,
          updates + t + 1,
        ),
      )
      theta = theta.map((w, i) => w * (decoupled ? 1 - rate * lambda[i] : 1) + made[i].delta)
      state = state.map((_, s) => made.map(one => one.state[s]))
      gradients.push(gradient)
      rows.push(rowOf(rate))
    }
    return { rows, gradients }
  }

  test('the gradient of the batch follows, and gradient, momentum, L2 and decay are the step', () => {
    for (const [name, one] of Object.entries(optimizers)) {
      const { rows, gradients } = recorded(one)
      const partsOf = makeRecordedParts(network, { optimizer: one.optimizer, decays, updates }, 60)
      for (const [t, gradient] of gradients.entries()) {
        const parts = partsOf(t, rows[t], rows[t + 1], rounding)
        const decoupled = 'weightDecay' in one.optimizer
        for (const [v, { offset, size }] of variables.entries())
          for (let i = offset; i < offset + size; i++) {
            assert.ok(Math.abs(parts.batchGradient[i] - gradient[i]) < 3e-5, `${name} ${t} ${i}`)
            const sum = parts.gradient[i] + parts.momentum[i] + parts.l2[i] + parts.decay[i]
            assert.ok(Math.abs(sum - (rows[t + 1].theta[i] - rows[t].theta[i])) < 2e-6, `${name} ${t} ${i}`)
            const decay = decoupled ? -rows[t + 1].rate * decays[v] * rows[t].theta[i] : 0
            assert.ok(Math.abs(parts.decay[i] - decay) < 1e-7)
            // Gradient and L2 are pushed alike.
            const pushed = decoupled ? 0 : parts.gradient[i] * decays[v] * rows[t].theta[i]
            assert.ok(Math.abs(parts.l2[i] * parts.batchGradient[i] - pushed) < 1e-7)
          }
        assert.ok(Number.isNaN(parts.batchSize))
      }
    }
  })

  test('gradients whose squares are 0 in float32 are taken apart, too', () => {
    const { rows } = recorded(optimizers.adamw, 1e-25)
    assert.ok(rows[1].state[1].every(square => square === 0) && rows[1].state[0].every(mean => mean !== 0))
    const partsOf = makeRecordedParts(network, { optimizer: optimizers.adamw.optimizer, decays, updates }, 60)
    assert.ok(Math.abs(partsOf(0, rows[0], rows[1], rounding).batchGradient[0]) > 1e-27)
  })

  test('a step that is not the optimizer’s is refused with the first variable that differs', () => {
    const refused = (
      name: string,
      message: RegExp,
      change: (rows: RecordedRow[]) => void,
      optimizer: object = {},
    ) => {
      const { rows } = recorded(optimizers[name])
      change(rows)
      const by = { ...optimizers[name].optimizer, ...optimizer } as ResolvedOptimizer
      const partsOf = makeRecordedParts(network, { optimizer: by, decays, updates }, 60)
      assert.throws(
        () => partsOf(1, rows[1], rows[2], rounding),
        error => error instanceof OtherStepError && message.test(error.message),
      )
    }
    const rate = (rows: RecordedRow[]) => {
      rows[2].rate *= 1.01
    }
    for (const name of Object.keys(optimizers))
      refused(name, /of fc_1\/kernel differs by .*learning_rate/, rate)
    const { offset } = variables[2]
    refused('sgd', /of fc_2\/kernel differs by/, rows => {
      rows[2].theta[offset] += 0.01
    })
    refused('adam', /of fc_1\/kernel (differs|leaves a state that differs)/, () => {}, { beta1: 0.9 })
    refused('rmsprop', /of fc_1\/kernel/, () => {}, { decay: 0.9 })
    refused('sgd', /differs by/, rows => {
      rows[2].state[0][offset] = Number.NaN
    })
  })
})
