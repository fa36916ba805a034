/** Experiments beside each other: on one axis, with where they part, and nothing said that is not known. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ComparedLayerRow, ComparedLossRow, Comparison } from '../src/api/schemas/compare.ts'
import { npyHeader } from '../src/objects/npy.ts'
import { objectKey } from '../src/objects/objects.ts'
import { insertBlocks } from '../src/store/blocks.ts'
import { storeTotals, sumLedger } from '../src/store/totals.ts'
import {
  columnsAt,
  entryOf,
  lossOf,
  minimalSpec,
  noteRecorded,
  parameters,
  post,
  startApi,
  storeArtifact,
  type TestApi,
  variables,
} from './support/api.ts'

let api: TestApi
before(async () => {
  api = await startApi({ LEDGER_AUTH: 'none' })
})
after(() => api.close())

const spec = (iterations: number, more: object = {}, training: object = {}) => ({
  ...minimalSpec(iterations),
  allocation: { segmentIterations: 4 },
  ...more,
  training: { iterations, ...training },
})

/** θ_t as the tests have it: every value is its iteration, but for one that is `last`. */
function weightsOf(from: number, to: number, valueAt: (t: number) => number): Uint8Array {
  const rows = to - from + 1
  const theta = new Float32Array(rows * parameters)
  for (let row = 0; row < rows; row++) {
    theta.fill(from + row, row * parameters, (row + 1) * parameters)
    theta[(row + 1) * parameters - 1] = valueAt(from + row)
  }
  return Buffer.concat([npyHeader('float32', [rows, parameters]), Buffer.from(theta.buffer)])
}

/** Posts an experiment that has succeeded, with ledger and weights. `shift`: at which iteration of the axis its first lies. */
async function finished(
  body: { training: { iterations: number } },
  valueAt: (t: number) => number,
  { shift = 0, segment = 4 } = {},
): Promise<string> {
  const id = await post(api, body)
  const { iterations } = body.training
  await noteRecorded(
    api,
    id,
    Array.from({ length: iterations / segment }, (_, i) => i * segment),
  )
  for (let t = 0; t < iterations; t++)
    await insertBlocks(api.db.pool, id, { from: t, to: t + 1 }, columnsAt(shift + t))
  for (let from = 0; from < iterations; from += segment) {
    const to = from + segment
    const bytes = weightsOf(shift + from, shift + to, valueAt)
    await storeArtifact(api, id, `weights/${from}-${to}.npy`, bytes)
  }
  for (const split of ['train', 'validation'])
    await storeTotals(
      api.db.pool,
      { id, split },
      (await sumLedger(api.db.pool, { id, split }, 4, { from: 0, to: iterations })).variables,
    )
  await api.db.prisma.experiment.update({
    where: { id },
    data: { status: 'succeeded', summary: { unbalanced: null, splits: { train: { worstResidual: 0.5 } } } },
  })
  return id
}

const compare = async (ids: string[], query = ''): Promise<Comparison> => {
  const { body } = await api.http.get(`/v1/compare?experiments=${ids.join(',')}${query}`).expect(200)
  return body
}
const same = (t: number) => t

