/** loss-ledger/client against a real API; and against a server of events that breaks off. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { parseEvents } from '../clients/typescript/src/events.ts'
import {
  ApiError,
  bytesOf,
  connect,
  type LedgerClient,
  type LedgerEvent,
  UnreachableError,
} from '../clients/typescript/src/index.ts'
import { npyHeader } from '../src/objects/npy.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { fillLedger, minimalSpec, startApi, storeArtifact, type TestApi } from './support/api.ts'

const spec = (iterations?: number) => minimalSpec(iterations) as ExperimentSpec

describe('the client', () => {
  let api: TestApi
  let ledger: LedgerClient
  before(async () => {
    api = await startApi()
    ledger = connect({ url: `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}/` })
  })
  after(() => api.close())

  test('submit, get, preview, cancel, delete', async () => {
    const posted = await ledger.submit(spec(), { idempotencyKey: 'k' })
    assert.equal((await ledger.submit(spec(), { idempotencyKey: 'k' })).id, posted.id)
    assert.deepEqual(await ledger.get(posted.id), posted)
    assert.equal((await ledger.preview(spec())).parameters, 2395)
    assert.equal((await ledger.cancel(posted.id)).status, 'cancelled')
    await ledger.delete(posted.id)
    await assert.rejects(ledger.get(posted.id), (error: ApiError) => {
      assert.ok(error instanceof ApiError)
      assert.equal(error.status, 404)
      assert.match(error.problem.type!, /not-found$/)
      return true
    })
  })

  test('an invalid spec is an error that names every field', async () => {
    const wrong = { ...spec(), training: { iterations: 0, batchSize: -1 } }
    await assert.rejects(ledger.submit(wrong), (error: ApiError) => {
      assert.equal(error.status, 422)
      assert.deepEqual(
        error.problem.errors?.map(({ path }) => path),
        ['$.training.iterations', '$.training.batchSize'],
      )
      assert.match(error.message, /\n {2}\$\.training\.iterations: must be/)
      return true
    })
  })

  test('lists go on over pages', async () => {
    const sweep = await ledger.submitSweep({
      base: spec() as object as Record<string, unknown>,
      seeds: Array.from({ length: 250 }, (_, i) => i),
    })
    const ids: string[] = []
    for await (const { id } of ledger.list({ sweep: sweep.id, status: ['queued'] })) ids.push(id)
    assert.deepEqual(
      ids.toReversed(),
      sweep.experiments.map(({ id }) => id),
    )
    for await (const one of ledger.listSweeps()) {
      assert.equal(one.id, sweep.id)
      break
    }
    assert.equal((await ledger.cancelSweep(sweep.id)).counts.cancelled, 250)
    assert.equal((await ledger.waitForSweep(sweep.id)).finished, true)
    await ledger.deleteSweep(sweep.id)
  })

  test('tables are typed arrays, and null is NaN', async () => {
    const { id } = await ledger.submit(spec(3))
    const entries = await fillLedger(api, id, [0, 1, 2])
    const table = await ledger.allocations(id, { split: 'validation', by: 'variable', layer: ['fc_1'] })
    assert.equal(table.length, 6)
    assert.equal(table.by, 'variable')
    assert.ok(table.columns.lca instanceof Float64Array)
    assert.deepEqual(table.columns.variable.slice(0, 2), ['fc_1/kernel', 'fc_1/bias'])
    const expected = entries.filter(({ split, variable }) => split === 'validation' && variable < 2)
    assert.deepEqual(
      [...table.columns.lca],
      expected.map(({ lca }) => lca),
    )
    assert.deepEqual([...(await ledger.iterations(id, { from: 1 })).columns.iteration], [1, 2])
    const { columns: both, experiments } = await ledger.iterationsOf([id], { from: 1 })
    assert.deepEqual(
      [both.experiment, [...both.iteration]],
      [
        [id, id],
        [1, 2],
      ],
    )
    assert.equal(experiments[0].experimentId, id)
    assert.deepEqual((await ledger.layers(id)).columns.layer, ['fc_1', 'fc_2'])
    assert.equal((await ledger.neurons(id)).length, 0)
    const empty = await ledger.submit(spec(3))
    const { length, columns } = await ledger.layers(empty.id)
    assert.deepEqual([length, columns], [0, {}])
  })

  test('tensors', async () => {
    const { id } = await ledger.submit(spec())
    const values = Float32Array.from([1.5, -2, 3, 0.1, 0, 6])
    const bytes = Buffer.concat([npyHeader('float32', [2, 3]), Buffer.from(values.buffer)])
    await storeArtifact(api, id, 'weights/0-1.npy', bytes)
    assert.deepEqual(await ledger.tensor(id, 'weights/0-1.npy'), { shape: [2, 3], data: values })
    const names: string[] = []
    for await (const { name } of ledger.artifacts(id)) names.push(name)
    assert.deepEqual(names, ['weights/0-1.npy'])
    await storeArtifact(api, id, 'manifest.json', Buffer.from('{}'))
    await assert.rejects(ledger.tensor(id, 'manifest.json'), /not a \.npy file/)
    assert.equal(await (await ledger.download(id, 'manifest.json')).text(), '{}')
  })

  test('wait looks until the experiment has ended, and stops when told to', async () => {
    const { id } = await ledger.submit(spec())
    const seen: string[] = []
    const waiting = ledger.wait(id, {
      onProgress: ({ status }) => {
        seen.push(status)
        const next = seen.length === 1 ? 'training' : 'failed'
        void api.db.prisma.experiment.update({ where: { id }, data: { status: next } }).then(() => {})
      },
    })
    assert.equal((await waiting).status, 'failed')
    assert.equal(seen[0], 'queued')
    const other = await ledger.submit(spec())
    await assert.rejects(ledger.wait(other.id, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' })
  })

  test('architectures, workers, the secret of webhooks', async () => {
    assert.ok((await ledger.architectures()).some(({ name, schema }) => name === 'resnet' && schema))
    assert.deepEqual(await ledger.workers(), [])
    assert.match(await ledger.webhookSecret(), /^whsec_/)
  })

  test('what JSON has not is refused, and what has numbers is a list', async () => {
    const rate = { ...spec(), optimizer: { name: 'sgd' as const, learningRate: Number.NaN } }
    await assert.rejects(ledger.preview(rate), /^TypeError: learningRate is NaN/)
    const hidden = Int32Array.of(3, 4) as unknown as number[]
    const { architecture } = (await ledger.preview({ ...spec(), architecture: { name: 'fc', hidden } })).spec
    assert.deepEqual(architecture, { name: 'fc', hidden: [3, 4] })
    for (const url of ['127.0.0.1:3000', 'localhost:3000', '', 'http://127.0.0.1:99999'])
      assert.throws(() => connect({ url }), /is not a URL of an API: http:\/\/host:port/)
    await assert.rejects(connect({ apiKey: 'geheim ü' }).datasets(), /^TypeError: the API key must be/)
    await assert.rejects(async () => ledger.get(''), /an id is wanted, got ""/)
  })

  test('what else may answer at an address is told as such', async () => {
    const answers: Record<string, (response: ServerResponse) => void> = {
      html: response => response.end('<html>'),
      gone: response => response.writeHead(404).end('<html>'),
      other: response => response.end('{"hello":1}'),
      list: response => response.end('[1]'),
      cut: response => void response.write('{"items":[', () => response.destroy()),
    }
    const server = createServer((request, response) => answers[request.url!.split('/')[1]](response)).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const [path, type, words] of [
      ['html', UnreachableError, /speaks no JSON/],
      ['gone', ApiError, /^404 Not Found, and not in the words of the API: is http:\S+ its address\?$/],
      ['other', UnreachableError, /no such API: its JSON has no (items|id|status)/],
      ['list', UnreachableError, /no such API: its JSON has no (items|id|status)/],
      ['cut', UnreachableError, /the connection was cut/],
    ] as const) {
      const stranger = connect({ url: `http://127.0.0.1:${port}/${path}` })
      for (const ask of [
        () => stranger.datasets(),
        () => stranger.submit(spec()),
        () => stranger.layers('x'),
        () => stranger.wait('x'),
      ])
        await assert.rejects(ask, (error: Error) => error instanceof type && words.test(error.message))
    }
    // Also in the midst of bytes.
    const cut = await connect({ url: `http://127.0.0.1:${port}/cut` }).archive('x')
    await assert.rejects(async () => {
      for await (const _ of bytesOf(cut));
    }, UnreachableError)
    server.closeAllConnections()
    server.close()
  })

  test('a key is sent as a bearer; no answer is an error of its own', async () => {
    let header: string | null = null
    const spy = connect({
      url: 'http://somewhere.invalid',
      apiKey: 'secret',
      fetch: async (_, init) => {
        header = new Headers(init?.headers).get('authorization')
        return Response.json({ items: [] })
      },
    })
    await spy.datasets()
    assert.equal(header, 'Bearer secret')
    await assert.rejects(connect({ url: 'http://127.0.0.1:9' }).datasets(), (error: UnreachableError) => {
      assert.ok(error instanceof UnreachableError)
      assert.match(error.message, /no answer from http:\/\/127\.0\.0\.1:9: /)
      return true
    })
  })
})

test('events are parsed as the standard says, wherever the chunks break', async () => {
  const text =
    ': hello\nretry: 10\n\nid: 1\nevent: progress\ndata: {"a":\ndata:1}\n\nid: 2\r\ndata: ü\r\n\r\nevent: lost\n\ndata: cut off'
  const expected = [
    { retry: 10 },
    { id: '1', event: 'progress', data: '{"a":\n1}' },
    { id: '2', event: 'message', data: 'ü' },
  ]
  const bytes = Buffer.from(text)
  for (const size of [1, 2, 3, 7, 1000]) {
    async function* chunks() {
      for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
    }
    const found = []
    for await (const message of parseEvents(chunks())) found.push(message)
    assert.deepEqual(found, expected, `chunks of ${size}`)
  }
})

describe('waiting', () => {
  type Answer = { status: string; etag?: string } | number | 'cut' | 'not JSON'
  /** A client of a server that gives these answers, and what it was asked. */
  const serve = async (t: TestContext, answers: Answer[]) => {
    const asked: [prefer: unknown, ifNoneMatch: unknown][] = []
    const server = createServer(({ headers }, response) => {
      asked.push([headers.prefer, headers['if-none-match']])
      const answer = answers.shift() ?? 'cut'
      if (answer === 'cut') return response.destroy()
      if (answer === 'not JSON') return response.end('<html>')
      if (typeof answer === 'number') return response.writeHead(answer).end()
      response.writeHead(200, { etag: answer.etag ?? '"x"' }).end(JSON.stringify(answer))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    return { ledger: connect({ url: `http://127.0.0.1:${port}` }), asked }
  }

  test('is the API’s: it is asked for what is new, and 304 is as before', async t => {
    const { ledger, asked } = await serve(t, [
      { status: 'queued', etag: '"1"' },
      { status: 'training', etag: '"2"' },
      304,
      { status: 'succeeded', etag: '"3"' },
    ])
    const seen: string[] = []
    const ended = await ledger.wait('x', { interval: 1, onProgress: ({ status }) => seen.push(status) })
    assert.equal(ended.status, 'succeeded')
    assert.deepEqual(seen, ['queued', 'training', 'training', 'succeeded'])
    assert.deepEqual(asked, [
      [undefined, undefined],
      ['wait=30', '"1"'],
      ['wait=30', '"2"'],
      ['wait=30', '"2"'],
    ])
  })

  test('bears an API that is away, for so long; not one that never was there, nor one that refuses', async t => {
    const running = { status: 'training' }
    const { ledger } = await serve(t, [running, 'cut', 503, 'not JSON', 429, { status: 'failed' }])
    assert.equal((await ledger.wait('x', { interval: 1 })).status, 'failed')
    const gone = (await serve(t, [running])).ledger
    await assert.rejects(gone.wait('x', { interval: 1, patience: 50 }), UnreachableError)
    const deleted = (await serve(t, [running, 404])).ledger
    await assert.rejects(deleted.wait('x', { interval: 1 }), { name: 'ApiError', status: 404 })
    await assert.rejects(connect({ url: 'http://127.0.0.1:9' }).wait('x'), UnreachableError)
  })
})

