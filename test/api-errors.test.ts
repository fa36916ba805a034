/** What is refused, and how: every error is problem+json, names what is wrong, and leaks nothing. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Response } from 'supertest'
import { isScalar, parseDocument, visit } from 'yaml'
import { wordsOf } from '../src/spec/patterns.ts'
import { minimalSpec, post, startApi, type TestApi } from './support/api.ts'

const unknownId = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
const bytes = (text: string) => ({ text })

/** Fails unless the answer is a whole problem document that agrees with its status line. */
function checkProblem({ status, body, headers }: Response, expected: number): void {
  assert.equal(status, expected, JSON.stringify(body))
  assert.match(headers['content-type'], /^application\/problem\+json/)
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(body.status, expected)
  assert.equal(body.requestId, headers['x-request-id'])
  assert.match(body.type, /^urn:problem-type:loss-ledger:[a-z-]+$/)
  for (const field of ['title', 'detail', 'instance']) assert.equal(typeof body[field], 'string', field)
}

describe('errors', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())

  const spec = minimalSpec()
  const badSpecs: [what: string, body: unknown, paths: string[]][] = [
    ['no field at all', {}, ['$.dataset', '$.architecture', '$.optimizer', '$.training']],
    ['an array', [], ['$']],
    ['a string', '"x"', ['$']],
    ['null', 'null', ['$']],
    ['an unknown field', { ...spec, colour: 'red' }, ['$.colour']],
    ['a dataset that is none', { ...spec, dataset: { name: 'cats' } }, ['$.dataset.name']],
    ['an optimizer that is none', { ...spec, optimizer: { name: 'sdg' } }, ['$.optimizer.name']],
    ['iterations as text', { ...spec, training: { iterations: '8' } }, ['$.training.iterations']],
    ['a fraction of an iteration', { ...spec, training: { iterations: 1.5 } }, ['$.training.iterations']],
    ['a layer that is none', { ...spec, layers: { fc_9: { freeze: true } } }, ['$.layers.fc_9']],
    [
      'three things at once',
      { ...spec, training: { iterations: 0 }, allocation: { maxSplits: 3 }, keep: ['all'] },
      ['$.training.iterations', '$.allocation.maxSplits', '$.keep[0]'],
    ],
    ['a NUL in the name', { ...spec, name: 'a\0b' }, ['$.name']],
    ['half a surrogate pair in a tag', { ...spec, tags: { key: '\ud800' } }, ['$.tags']],
    ['a key of Object.prototype', '{"constructor": {"prototype": 1}}', ['$.dataset']],
    ['a deep body', `{"layers": ${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, ['$.dataset']],
  ]
  for (const path of ['/v1/experiments', '/v1/experiments/preview']) {
    for (const [what, body, paths] of badSpecs) {
      test(`${path} refuses ${what}`, async () => {
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        const answer = await api.http.post(path).type('json').send(text)
        // Keys that would reach a prototype are refused by the JSON parser already.
        if (what === 'a key of Object.prototype') return checkProblem(answer, 400)
        checkProblem(answer, 422)
        const found = answer.body.errors.map((error: { path: string }) => error.path)
        for (const path of paths) assert.ok(found.includes(path), `${path} in ${found}`)
        for (const { message } of answer.body.errors) assert.ok(message.length > 5)
      })
    }
  }

  test('a refused spec leaves nothing behind', async () => {
    assert.equal(await api.db.prisma.experiment.count(), 0)
    assert.deepEqual(api.queue.submitted, [])
  })

  const requests: [what: string, status: number, ask: () => PromiseLike<Response>, path?: string][] = [
    ['malformed JSON', 400, () => api.http.post('/v1/experiments').type('json').send('{"a":')],
    ['__proto__ in JSON', 400, () => api.http.post('/v1/experiments').type('json').send('{"__proto__":{}}')],
    ['no body', 422, () => api.http.post('/v1/experiments')],
    ['an empty body', 422, () => api.http.post('/v1/experiments').type('json').send('')],
    ['a form', 415, () => api.http.post('/v1/experiments').type('form').send('a=b')],
    ['plain text', 415, () => api.http.post('/v1/experiments').type('text/plain').send('{}')],
    ['a body over the limit', 413, () => api.http.post('/v1/experiments').send(bytes('x'.repeat(2 ** 20)))],
    ['an unknown route', 404, () => api.http.get('/v2/experiments')],
    ['an unknown route with a bad body', 404, () => api.http.post('/nothing').type('json').send('{')],
    ['an unknown id', 404, () => api.http.get(`/v1/experiments/${unknownId}`)],
    ['an unknown id to delete', 404, () => api.http.delete(`/v1/experiments/${unknownId}`)],
    ['an unknown id to cancel', 404, () => api.http.post(`/v1/experiments/${unknownId}/cancel`)],
    ['an unknown id’s layers', 404, () => api.http.get(`/v1/experiments/${unknownId}/layers`)],
    ['an unknown id’s iterations', 404, () => api.http.get(`/v1/experiments/${unknownId}/iterations`)],
    ['an unknown id’s allocations', 404, () => api.http.get(`/v1/experiments/${unknownId}/allocations`)],
    ['an unknown id’s artifacts', 404, () => api.http.get(`/v1/experiments/${unknownId}/artifacts`)],
    ['an unknown id’s artifact', 404, () => api.http.get(`/v1/experiments/${unknownId}/artifacts/a.npy`)],
    ['an id that is none', 404, () => api.http.get('/v1/experiments/nope'), 'params.id'],
    ['an id as a URN', 404, () => api.http.get(`/v1/experiments/urn:uuid:${unknownId}`), 'params.id'],
    [
      'SQL as an id',
      404,
      () => api.http.get(`/v1/experiments/${encodeURIComponent("' OR ''='")}`),
      'params.id',
    ],
    ['a long id', 404, () => api.http.get(`/v1/experiments/${'9'.repeat(5000)}`)],
    ['a bad percent-encoding', 400, () => api.http.get('/v1/experiments/%zz')],
    ['an unknown parameter', 400, () => api.http.get('/v1/experiments?order=name'), 'query.order'],
    ['a limit of 0', 400, () => api.http.get('/v1/experiments?limit=0'), 'query.limit'],
    ['a limit of 201', 400, () => api.http.get('/v1/experiments?limit=201'), 'query.limit'],
    ['a limit in words', 400, () => api.http.get('/v1/experiments?limit=ten'), 'query.limit'],
    ['two limits', 400, () => api.http.get('/v1/experiments?limit=1&limit=2'), 'query.limit'],
    ['an empty limit', 400, () => api.http.get('/v1/experiments?limit='), 'query.limit'],
    ['a status that is none', 400, () => api.http.get('/v1/experiments?status=done'), 'query.status[0]'],
    ['a tag without colon', 400, () => api.http.get('/v1/experiments?tag=study'), 'query.tag[0]'],
    ['a tag with NUL', 400, () => api.http.get('/v1/experiments?tag=a:%00'), 'query.tag[0]'],
    ['a tag twice', 400, () => api.http.get('/v1/experiments?tag=a:1&tag=a:2'), 'query.tag'],
    ['a cursor that is none', 400, () => api.http.get('/v1/experiments?cursor=abc'), 'query.cursor'],
    ['a cursor of SQL', 400, () => api.http.get(`/v1/experiments?cursor=${btoa("'; DROP")}`), 'query.cursor'],
    [
      'an idempotency key with a space',
      400,
      () => api.http.post('/v1/experiments').set('Idempotency-Key', 'a b').send(spec),
      'headers.idempotency-key',
    ],
    ['another method', 405, () => api.http.put('/v1/experiments').type('json').send('{')],
    ['another method of one', 405, () => api.http.put(`/v1/experiments/${unknownId}`)],
    ['GET of the preview', 405, () => api.http.get('/v1/experiments/preview')],
  ]
  for (const [what, status, ask, path] of requests) {
    test(`${what}: ${status}`, async () => {
      const answer = await ask()
      checkProblem(answer, status)
      if (path !== undefined) {
        const paths = answer.body.errors.map((error: { path: string }) => error.path)
        assert.ok(paths.includes(path), `${path} in ${paths}`)
      }
    })
  }

  const malformed: [what: string, body: string | Buffer, says: RegExp][] = [
    ['an end', '{"a":', /expected a value at line 1, column 6, where the body ends/],
    ['a comma', '{\n  "a": 1,\n}', /expected a key in double quotes at line 3, column 1, where "}" stands/],
    ['two commas', '[1,\n 2,,3]', /expected a value at line 2, column 4, where ",3\]" stands/],
    [
      'no comma',
      '{"a": 1 "b": 2}',
      /a comma or the end of the object or list at line 1, column 9, where "\\"b\\": 2}"/,
    ],
    ['no colon', '{"a" 1}', /expected a colon after the key at line 1, column 6/],
    ['single quotes', "{'a': 1}", /expected a value, or a key in double quotes, at line 1, column 2/],
    ['NaN', '{"a": NaN}', /at line 1, column 7, where "NaN}" stands/],
    ['a comment', '{} // x', /no comment, which JSON does not have, at line 1, column 4/],
    ['more than one', '{"a":1}}', /the end of the body at line 1, column 8/],
    ['text without an end', '{"a": "x}', /the quotes that end this string at line 1, column 7/],
    ['more brackets than a parser goes down', '['.repeat(300_000), /not valid JSON/],
    ['a key that would reach a prototype', '{"__proto__": {}}', /a key that is not allowed: __proto__/],
    [
      'Latin-1',
      Buffer.from('{\n"name": "Grüße"}', 'latin1'),
      /not UTF-8: byte 0xfc at line 2, column 12 \(in Latin-1 ü\)/,
    ],
    ['half a character', Buffer.from('"€').subarray(0, 3), /not UTF-8: byte 0xe2 at line 1, column 2 /],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), /is UTF-16/],
    ['gzip without a word', Buffer.from([0x1f, 0x8b, 8, 0]), /is gzipped: send it as it is/],
  ]
  for (const [what, body, says] of malformed) {
    test(`a body that is no JSON says where: ${what}`, async () => {
      for (const path of ['/v1/experiments', '/v1/sweeps']) {
        const answer = await api.http
          .post(path)
          .type('json')
          .serialize(body => body)
          .send(body)
        checkProblem(answer, 400)
        assert.match(answer.body.detail, says)
      }
    })
  }

  test('a body that is compressed is a 415, which says so', async () => {
    for (const path of ['/v1/experiments', '/v1/sweeps', '/v1/datasets']) {
      const type = path === '/v1/datasets' ? 'multipart/form-data; boundary=b' : 'application/json'
      const sending = api.http.post(path).set('content-type', type).set('content-encoding', 'gzip')
      const answer = await sending.serialize(body => body).send(gzipSync('{}'))
      checkProblem(answer, 415)
      assert.match(answer.body.detail, /content-encoding: gzip; send it as it is/)
      assert.equal(answer.headers['accept-encoding'], 'identity')
    }
  })

  test('what is wrong with a parameter is said in words, and which parameters there are', async () => {
    const says = async (path: string, message: RegExp) => {
      const { body } = await api.http.get(path)
      assert.match(body.errors?.[0].message ?? '', message, path)
      assert.doesNotMatch(JSON.stringify(body.errors), /pattern|\^|\[0-9/)
    }
    await says(
      '/v1/experiments?stat=x',
      /did you mean status\? parameters: limit, cursor, status, where, sort, field, id, sweep, tag$/,
    )
    await says('/v1/sweeps?x=1', /is not a parameter of this call; parameters: limit, cursor$/)
    await says('/v1/datasets?x=1', /it has none$/)
    await says('/v1/experiments?tag=study', /must be key:value/)
    await says('/v1/experiments?sweep=1', /must be an id, a UUID/)
    await says('/v1/experiments/1', /must be an id, a UUID/)
    await says('/v1/sweeps/1', /must be an id, a UUID/)
    await says('/v1/datasets/%20', /must be 1 to 64 letters, digits/)
    await says(`/v1/experiments/${unknownId}/events?lastEventId=x`, /must be the id of an event/)
  })

  test('every pattern of the document has words', async () => {
    const { text } = await api.http.get('/openapi.yaml').buffer()
    const patterns = new Set<string>()
    visit(parseDocument(text), {
      Pair: (_, { key, value }) => {
        if (String(key) === 'pattern' && isScalar(value)) patterns.add(String(value.value))
      },
    })
    assert.ok(patterns.size > 5)
    for (const pattern of patterns) assert.match(wordsOf(pattern), /^[^\\^$]+$/)
  })

  test('a slash at the end of a path says nothing', async () => {
    await api.http.get('/v1/experiments/').expect(200)
    await api.http.post('/v1/experiments/preview/').send(spec).expect(200)
    await api.http.get('/healthz/').expect(200)
    checkProblem(await api.http.put('/v1/experiments/'), 405)
    checkProblem(await api.http.get('/v1/nothing/'), 404)
  })

  test('405 says what is allowed', async () => {
    assert.equal((await api.http.put('/v1/experiments')).headers.allow, 'GET, HEAD, POST')
    assert.equal(
      (await api.http.post(`/v1/experiments/${unknownId}`)).headers.allow,
      'DELETE, GET, HEAD, PATCH',
    )
    assert.equal((await api.http.delete('/healthz')).headers.allow, 'GET, HEAD')
  })

  const tables: [table: string, query: string, path: string][] = [
    ['layers', 'by=neuron', 'query.by'],
    ['layers', 'from=1', 'query.from'],
    ['layers', 'split=test', 'query.split'],
    ['layers', 'split=validation', 'query.split'],
    ['iterations', 'from=-1', 'query.from'],
    ['iterations', 'from=8', 'query.from'],
    ['iterations', 'from=5&to=5', 'query.to'],
    ['iterations', 'to=99999999999', 'query.to'],
    ['iterations', 'points=3', 'query.points'],
    ['iterations', 'points=10001', 'query.points'],
    ['allocations', 'bucket=0', 'query.bucket'],
    ['allocations', 'bucket=1e9999', 'query.bucket'],
    ['allocations', `layer=${'x'.repeat(201)}`, 'query.layer[0]'],
    ['allocations', 'colour=red&split=test', 'query.colour'],
  ]
  for (const [table, query, path] of tables) {
    test(`${table}?${query.slice(0, 30)} is refused`, async () => {
      const id = await post(api, { ...spec, allocation: { splits: ['train'] } })
      const answer = await api.http.get(`/v1/experiments/${id}/${table}?${query}`)
      checkProblem(answer, 400)
      const paths = answer.body.errors.map((error: { path: string }) => error.path)
      assert.ok(paths.includes(path), `${path} in ${paths}`)
    })
  }

  test('a fault is logged in full and told in general', async () => {
    const id = await post(api)
    await api.db.pool.query('ALTER TABLE variables RENAME TO elsewhere')
    const answer = await api.http.get(`/v1/experiments/${id}/layers`).set('x-request-id', 'look-for.me_1')
    await api.db.pool.query('ALTER TABLE elsewhere RENAME TO variables')
    checkProblem(answer, 500)
    assert.equal(answer.body.requestId, 'look-for.me_1')
    assert.doesNotMatch(JSON.stringify(answer.body), /relation|variables|select|\.ts|\.js/i)
    const line = api.lines.find(
      ({ requestId, msg }) => requestId === 'look-for.me_1' && msg === 'request failed',
    )
    assert.match(JSON.stringify(line), /relation .*variables.* does not exist/)
  })

  test('a database that dies while it is asked is a 503, also where the driver gives no code', async () => {
    const id = await post(api)
    const { pool } = api.db
    // The driver asks over a connection that has just gone, as all of a server that crashed have.
    const cut = (client: object) =>
      void (client as { connection: { stream: Socket } }).connection.stream.destroy()
    pool.on('acquire', cut)
    // Looked up by SQL, and by Prisma.
    for (const path of [`experiments/${id}/layers`, `experiments/${id}/artifacts/manifest.json`]) {
      const answer = await api.http.get(`/v1/${path}`)
      checkProblem(answer, 503)
      assert.equal(answer.headers['retry-after'], '5')
    }
    pool.off('acquire', cut)
    await api.http.get(`/v1/experiments/${id}`).expect(200)
  })

  test('a database that has no room, memory or time for it is a 503, whoever asks it', async () => {
    const { pool } = api.db
    const id = await post(api)
    for (const state of ['53100', '53200', '57014', '40P01']) {
      await pool.query(
        `CREATE OR REPLACE FUNCTION refuse() RETURNS boolean STABLE LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '${state}'; END $$;
         ALTER TABLE artifacts RENAME TO elsewhere;
         CREATE VIEW artifacts AS SELECT * FROM elsewhere WHERE refuse();
         ALTER TABLE variables RENAME TO elsewhere_too;
         CREATE VIEW variables AS SELECT * FROM elsewhere_too WHERE refuse()`,
      )
      // Looked up by SQL, and by Prisma.
      for (const path of [`experiments/${id}/layers`, `experiments/${id}/artifacts/manifest.json`]) {
        const answer = await api.http.get(`/v1/${path}`)
        checkProblem(answer, 503)
        assert.equal(answer.headers['retry-after'], '5', state)
      }
      await pool.query(
        `DROP VIEW artifacts; ALTER TABLE elsewhere RENAME TO artifacts;
         DROP VIEW variables; ALTER TABLE elsewhere_too RENAME TO variables`,
      )
    }
  })

  test('request ids that could forge a log line or a header are replaced', async () => {
    for (const id of ['a b', 'a"b', 'x'.repeat(65), '{}']) {
      const { headers } = await api.http.get('/healthz').set('x-request-id', id)
      assert.match(headers['x-request-id'], /^[0-9a-f-]{36}$/)
    }
  })

  test('one line is logged per request', async () => {
    await api.http.get('/v1/datasets?x=1').set('x-request-id', 'once')
    const lines = api.lines.filter(({ requestId }) => requestId === 'once')
    assert.equal(lines.length, 1)
    const { method, url, status, ms, msg } = lines[0]
    assert.deepEqual(
      { method, url, status, msg },
      { method: 'GET', url: '/v1/datasets?x=1', status: 400, msg: 'request done' },
    )
    assert.ok(typeof ms === 'number')
  })

  test('readiness tells each dependency apart and hides where it is', async () => {
    const ready = await api.http.get('/readyz').expect(200)
    assert.equal(ready.body.status, 'ok')
    api.queue.broken = true
    const { body } = await api.http.get('/readyz').expect(503)
    api.queue.broken = false
    assert.equal(body.checks.queue.ok, false)
    assert.equal(body.checks.database.ok, true)
    assert.equal(body.checks.objects.ok, true)
    assert.doesNotMatch(JSON.stringify(body), /secret-host/)
    await api.http.get('/healthz').expect(200, { status: 'ok' })
  })

  test('what is not HTTP at all gets a 400, headers without end a 431, and both are problems', async () => {
    assert.match(
      await converse('GET /healthz HTTP/1.1\r\nbroken\r\n\r\n'),
      /^HTTP\/1\.1 400 .*problem\+json.*"status":400/s,
    )
    assert.match(
      await converse(`GET / HTTP/1.1\r\na: ${'b'.repeat(20_000)}`),
      /^HTTP\/1\.1 431 .*"status":431/s,
    )
  })

  const converse = async (sent: string) => {
    const address = api.app.server.address() as { port: number }
    const socket = connect(address.port, '127.0.0.1')
    socket.write(sent)
    let text = ''
    for await (const chunk of socket) text += chunk
    return text
  }
})
