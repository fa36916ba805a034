import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import supertest from 'supertest'
import { type Server, startServer } from '../src/cli/serve.ts'
import { readConfig } from '../src/config.ts'
import { idxHeader } from '../src/data/idx.ts'
import { npyHeaderBytes } from '../src/objects/npy.ts'
import { resetSegments } from '../src/store/training.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
let directory: string
let server: Server
let http: ReturnType<typeof supertest>

before(async () => {
  database = await testDatabase()
  directory = await mkdtemp(path.join(tmpdir(), 'loss-ledger-e2e-'))
  const settings = { DATABASE_URL: database.url, LEDGER_DIR: directory, LOG_LEVEL: 'error' }
  // The worker reads the environment it inherits.
  Object.assign(process.env, settings)
  server = await startServer({ ...readConfig(), port: 0, workers: 1 }, pino({ level: 'error' }))
  http = supertest(server.url)
})

after(async () => {
  await server?.close()
  await database?.close()
  await rm(directory, { recursive: true, force: true })
})

const spec = {
  name: 'end to end',
  dataset: { name: 'synthetic-digits', trainExamples: 400, validationExamples: 100 },
  architecture: { name: 'fc', hidden: [10] },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  layers: { fc_2: { freeze: { from: 15 } } },
  training: { iterations: 20, batchSize: 50, seed: 5 },
  allocation: { segmentIterations: 8 },
}

async function finished(id: string) {
  for (;;) {
    const { body } = await http.get(`/v1/experiments/${id}`).expect(200)
    if (['succeeded', 'failed', 'cancelled'].includes(body.status)) return body
    await setTimeout(100)
  }
}

const close = (actual: number, expected: number, size: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= 1e-5 * Math.abs(size), `${what}: ${actual} is not ${expected}`)
const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)

test('post, poll, query: the books that REST shows balance, and agree with the raw tensors', async () => {
  const posted = await http.post('/v1/experiments').send(spec).expect(202)
  const { id } = posted.body
  assert.equal(posted.headers.location, `/v1/experiments/${id}`)
  const experiment = await finished(id)
  assert.equal(experiment.status, 'succeeded', JSON.stringify(experiment.error))
  assert.equal(experiment.spec.allocation.chunkSize, 400)
  assert.ok(['native', 'wasm'].includes(experiment.engine.name))

  const { body: preview } = await http.post('/v1/experiments/preview').send(spec).expect(200)
  const { body: manifest } = await http.get(`/v1/experiments/${id}/artifacts/manifest.json`).expect(200)
  assert.deepEqual(manifest.variables, preview.variables)
  assert.deepEqual(manifest.spec, experiment.spec)
  const parameters = preview.parameters

  const { body: findings } = await http.get(`/v1/experiments/${id}/findings`).expect(200)
  assert.equal(findings.recorded, true)
  const { count, largest } = experiment.summary.findings
  assert.equal(count, findings.items.length)
  assert.deepEqual(
    largest,
    findings.items.slice(0, 3).map(({ rule, split, layer, statement, atStake }: Record<string, unknown>) => ({
      ...{ rule, split, layer, statement, atStake },
    })),
  )

  for (const split of ['train', 'validation']) {
    const get = async (table: string) => (await http.get(`/v1/experiments/${id}/${table}`).expect(200)).body
    const [layers, variables, iterations, allocations] = await Promise.all([
      get(`layers?split=${split}`),
      get(`layers?split=${split}&by=variable`),
      get(`iterations?split=${split}`),
      get(`allocations?split=${split}&by=variable`),
    ])
    assert.ok(layers.complete && iterations.items.length === 20 && allocations.items.length === 20 * 4)
    const change = iterations.items[19].lossAfter - iterations.items[0].loss
    const lca = (rows: { lca: number }[]) => sum(rows.map(row => row.lca))
    const total = lca(layers.items)
    assert.ok(change < -0.1, `it learns: ${change}`)
    for (const [what, rows] of Object.entries({ variables, iterations, allocations }))
      close(lca(rows.items), total, change, `${split}: the sum over ${what}`)
    close(layers.total.lca, total, change, 'the total')
    const residuals = sum(iterations.items.map((row: { residual: number }) => row.residual))
    close(total + residuals, change, change, 'allocations and residuals')
    close(experiment.summary.splits[split].lca, total, change, 'the summary')
    const worst = Math.max(...iterations.items.map((row: { residual: number }) => Math.abs(row.residual)))
    assert.ok(worst <= experiment.spec.allocation.maxError)
    assert.equal(experiment.summary.splits[split].worstResidual, worst)

    // Every aggregate is a sum over the raw allocations, which numpy would see just so.
    const raw: number[][] = []
    for (const { from, to } of [
      { from: 0, to: 8 },
      { from: 8, to: 16 },
      { from: 16, to: 20 },
    ]) {
      const { body } = await http
        .get(`/v1/experiments/${id}/artifacts/allocations/${split}/${from}-${to}.npy`)
        .expect(200)
      assert.equal(body.length, npyHeaderBytes + (to - from) * parameters * 4)
      const floats = new Float32Array(new Uint8Array(body).buffer, npyHeaderBytes)
      for (let t = 0; t < to - from; t++) raw.push([...floats.subarray(t * parameters, (t + 1) * parameters)])
    }
    for (const row of allocations.items) {
      const { offset, size } = preview.variables.find(
        (variable: { name: string }) => variable.name === row.variable,
      )
      const values = raw[row.iteration].slice(offset, offset + size)
      close(row.lca, sum(values), row.helping, `${row.variable} at ${row.iteration}`)
      assert.equal(row.helped, values.filter(value => value < 0).length)
      if (row.layer === 'fc_2' && row.iteration >= 15)
        assert.deepEqual([row.lca, row.helping, row.hurting, row.helped, row.hurt], [0, 0, 0, 0, 0])
    }
  }
})

