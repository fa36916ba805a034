/** Tables of the ledger keep nobody waiting: a tenant has so many at once, and who has gone is not worked for. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { makePlaces } from '../src/api/plugins/app/tables.ts'
import { ProblemError } from '../src/api/problem.ts'
import { insertBlocks } from '../src/store/blocks.ts'
import { createKey } from '../src/store/keys.ts'
import { turn } from '../src/turns.ts'
import { columnsAt, countQueries, minimalSpec, noteRecorded, startApi, type TestApi } from './support/api.ts'

test('places: so many at once, as many wait in order, the rest is refused; each tenant has its own', async () => {
  const places = makePlaces(2)
  const first = await places.take('a', 1000)
  const second = await places.take('a', 1000)
  const order: string[] = []
  const waiting = ['third', 'fourth'].map(name =>
    places.take('a', 60_000).then(release => {
      order.push(name)
      return release
    }),
  )
  await assert.rejects(places.take('a', 60_000), (error: ProblemError) => {
    assert.ok(error instanceof ProblemError)
    assert.deepEqual([error.kind, error.headers], ['too-many-requests', { 'retry-after': '5' }])
    return true
  })
  ;(await places.take('b', 1))()
  assert.deepEqual(order, [])
  first()
  // Once is once.
  first()
  const third = await waiting[0]
  assert.deepEqual(order, ['third'])
  second()
  const fourth = await waiting[1]
  // Whoever waits too long goes, and takes nobody's place.
  await assert.rejects(places.take('a', 1), /tables are on their way to you/)
  third()
  fourth()
  const again = [await places.take('a', 1), await places.take('a', 1)]
  for (const release of again) release()
})

test('of all that want to work, one works in each turn of the event loop', async () => {
  const order: string[] = []
  const work = async (name: string) => {
    for (let i = 0; i < 3; i++) {
      await turn()
      order.push(name)
    }
  }
  const loop = (async () => {
    for (let i = 0; i < 4; i++) {
      await new Promise(setImmediate)
      order.push('loop')
    }
  })()
  await Promise.all([work('a'), work('b'), loop])
  // Between two pieces of work, the loop has turned.
  for (let i = 1; i < order.lastIndexOf('loop'); i++)
    assert.ok(order[i] === 'loop' || order[i - 1] === 'loop', order.join(' '))
})

describe('tables of tenants', () => {
  let api: TestApi
  let path: string
  const keys = { a: '', b: '' }
  const many = 60_000
  before(async () => {
    api = await startApi({ HOST: '0.0.0.0', LEDGER_RATE_LIMIT: '0', LEDGER_MAX_TABLES: '1' })
    for (const tenant of ['a', 'b'] as const)
      keys[tenant] = (await createKey(api.db, { name: tenant, tenant, scopes: ['submit', 'read'] })).key
    const { body } = await api.http
      .post('/v1/experiments')
      .set({ authorization: `Bearer ${keys.a}` })
      .send({ ...minimalSpec(many), allocation: { segmentIterations: many, splits: ['train'] } })
      .expect(202)
    await noteRecorded(api, body.id, [0])
    await insertBlocks(api.db.pool, body.id, { from: 0, to: many }, columnsAt(0, many, ['train']))
    path = `/v1/experiments/${body.id}/allocations?by=variable`
  })
  after(() => api.close())

  const open = async (key: string): Promise<IncomingMessage> => {
    const { port } = api.app.server.address() as { port: number }
    const request = get({ port, path, agent: false, headers: { authorization: `Bearer ${key}` } })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    return answer
  }

  test('who does not read holds its own places only, few pages are read for it, and gone they are free', async t => {
    const queries = countQueries(api, /FROM ledger_blocks/)
    const stalled = await open(keys.a)
    // Also where something fails: the API would wait for its reader.
    t.after(() => stalled.destroy())
    assert.equal(stalled.statusCode, 200)
    // One of these waits, the other is refused at once.
    const both = [open(keys.a), open(keys.a)]
    const refused = await Promise.race(both)
    assert.equal(refused.statusCode, 429)
    assert.equal(refused.headers['retry-after'], '5')
    refused.resume()
    // Not a's, and nevertheless served: that there is no such experiment for b.
    const others = await open(keys.b)
    assert.equal(others.statusCode, 404)
    others.resume()
    // 240,000 rows are 12 MB and some ten pages.
    const pages = queries.stop()
    assert.ok(pages > 0 && pages < 12, String(pages))
    stalled.destroy()
    const answers = await Promise.all(both)
    assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [200, 429])
    for (const answer of answers) answer.destroy()
  })
})
