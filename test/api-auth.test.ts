/** Keys: who gets in, what they may do, and that what is not theirs is not there for them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { readConfig } from '../src/config.ts'
import { createKey, listKeys, parseKey, revokeKey } from '../src/store/keys.ts'
import { fillLedger, minimalSpec, startApi, storeArtifact, type TestApi } from './support/api.ts'

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('keys', () => {
  let api: TestApi
  const keys: Record<string, string> = {}
  const ids: Record<string, string> = {}
  before(async () => {
    api = await startApi({ HOST: '0.0.0.0', LEDGER_RATE_LIMIT: '0', LEDGER_MAX_UNFINISHED: '6' })
    const make = async (name: string, tenant: string, ...scopes: ('read' | 'submit' | 'admin')[]) => {
      const { key, id } = await createKey(api.db, { name, tenant, scopes })
      keys[name] = key
      ids[name] = id
    }
    await make('a', 'tenant-a', 'submit')
    await make('a-reads', 'tenant-a', 'read')
    await make('b', 'tenant-b', 'read', 'submit')
    await make('root', 'operators', 'admin')
  })
  after(() => api.close())

  const post = async (key: string, spec: object = minimalSpec(), headers = {}) => {
    const { body } = await api.http
      .post('/v1/experiments')
      .set({ ...bearer(key), ...headers })
      .send(spec)
      .expect(202)
    return body.id as string
  }

  test('a key is shown once; what is stored does not give it back', async () => {
    const { key, id } = await createKey(api.db, { name: 'x', tenant: 'x', scopes: ['read'] })
    const parts = parseKey(key)
    assert.ok(parts, `${key} is a key`)
    assert.equal(parts.id, id)
    const { rows } = await api.db.pool.query(
      'SELECT api_keys::text AS row, hash FROM api_keys WHERE id = $1',
      [id],
    )
    assert.equal(rows[0].hash.length, 32)
    assert.ok(!rows[0].row.includes(parts.secret))
    assert.ok((await listKeys(api.db)).every(listed => !('hash' in listed) && !('key' in listed)))
    for (const wrong of [
      { tenant: 'a b' },
      { tenant: '' },
      { scopes: [] },
      { scopes: ['root'] },
      { name: '' },
    ])
      await assert.rejects(
        createKey(api.db, { name: 'x', tenant: 'x', scopes: ['read'], ...(wrong as object) }),
      )
  })

  test('no key, a wrong key, a revoked key: 401', async () => {
    const { key, id } = await createKey(api.db, { name: 'gone', tenant: 'tenant-a', scopes: ['admin'] })
    await api.http.get('/v1/experiments').set(bearer(key)).expect(200)
    assert.equal(await revokeKey(api.db, id), true)
    assert.equal(await revokeKey(api.db, id), false)
    const wrong = [
      ...[
        undefined,
        '',
        'Bearer',
        'Basic dXNlcjpwYXNz',
        `Bearer ${key}`,
        `Bearer ${keys.a}x`,
        `Bearer ll_${ids.b}_${parseKey(keys.a)?.secret}`,
      ],
      ...[
        `Bearer ll_000000000000_${'A'.repeat(43)}`,
        `Bearer ${keys.a} ${keys.a}`,
        `Bearer '; DROP TABLE api_keys --`,
      ],
    ]
    for (const authorization of wrong) {
      const request = api.http.get('/v1/experiments')
      if (authorization !== undefined) request.set('authorization', authorization)
      const answer = await request.expect(401)
      assert.match(answer.headers['www-authenticate'], /^Bearer /)
      assert.doesNotMatch(JSON.stringify(answer.body), /ll_/)
    }
    await api.http.get('/v1/experiments').set('authorization', `bearer ${keys.a}`).expect(200)
  })

  test('a missing scope: 403; the body is not even read', async () => {
    await api.http.get('/v1/experiments').set(bearer(keys['a-reads'])).expect(200)
    await api.http
      .post('/v1/experiments/preview')
      .set(bearer(keys['a-reads']))
      .send(minimalSpec())
      .expect(200)
    await api.http.post('/v1/experiments').set(bearer(keys['a-reads'])).type('json').send('{').expect(403)
    const id = await post(keys.a)
    for (const path of ['cancel', 'retry'])
      await api.http.post(`/v1/experiments/${id}/${path}`).set(bearer(keys['a-reads'])).expect(403)
    await api.http.delete(`/v1/experiments/${id}`).set(bearer(keys['a-reads'])).expect(403)
    await api.http.get('/metrics').set(bearer(keys.a)).expect(403)
    await api.http.get('/metrics').expect(401)
    await api.http.get('/metrics').set(bearer(keys.root)).expect(200)
    await api.http.get(`/v1/experiments/${id}`).set(bearer(keys['a-reads'])).expect(200)
    await api.http.delete(`/v1/experiments/${id}`).set(bearer(keys.a)).expect(204)
  })

  test('what an orchestrator and a reader of the contract need is open', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.yaml']) await api.http.get(path).expect(200)
    assert.equal((await fetch(new URL('/docs/', urlOf(api)))).status, 200)
  })

  test('a tenant may have so many event streams open, which takes nothing from the others', async () => {
    const id = await post(keys.a)
    const path = `/v1/experiments/${id}/events`
    const listen = (key: string) => {
      const request = get(new URL(path, urlOf(api)), { headers: bearer(key), agent: false })
      return once(request, 'response').then(([answer]) => ({ request, status: answer.statusCode as number }))
    }
    const open = await Promise.all(Array.from({ length: 500 }, () => listen(keys.a)))
    assert.ok(open.every(({ status }) => status === 200))
    const refused = await api.http.get(path).set(bearer(keys['a-reads'])).expect(429)
    assert.equal(refused.headers['retry-after'], '60')
    const other = await listen(keys.root)
    assert.equal(other.status, 200)
    // One that is closed makes room.
    open[0].request.destroy()
    let again = await listen(keys.a)
    for (let i = 0; i < 100 && again.status === 429; i++) again = await listen(keys.a)
    assert.equal(again.status, 200)
    for (const { request } of [...open, other, again]) request.destroy()
    await api.http.delete(`/v1/experiments/${id}`).set(bearer(keys.a)).expect(204)
  })

  test('for every route, what is another tenant’s is not there', async () => {
    const experiment = await post(keys.a)
    await fillLedger(api, experiment, [0, 1])
    await storeArtifact(api, experiment, 'weights/0-8.npy', new Uint8Array(10))
    const paths = [...api.app.routeTable].filter(([url]) => url.includes(':id'))
    assert.ok(paths.length >= 9)
    const sweep = await api.http
      .post('/v1/sweeps')
      .set(bearer(keys.a))
      .send({ base: minimalSpec(8), seeds: [1, 2] })
      .expect(202)
    const asked = new Set<string>()
    for (const [url, methods] of paths) {
      const id = url.startsWith('/v1/sweeps/') ? sweep.body.id : experiment
      for (const method of methods) {
        const path = url.replace(':id', id).replace('*', 'weights/0-8.npy')
        const send = (key: string) => fetch(new URL(path, urlOf(api)), { method, headers: bearer(key) })
        const theirs = await send(keys.b)
        assert.equal(theirs.status, 404, `${method} ${path}`)
        // Not to be told from what does not exist at all.
        const none = await fetch(
          new URL(path.replace(id, '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'), urlOf(api)),
          {
            ...{ method, headers: bearer(keys.b) },
          },
        )
        const told = (text: string) => text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
        assert.equal(told(await theirs.text()), told(await none.text()))
        asked.add(`${method} ${url}`)
      }
    }
    assert.ok(asked.has('GET /v1/experiments/:id/events') && asked.has('DELETE /v1/experiments/:id'))
    assert.ok(asked.has('GET /v1/sweeps/:id/summary') && asked.has('DELETE /v1/sweeps/:id'))
    // Nor beside one of their own.
    const own = await post(keys.b)
    const compare = (ids: string[], key: string) =>
      api.http.get(`/v1/compare?experiments=${ids.join(',')}`).set(bearer(key))
    for (const ids of [
      [own, experiment],
      [experiment, own],
    ])
      assert.match((await compare(ids, keys.b).expect(404)).body.detail, new RegExp(experiment))
    await compare([own, experiment], keys.root).expect(200)
    await api.http.delete(`/v1/experiments/${own}`).set(bearer(keys.b)).expect(204)
    const id = experiment
    // Untouched by all of it, and there for its own tenant and for an admin.
    for (const key of [keys.a, keys['a-reads'], keys.root]) {
      const { body } = await api.http.get(`/v1/experiments/${id}`).set(bearer(key)).expect(200)
      assert.equal(body.status, 'queued')
      await api.http.get(`/v1/experiments/${id}/artifacts/weights/0-8.npy`).set(bearer(key)).expect(200)
    }
    const listed = async (key: string) => {
      const { body } = await api.http.get('/v1/experiments').set(bearer(key)).expect(200)
      return body.items.some((item: { id: string }) => item.id === id)
    }
    assert.deepEqual(await Promise.all([listed(keys.a), listed(keys.b), listed(keys.root)]), [
      true,
      false,
      true,
    ])
    await api.http.delete(`/v1/experiments/${id}`).set(bearer(keys.a)).expect(204)
  })

  test('idempotency keys and webhook secrets are each tenant’s own', async () => {
    const headers = { 'idempotency-key': 'same' }
    const [first, again] = [
      await post(keys.a, minimalSpec(), headers),
      await post(keys.a, minimalSpec(), headers),
    ]
    const other = await post(keys.b, minimalSpec(9), headers)
    assert.equal(first, again)
    assert.notEqual(first, other)
    const secretOf = async (key: string) =>
      (await api.http.get('/v1/webhooks/secret').set(bearer(key)).expect(200)).body.secret as string
    assert.equal(await secretOf(keys.a), await secretOf(keys.a))
    assert.notEqual(await secretOf(keys.a), await secretOf(keys.b))
    await api.http.get('/v1/webhooks/secret').set(bearer(keys['a-reads'])).expect(403)
  })

  test('a tenant has so many unfinished experiments and no more, also when it posts them at once', async () => {
    await api.db.prisma.experiment.deleteMany()
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        api.http.post('/v1/experiments').set(bearer(keys.a)).send(minimalSpec()),
      ),
    )
    const statuses = answers.map(({ status }) => status).sort()
    assert.deepEqual(statuses, [...Array(6).fill(202), ...Array(6).fill(429)])
    const refused = answers.find(({ status }) => status === 429)!
    assert.match(refused.body.type, /quota-exceeded$/)
    assert.ok(Number(refused.headers['retry-after']) > 0)
    await post(keys.b)
    const id = answers.find(({ status }) => status === 202)!.body.id
    await api.http.post(`/v1/experiments/${id}/cancel`).set(bearer(keys.a)).expect(202)
    await post(keys.a)
    await api.http.post(`/v1/experiments/${id}/retry`).set(bearer(keys.a)).expect(429)
  })
})

test('a key makes so many requests a minute, and so does an address without one', async t => {
  const api = await startApi({ LEDGER_AUTH: 'keys', LEDGER_RATE_LIMIT: '5' })
  t.after(api.close)
  const { key } = await createKey(api.db, { name: 'a', tenant: 'a', scopes: ['read'] })
  const { key: other } = await createKey(api.db, { name: 'b', tenant: 'b', scopes: ['read'] })
  for (let i = 0; i < 5; i++) await api.http.get('/v1/datasets').set(bearer(key)).expect(200)
  const refused = await api.http.get('/v1/datasets').set(bearer(key)).expect(429)
  assert.match(refused.body.type, /too-many-requests$/)
  const seconds = Number(refused.headers['retry-after'])
  assert.ok(seconds >= 1 && seconds <= 60)
  await api.http.get('/v1/datasets').set(bearer(other)).expect(200)
  for (let i = 0; i < 5; i++) await api.http.get('/v1/datasets').expect(401)
  await api.http.get('/v1/datasets').expect(429)
  await api.http.get('/healthz').expect(200)
})

test('open only where nobody else can reach it, or where that was said', () => {
  const auth = (env: Record<string, string>) => readConfig(env).auth
  for (const HOST of ['', '127.0.0.1', '127.1.2.3', 'localhost', '::1']) assert.equal(auth({ HOST }), 'none')
  for (const HOST of ['0.0.0.0', '::', '192.168.1.2', 'ledger.example.com', '127.0.0.1.example.com'])
    assert.equal(auth({ HOST }), 'keys')
  assert.equal(auth({ HOST: '0.0.0.0', LEDGER_AUTH: 'none' }), 'none')
  assert.equal(auth({ LEDGER_AUTH: 'keys' }), 'keys')
  assert.throws(() => readConfig({ LEDGER_AUTH: 'off' }), /LEDGER_AUTH must be one of keys, none/)
  assert.throws(() => readConfig({ LEDGER_CORS_ORIGINS: 'https://a.example/x' }), /LEDGER_CORS_ORIGINS/)
})

test('a page elsewhere gets nothing done through the browser of who runs it', async t => {
  const api = await startApi({ LEDGER_CORS_ORIGINS: 'https://plots.example' })
  t.after(api.close)
  // A name that was made to resolve to this machine.
  const rebound = await api.http.get('/v1/experiments').set('host', 'evil.example:3000')
  assert.equal(rebound.status, 421)
  for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000'])
    await api.http.get('/v1/experiments').set('host', host).expect(200)
  const id = (await api.http.post('/v1/experiments').send(minimalSpec()).expect(202)).body.id
  const cancel = `/v1/experiments/${id}/cancel`
  await api.http.post(cancel).set('origin', 'https://evil.example').expect(403)
  await api.http.post(cancel).set('origin', 'null').expect(403)
  const allowed = await api.http.post(cancel).set('origin', 'https://plots.example').expect(202)
  assert.equal(allowed.headers['access-control-allow-origin'], 'https://plots.example')
  // What is kept for one origin is not for another, whatever else the answer depends on.
  for (const [path, ...names] of [
    ['/v1/datasets', 'origin'],
    [`/v1/experiments/${id}`, 'origin', 'prefer'],
    [`/v1/experiments/${id}/layers`, 'origin', 'accept', 'accept-encoding'],
  ]) {
    const { headers } = await api.http.get(path).set('origin', 'https://plots.example').expect(200)
    const vary = headers.vary.toLowerCase().split(', ')
    assert.deepEqual(vary.sort(), names.sort(), path)
  }
  const other = await api.http.get('/v1/datasets').set('origin', 'https://evil.example')
  assert.notEqual(other.headers['access-control-allow-origin'], 'https://evil.example')
})

test('every answer has its security headers, errors and unknown paths too', async t => {
  const api = await startApi()
  t.after(api.close)
  for (const path of ['/healthz', '/v1/experiments', '/v1/experiments/x', '/nothing', '/v1/%zz']) {
    const { headers } = await api.http.get(path)
    assert.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'")
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.match(headers['strict-transport-security'], /max-age=\d{7,}/)
    assert.equal(headers['x-powered-by'], undefined)
  }
})

function urlOf(api: TestApi): string {
  const { port } = api.app.server.address() as { port: number }
  return `http://127.0.0.1:${port}`
}
