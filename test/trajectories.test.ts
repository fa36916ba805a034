/** Trainings that happened elsewhere are allocated as what is trained here is, and refused where they are of another network. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { connect, type LedgerClient } from '../clients/typescript/src/index.ts'
import { type Server, startServer } from '../src/cli/serve.ts'
import { readConfig } from '../src/config.ts'
import { orderIn, theirShape } from '../src/data/trajectories/layouts.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { type Arrays, safetensors, sendTrajectory as send, zeros } from './support/trajectories.ts'
import { npy, npz } from './support/uploads.ts'

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
    // Opened ahead, as browsers do: it asks for nothing, and is not waited for.
    const silent = server && net.connect(Number(new URL(server.url).port), '127.0.0.1')
    if (silent) await once(silent, 'connect')
    silent?.resume()
    const started = performance.now()
    await server?.close()
    silent?.destroy()
    await database?.close()
    assert.ok(performance.now() - started < 18_000, 'a server is waited for 20 s when it is told to stop')
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