test('branches lie on the axis of what they go back to, and what each has said of it adds up', async () => {
  const parent = await finished(spec(16), same)
  const initial = (iteration: number) => ({ initial: { experiment: parent, iteration, state: true } })
  // Goes its own way from the second step on; in the middle of a segment of its parent's.
  const other = await finished(
    spec(8, { optimizer: { name: 'sgd', learningRate: 0.2 } }, initial(6)),
    t => (t > 7 ? -t : t),
    {
      shift: 6,
    },
  )
  const plain = await finished(spec(4, {}, initial(8)), same, { shift: 8 })
  const found = await compare([parent, other, plain])
  assert.deepEqual(found.fork, { experiment: parent, iteration: 6 })
  assert.deepEqual(
    found.experiments.map(({ offset }) => offset),
    [0, 6, 8],
  )
  assert.deepEqual(found.experiments[1].parent, { experiment: parent, iteration: 6, state: true })
  assert.deepEqual(found.span, { from: 8, to: 12 })
  assert.deepEqual(found.weights, [
    { experiment: other, firstDifference: 8, sameUntil: 7, differsBy: 8, unknown: null },
    { experiment: plain, firstDifference: null, sameUntil: 12, differsBy: null, unknown: null },
  ])
  assert.deepEqual(found.specs.find(({ path }) => path === 'optimizer.learningRate')?.values, [0.1, 0.2, 0.1])
  assert.deepEqual(
    found.specs.map(({ path }) => path).sort(),
    [
      ...['optimizer.learningRate', 'training.iterations', 'training.initial.experiment'],
      ...['training.initial.iteration', 'training.initial.state'],
    ].sort(),
  )
  // Over the same iterations they have the same ledger.
  const rows = found.layers.filter(({ split, layer }) => split === 'validation' && layer === 'fc_2')
  const sum = [8, 9, 10, 11].reduce(
    (total, t) => total + [2, 3].reduce((sum, v) => sum + entryOf('validation', t, v).lca, 0),
    0,
  )
  assert.deepEqual(
    rows.map(({ experiment, iterations, lca, lcaDifference }) => [
      experiment,
      iterations,
      lca,
      lcaDifference,
    ]),
    [
      [parent, 4, sum, null],
      [other, 4, sum, 0],
      [plain, 4, sum, 0],
    ],
  )
  const network = found.layers.filter(({ split, layer }) => split === 'train' && layer === null)
  assert.deepEqual(
    network.map(one => one.parameters),
    [parameters, parameters, parameters],
  )
  const at10 = found.losses.filter(({ split, iteration }) => split === 'train' && iteration === 10)
  assert.deepEqual(
    at10.map(({ experiment, loss, difference }) => [experiment, loss, difference]),
    [
      [parent, lossOf(10), null],
      [other, lossOf(10), 0],
      [plain, lossOf(10), 0],
    ],
  )
  assert.equal(found.losses.filter(({ iteration }) => iteration < 6).length, 2 * 6)
  // A span that begins before one of them has no mean to be compared.
  const wide = await compare([parent, other], '&bucket=4&split=train')
  assert.deepEqual(
    wide.losses
      .filter(({ iteration }) => iteration === 4)
      .map(({ iterations, difference }) => [iterations, difference]),
    [
      [4, null],
      [2, null],
    ],
  )
  // Of siblings, one goes on in what the parent had.
  const siblings = await compare([other, plain])
  assert.deepEqual(siblings.fork, { experiment: parent, iteration: 6 })
  assert.deepEqual(siblings.weights[0].firstDifference, 8)
  // By their digests, whatever their objects hold; where these differ, up to the first row that does.
  await api.objects.remove(objectKey(plain, 'weights'))
  assert.equal((await compare([parent, plain])).weights[0].sameUntil, 12)
  await api.http.delete(`/v1/experiments/${parent}`).expect(204)
  const orphans = await compare([other, plain])
  assert.deepEqual(orphans.fork, { experiment: parent, iteration: 6 })
  assert.match(orphans.weights[0].unknown!, /deleted/)
  assert.equal(orphans.weights[0].sameUntil, 6)
})