test('a branch with nothing changed has the losses of the run that never stopped', async () => {
  const optimizer = { name: 'adam', learningRate: 0.01 }
  const whole = { ...spec, optimizer, training: { ...spec.training, iterations: 12 }, layers: {} }
  const run = async (spec: object) => {
    const { body } = await http.post('/v1/experiments').send(spec).expect(202)
    const experiment = await finished(body.id)
    assert.equal(experiment.status, 'succeeded', JSON.stringify(experiment.error))
    const { items } = (await http.get(`/v1/experiments/${body.id}/iterations`).expect(200)).body
    return { id: body.id, losses: items.map(({ loss }: { loss: number }) => loss) }
  }
  const parent = await run(whole)
  const initial = { experiment: parent.id, iteration: 7, state: true }
  const branch = await run({ ...whole, training: { ...whole.training, iterations: 5, initial } })
  assert.deepEqual(branch.losses, parent.losses.slice(7))
  const look = (id: string) => http.get(`/v1/experiments/${id}`).expect(200)
  const { body: child } = await look(branch.id)
  assert.deepEqual(child.parent, initial)
  const { body: own, headers } = await look(parent.id)
  const status = 'succeeded'
  assert.deepEqual(
    [own.parent, own.branches],
    [null, [{ id: branch.id, name: spec.name, iteration: 7, status }]],
  )
  // Where both had trained they have the same weights; what was computed of the parent stays when that is deleted.
  const compared = await http.get(`/v1/compare?experiments=${parent.id},${branch.id}`).expect(200)
  assert.deepEqual(compared.body.weights[0].firstDifference, null)
  assert.equal(compared.body.weights[0].sameUntil, 12)
  await http.delete(`/v1/experiments/${branch.id}`).expect(204)
  assert.notEqual((await look(parent.id)).headers.etag, headers.etag)
})

