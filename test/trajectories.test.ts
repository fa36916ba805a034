/** Trainings that happened elsewhere: what is sent is checked by name and shape, and allocated as what is trained here is. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { connect, type LedgerClient } from '../clients/typescript/src/index.ts'
import { type Server, startServer } from '../src/cli/serve.ts'
import { readConfig } from '../src/config.ts'
import { orderIn, theirShape } from '../src/data/trajectories/layouts.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import { makeRecordedParts, OtherStepError, type RecordedRow } from '../src/nn/recorded.ts'
import type { ResolvedOptimizer } from '../src/spec/resolved.ts'
import { createKey } from '../src/store/keys.ts'
import { startApi, type TestApi } from './support/api.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { npy, npz } from './support/uploads.ts'

type Arrays = Record<string, { shape: number[]; values: Float32Array | number[] }>

/** A safetensors file, as its documents have it. */
function safetensors(arrays: Arrays): Buffer {
  let end = 0
  const parts = Object.entries(arrays).map(([name, { shape, values }]) => {
    const bytes = Buffer.from(Float32Array.from(values).buffer)
    const start = end
    end += bytes.length
    return { name, bytes, header: { dtype: 'F32', shape, data_offsets: [start, end] } }
  })
  const header = Buffer.from(
    JSON.stringify(Object.fromEntries(parts.map(({ name, header }) => [name, header]))),
  )
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, ...parts.map(({ bytes }) => bytes)])
}

const send = async (url: string, trajectory: object, files: Buffer[], probe?: Buffer, key?: string) => {
  const form = new FormData()
  form.set('trajectory', JSON.stringify(trajectory))
  for (const file of files) form.append('part', new Blob([new Uint8Array(file)]), 'part.safetensors')
  if (probe) form.append('probe', new Blob([new Uint8Array(probe)]), 'probe.safetensors')
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const answer = await fetch(`${url}/v1/trajectories`, { method: 'POST', body: form, headers })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says.
  return { status: answer.status, body: (await answer.json()) as any }
}

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

const fc = { dataset: { name: 'mnist' }, architecture: { name: 'fc', hidden: [3] } }
const zeros = (rows: number, ...shape: number[]) => ({
  shape: [rows, ...shape],
  values: new Float32Array(rows * shape.reduce((a, b) => a * b, 1)),
})
const weights = (rows: number): Arrays => ({
  'a.weight': zeros(rows, 3, 784),
  'a.bias': zeros(rows, 3),
  'b.weight': zeros(rows, 10, 3),
  'b.bias': zeros(rows, 10),
})
const torch = { ...fc, layout: 'torch', map: { fc_1: 'a', fc_2: 'b' } }

