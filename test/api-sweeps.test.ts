/** Sweeps over HTTP: all of their experiments or none, posted once, listed, cancelled, deleted. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { listSql } from '../src/api/routes/sweeps/query.ts'
import { exampleSweep } from '../src/api/schemas/sweeps.ts'
import { minimalSpec, post, startApi, storeArtifact, type TestApi } from './support/api.ts'

describe('sweeps', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())
  const send = (body: unknown) => api.http.post('/v1/sweeps').send(body as object)
  const sweep = { base: minimalSpec(), seeds: [1, 2] }
  const counts = async () => ({
    sweeps: await api.db.prisma.sweep.count(),
    experiments: await api.db.prisma.experiment.count(),
    segments: await api.db.prisma.segment.count(),
  })

  test('the example in openapi.yaml becomes nine queued experiments, in order', async () => {
    const posted = await send(exampleSweep).expect(202)
    const { body } = await api.http.get(posted.headers.location).expect(200)
    assert.deepEqual(body, posted.body)
    assert.deepEqual(body.variants, ['baseline', 'first frozen', 'last frozen'])
    assert.equal(body.baseline, 'baseline')
    assert.deepEqual(body.request, exampleSweep)
    assert.equal(body.experimentCount, 9)
    assert.equal(body.finished, false)
    assert.equal(body.counts.queued, 9)
    assert.deepEqual(
      body.experiments.map(({ variant, seed }: { variant: string; seed: number }) => [variant, seed]),
      body.variants.flatMap((variant: string) => [1, 2, 3].map(seed => [variant, seed])),
    )
    const ids = body.experiments.map(({ id }: { id: string }) => id)
    assert.deepEqual(api.queue.submitted.slice(-9), ids)

    const { body: one } = await api.http.get(`/v1/experiments/${ids[4]}`).expect(200)
    assert.equal(one.sweepId, body.id)
    assert.equal(one.variant, 'first frozen')
    assert.equal(one.name, 'freezing · first frozen · seed 2')
    assert.deepEqual(one.spec.layers, { fc_1: { freeze: true } })
    assert.deepEqual(one.tags, exampleSweep.base.tags)

    const other = await post(api)
    const { body: page } = await api.http.get(`/v1/experiments?sweep=${body.id}&limit=200`).expect(200)
    assert.deepEqual(
      page.items.map(({ id }: { id: string }) => id),
      ids.toReversed(),
    )
    assert.equal((await api.http.get(`/v1/experiments/${other}`)).body.sweepId, null)
    await api.http.get('/v1/experiments?sweep=x').expect(400)
  })

  test('experiments of a sweep have the segments that they would have alone', async () => {
    const spec = { ...minimalSpec(120), allocation: { segmentIterations: 50 } }
    const { body } = await send({ base: spec }).expect(202)
    const alone = await post(api, spec)
    const segments = (experimentId: string) =>
      api.db.prisma.segment.findMany({
        where: { experimentId },
        orderBy: { index: 'asc' },
        omit: { experimentId: true },
      })
    assert.deepEqual(await segments(body.experiments[0].id), await segments(alone))
  })

  test('one wrong variant, and nothing is stored', async () => {
    const before = await counts()
    const { body } = await send({
      ...sweep,
      vary: [{}, { training: { batchSize: 1e6 } }, { layers: { fc_7: { freeze: true } } }],
    }).expect(422)
    assert.deepEqual(
      body.errors.map(({ path }: { path: string }) => path),
      ['$.vary[1].training.batchSize', '$.vary[2].layers.fc_7'],
    )
    assert.deepEqual(await counts(), before)
  })

  test('weights to begin with are looked at wherever they are named, and told about there', async () => {
    const earlier = await post(api)
    const running = await post(api)
    await api.db.prisma.experiment.update({ where: { id: earlier }, data: { status: 'succeeded' } })
    const before = await counts()
    const nobodys = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
    const from = (experiment: string, iteration = 4) => ({ training: { initial: { experiment, iteration } } })
    const base = { ...minimalSpec(), training: { iterations: 8, initial: { iteration: 2 } } }
    const errorsOf = async (body: object) => {
      const { errors } = (await send(body).expect(422)).body
      return errors.map(({ path, message }: { path: string; message: string }) => `${path} ${message}`)
    }
    const vary = [
      {},
      from(earlier),
      from(nobodys),
      from(running),
      from(earlier, 9),
      { ...from(earlier), architecture: { hidden: [4] } },
    ]
    const list = await errorsOf({ base: minimalSpec(), vary })
    for (const [i, expected] of [
      /^\$\.vary\[2\]\.training\.initial\.experiment is not an experiment here \(in variant /,
      /^\$\.vary\[3\]\.training\.initial\.experiment must have succeeded, and is queued/,
      /^\$\.vary\[4\]\.training\.initial\.iteration must be ≤ 8/,
      /^\$\.vary\[5\]\.training\.initial\.experiment must have the same variables/,
    ].entries())
      assert.match(list[i], expected)
    assert.equal(list.length, 4)
    const grid = (experiments: string[]) => ({ base, vary: { 'training.initial.experiment': experiments } })
    const [wrong] = await errorsOf(grid([earlier, nobodys]))
    assert.match(wrong, /^\$\.vary\['training\.initial\.experiment'\]\[1\] is not an experiment here/)
    const training = { iterations: 8, ...from(nobodys).training }
    const [inBase] = await errorsOf({ base: { ...base, training }, seeds: [1, 2] })
    assert.match(inBase, /^\$\.base\.training\.initial/)
    assert.deepEqual(await counts(), before)
    await send({ base: minimalSpec(), vary: vary.slice(0, 2) }).expect(202)
    await send(grid([earlier])).expect(202)
  })

  test('hostile sweeps are refused as such', async () => {
    const before = await counts()
    const deep = `{"base": ${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`
    for (const body of [deep, '[]', '"x"', 'null', '{"base": []}', '{"base": {}, "vary": 1e999}'])
      assert.equal((await api.http.post('/v1/sweeps').type('json').send(body)).status, 422, body.slice(0, 40))
    await api.http.post('/v1/sweeps').type('json').send('{').expect(400)
    for (const [change, path] of [
      [{ name: 'a\0' }, '$.name'],
      [{ vary: { "tags['\0']": ['x'] } }, '$.vary["tags'],
      [{ base: { ...minimalSpec(), tags: { a: '\ud800' } } }, '$.base.tags'],
      [{ vary: { '__proto__.polluted': [1] } }, '$.vary'],
    ] as const) {
      const answer = await send({ ...sweep, ...change })
      assert.equal(answer.status, 422, JSON.stringify([change, answer.body]))
      assert.ok(path)
    }
    // A text that no variant uses is still stored: as it is.
    const odd = { ...sweep, base: { ...minimalSpec(), name: 'a\0b' }, vary: [{ name: 'x' }] }
    const { body } = await send(odd).expect(202)
    assert.deepEqual((await api.http.get(`/v1/sweeps/${body.id}`)).body.request, odd)
    assert.equal(({} as { polluted?: number }).polluted, undefined)
    assert.equal((await counts()).sweeps, before.sweeps + 1)
  })

  test('the same idempotency key and body is the same sweep, also when two posts race', async () => {
    const race = await Promise.all(
      Array.from({ length: 4 }, () => send(sweep).set('Idempotency-Key', 'sweep')),
    )
    assert.deepEqual(new Set(race.map(({ status }) => status)), new Set([202]))
    assert.equal(new Set(race.map(({ body }) => body.id)).size, 1)
    await send({ ...sweep, seeds: [3] })
      .set('Idempotency-Key', 'sweep')
      .expect(409)
    // Not even checked: it is another body, right or wrong.
    await send({ base: 1 }).set('Idempotency-Key', 'sweep').expect(409)
    // An experiment may have the same key.
    await api.http.post('/v1/experiments').set('Idempotency-Key', 'sweep').send(minimalSpec()).expect(202)
  })

  test('a sweep whose rules or paths stand in another order is another', async () => {
    const rules = { 'fc_*': { freeze: true }, fc_1: { freeze: false } }
    const turned = (entries: object) => Object.fromEntries(Object.entries(entries).reverse())
    const paths = { 'optimizer.learningRate': [0.1, 0.2], 'optimizer.momentum': [0, 0.5] }
    for (const [key, one, other] of [
      [
        'base',
        { base: { ...minimalSpec(), layers: rules } },
        { base: { ...minimalSpec(), layers: turned(rules) } },
      ],
      [
        'patch',
        { base: minimalSpec(), vary: [{ layers: rules }] },
        { base: minimalSpec(), vary: [{ layers: turned(rules) }] },
      ],
      ['paths', { base: minimalSpec(), vary: paths }, { base: minimalSpec(), vary: turned(paths) }],
    ] as const) {
      const first = await send(one).set('Idempotency-Key', key).expect(202)
      const again = await send({ ...turned(one), base: turned(one.base) }).set('Idempotency-Key', key)
      assert.equal(again.body.id, first.body.id, key)
      await send(other).set('Idempotency-Key', key).expect(409)
    }
  })

  test('a thousand experiments, and not one more', async t => {
    const seeds = Array.from({ length: 500 }, (_, i) => i)
    const grid = { base: minimalSpec(100), vary: { 'optimizer.learningRate': [0.1, 0.2] }, seeds }
    const start = performance.now()
    const { body } = await send(grid).expect(202)
    t.diagnostic(`1,000 experiments in ${(performance.now() - start).toFixed(0)} ms`)
    assert.equal(body.experiments.length, 1000)
    assert.equal(new Set(api.queue.submitted.slice(-1000)).size, 1000)
    const more = await send({ ...grid, seeds: [...seeds, 500] }).expect(422)
    assert.equal(more.body.errors[0].path, '$.vary')
  })

  test('a sweep is kept when the queue is down', async () => {
    api.queue.broken = true
    const { body } = await send(sweep).expect(202)
    api.queue.broken = false
    assert.equal(body.counts.queued, 2)
  })

  test('the list goes from new to old in pages', async () => {
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.push((await send(sweep)).body.id)
    const first = await api.http.get('/v1/sweeps?limit=2').expect(200)
    const second = await api.http.get(`/v1/sweeps?limit=2&cursor=${first.body.nextCursor}`).expect(200)
    const seen = [...first.body.items, ...second.body.items].map(({ id }: { id: string }) => id)
    assert.deepEqual(seen.slice(0, 3), ids.toReversed())
    assert.equal('experiments' in first.body.items[0], false)
    await api.http.get('/v1/sweeps?cursor=x').expect(400)
  })

  test('cancel takes what has not finished; delete takes everything', async () => {
    const { body } = await send({ ...sweep, seeds: [1, 2, 3] })
    const [done, running, waiting] = body.experiments.map(({ id }: { id: string }) => id)
    await api.db.prisma.experiment.update({ where: { id: done }, data: { status: 'succeeded' } })
    await api.db.prisma.experiment.update({ where: { id: running }, data: { status: 'training' } })
    const { body: cancelled } = await api.http.post(`/v1/sweeps/${body.id}/cancel`).expect(202)
    assert.deepEqual(
      cancelled.experiments.map(({ status }: { status: string }) => status),
      ['succeeded', 'training', 'cancelled'],
    )
    assert.ok(api.queue.removed.includes(waiting))
    const row = await api.db.prisma.experiment.findUniqueOrThrow({ where: { id: running } })
    assert.equal(row.cancelling, true)

    await storeArtifact(api, done, 'manifest.json', new Uint8Array(3))
    await api.http.delete(`/v1/sweeps/${body.id}`).expect(204)
    for (const path of [`sweeps/${body.id}`, `sweeps/${body.id}/summary`, `experiments/${done}`])
      await api.http.get(`/v1/${path}`).expect(404)
    assert.equal(await api.objects.stat(`experiments/${done}/manifest.json`), undefined)
    await api.http.delete(`/v1/sweeps/${body.id}`).expect(404)
    await api.http.post(`/v1/sweeps/${body.id}/cancel`).expect(404)
  })

  test('a large sweep stops as one, and is removed several at a time, again where that failed', async () => {
    const seeds = Array.from({ length: 40 }, (_, i) => i)
    const { body } = await send({ ...sweep, seeds })
    const running = { sweepId: body.id, status: 'queued' as const, cancelling: false }
    const { remove } = api.objects
    let atOnce = 0
    let most = 0
    let failures = 1
    api.objects.remove = async prefix => {
      assert.equal(await api.db.prisma.experiment.count({ where: running }), 0)
      most = Math.max(most, ++atOnce)
      await new Promise(resolve => setTimeout(resolve, 5))
      atOnce--
      if (failures-- > 0) throw new Error('the store is down')
      await remove(prefix)
    }
    await api.http.delete(`/v1/sweeps/${body.id}`).expect(500)
    assert.ok((await api.http.get(`/v1/sweeps/${body.id}`)).body.experimentCount > 20)
    await api.http.delete(`/v1/sweeps/${body.id}`).expect(204)
    // Some of the deletion that failed may still have been under way.
    assert.ok(most > 1 && most < 16, String(most))
    api.objects.remove = remove

    const { body: other } = await send({ ...sweep, seeds })
    running.sweepId = other.id
    const { body: cancelled } = await api.http.post(`/v1/sweeps/${other.id}/cancel`).expect(202)
    assert.equal(cancelled.counts.cancelled, 40)
    assert.ok(other.experiments.every(({ id }: { id: string }) => api.queue.removed.includes(id)))
  })

  test('a sweep that others start from is not deleted, nothing of it', async () => {
    const { body } = await send({ ...sweep, seeds: [1, 2, 3] })
    const experiment = body.experiments[1].id
    await api.db.prisma.experiment.updateMany({ where: { sweepId: body.id }, data: { status: 'succeeded' } })
    const training = { iterations: 2, initial: { experiment, iteration: 1 } }
    const user = await post(api, { ...minimalSpec(), training })
    const { body: refused } = await api.http.delete(`/v1/sweeps/${body.id}`).expect(409)
    assert.match(refused.detail, new RegExp(user))
    assert.equal((await api.http.get(`/v1/sweeps/${body.id}`)).body.experimentCount, 3)
    await api.http.post(`/v1/experiments/${user}/cancel`).expect(202)
    await api.http.delete(`/v1/sweeps/${body.id}`).expect(204)
  })

  test('a sweep has an ETag for as long as its experiments are as they are; its summary when all have ended', async () => {
    const { body } = await send(sweep)
    const [first, second] = body.experiments.map(({ id }: { id: string }) => id)
    const path = `/v1/sweeps/${body.id}`
    const tagOf = async (url: string) => (await api.http.get(url).expect(200)).headers.etag
    const set = (id: string, status: 'succeeded' | 'failed' | 'queued') =>
      api.db.prisma.experiment.update({ where: { id }, data: { status, summary: { splits: {} } } })
    const begun = await tagOf(path)
    await api.http.get(path).set('if-none-match', begun).expect(304)
    await api.http.patch(`/v1/experiments/${first}`).send({ name: 'renamed' }).expect(200)
    await api.http.get(path).set('if-none-match', begun).expect(200)
    assert.equal(await tagOf(`${path}/summary`), undefined)
    await set(first, 'succeeded')
    await set(second, 'failed')
    const ended = await tagOf(path)
    assert.notEqual(ended, begun)
    const tags = [await tagOf(`${path}/summary`), await tagOf(`${path}/summary?format=csv`)]
    assert.notEqual(tags[0], tags[1])
    await api.http.get(`${path}/summary`).set('if-none-match', tags[0]).expect(304)
    await api.http.get(`${path}/summary?format=csv`).set('if-none-match', tags[0]).expect(200)
    // Tried again, it may change.
    await set(second, 'queued')
    await api.http.get(path).set('if-none-match', ended).expect(200)
    await set(second, 'succeeded')
    await api.http.get(`${path}/summary`).set('if-none-match', tags[0]).expect(200)
  })

  test('lists of sweeps count experiments in an index, and read none of them', async () => {
    await api.db.pool.query('VACUUM ANALYZE experiments')
    const client = await api.db.pool.connect()
    try {
      // A table of some pages is read whole by a planner that may.
      await client.query('BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off')
      const { rows } = await client.query(`EXPLAIN ${listSql}`, [null, 50, null])
      const plan = rows.map(row => row['QUERY PLAN']).join('\n')
      assert.match(plan, /Index Only Scan using experiments_sweep_id_status_idx/)
      assert.doesNotMatch(plan, /(?<!Only )Scan[^\n]* on experiments/)
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  })

  test('a deleted experiment leaves the rest of its sweep', async () => {
    const { body } = await send(sweep)
    await api.http.delete(`/v1/experiments/${body.experiments[0].id}`).expect(204)
    const { body: rest } = await api.http.get(`/v1/sweeps/${body.id}`).expect(200)
    assert.equal(rest.experimentCount, 1)
    const { body: summary } = await api.http.get(`/v1/sweeps/${body.id}/summary`).expect(200)
    assert.deepEqual(summary.items, [])
    assert.deepEqual(summary.variants, [{ label: 'base', experiments: 1, seeds: [] }])
  })
})
