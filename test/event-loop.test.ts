/** No request keeps the event loop: `npm run fuzz` measures thousands that are made to be slow, here are some from one seed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { minimalSpec, startApi, type TestApi } from './support/api.ts'
import { slow } from './support/slow.ts'

/** Twice what a request may take: the system counts in ticks, and whatever is met for the first time is compiled. */
const most = 100

test('requests that are made to be slow keep the event loop for some milliseconds', async t => {
  const seed = 271_828
  t.diagnostic(`seed ${seed}`)
  const { statuses, worst } = await slow(seed, 30, false)
  t.diagnostic(JSON.stringify(statuses))
  t.diagnostic(JSON.stringify(worst.slice(0, 3)))
  assert.ok(worst[0].kept <= most, JSON.stringify(worst[0]))
})

describe('a body that takes long', () => {
  let api: TestApi
  before(async () => {
    api = await startApi({ LOG_LEVEL: 'silent' }, 'all')
  })
  after(() => api.close())

  /** So large that it needs a thread, and quickly done. */
  const large = (seeds: number[]) => ({
    base: {
      ...minimalSpec(),
      tags: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}`, 'x'.repeat(200)])),
    },
    seeds,
  })

  /** Half a minute's work for a thread. */
  const long = () => {
    const layers = [
      { kind: 'flatten' },
      ...Array(39).fill({ kind: 'residual', layers: Array(99).fill({ kind: 'batch_norm' }) }),
      { kind: 'dense', units: 10 },
    ]
    const rules = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`*b*n*_*${i % 9}*${'*'.repeat(i / 9)}`, { freeze: true }]),
    )
    const base = { ...minimalSpec(), architecture: { name: 'custom', layers }, layers: rules }
    return JSON.stringify({ base, seeds: Array.from({ length: 1000 }, (_, i) => i) })
  }

  test('is given up when the client has gone, and others are answered meanwhile and afterwards', async () => {
    const { port } = api.app.server.address() as { port: number }
    const headers = { 'content-type': 'application/json' }
    const sent = request({ agent: false, port, method: 'POST', path: '/v1/sweeps', headers })
    sent.on('error', () => {})
    sent.end(long())
    await once(sent, 'finish')
    // Small ones need no thread.
    await api.http.post('/v1/experiments/preview').send(minimalSpec()).expect(200)
    // Of as many threads as there are cores, this takes one from now on.
    const busy = api.http.post('/v1/sweeps').send(large([1, 2]))
    const answered = busy.expect(202).then(() => performance.now())
    await new Promise(resolve => setTimeout(resolve, 300))
    const gone = performance.now()
    sent.destroy()
    const waited = (await answered) - gone
    assert.ok(waited < 15_000, `${waited} ms`)
  })

  test('a tenant has four of them at a time', async () => {
    const { port } = api.app.server.address() as { port: number }
    const headers = { 'content-type': 'application/json' }
    const all = Array.from({ length: 4 }, () => {
      const sent = request({ agent: false, port, method: 'POST', path: '/v1/sweeps', headers })
      sent.on('error', () => {})
      sent.end(long())
      return sent
    })
    await Promise.all(all.map(sent => once(sent, 'finish')))
    const fifth = () => api.http.post('/v1/sweeps').send(large([3]))
    // The bodies have been sent; when they have been read is the server's business.
    let answer = await fifth()
    while (answer.status === 202) answer = await fifth()
    assert.equal(answer.status, 429)
    assert.equal(answer.headers['retry-after'], '1')
    assert.match(answer.body.detail, /at most 4 sweeps and large specs/)
    for (const sent of all) sent.destroy()
  })
})