test('an experiment that goes on is what one is that was posted with as many iterations', async () => {
  const optimizer = { name: 'adam', learningRate: 0.01 }
  const of = (iterations: number, more: object = {}) => ({
    ...{ ...spec, optimizer, layers: {}, ...more },
    training: { ...spec.training, iterations },
  })
  const post = async (spec: object) => {
    const { body } = await http.post('/v1/experiments').send(spec).expect(202)
    const ended = await finished(body.id)
    assert.equal(ended.status, 'succeeded', JSON.stringify(ended.error))
    return body.id as string
  }
  const extend = async (id: string, iterations: number) => {
    const { body } = await http.post(`/v1/experiments/${id}/extend`).send({ iterations }).expect(202)
    assert.deepEqual([body.iterations, body.summary], [iterations, null])
    // Asked again, it is on its way.
    await http.post(`/v1/experiments/${id}/extend`).send({ iterations }).expect(202)
    const ended = await finished(id)
    assert.equal(ended.status, 'succeeded', JSON.stringify(ended.error))
  }
  /** Everything that is stored of one, but who did it and when. */
  const stored = async (id: string) => {
    const rowsOf = async (sql: string) => (await database.db.pool.query(sql, [id])).rows
    return {
      blocks: await rowsOf(
        `SELECT kind, split, "from", "to", columns, md5(data) FROM ledger_blocks WHERE experiment_id = $1 ORDER BY 1, 2, 3`,
      ),
      artifacts: await rowsOf(
        `SELECT name, bytes, sha256 FROM artifacts WHERE experiment_id = $1 AND name <> 'manifest.json' ORDER BY name`,
      ),
      totals: await rowsOf(
        `SELECT to_jsonb(t) - 'experiment_id' AS row FROM variable_totals t WHERE experiment_id = $1 ORDER BY split, variable`,
      ),
      segments: await rowsOf(
        `SELECT "index", "from", "to", status, gradients, evaluations FROM segments WHERE experiment_id = $1 ORDER BY "index"`,
      ),
      experiment: await rowsOf(
        `SELECT spec, summary - 'allocationSeconds' AS summary, early, findings FROM experiments WHERE id = $1`,
      ),
    }
  }
  const objectsOf = async (id: string) =>
    (await readdir(path.join(directory, 'objects/experiments', id), { recursive: true })).sort()
  const whole = await post(of(20))
  const expected = await stored(whole)
  // It ends at the end of a segment, then within one, then as the other did.
  const id = await post(of(8))
  await extend(id, 12)
  await extend(id, 20)
  assert.deepEqual(await stored(id), expected)
  assert.deepEqual(await objectsOf(id), await objectsOf(whole))
  // What was done is not done again, but for the segment that was cut short.
  const { rows: attempts } = await database.db.pool.query(
    'SELECT attempts FROM segments WHERE experiment_id = $1 ORDER BY "index"',
    [id],
  )
  assert.deepEqual(
    attempts.map(one => one.attempts),
    [1, 2, 1],
  )
  const { body: manifest } = await http.get(`/v1/experiments/${id}/artifacts/manifest.json`).expect(200)
  assert.equal(manifest.spec.training.iterations, 20)

  const refused = async (id: string, body: object, status: number, message: RegExp) => {
    const answer = await http.post(`/v1/experiments/${id}/extend`).send(body).expect(status)
    assert.match(JSON.stringify(answer.body), message)
  }
  await refused(id, { iterations: 19 }, 422, /must be > 20, the iterations that it has/)
  await refused(id, { iterations: '30' }, 422, /must be an integer from 2/)
  await refused(id, { more: 30 }, 422, /not a field here/)
  const cooled = of(8, { optimizer: { ...optimizer, schedule: { name: 'cosine' } } })
  await refused(await post(cooled), { iterations: 12 }, 422, /ends with the training, at 8.*branch/)
  const bare = await post(of(8, { keep: ['weights'] }))
  await refused(bare, { iterations: 12 }, 422, /oscillation and windows/)
  const long = of(5000)
  const initial = { experiment: id, iteration: 20 }
  const { body: branch } = await http
    .post('/v1/experiments')
    .send({ ...long, training: { ...long.training, initial } })
    .expect(202)
  await refused(id, { iterations: 30 }, 409, /start from it/)
  await refused(branch.id, { iterations: 6000 }, 409, /only one that has succeeded can be extended/)
  await http.post(`/v1/experiments/${branch.id}/cancel`).expect(202)
  await finished(branch.id)
  await refused(branch.id, { iterations: 6000 }, 409, /is cancelled.*retry it first/)
})