describe('uploads', () => {
  let api: TestApi
  let url: string
  before(async () => {
    api = await startApi({ LEDGER_AUTH: 'keys', LEDGER_MAX_DATASETS_BYTES: '200000' })
    url = `http://127.0.0.1:${(api.app.server.address() as { port: number }).port}`
  })
  after(() => api.close())
  const keyOf = async (tenant: string) =>
    (await createKey(api.db, { name: 'k', tenant, scopes: ['submit'] })).key

  test('a wrong tensor is named, with its shape and what would be right; nothing is kept', async () => {
    const key = await keyOf('wrong')
    const { 'b.bias': _, ...without } = weights(2)
    const refused = async (trajectory: object, file: Buffer, pattern: RegExp, status = 422) => {
      const { status: found, body } = await send(url, trajectory, [file], undefined, key)
      assert.equal(found, status, JSON.stringify(body))
      assert.match(JSON.stringify(body.errors), pattern)
    }
    const whole = safetensors(weights(2))
    const transposed = safetensors({ ...weights(2), 'a.weight': zeros(2, 784, 3) })
    await refused(
      torch,
      transposed,
      /\\"a\.weight\\" \(fc_1\/kernel\) must be \[3, 784\], or \[rows, 3, 784\], and is \[2, 784, 3\]/,
    )
    await refused(torch, safetensors(without), /lacks b\.bias \(fc_2\/bias\)/)
    await refused(
      torch,
      safetensors({ ...weights(2), extra: zeros(2, 1) }),
      /\\"extra\\" is no weight of this network/,
    )
    await refused(
      torch,
      safetensors({ ...weights(2), 'a.bias': zeros(3, 3) }),
      /has 3 rows, and .*a\.weight.* has 2/,
    )
    await refused(torch, safetensors(weights(1)), /two rows of weights at the least/)
    await refused(torch, whole.subarray(0, -4), /ends within/)
    await refused(torch, Buffer.from('PK\x03\x04 and no archive'), /lacks a\.weight/)
    await refused({ ...torch, map: { fc_3: 'a' } }, whole, /trajectory\.map.*fc_3.*did you mean/)
    await refused(
      { ...torch, architecture: { name: 'fc', hidden: [-3] } },
      whole,
      /\$\.trajectory\.architecture\.hidden/,
    )
    await refused(
      { ...torch, layout: 'jax', every: 0, losses: [{ row: 'x' }] },
      whole,
      /layout.*|every.*|losses.*/,
    )
    await refused({ ...torch, losses: [{ row: 2, loss: 1 }] }, whole, /losses\[0\]\.row.*must be < 2/)
    // What the optimizer keeps is called and shaped as the weights are; without being told of it is none of them.
    const adam = { ...torch, optimizer: { name: 'adam' }, optimizerState: true }
    const slot = (suffix: string) =>
      Object.fromEntries(Object.entries(weights(2)).map(([name, one]) => [`${name}.${suffix}`, one]))
    const kept: Arrays = { ...weights(2), ...slot('exp_avg'), ...slot('exp_avg_sq'), learning_rate: zeros(2) }
    await refused(torch, safetensors(kept), /exp_avg.* is no weight of this network.*optimizerState/)
    const { 'b.bias.exp_avg_sq': __, ...lacking } = kept
    await refused(adam, safetensors(lacking), /lacks b\.bias\.exp_avg_sq \(exp_avg_sq of fc_2\/bias\)/)
    await refused(
      adam,
      safetensors({ ...kept, 'a.weight.exp_avg': zeros(2, 784, 3) }),
      /a\.weight\.exp_avg\\" \(exp_avg of fc_1\/kernel\) must be \[3, 784\]/,
    )
    const wrongState = (about: object, pattern: RegExp) => refused({ ...adam, ...about }, whole, pattern)
    await wrongState({ every: 2 }, /optimizerState.*unless every is 1/)
    await wrongState({ optimizer: undefined }, /optimizerState.*needs the optimizer/)
    await wrongState({ optimizer: { name: 'sgd' } }, /optimizerState.*without momentum/)
    await wrongState(
      { optimizerState: { weightDecay: { fc_9: 1, fc_1: -1 }, updates: -1 } },
      /updates.*weightDecay\[.*fc_9.*did you mean.*fc_1.*≥ 0/,
    )
    assert.deepEqual(await api.objects.names('trajectories'), [])
  })

  test('counts towards a tenant’s quota, is that tenant’s alone, and is kept while an experiment is of it', async () => {
    const [key, other] = [await keyOf('one'), await keyOf('other')]
    const { status, body } = await send(
      url,
      { ...torch, optimizer: { name: 'adam' }, name: 'mine' },
      [safetensors(weights(1)), safetensors(weights(2))],
      undefined,
      key,
    )
    assert.equal(status, 201, JSON.stringify(body))
    assert.deepEqual([body.iterations, body.parameters, body.optimizer.learningRate], [2, 2395, 0.001])
    const ask = (as: string, path: string, method = 'get') =>
      (method === 'get' ? api.http.get(path) : api.http.delete(path)).set('authorization', `Bearer ${as}`)
    const at = `/v1/trajectories/${body.id}`
    await ask(key, at).expect(200)
    await ask(other, at).expect(404)
    await ask(other, at, 'delete').expect(404)
    assert.equal((await ask(other, '/v1/trajectories').expect(200)).body.items.length, 0)
    const full = await send(url, torch, [safetensors(weights(20))], undefined, key)
    assert.equal(full.status, 413, JSON.stringify(full.body))

    const post = (as: string, training: object, more: object = {}) =>
      api.http
        .post('/v1/experiments')
        .set('authorization', `Bearer ${as}`)
        .send({ dataset: fc.dataset, training, ...more })
    const posted = await post(key, { trajectory: body.id }).expect(202)
    const { spec } = posted.body
    assert.deepEqual(
      [spec.training.iterations, spec.optimizer.name, spec.architecture.hidden],
      [2, 'adam', [3]],
    )
    await ask(key, at, 'delete').expect(409)
    const errors = async (as: string, training: object, more?: object) =>
      JSON.stringify((await post(as, training, more).expect(422)).body.errors)
    assert.match(
      await errors(
        other,
        { trajectory: body.id, iterations: 1 },
        { architecture: fc.architecture, optimizer: { name: 'sgd' } },
      ),
      /is not a trajectory here/,
    )
    assert.match(await errors(key, { trajectory: body.id, iterations: 3 }), /iterations.*must be ≤ 2/)
    assert.match(
      await errors(key, { trajectory: body.id, l2: 0.1 }, { layers: { fc_1: { freeze: true } } }),
      /\$\.layers.*\$\.training\.l2/,
    )
    assert.match(
      await errors(key, { trajectory: body.id }, { allocation: { diagnostics: { components: true } } }),
      /diagnostics\.components.*weights alone came along/,
    )
    assert.match(
      await errors(key, { trajectory: body.id }, { architecture: { name: 'fc', hidden: [4] } }),
      /\$\.training\.trajectory.*fc_1\/kernel \[784, 4\]/,
    )
    await api.http
      .post(`/v1/experiments/${posted.body.id}/cancel`)
      .set('authorization', `Bearer ${key}`)
      .expect(202)
    await ask(key, at, 'delete').expect(204)
    assert.deepEqual(await api.objects.names('trajectories'), [])
  })
})

describe('allocated', () => {
  let database: TestDatabase
  let directory: string
  let server: Server
  let ledger: LedgerClient
  before(async () => {
    database = await testDatabase()
    directory = await mkdtemp(path.join(tmpdir(), 'loss-ledger-trajectories-'))
    Object.assign(process.env, { DATABASE_URL: database.url, LEDGER_DIR: directory, LOG_LEVEL: 'error' })
    server = await startServer({ ...readConfig(), port: 0, workers: 1 }, pino({ level: 'error' }))
    ledger = connect({ url: server.url })
  })
  after(async () => {
    await server?.close()
    await database?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const dataset = { name: 'synthetic-digits', trainExamples: 200, validationExamples: 50 }
  const architecture = {
    name: 'custom' as const,
    layers: [
      { kind: 'conv2d' as const, filters: 2, size: 3, stride: 3, bias: false },
      { kind: 'batch_norm' as const },
      { kind: 'relu' as const },
      { kind: 'flatten' as const },
      { kind: 'dense' as const, units: 10 },
    ],
  }
  const allocation = { segmentIterations: 4, diagnostics: { components: true } }

  test('weights of ours, sent as PyTorch’s, have the ledger that they had; those of another network are refused', async () => {
    const spec = {
      dataset,
      architecture,
      optimizer: { name: 'sgd' as const, learningRate: 0.1, momentum: 0.9 },
      training: { iterations: 6, batchSize: 50 },
      allocation,
    }
    const { id } = await ledger.submit(spec)
    const done = await ledger.wait(id)
    assert.equal(done.status, 'succeeded', JSON.stringify(done.error))
    const { variables } = await ledger.preview(spec)
    const { data } = await ledger.tensor(id, 'weights.npy')
    const network = buildNetwork(done.spec.architecture as Parameters<typeof buildNetwork>[0], {
      shape: [28, 28, 1],
      classes: 10,
    })
    const orders = network.variables.map(variable => orderIn(variable, 'torch'))
    const columns = network.parameters
    const arraysOf = (
      from: number,
      to: number,
      suffix: string,
      at: (t: number, i: number) => number,
    ): Arrays =>
      Object.fromEntries(
        network.variables.map((variable, v) => {
          const values = new Float32Array((to - from) * variable.size)
          for (let t = from; t < to; t++)
            for (let i = 0; i < variable.size; i++)
              values[(t - from) * variable.size + (orders[v]?.[i] ?? i)] = at(t, variable.offset + i)
          const shape = [to - from, ...theirShape(variable, 'torch')]
          return [`${variable.name}${suffix}`, { shape, values }]
        }),
      )
    const weightAt = (t: number, i: number) => data[t * columns + i]
    // Of SGD the momentum is −Δ/η, the step that led to the row.
    const momentumAt = (t: number, i: number) =>
      t === 0 ? 0 : (weightAt(t - 1, i) - weightAt(t, i)) / spec.optimizer.learningRate
    const arrays = (from: number, to: number): Arrays => ({
      ...arraysOf(from, to, '', weightAt),
      ...arraysOf(from, to, '.momentum_buffer', momentumAt),
      learning_rate: { shape: [to - from], values: Array(to - from).fill(spec.optimizer.learningRate) },
    })
    assert.equal(variables.length, network.variables.length)
    const map = Object.fromEntries(network.variables.map(({ name }) => [name, name]))
    const about = {
      dataset,
      architecture,
      optimizer: spec.optimizer,
      layout: 'torch',
      map,
      optimizerState: true,
    }
    const { loss } = done.summary!.splits.train!
    const losses = [
      { row: 0, loss: loss.initial },
      { row: 6, loss: loss.final },
    ]
    const archive = npz(
      Object.fromEntries(
        Object.entries(arrays(3, 7)).map(([name, { shape, values }]) => [
          `${name}.npy`,
          npy('<f4', `(${shape.join(', ')},)`, Buffer.from(Float32Array.from(values).buffer)),
        ]),
      ),
    )
    const sent = await send(server.url, { ...about, losses }, [safetensors(arrays(0, 3)), archive])
    assert.equal(sent.status, 201, JSON.stringify(sent.body))
    const again = await ledger.submit({ dataset, training: { trajectory: sent.body.id }, allocation })
    assert.equal((await ledger.wait(again.id)).status, 'succeeded')
    for (const split of ['train', 'validation'] as const) {
      const [first, second] = await Promise.all(
        [id, again.id].map(one => ledger.allocations(one, { split, by: 'variable' })),
      )
      assert.deepEqual(second.columns.lca, first.columns.lca)
      // What steps are made of follows from the states as it did from the batches.
      const [batches, states] = await Promise.all(
        [id, again.id].map(one => ledger.diagnostic(one, 'components', { split, by: 'variable' })),
      )
      for (const part of ['gradient', 'momentum', 'dot', 'batch'] as const) {
        const [expected, found] = [batches, states].map(({ columns }) => columns[part].map(Number))
        const most = Math.max(...expected.map(Math.abs))
        for (const [i, value] of found.entries())
          assert.ok(Math.abs(value - expected[i]) < 1e-3 * most, `${split} ${part} ${i}`)
        assert.ok(found.length > 0 && most > 0)
      }
    }

    // A loss that is not this network's; and what its last layer makes of a batch.
    const off = await send(server.url, { ...about, losses: [{ row: 0, loss: loss.initial! + 0.01 }] }, [
      safetensors(arrays(0, 7)),
    ])
    const probe = safetensors({
      input: zeros(4, 1, 28, 28),
      [network.layers[0]]: zeros(4, 2, 10, 10),
      [network.layers[2]]: { shape: [4, 10], values: new Float32Array(40).fill(1) },
    })
    const other = await send(server.url, about, [safetensors(arrays(0, 7))], probe)
    for (const [{ body }, pattern] of [
      [off, /at its weights 0 the loss over the train split is .* here and was .* there/],
      [other, new RegExp(`the output of ${network.layers[2]} on its probe differs by 1\\.0e\\+0`)],
    ] as const) {
      const { id } = await ledger.submit({ dataset, training: { trajectory: body.id }, allocation })
      const failed = await ledger.wait(id)
      assert.equal(failed.status, 'failed')
      assert.match(JSON.stringify(failed.error), pattern)
    }
  })
})