describe('events', () => {
  let server: Server
  let ledger: LedgerClient
  const asked: (string | undefined)[] = []
  let answers: string[] = []
  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.headers['last-event-id'] as string | undefined)
      const answer = answers.shift()
      if (answer === undefined) return response.writeHead(404).end('{"detail":"no such thing"}')
      if (answer === '') return response.writeHead(204).end()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      // Broken off, not ended.
      response.write(answer, () => setTimeout(() => response.destroy(), 20))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ledger = connect({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  })
  after(() => server.close())
  const collect = async (options?: Parameters<LedgerClient['events']>[1]) => {
    const events: LedgerEvent[] = []
    for await (const event of ledger.events('x', options)) events.push(event)
    return events
  }
  const status = (id: string, status: string) => `id: ${id}\nevent: status\ndata: {"status":"${status}"}\n\n`

  test('a connection that breaks is made again after the last event, until the experiment ends', async () => {
    answers = [
      `retry: 1\n\n${status('1', 'training')}id: 2\nevent: iteration\ndata: {"iteration":0}\n\n`,
      'id: 3\nevent: progress\ndata: {"done":1}\n\nid: 4\nevent: prog',
      status('5', 'succeeded'),
    ]
    asked.length = 0
    const events = await collect()
    assert.deepEqual(
      events.map(({ id, event }) => [id, event]),
      [
        ['1', 'status'],
        ['2', 'iteration'],
        ['3', 'progress'],
        ['5', 'status'],
      ],
    )
    assert.deepEqual(asked, [undefined, '2', '3'])
  })

  test('204 is the end; an API without events, or that stays away, is an error', async () => {
    answers = ['']
    asked.length = 0
    assert.deepEqual(await collect({ lastEventId: '7' }), [])
    assert.deepEqual(asked, ['7'])
    await assert.rejects(collect(), { name: 'ApiError', status: 404 })
    answers = ['retry: 1\n\n', 'retry: 1\n\n', 'retry: 1\n\n', 'retry: 1\n\n']
    await assert.rejects(collect({ attempts: 3 }))
    assert.equal(answers.length, 1)
  })
})