test('a policy ends a training that overfits: the experiment is as long as it was, and says why', async () => {
  const overfitting = {
    ...{
      dataset: { ...spec.dataset, trainExamples: 20, validationExamples: 60 },
      architecture: spec.architecture,
    },
    optimizer: { name: 'sgd', learningRate: 0.3, momentum: 0.9 },
    training: {
      ...{ iterations: 50, batchSize: 5, seed: 1, policy: { stopOverfitting: { steps: 6 } } },
      intervention: { update: 'helpers', by: 'layer', until: 3 },
    },
    allocation: { method: 'trapezoid', maxSplits: 1, segmentIterations: 8 },
    keep: ['weights'],
  }
  const { body } = await http.post('/v1/experiments').send(overfitting).expect(202)
  const { status, error, summary, iterations, progress, spec: done } = await finished(body.id)
  assert.equal(status, 'succeeded', JSON.stringify(error))
  assert.ok(iterations > 6 && iterations < 50)
  assert.deepEqual(summary.ended, { policy: 'stopOverfitting', iterations, asked: 50 })
  assert.deepEqual(
    [summary.iterations, done.training.iterations, progress.total],
    [iterations, iterations, iterations],
  )
  const get = async (path: string) => (await http.get(`/v1/experiments/${body.id}${path}`).expect(200)).body
  const table = await get('/iterations')
  assert.ok(table.complete && table.items.length === iterations)
  const { items: rows } = await get('/diagnostics/policies?split=validation')
  assert.deepEqual(rows, (await get('/diagnostics/policies')).items)
  const [{ iteration, ...decision }] = rows
  assert.deepEqual([rows.length, iteration], [1, iterations - 1])
  assert.deepEqual([decision.rule, decision.action, decision.layer], ['stopOverfitting', 'stop', null])
  assert.equal(summary.splits.train.diagnostics['policies.stopped'], 1)
  const { items: taken } = await get('/diagnostics/interventions')
  assert.deepEqual(
    taken.flatMap((row: { layer: string | null; iteration: number }) => (row.layer ? [] : [row.iteration])),
    [0, 1, 2],
  )
  const { body: manifest } = await http.get(`/v1/experiments/${body.id}/artifacts/manifest.json`).expect(200)
  assert.equal(manifest.segments.at(-1).to, iterations)
  // The decision comes after its iteration, once, whoever comes back for the rest.
  const events = async (last: string) =>
    (await http.get(`/v1/experiments/${body.id}/events?lastEventId=${last}`).buffer(true)).text.split('\n\n')
  const all = await events('0')
  const at = all.findIndex(event => event.startsWith('event: decision'))
  assert.match(all[at - 1], new RegExp(`^event: iteration\nid: \\d+-${iterations - 1}-validation`))
  const [, id, data] = /^event: decision\nid: (.*)\ndata: (.*)$/.exec(all[at])!
  assert.deepEqual(JSON.parse(data), { iteration, decisions: [decision] })
  const before = await events(id.replace('decision', 'validation'))
  assert.equal(before.filter(event => event.startsWith('event: decision')).length, 1)
  assert.ok(!(await events(id)).some(event => event.startsWith('event: decision')))
  // A branch cannot begin behind where it ended.
  const initial = { experiment: body.id, iteration: iterations + 1, state: true }
  const branch = { ...overfitting, training: { ...overfitting.training, initial } }
  const refused = await http.post('/v1/experiments').send(branch).expect(422)
  assert.match(refused.body.errors[0].message, new RegExp(`must be ≤ ${iterations}`))
})