test('each table in each format is the part of the whole', async () => {
  const first = await finished(spec(4), same)
  const second = await finished(spec(8, { tags: { a: 'b,"c"' } }), t => t + Number(t >= 3))
  const whole = await compare([first, second])
  assert.equal(whole.fork, null)
  assert.deepEqual(whole.span, { from: 0, to: 4 })
  assert.equal(whole.weights[0].firstDifference, 3)
  const path = `/v1/compare?experiments=${first},${second}`
  for (const table of ['layers', 'losses'] as const) {
    const { body } = await api.http.get(`${path}&table=${table}`).expect(200)
    assert.deepEqual(body.items, whole[table])
    assert.equal(body.table, table)
    const { text } = await api.http.get(`${path}&table=${table}&format=ndjson`).expect(200)
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
      whole[table] as (ComparedLayerRow | ComparedLossRow)[],
    )
  }
  const csv = await api.http.get(`${path}&table=specs`).set('accept', 'text/csv').expect(200)
  assert.equal(
    csv.text,
    `path,experiment,value\ntraining.iterations,${first},4\ntraining.iterations,${second},8\ntags.a,${first},\ntags.a,${second},"""b,\\""c\\"""""\n`,
  )
  const arrow = await api.http.get(`${path}&table=layers&format=arrow`).expect(200)
  assert.equal(arrow.headers['content-type'], 'application/vnd.apache.arrow.stream')
  const { etag } = arrow.headers
  await api.http.get(`${path}&table=layers&format=arrow`).set('if-none-match', etag).expect(304)
})

test('what is not known, and what is not comparable, is said', async () => {
  const first = await finished(spec(4), same)
  const running = await post(api, spec(4, { allocation: { segmentIterations: 4, method: 'left' } }))
  const kept = await finished(spec(4, { dataset: { name: 'mnist', seed: 1 }, keep: [] }), same)
  await api.db.pool.query(`DELETE FROM artifacts WHERE experiment_id = $1`, [kept])
  const wide = await finished(spec(4, { architecture: { name: 'fc', hidden: [5] } }), same)
  await api.db.pool.query(`UPDATE variables SET shape = '{784,5}' WHERE experiment_id = $1 AND "index" = 0`, [
    wide,
  ])
  const found = await compare([first, running, kept, wide])
  assert.deepEqual(
    found.weights.map(({ unknown, firstDifference }) => [unknown?.replace(kept, 'ID'), firstDifference]),
    [
      ['nothing is trained yet', null],
      ['the weights of ID at its iteration 0 are not stored', null],
      ['they are of another network', null],
    ],
  )
  assert.deepEqual(
    found.warnings.map(({ about, experiments }) => [about, experiments]),
    [
      ['dataset', [kept]],
      ['method', [running]],
      ['unfinished', [running]],
      ['residual', [first, kept, wide]],
    ],
  )
  assert.deepEqual(
    found.layers.filter(({ experiment }) => experiment === running),
    [],
  )
})

test('what cannot be asked is refused, with what would be right', async () => {
  const [a, b] = [await post(api, spec(8)), await post(api, spec(8))]
  const refused = async (query: string, path: string, message: RegExp) => {
    const { body } = await api.http.get(`/v1/compare?${query}`).expect(400)
    assert.equal(body.errors[0].path, path)
    assert.match(body.errors[0].message, message)
  }
  await refused(`experiments=${a}`, 'query.experiments', /2 to 20 ids/)
  await refused(`experiments=${a},${a}`, 'query.experiments', /once/)
  await refused(`experiments=${a},${b}&format=csv`, 'query.table', /layers, losses or specs/)
  await refused(`experiments=${a},${b}&from=8`, 'query.from', /below 8/)
  await refused(`experiments=${a},${b}&from=3&to=2`, 'query.to', /above 3/)
  const long = await post(api, { ...spec(4_000_000), allocation: { segmentIterations: 100_000 } })
  await refused(`experiments=${a},${long}&bucket=1`, 'query.bucket', /≥ 4005/)
  await noteRecorded(api, long, [])
  const { rows } = await api.db.pool.query('SELECT FROM variables WHERE experiment_id = $1', [long])
  assert.equal(rows.length, variables.length)
  const other = await post(api, { ...spec(4_000_000), allocation: { segmentIterations: 100_000 } })
  await noteRecorded(api, other, [])
  await refused(`experiments=${other},${long}`, 'query.to', /rows would have to be read/)
  const none = ['0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d', '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4e']
  const { body: missing } = await api.http
    .get(`/v1/compare?experiments=${none[0]},${a},${none[1]}`)
    .expect(404)
  assert.deepEqual(
    missing.errors,
    none.map(id => ({ path: 'query.experiments', message: `there is no experiment ${id}` })),
  )
})
