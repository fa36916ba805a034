/** The contract, whole: every operation answers as openapi.yaml says, a linter finds nothing, and the page loads nothing from elsewhere. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { exampleSpec } from '../src/api/schemas/experiments.ts'
import { diagnostics } from '../src/lca/diagnostics/registry.ts'
import { fillLedger, minimalSpec, post, startApi, storeArtifact, type TestApi } from './support/api.ts'
import { operationIds } from './support/conformance.ts'
import { idxImages, idxLabels, npy, npz } from './support/uploads.ts'

describe('the contract', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())

  // Each answer is checked by the client itself (support/api.ts).
  test('every operation answers, and as openapi.yaml says', async () => {
    const { http } = api
    const id = await post(api, exampleSpec)
    const small = await post(api, minimalSpec(8))
    await fillLedger(api, small, [0, 1, 2, 3, 4, 5, 6, 7])
    await storeArtifact(api, small, 'manifest.json', new TextEncoder().encode('{}'))
    const of = (path: string) => `/v1/experiments/${small}${path}`
    await http.post('/v1/experiments/preview').send(exampleSpec).expect(200)
    await http.get('/v1/experiments?limit=1').expect(200)
    const explained = ['/findings', '/diagnostics', ...diagnostics.map(({ name }) => `/diagnostics/${name}`)]
    const tables = [
      ...['/layers', '/layers?by=variable', '/iterations', '/allocations', '/neurons'],
      ...explained,
    ]
    await http.get(`/v1/compare?experiments=${id},${small}`).expect(200)
    await http.get(`/v1/compare?experiments=${id},${small}&table=layers`).expect(200)
    await http.get(`/v1/experiments/iterations?id=${id}&id=${small}`).expect(200)
    for (const path of ['', ...tables, '/artifacts']) await http.get(of(path)).expect(200)
    const sweep = { base: minimalSpec(8), seeds: [1, 2] }
    const { body: posted } = await http.post('/v1/sweeps').send(sweep).expect(202)
    await http.get('/v1/sweeps').expect(200)
    for (const path of ['', '/summary', '/predictors'])
      await http.get(`/v1/sweeps/${posted.id}${path}`).expect(200)
    await http.post(`/v1/sweeps/${posted.id}/cancel`).expect(202)
    await http.delete(`/v1/sweeps/${posted.id}`).expect(204)
    await http.get(of('/artifacts/manifest.json')).expect(200)
    await http.get(of('/archive')).expect(200)
    await http.get(of('/artifacts/manifest.json')).set('range', 'bytes=0-0').expect(206)
    await http.patch(`/v1/experiments/${id}`).send({ notes: 'kept' }).expect(200)
    await http
      .post('/v1/experiments/bulk')
      .send({ action: 'cancel', ids: [id] })
      .expect(200)
    await http.get(`/v1/experiments/${id}/logs`).expect(200)
    await http.post(`/v1/experiments/${id}/retry`).expect(202)
    await http.post(`/v1/experiments/${id}/cancel`).expect(202)
    await http.post(`/v1/experiments/${id}/retry`).expect(202)
    await http.post(`/v1/experiments/${id}/retry`).expect(409)
    await http.post(`/v1/experiments/${id}/cancel`).expect(202)
    await http.post(`/v1/experiments/${id}/extend`).send({ iterations: 300 }).expect(409)
    await http.get(`/v1/experiments/${id}/events`).expect(200)
    await http.get(`/v1/experiments/events?id=${id}`).expect(200)
    await http.delete(`/v1/experiments/${id}`).expect(204)
    const form = http.post('/v1/datasets').field('name', 'mine').attach('images', idxImages(12), 'images')
    await form.attach('labels', idxLabels(12), 'labels').expect(201)
    await http.get('/v1/datasets/mine').expect(200)
    await http.get('/v1/datasets/mine/samples').expect(200)
    await http.delete('/v1/datasets/mine').expect(204)
    const { architecture, dataset } = minimalSpec()
    const sizes = { kernel: [784, 3], bias: [3], 'fc_2/kernel': [3, 10], 'fc_2/bias': [10] }
    const weights = Object.entries(sizes).map(([name, shape]) => [
      `${name.includes('/') ? name : `fc_1/${name}`}.npy`,
      npy('<f4', `(2, ${shape.join(', ')})`, new Uint8Array(8 * shape.reduce((a, b) => a * b, 1))),
    ])
    const recorded = await http
      .post('/v1/trajectories')
      .field('trajectory', JSON.stringify({ dataset, architecture }))
      .attach('part', npz(Object.fromEntries(weights)), 'weights.npz')
      .expect(201)
    await http.get(`/v1/trajectories/${recorded.body.id}`).expect(200)
    await http.get('/v1/trajectories').expect(200)
    await http.delete(`/v1/trajectories/${recorded.body.id}`).expect(204)
    for (const path of ['datasets', 'architectures', 'workers', 'webhooks/secret'])
      await http.get(`/v1/${path}`).expect(200)
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.yaml']) await http.get(path).expect(200)
    assert.deepEqual([...api.exercised].sort(), operationIds.toSorted())
  })

  test('retry keeps what is there and queues the rest', async () => {
    const id = await post(api)
    await api.db.prisma.experiment.update({
      where: { id },
      data: { status: 'failed', error: { message: 'no' }, finishedAt: new Date() },
    })
    await fillLedger(api, id, [0])
    const { body } = await api.http.post(`/v1/experiments/${id}/retry`).expect(202)
    assert.deepEqual([body.status, body.error, body.finishedAt], ['queued', null, null])
    assert.equal(api.queue.submitted.filter(submitted => submitted === id).length, 2)
    assert.equal(await api.db.prisma.segment.count({ where: { experimentId: id, status: 'allocated' } }), 1)
    await api.db.prisma.experiment.update({ where: { id }, data: { status: 'succeeded' } })
    // Its objects are looked for, which is done where they were when it was finalized.
    const looking = await api.http.post(`/v1/experiments/${id}/retry`).expect(202)
    assert.equal(looking.body.status, 'allocating')
    assert.equal(api.queue.submitted.filter(submitted => submitted === id).length, 3)
    await api.http.post(`/v1/experiments/${id}/retry`).expect(409)
  })

  test('/docs is made of files from here, and may load no others', async () => {
    const { port } = api.app.server.address() as { port: number }
    const base = `http://127.0.0.1:${port}`
    const page = await fetch(`${base}/docs/`)
    assert.equal(page.status, 200)
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /^default-src 'none'; script-src 'self'; /)
    assert.doesNotMatch(policy, /https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/)
    const html = await page.text()
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link)
    assert.ok(links.length >= 5)
    for (const link of links) {
      const url = new URL(link, `${base}/docs/`)
      assert.equal(url.origin, base, link)
      const file = await fetch(url)
      assert.equal(file.status, 200, link)
      // Read to its end: a connection on which an answer waits is not idle, and closing waits for it.
      await file.arrayBuffer()
    }
    // Scripts of the page itself would not run under its policy.
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)/)
    const start = await (await fetch(`${base}/docs/static/swagger-initializer.js`)).text()
    assert.doesNotMatch(start.replaceAll(/^\s*\/\/.*$/gm, ''), /https?:\/\//)
    assert.match(JSON.stringify(await (await fetch(`${base}/docs/json`)).json()), /"streamEvents"/)
  })
})

test('metrics: the work by state and engine, the residuals, the requests', async t => {
  const api = await startApi()
  t.after(api.close)
  const id = await post(api)
  await fillLedger(api, id, [0, 1])
  await api.db.pool.query(
    `UPDATE segments SET engine = '{"name":"wasm"}', seconds = 2, gradients = 10 WHERE experiment_id = $1`,
    [id],
  )
  await api.http.get(`/v1/experiments/${id}`).expect(200)
  // Two of three segments wait; of one whose training goes on, none can be had yet.
  const begin = async (status: 'allocating' | 'training') => {
    const begun = await post(api, { ...minimalSpec(6), allocation: { segmentIterations: 2 } })
    await api.db.prisma.segment.updateMany({
      where: { experimentId: begun, index: { lt: 2 } },
      data: { status: 'trained' },
    })
    const allocatingAt = status === 'allocating' ? new Date(Date.now() - 60_000) : null
    await api.db.prisma.experiment.update({ where: { id: begun }, data: { status, allocatingAt } })
    return begun
  }
  const allocating = await begin('allocating')
  await api.db.prisma.segment.updateMany({
    where: { experimentId: allocating, index: 2 },
    data: { status: 'allocated' },
  })
  await begin('training')
  const { text } = await api.http.get('/metrics').expect(200)
  const value = (line: string) =>
    Number(
      text
        .split('\n')
        .find(each => each.startsWith(`${line} `))
        ?.split(' ')[1],
    )
  assert.equal(value('ledger_experiments{status="queued"}'), 1)
  assert.equal(value('ledger_experiments{status="failed"}'), 0)
  assert.equal(value('ledger_segments{state="pending"}'), 3)
  assert.equal(value('ledger_segments{state="trained"}'), 2)
  assert.equal(value('ledger_segments{state="allocated"}'), 2)
  const waited = value('ledger_oldest_waiting_segment_seconds')
  assert.ok(waited >= 60 && waited < 120, String(waited))
  assert.equal(value('ledger_segments_per_second{engine="wasm"}'), 1 / 300)
  // Ten gradients, five on either split.
  assert.equal(value('ledger_engine_examples_per_second{engine="wasm"}'), (5 * 55_000 + 5 * 5000) / 2)
  assert.equal(value('ledger_residual{quantile="1"}'), 1 / 1024)
  assert.equal(value('ledger_refined_ratio'), 1)
  assert.ok(value('ledger_oldest_experiment_seconds{status="queued"}') >= 0)
  assert.match(text, /ledger_database_connections\{state="idle"\} \d/)
  assert.match(
    text,
    /request_seconds_count\{method="GET",route="\/v1\/experiments\/:id",status="200"\} [1-9]/,
  )
  assert.doesNotMatch(text, new RegExp(id))
})

test('openapi.yaml passes its linter', async () => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['node_modules/@redocly/cli/bin/cli.js', 'lint', '--format=stylish', 'openapi.yaml'],
    { env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: 'true' } },
  ).catch(error => assert.fail(`${error.stdout}\n${error.stderr}`))
  assert.match(stdout + stderr, /valid/)
})