test('an experiment that cannot be computed fails with the reason, at once', async () => {
  const { body } = await http
    .post('/v1/experiments')
    .send({
      ...spec,
      layers: {},
      optimizer: { name: 'sgd', learningRate: 1e6 },
      training: { ...spec.training, l2: 1000 },
    })
    .expect(202)
  const experiment = await finished(body.id)
  assert.equal(experiment.status, 'failed')
  assert.match(experiment.error.message, /not finite at iteration \d+.*lower learning rate/)
})

test('an uploaded dataset is trained on as it was sent, and once more after the same was sent again', async () => {
  // The label is where the light is.
  const side = 6
  const count = 120
  const images = Buffer.concat([idxHeader([count, side, side]), Buffer.alloc(count * side * side)])
  const labels = Buffer.concat([idxHeader([count]), Buffer.alloc(count)])
  for (let i = 0; i < count; i++) {
    labels[8 + i] = i % 3
    images.fill(200 + (i % 50), 16 + i * side * side + (i % 3) * 12, 16 + i * side * side + (i % 3) * 12 + 12)
  }
  const upload = async () => {
    const form = http
      .post('/v1/datasets')
      .field('name', 'lights')
      .attach('images', gzipSync(images), 'images.gz')
    return (await form.attach('labels', labels, 'labels').expect(201)).body
  }
  const { upload: first } = await upload()
  const own = { ...spec, dataset: { name: 'lights' }, training: { iterations: 6, batchSize: 20 }, layers: {} }
  const run = async () => {
    const { body } = await http.post('/v1/experiments').send(own).expect(202)
    const experiment = await finished(body.id)
    assert.equal(experiment.status, 'succeeded', JSON.stringify(experiment.error))
    return experiment
  }
  const experiment = await run()
  assert.equal(experiment.spec.dataset.sha256, first.sha256)
  const { train, validation } = experiment.summary.splits
  assert.ok(
    train.loss.final < 0.7 * train.loss.initial && validation.accuracy.final > 0.6,
    JSON.stringify(train),
  )

  await http.delete('/v1/datasets/lights').expect(204)
  await http.post('/v1/experiments').send(own).expect(422)
  await upload()
  assert.deepEqual((await run()).summary.splits, experiment.summary.splits)
  // Of a name that has come to mean something else, nobody trains on the new meaning.
  await http.delete('/v1/datasets/lights').expect(204)
  await database.db.prisma.experiment.update({ where: { id: experiment.id }, data: { status: 'failed' } })
  await resetSegments(database.db, experiment.id, [0])
  await http.post(`/v1/experiments/${experiment.id}/retry`).expect(202)
  const gone = await finished(experiment.id)
  assert.match(gone.error.message, /dataset lights \([0-9a-f]{64}\) has been deleted: upload the same files/)
})

test('deleting an experiment while it runs stops it and leaves no rows and no objects', async () => {
  const long = { ...spec, training: { ...spec.training, iterations: 5000 }, layers: {} }
  const { body } = await http.post('/v1/experiments').send(long).expect(202)
  const folder = path.join(directory, 'objects/experiments', body.id)
  while ((await http.get(`/v1/experiments/${body.id}`)).body.status === 'queued') await setTimeout(50)
  await http.delete(`/v1/experiments/${body.id}`).expect(204)
  await http.get(`/v1/experiments/${body.id}`).expect(404)
  // The worker is free for the next one, which shows that it has let go.
  const next = await http
    .post('/v1/experiments')
    .send({ ...spec, layers: {} })
    .expect(202)
  assert.equal((await finished(next.body.id)).status, 'succeeded')
  await assert.rejects(stat(folder), { code: 'ENOENT' })
})
