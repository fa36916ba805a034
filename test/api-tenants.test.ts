/** What main's other resources add to tenancy: a sweep, its experiments and who works on them are one tenant's alone. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { tableFromIPC } from 'apache-arrow'
import { insertBlocks } from '../src/store/blocks.ts'
import { createKey } from '../src/store/keys.ts'
import { noteWorker } from '../src/store/workers.ts'
import { fillLedger, minimalSpec, startApi, type TestApi } from './support/api.ts'

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const nobodys = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
const sweep = { base: minimalSpec(), seeds: [1, 2] }

describe('tenants of sweeps', () => {
  let api: TestApi
  let base: string
  const keys = { a: '', b: '', root: '' }
  before(async () => {
    api = await startApi({ HOST: '0.0.0.0', LEDGER_RATE_LIMIT: '0', LEDGER_MAX_UNFINISHED: '5' })
    const { port } = api.app.server.address() as { port: number }
    base = `http://127.0.0.1:${port}`
    const make = async (tenant: string, scope: 'submit' | 'admin') =>
      (await createKey(api.db, { name: tenant, tenant, scopes: [scope] })).key
    Object.assign(keys, {
      a: await make('tenant-a', 'submit'),
      b: await make('tenant-b', 'submit'),
      root: await make('operators', 'admin'),
    })
  })
  after(() => api.close())
  const send = (key: string, body: object = sweep, headers: Record<string, string> = {}) =>
    api.http
      .post('/v1/sweeps')
      .set({ ...bearer(key), ...headers })
      .send(body)
  const get = (key: string, path: string) => api.http.get(path).set(bearer(key))

  test('for every route with an id, another tenant’s sweep and its experiments are not there', async () => {
    await api.db.prisma.experiment.deleteMany()
    const { body } = await send(keys.a).expect(202)
    const [{ id: member }] = body.experiments
    await fillLedger(api, member, [0, 1])
    const routes = [...api.app.routeTable].filter(([url]) => url.includes(':id'))
    assert.ok(routes.some(([url]) => url === '/v1/sweeps/:id/summary'))
    assert.ok(routes.some(([url]) => url === '/v1/experiments/:id/neurons'))
    for (const [url, methods] of routes) {
      for (const method of methods) {
        const ask = async (id: string) => {
          const path = url.replace(':id', id).replace('*', 'manifest.json')
          const answer = await fetch(base + path, { method, headers: bearer(keys.b) })
          return { status: answer.status, text: (await answer.text()).replaceAll(id, 'ID') }
        }
        const id = url.startsWith('/v1/sweeps') ? body.id : member
        const theirs = await ask(id)
        assert.equal(theirs.status, 404, `${method} ${url}`)
        const { requestId: _, ...told } = JSON.parse(theirs.text || '{}')
        const { requestId: __, ...none } = JSON.parse((await ask(nobodys)).text || '{}')
        assert.deepEqual(told, none, `${method} ${url}`)
      }
    }
    const several = `/v1/experiments/iterations?id=${member}&id=${nobodys}`
    const { errors } = (await get(keys.b, several).expect(404)).body
    assert.deepEqual(
      errors,
      [member, nobodys].map(id => ({ path: 'query.id', message: `there is no experiment ${id}` })),
    )
    assert.deepEqual((await get(keys.a, several).expect(404)).body.errors, errors.slice(1))
    for (const action of ['cancel', 'retry', 'delete', 'tag']) {
      const tags = action === 'tag' ? { tags: { theirs: 'now' } } : {}
      const { body: told } = await api.http
        .post('/v1/experiments/bulk')
        .set(bearer(keys.b))
        .send({ action, ids: [member, nobodys], ...tags })
        .expect(200)
      assert.deepEqual(
        told.items,
        [member, nobodys].map(id => ({ id, outcome: 'missing', detail: null })),
      )
    }
    // Untouched by all of it.
    assert.deepEqual((await get(keys.a, `/v1/experiments/${member}`).expect(200)).body.tags, {})
    const seen = await get(keys.a, `/v1/sweeps/${body.id}`).expect(200)
    assert.equal(seen.body.counts.queued, 2)
    await get(keys.root, `/v1/sweeps/${body.id}`).expect(200)
    const listed = async (key: string, path: string) => (await get(key, path).expect(200)).body.items.length
    assert.deepEqual([await listed(keys.a, '/v1/sweeps'), await listed(keys.b, '/v1/sweeps')], [1, 0])
    assert.equal(await listed(keys.a, `/v1/experiments?sweep=${body.id}`), 2)
    assert.equal(await listed(keys.b, `/v1/experiments?sweep=${body.id}`), 0)
    await api.http.delete(`/v1/sweeps/${body.id}`).set(bearer(keys.a)).expect(204)
  })

  test('nobody begins with the weights of another tenant', async () => {
    const { body } = await send(keys.a, { base: minimalSpec() }).expect(202)
    const [{ id }] = body.experiments
    await api.db.prisma.experiment.update({ where: { id }, data: { status: 'succeeded' } })
    const base = { ...minimalSpec(), training: { iterations: 2, initial: { experiment: id, iteration: 1 } } }
    const { body: told } = await send(keys.b, { base }).expect(422)
    assert.equal(told.errors[0].message, 'is not an experiment here')
    await send(keys.a, { base }).expect(202)
  })

  test('the same idempotency key of two tenants makes two sweeps', async () => {
    await api.db.prisma.experiment.deleteMany()
    const headers = { 'idempotency-key': 'same' }
    const first = await send(keys.a, sweep, headers).expect(202)
    const again = await send(keys.a, sweep, headers).expect(202)
    const other = await send(keys.b, { base: minimalSpec(9) }, headers).expect(202)
    assert.equal(again.body.id, first.body.id)
    assert.notEqual(other.body.id, first.body.id)
    await send(keys.a, { base: minimalSpec(9) }, headers).expect(409)
  })

  test('a sweep counts for as many as it has, and is stored whole or not at all, also at once', async () => {
    await api.db.prisma.experiment.deleteMany()
    await api.db.prisma.sweep.deleteMany()
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) => send(keys.a, { base: minimalSpec(i + 1), seeds: [1, 2] })),
    )
    // Five are allowed, so two sweeps of two.
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 202, 429, 429, 429, 429])
    assert.equal(await api.db.prisma.experiment.count(), 4)
    assert.equal(await api.db.prisma.sweep.count(), 2)
    const refused = answers.find(({ status }) => status === 429)!
    assert.match(refused.body.type, /quota-exceeded$/)
    assert.equal(refused.headers['retry-after'], '60')
    await send(keys.a, { base: minimalSpec(), seeds: [1] }).expect(202)
    await send(keys.a, { base: minimalSpec(9) }).expect(429)
    await send(keys.b, { base: minimalSpec(9) }).expect(202)

    // One that goes on takes a place, too; and in a sweep it stays as it was posted.
    const { id } = answers.find(({ status }) => status === 202)!.body.experiments[0]
    const extended = async (change: string, status: number, pattern: RegExp) => {
      await api.db.pool.query(`UPDATE experiments SET ${change} WHERE id = $1`, [id])
      const request = api.http.post(`/v1/experiments/${id}/extend`).set(bearer(keys.a))
      assert.match((await request.send({ iterations: 50 }).expect(status)).body.detail, pattern)
    }
    await extended(`status = 'succeeded'`, 409, /belongs to the sweep .* post a branch/)
    await send(keys.a, { base: minimalSpec(8), seeds: [1] }).expect(202)
    await extended('sweep_id = NULL', 429, /5/)
  })

  test('at which experiment a worker is, only its tenant learns', async () => {
    await api.db.prisma.experiment.deleteMany()
    const { body } = await send(keys.a, { base: minimalSpec() }).expect(202)
    const experiment = body.experiments[0].id
    const engine = { name: 'wasm' as const, version: '4', threads: 1, device: 'a CPU' }
    await noteWorker(
      api.db,
      { id: randomUUID(), name: 'a:7', host: 'a', pid: 7, engine, memoryBytes: 1 },
      { task: 'allocate', experiment, from: 0, to: 4, since: new Date().toISOString() },
      1,
    )
    const doing = async (key: string) => (await get(key, '/v1/workers').expect(200)).body.items[0].doing
    assert.equal((await doing(keys.a)).experiment, experiment)
    assert.equal((await doing(keys.root)).experiment, experiment)
    const { since: _, ...seen } = await doing(keys.b)
    assert.deepEqual(seen, { task: 'allocate', experiment: null })
  })
})

test('neurons and summaries in four formats say four times the same', async t => {
  const api = await startApi()
  t.after(api.close)
  const { body } = await api.http.post('/v1/sweeps').send(sweep).expect(202)
  for (const { id } of body.experiments) {
    await fillLedger(api, id, [0])
    const of = (loss: number) => ({
      loss: { initial: 2, final: loss },
      accuracy: { initial: 0.1, final: 0.9 },
    })
    await api.db.prisma.experiment.update({
      where: { id },
      data: { status: 'succeeded', summary: { splits: { train: of(0.5), validation: of(0.625) } } },
    })
    const units = (value: number) => new Float64Array(13).fill(value)
    const sums = { lca: units(0.25), helping: units(-0.5), hurting: units(0.75) }
    const splits = ['train', 'validation'] as const
    await insertBlocks(
      api.db.pool,
      id,
      { from: 0, to: 1 },
      splits.map(split => ({ kind: 'neurons', split, of: 'segment', columns: sums })),
    )
    await api.db.pool.query(
      `INSERT INTO variable_totals
       SELECT $1, split, v, 1, -0.25, -0.5, 0.25, 1, 1, 1
         FROM unnest('{train,validation}'::text[]) split, generate_series(0, 3) v`,
      [id],
    )
  }
  const { port } = api.app.server.address() as { port: number }
  const neurons = `/v1/experiments/${body.experiments[0].id}/neurons`
  for (const path of [neurons, `/v1/sweeps/${body.id}/summary`]) {
    const read = async (format: string) =>
      Buffer.from(await (await fetch(`http://127.0.0.1:${port}${path}?format=${format}`)).arrayBuffer())
    const { items } = JSON.parse(String(await read('json')))
    assert.ok(items.length >= 8, path)
    const lines = String(await read('ndjson'))
      .trimEnd()
      .split('\n')
    assert.deepEqual(
      lines.map(line => JSON.parse(line)),
      items,
    )
    const arrow = tableFromIPC(await read('arrow'))
    assert.deepEqual(
      arrow.toArray().map(row => row.toJSON()),
      items,
    )
    const [head, ...rows] = String(await read('csv'))
      .trimEnd()
      .split('\n')
    assert.deepEqual(head.split(','), Object.keys(items[0]))
    assert.equal(rows.length, items.length)
    await api.http.get(path).set('accept', 'image/png').expect(406)
  }
  // The whole network has no layer: null in what has nulls, empty in CSV.
  const { body: summary } = await api.http.get(`/v1/sweeps/${body.id}/summary`).expect(200)
  const layers = new Set(summary.items.map(({ layer }: { layer: string | null }) => layer))
  assert.deepEqual(layers, new Set([null, 'fc_1', 'fc_2']))
  const { headers } = await api.http.get(neurons).expect(200)
  await api.http.get(neurons).set('if-none-match', headers.etag).expect(304)
})
