/** Experiments over HTTP: posted once, listed in pages, shown, cancelled, deleted. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newId } from '../src/api/routes/experiments/id.ts'
import { exampleSpec } from '../src/api/schemas/experiments.ts'
import type { Log } from '../src/log.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { addLogLines, mostLines } from '../src/store/log-lines.ts'
import { noteAllocated } from '../src/store/segments.ts'
import { sweep } from '../src/store/sweep.ts'
import { noteTrained, recordTraining, startExperiment } from '../src/store/training.ts'
import { fillLedger, minimalSpec, post, startApi, storeArtifact, type TestApi } from './support/api.ts'
import { facts } from './support/facts.ts'
import { asStored } from './support/fake-ledger.ts'

describe('experiments', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())

  test('a post is stored with its defaults, queued, and found at its location', async () => {
    const posted = await api.http.post('/v1/experiments').send(exampleSpec).expect(202)
    assert.match(posted.body.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(posted.headers.location, `/v1/experiments/${posted.body.id}`)
    assert.deepEqual(api.queue.submitted, [posted.body.id])
    const { body } = await api.http.get(posted.headers.location).expect(200)
    assert.deepEqual(body, { ...posted.body })
    assert.equal(body.status, 'queued')
    assert.equal(body.name, exampleSpec.name)
    assert.deepEqual(body.tags, exampleSpec.tags)
    assert.deepEqual(body.progress, { phase: 'queued', done: 0, total: 200, etaSeconds: null })
    assert.equal(body.spec.allocation.method, 'simpson')
    assert.deepEqual(body.spec.layers, exampleSpec.layers)
    assert.ok(Math.abs(Date.parse(body.createdAt) - Date.now()) < 60_000)
    assert.equal(body.summary, null)
  })

  test('the example in openapi.yaml can be posted to the preview, which stores nothing', async () => {
    const count = await api.db.prisma.experiment.count()
    const { body } = await api.http.post('/v1/experiments/preview').send(exampleSpec).expect(200)
    assert.equal(body.parameters, 784 * 100 + 100 + 100 * 50 + 50 + 50 * 10 + 10)
    assert.equal(body.layers.length, 3)
    assert.deepEqual(body.layers[2].freeze, { from: 0, until: null })
    assert.equal(body.layers[0].freeze, null)
    assert.equal(body.layers[0].optimizer.momentum, 0.9)
    assert.equal(body.variables[0].name, 'fc_1/kernel')
    assert.equal(body.spec.training.batchSize, 250)
    assert.ok(body.flops.allocation > 0 && body.bytes.kept > 0 && body.gradientPasses.train > 0)
    assert.equal(await api.db.prisma.experiment.count(), count)
  })

  test('the same idempotency key and body is the same experiment, whatever the order of its keys', async () => {
    const spec = minimalSpec()
    const turned = Object.fromEntries(Object.entries(spec).reverse())
    const first = await api.http.post('/v1/experiments').set('Idempotency-Key', 'once').send(spec).expect(202)
    const again = await api.http
      .post('/v1/experiments')
      .set('Idempotency-Key', 'once')
      .send(turned)
      .expect(202)
    assert.equal(again.body.id, first.body.id)
    assert.equal(again.headers.location, first.headers.location)
    const other = await api.http
      .post('/v1/experiments')
      .set('Idempotency-Key', 'once')
      .send(minimalSpec(9))
      .expect(409)
    assert.match(other.body.type, /idempotency-key-reused$/)
    const without = await api.http.post('/v1/experiments').send(spec).expect(202)
    assert.notEqual(without.body.id, first.body.id)
  })

  test('a body whose layer rules stand in another order is another: later rules win', async () => {
    const rules = [
      ['fc_*', { freeze: true }],
      ['fc_1', { freeze: false, l2: 0 }],
    ]
    const send = (layers: unknown[][]) =>
      api.http
        .post('/v1/experiments')
        .set('Idempotency-Key', 'rules')
        .send({ ...minimalSpec(), layers: Object.fromEntries(layers) })
    await send(rules).expect(202)
    await send(rules).expect(202)
    await send(rules.toReversed()).expect(409)
    await send([rules[0], ['fc_1', { l2: 0, freeze: false }]]).expect(202)
  })

  test('a repeated post is answered whatever has become of what its spec names, and is not checked again', async () => {
    const first = await post(api)
    await api.db.prisma.experiment.update({ where: { id: first }, data: { status: 'succeeded' } })
    const spec = {
      ...minimalSpec(),
      training: { iterations: 2, initial: { experiment: first, iteration: 1 } },
    }
    const send = (body: object | string) =>
      api.http.post('/v1/experiments').set('Idempotency-Key', 'later').type('json').send(body)
    const { body } = await send(spec).expect(202)
    await api.db.prisma.experiment.delete({ where: { id: first } })
    assert.equal((await send(spec).expect(202)).body.id, body.id)
    await send({ ...spec, nonsense: 1 }).expect(409)
    await send(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`).expect(409)
    // Gone with its key: what is posted now is new, and checked.
    await api.http.delete(`/v1/experiments/${body.id}`).expect(204)
    await send(spec).expect(422)
  })

  test('one that is queued says where it stands in line; one that runs does not', async () => {
    const { body: first } = await api.http.post('/v1/experiments').send(minimalSpec()).expect(202)
    const { body } = await api.http.get(`/v1/experiments/${first.id}`).expect(200)
    assert.ok(body.queue.position >= 1 && body.queue.ahead.experiments === body.queue.position - 1)
    assert.equal(body.queue.ahead.seconds, null)
    const { headers } = await api.http.get(`/v1/experiments/${first.id}`).expect(200)
    await api.http.get(`/v1/experiments/${first.id}`).set('if-none-match', headers.etag).expect(304)
    await api.db.pool.query(`UPDATE experiments SET status = 'training' WHERE id = $1`, [first.id])
    assert.equal((await api.http.get(`/v1/experiments/${first.id}`).expect(200)).body.queue, null)
    await api.http.delete(`/v1/experiments/${first.id}`).expect(204)
  })

  test('a key whose experiment is deleted while it is posted again is free', async () => {
    const once = { key: 'gone', hash: '0' }
    const spec = asStored(resolveSpec(minimalSpec(), facts))
    const gone = await createExperiment(api.db, { id: newId(), spec, once })
    const pool = Object.create(api.db.pool)
    pool.query = async (text: string, values: unknown[]) => {
      if ('id' in gone && text.includes('idempotency_hash =')) await deleteOne(gone.id)
      return api.db.pool.query(text, values)
    }
    const deleteOne = (id: string) => api.db.prisma.experiment.deleteMany({ where: { id } })
    const id = newId()
    assert.deepEqual(await createExperiment({ ...api.db, pool }, { id, spec, once }), {
      outcome: 'created',
      id,
    })
  })

  test('of twenty identical posts at once, one makes the experiment', async () => {
    const posts = Array.from({ length: 20 }, () =>
      api.http.post('/v1/experiments').set('Idempotency-Key', 'race').send(minimalSpec()),
    )
    const answers = await Promise.all(posts)
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]))
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1)
    assert.equal(await api.db.prisma.experiment.count({ where: { idempotencyKey: 'race' } }), 1)
  })

  test('a post is kept when the queue is down: Postgres is the truth', async () => {
    const notTold = 'stored, but the queue could not be told'
    api.queue.broken = true
    const { body } = await api.http.post('/v1/experiments').send(minimalSpec()).expect(202)
    api.queue.broken = false
    assert.equal(body.status, 'queued')
    assert.ok(api.lines.some(line => line.experiment === body.id && line.msg === notTold))
  })

  test('the list goes from new to old in pages that stay put while experiments are added', async () => {
    const ids: string[] = []
    for (let i = 0; i < 7; i++) ids.push(await post(api, { ...minimalSpec(), tags: { list: 'pages' } }))
    ids.reverse()
    const seen: string[] = []
    let path = '/v1/experiments?tag=list:pages&limit=3'
    for (let pages = 0; path !== ''; pages++) {
      const { body } = await api.http.get(path).expect(200)
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      assert.equal('spec' in body.items[0], false)
      path = body.nextCursor && `/v1/experiments?tag=list:pages&limit=3&cursor=${body.nextCursor}`
      if (path === null) break
      assert.ok(pages < 5)
      await post(api, { ...minimalSpec(), tags: { list: 'pages' } })
    }
    assert.deepEqual(seen, ids)
  })

  test('the list is filtered by status and by tags', async () => {
    const tags = { study: 'a:b', seed: '1' }
    const id = await post(api, { ...minimalSpec(), tags })
    const other = await post(api, { ...minimalSpec(), tags: { ...tags, seed: '2' } })
    await api.db.prisma.experiment.update({ where: { id: other }, data: { status: 'failed' } })
    const list = async (query: string) => {
      const { body } = await api.http.get(`/v1/experiments?${query}`).expect(200)
      return body.items.map((item: { id: string }) => item.id)
    }
    assert.deepEqual(await list('tag=study:a:b'), [other, id])
    assert.deepEqual(await list('tag=study:a:b&tag=seed:1'), [id])
    assert.deepEqual(await list('tag=study:a:b&status=failed'), [other])
    assert.deepEqual(await list('tag=study:a:b&status=failed&status=queued'), [other, id])
    assert.deepEqual(await list('tag=study:a'), [])
    assert.deepEqual(await list(`tag=study:${encodeURIComponent(`' OR 1=1 --`)}`), [])
  })

  test('progress follows the phases and their pace', async () => {
    const id = await post(api)
    const set = (data: object) => api.db.prisma.experiment.update({ where: { id }, data })
    const progress = async () => (await api.http.get(`/v1/experiments/${id}`)).body.progress
    const ago = (seconds: number) => new Date(Date.now() - 1000 * seconds)
    // Half a minute of loading is no pace: two iterations in the ten seconds since the first.
    await set({ status: 'training', startedAt: ago(40), trained: 3, doneBefore: 1, pacedAt: ago(10) })
    const training = await progress()
    assert.deepEqual({ ...training, etaSeconds: 0 }, { phase: 'training', done: 3, total: 8, etaSeconds: 0 })
    assert.ok(training.etaSeconds >= 24 && training.etaSeconds <= 34, String(training.etaSeconds))
    await set({ status: 'allocating', trained: 8, allocatingAt: ago(90), doneBefore: 0, pacedAt: ago(30) })
    await api.db.pool.query('UPDATE segments SET done = 6 WHERE experiment_id = $1', [id])
    const allocating = await progress()
    assert.equal(allocating.phase, 'allocating')
    assert.equal(allocating.done, 6)
    assert.ok(allocating.etaSeconds >= 9 && allocating.etaSeconds <= 15, String(allocating.etaSeconds))
    await set({ status: 'failed' })
    assert.deepEqual(await progress(), { phase: 'allocating', done: 6, total: 8, etaSeconds: null })
    await set({ status: 'succeeded' })
    assert.deepEqual(await progress(), { phase: 'finished', done: 8, total: 8, etaSeconds: 0 })
  })

  test('what is left of one that goes on is reckoned from what it has done since', async () => {
    const spec = { ...minimalSpec(1000), allocation: { segmentIterations: 100 } }
    const id = await post(api, spec)
    const engine = { name: 'wasm', version: '4', threads: 1, device: 'none' } as const
    const computer = { worker: 'here:1', engine }
    const goOn = async () => startExperiment(api.db, id, computer)
    const after = async (seconds: number) => {
      const then = new Date(Date.now() - seconds * 1000)
      await api.db.prisma.experiment.update({ where: { id }, data: { pacedAt: then } })
      const { progress } = (await api.http.get(`/v1/experiments/${id}`)).body
      return [progress.done, Math.round(progress.etaSeconds / 100)]
    }
    await api.db.pool.query(
      `UPDATE segments SET status = 'trained' WHERE experiment_id = $1 AND "index" < 9`,
      [id],
    )
    assert.equal(await goOn(), 'training')
    assert.equal((await api.http.get(`/v1/experiments/${id}`)).body.progress.etaSeconds, null)
    await noteTrained(api.db, id, 901)
    assert.equal((await api.http.get(`/v1/experiments/${id}`)).body.progress.etaSeconds, null)
    await noteTrained(api.db, id, 906)
    assert.deepEqual(await after(100), [906, 19])

    assert.equal(await recordTraining(api.db, id, [], { segments: [], objects: [] }, computer), true)
    await noteAllocated(api.db, id, 0, 1)
    await noteAllocated(api.db, id, 0, 51)
    assert.deepEqual(await after(100), [51, 19])
    // Cancelled with nine segments allocated, and tried again.
    await fillLedger(api, id, [])
    await api.db.pool.query(
      `UPDATE segments SET status = 'allocated', done = 100 WHERE experiment_id = $1 AND "index" < 9`,
      [id],
    )
    await api.db.prisma.experiment.update({ where: { id }, data: { status: 'queued' } })
    assert.equal(await goOn(), 'allocating')
    await noteAllocated(api.db, id, 9, 1)
    await noteAllocated(api.db, id, 9, 6)
    assert.deepEqual(await after(100), [906, 19])
  })

  test('cancel works once and twice, also while running, and not when it is over', async () => {
    const id = await post(api)
    const cancel = () => api.http.post(`/v1/experiments/${id}/cancel`)
    const { body } = await cancel().expect(202)
    assert.equal(body.status, 'cancelled')
    assert.ok(api.queue.removed.includes(id))
    await cancel().set('content-type', 'application/json').expect(202)

    const running = await post(api)
    await api.db.prisma.experiment.update({ where: { id: running }, data: { status: 'training' } })
    await api.http.post(`/v1/experiments/${running}/cancel`).expect(202)
    const { cancelling } = await api.db.prisma.experiment.findUniqueOrThrow({ where: { id: running } })
    assert.equal(cancelling, true)
    await api.db.prisma.experiment.update({ where: { id: running }, data: { status: 'succeeded' } })
    await api.http.post(`/v1/experiments/${running}/cancel`).expect(409)
  })

  test('delete takes rows and objects, also while running', async () => {
    const id = await post(api)
    await storeArtifact(api, id, 'weights/0-8.npy', new Uint8Array(10))
    await api.db.prisma.experiment.update({ where: { id }, data: { status: 'allocating' } })
    await api.http.delete(`/v1/experiments/${id}`).expect(204)
    await api.http.get(`/v1/experiments/${id}`).expect(404)
    await api.http.delete(`/v1/experiments/${id}`).expect(404)
    assert.equal(await api.objects.stat(`experiments/${id}/weights/0-8.npy`), undefined)
    assert.ok(api.queue.removed.includes(id))
  })

  /** A spec that starts from an experiment which has succeeded. */
  const startedFrom = async () => {
    const experiment = await post(api)
    await api.db.prisma.experiment.update({
      where: { id: experiment },
      data: { status: 'succeeded', finishedAt: new Date(0) },
    })
    const training = { iterations: 2, initial: { experiment, iteration: 1 } }
    return { experiment, spec: { ...minimalSpec(), training } }
  }

  test('name, tags and notes can be changed at any time, and not over what somebody else has changed', async () => {
    const id = await post(api, { ...minimalSpec(), name: 'first', tags: { a: '1', b: '2' } })
    const at = `/v1/experiments/${id}`
    const before = await api.http.get(at).expect(200)
    const edit = { name: '<b>\u202e🎉', tags: { a: null, c: '3' }, notes: 'cites "this"\nand that' }
    const edited = await api.http.patch(at).set('if-match', before.headers.etag).send(edit).expect(200)
    const { name, tags, notes, spec } = edited.body
    assert.deepEqual([name, tags, notes], [edit.name, { b: '2', c: '3' }, edit.notes])
    assert.equal(spec.name, 'first')
    assert.notEqual(edited.headers.etag, before.headers.etag)
    assert.deepEqual((await api.http.get(at).expect(200)).body, edited.body)
    // What was read before says something else; what work does meanwhile does not count, nor what changes nothing.
    await api.http.patch(at).set('if-match', before.headers.etag).send({ name: 'lost' }).expect(412)
    await api.db.prisma.experiment.update({ where: { id }, data: { status: 'training', trained: 1 } })
    const same = await api.http.patch(at).set('if-match', edited.headers.etag).send(edit).expect(200)
    await api.http.patch(at).set('if-match', `"x", ${edited.headers.etag}`).send({ name: null }).expect(200)
    await api.http.patch(at).set('if-match', same.headers.etag).send({ notes: null }).expect(412)
    for (const where of ['notes ~ "CITES \\"this"', 'any ~ "and that" and name = null']) {
      const { body } = await api.http.get(`/v1/experiments?where=${encodeURIComponent(where)}`).expect(200)
      assert.deepEqual(
        body.items.map((item: { id: string }) => item.id),
        [id],
      )
    }
    const refused = async (body: object, path: string) => {
      const { body: told } = await api.http.patch(at).send(body).expect(400)
      assert.deepEqual(
        told.errors.map((error: { path: string }) => error.path),
        [path],
      )
      return told.errors[0].message
    }
    assert.match(await refused({ tags: { big: 'x'.repeat(50_000) } }, '$.tags.big'), /at most 200 characters/)
    assert.match(await refused({ name: '' }, '$.name'), /1 to 200 characters or null/)
    assert.match(await refused({ notes: 'x'.repeat(10_001) }, '$.notes'), /at most 10000 characters/)
    assert.match(await refused({ name: 'a\0' }, '$.name'), /without NUL/)
    assert.match(await refused({ nmae: 'a' }, '$.nmae'), /did you mean name/)
    await api.http.patch(at).send([]).expect(400)
    await api.http
      .patch(at)
      .send({ notes: 'x'.repeat(2 ** 18) })
      .expect(413)
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}`, '']))
    await api.http.patch(at).send({ tags: many }).expect(409)
    assert.deepEqual((await api.http.get(at).expect(200)).body.tags, tags)
    await api.http.delete(at).expect(204)
  })

  test('several are cancelled, retried, tagged and deleted at once, each answered for, twice without harm', async () => {
    const [a, b, c] = [await post(api), await post(api), await post(api)]
    const gone = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
    await api.db.prisma.experiment.update({ where: { id: b }, data: { status: 'training' } })
    await api.db.prisma.experiment.update({ where: { id: c }, data: { status: 'succeeded' } })
    const bulk = async (action: string, ids: string[], more: object = {}) => {
      const { body } = await api.http
        .post('/v1/experiments/bulk')
        .send({ action, ids, ...more })
        .expect(200)
      assert.deepEqual(
        body.items.map((item: { id: string }) => item.id),
        [...new Set(ids.map(id => id.toLowerCase()))],
      )
      return body.items.map((item: { outcome: string }) => item.outcome)
    }
    const all = [a, gone, b.toUpperCase(), c, a]
    assert.deepEqual(await bulk('cancel', all), ['cancelled', 'missing', 'cancelling', 'unchanged'])
    assert.deepEqual(await bulk('cancel', all), ['unchanged', 'missing', 'cancelling', 'unchanged'])
    assert.deepEqual(await bulk('retry', [a, gone, b]), ['queued', 'missing', 'unchanged'])
    assert.deepEqual(await bulk('retry', [a, b]), ['unchanged', 'unchanged'])
    assert.deepEqual(api.queue.submitted.slice(-1), [a])
    assert.deepEqual(await bulk('tag', [a, gone], { tags: { k: 'v' } }), ['tagged', 'missing'])
    assert.deepEqual(await bulk('tag', [a, c], { tags: { k: 'v' } }), ['unchanged', 'tagged'])
    assert.deepEqual(await bulk('tag', [a], { tags: { k: null } }), ['tagged'])
    const initial = { experiment: c, iteration: 2 }
    const user = await post(api, { ...minimalSpec(), training: { iterations: 3, initial } })
    const { body } = await api.http.post('/v1/experiments/bulk').send({ action: 'delete', ids: [c, a] })
    assert.equal(body.items[0].outcome, 'refused')
    assert.match(body.items[0].detail, new RegExp(`start from it: ${user}`))
    assert.deepEqual(await bulk('delete', [user, b, a]), ['deleted', 'deleted', 'missing'])
    assert.deepEqual(await bulk('delete', [c]), ['deleted'])
    assert.equal(await api.db.prisma.experiment.count({ where: { id: { in: [a, b, c, user] } } }), 0)
    for (const wrong of [
      ...[{ action: 'cancel' }, { action: 'burn', ids: [gone] }, { action: 'cancel', ids: ['x'] }],
      ...[
        { action: 'tag', ids: [gone] },
        { action: 'cancel', ids: [gone], tags: {} },
      ],
      { action: 'cancel', ids: Array.from({ length: 1001 }, () => gone) },
    ])
      await api.http.post('/v1/experiments/bulk').send(wrong).expect(400)
  })

  test('what workers said of one is kept with it, the newest thousand lines, in pages', async () => {
    const [id, other] = [await post(api), await post(api)]
    const line = (experiment: string, n: number) => ({
      ...{ experiment, at: new Date(1e12 + n).toISOString(), level: 'info' as const, message: `line ${n}` },
      ...{ worker: 'host:1', facts: { n } },
    })
    const lines = Array.from({ length: mostLines + 10 }, (_, n) => line(id, n))
    await addLogLines(api.db, [...lines, line(other, 0), line('0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d', 0)])
    const seen: { message: string; at: string; facts: object }[] = []
    for (let cursor = ''; ; ) {
      const { body } = await api.http.get(`/v1/experiments/${id}/logs?limit=200${cursor}`).expect(200)
      seen.push(...body.items)
      if (body.nextCursor === null) break
      cursor = `&cursor=${body.nextCursor}`
    }
    assert.deepEqual(
      seen.map(({ message }) => message),
      lines.slice(10).map(({ message }) => message),
    )
    assert.deepEqual([seen[0].at, seen[0].facts], [lines[10].at, { n: 10 }])
    for (const one of [id, other]) await api.http.delete(`/v1/experiments/${one}`).expect(204)
    assert.equal(await api.db.prisma.logLine.count(), 0)
  })

  test('what unfinished experiments start from is not deleted, and not swept', async () => {
    const { experiment, spec } = await startedFrom()
    const user = await post(api, spec)
    const expire = () => sweep(api.db, api.queue, api.objects, 1, api.app.log as Log)
    for (const status of ['queued', 'training', 'allocating'] as const) {
      await api.db.prisma.experiment.update({ where: { id: user }, data: { status } })
      const { body } = await api.http.delete(`/v1/experiments/${experiment}`).expect(409)
      assert.match(body.detail, new RegExp(`start from it: ${user};`))
    }
    assert.equal((await expire())?.expired, 0)
    // It is as it was: others may still start from it.
    await post(api, spec)
    await api.db.prisma.experiment.updateMany({ data: { status: 'failed' } })
    assert.equal((await expire())?.expired, 1)
    await api.http.get(`/v1/experiments/${experiment}`).expect(404)
  })

  test('of a deletion and posts that start from it at once, one finds the other', async () => {
    for (let i = 0; i < 5; i++) {
      const { experiment, spec } = await startedFrom()
      const [deleted, ...posted] = await Promise.all([
        api.http.delete(`/v1/experiments/${experiment}`),
        api.http.post('/v1/experiments').send(spec),
        api.http.post('/v1/sweeps').send({ base: spec }),
      ])
      const statuses = posted.map(({ status }) => status)
      if (deleted.status === 204) assert.deepEqual(statuses, [422, 422])
      else assert.ok(deleted.status === 409 && statuses.includes(202), String([deleted.status, statuses]))
    }
  })

  test('the catalogue lists datasets and architectures, without infinities', async () => {
    const datasets = await api.http.get('/v1/datasets').expect(200)
    assert.deepEqual(
      datasets.body.items.map(({ name }: { name: string }) => name),
      ['synthetic-digits', 'mnist'],
    )
    const { body } = await api.http.get('/v1/architectures').expect(200)
    assert.equal(body.items[0].name, 'fc')
    assert.deepEqual(body.items[0].schema.required, ['name'])
    assert.equal(body.items[0].schema.properties.hidden.type, 'array')
  })
})
