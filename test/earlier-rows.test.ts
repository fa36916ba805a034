/** A ledger that an earlier version recorded: read as it is, rewritten in the background, whatever dies on the way. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { described } from '../src/cli/commands/findings.ts'
import { diagnostics } from '../src/lca/diagnostics/registry.ts'
import { rewriteEarlierRows, rewriteExperiment } from '../src/store/earlier-rows.ts'
import { deleteExperiment } from '../src/store/experiments.ts'
import { minimalSpec, noteRecorded, post, startApi, type TestApi, variables } from './support/api.ts'
import { failed } from './support/database.ts'
import { dyingAt } from './support/dying.ts'

let api: TestApi
before(async () => {
  api = await startApi()
})
after(() => api.close())

const iterations = 10
const earlier = ['earlier_iterations', 'earlier_allocations', 'earlier_neuron_segments']

/** Ten iterations in segments of four, as rows: what a version before blocks left. */
async function recordedEarlier(): Promise<string> {
  const id = await post(api, { ...minimalSpec(iterations), allocation: { segmentIterations: 4 } })
  const { pool } = api.db
  await noteRecorded(api, id, [0, 4, 8])
  await pool.query(
    `INSERT INTO earlier_iterations
     SELECT $1, split, t, 1.5 / (t + 1), 1.5 / (t + 2), sin(t), CASE t WHEN 3 THEN 'NaN' ELSE 5e-324 END, 1 + t % 3, 7, t
       FROM unnest('{train,validation}'::text[]) split, generate_series(0, 9) t`,
    [id],
  )
  await pool.query(
    `INSERT INTO earlier_allocations
     SELECT $1, split, t, v, sin(t + v), -exp(-v - t), 1.0 / (3 + v), 1e-300 * v, '-0', 2, 3
       FROM unnest('{train,validation}'::text[]) split, generate_series(0, 9) t, generate_series(0, 3) v`,
    [id],
  )
  await pool.query(
    `INSERT INTO earlier_neuron_segments
     SELECT $1, split, s, array_agg(sin(u + s) ORDER BY u), array_agg(-exp(u) ORDER BY u), array_agg(0.1 * u ORDER BY u)
       FROM unnest('{train,validation}'::text[]) split, generate_series(0, 2) s, generate_series(1, 13) u
      GROUP BY split, s`,
    [id],
  )
  return id
}

/** All that the API and the views show. */
async function shown(id: string): Promise<unknown> {
  const paths = [
    ...[
      'layers',
      'layers?by=variable&split=validation',
      'iterations',
      'iterations?points=4&split=validation',
    ],
    ...['allocations?by=variable', 'allocations?bucket=3&from=2&split=validation', 'neurons'],
  ]
  const found: unknown[] = []
  for (const path of paths) found.push((await api.http.get(`/v1/experiments/${id}/${path}`).expect(200)).body)
  for (const [view, order] of [
    ['iterations', 'split, iteration'],
    ['allocations', 'split, iteration, variable'],
    ['neuron_segments', 'split, segment'],
  ]) {
    const sql = `SELECT row(v.*)::text AS line FROM ${view} v WHERE experiment_id = $1 ORDER BY ${order}`
    found.push((await api.db.pool.query(sql, [id])).rows)
  }
  return found
}

async function left(id: string): Promise<number> {
  let rows = 0
  for (const table of earlier) {
    const sql = `SELECT count(*)::int AS count FROM ${table} WHERE experiment_id = $1`
    rows += (await api.db.pool.query<{ count: number }>(sql, [id])).rows[0].count
  }
  return rows
}

test('what an earlier version recorded is read as it is, and the same when it has been rewritten', async () => {
  const id = await recordedEarlier()
  const before = await shown(id)
  const items = (before as { items: { lca: number }[] }[])[0].items
  // What Postgres says of it, in the order that is promised.
  const { rows } = await api.db.pool.query<{ lca: number }>(
    'SELECT sum(lca ORDER BY iteration) AS lca FROM earlier_allocations WHERE experiment_id = $1 AND split = $2 GROUP BY variable ORDER BY variable',
    [id, 'train'],
  )
  assert.deepEqual(
    items.map(({ lca }) => lca),
    [rows[0].lca + rows[1].lca, rows[2].lca + rows[3].lca],
  )
  assert.equal(await rewriteEarlierRows(api.db, failed), 3)
  assert.equal(await left(id), 0)
  assert.deepEqual(await shown(id), before)
  assert.equal(await rewriteEarlierRows(api.db, failed), 0)
  // Nothing is left of the tables either.
  for (const table of earlier)
    assert.deepEqual((await api.db.pool.query(`SELECT pg_relation_size('${table}')::int AS size`)).rows, [
      { size: 0 },
    ])
})

test('diagnostics and findings of what an earlier version left are not recorded, and never 0', async () => {
  const id = await recordedEarlier()
  // It had none to ask for, and its summary nothing of them.
  const ends = {
    ...{ loss: { initial: 2, final: 1 }, accuracy: { initial: 0.1, final: 0.5 } },
    ...{ lca: -1, helping: -2, hurting: 1, helpFractionOfMoved: 0.5, helpFractionOfAll: 0.4 },
    worstResidual: 0,
  }
  const summary = {
    ...{ parameters: 4, iterations, splits: { train: ends, validation: ends }, unbalanced: null },
    ...{ gradients: 40, allocationSeconds: 1 },
  }
  await api.db.pool.query(
    `UPDATE experiments SET spec = (spec::jsonb #- '{allocation,diagnostics}')::json, status = 'succeeded', summary = $2 WHERE id = $1`,
    [id, JSON.stringify(summary)],
  )
  await rewriteExperiment(api.db, id, { pause: false })
  const path = `/v1/experiments/${id}`
  const { body: all } = await api.http.get(`${path}/diagnostics`).expect(200)
  assert.deepEqual(
    all.items.map((one: { name: string; recorded: boolean }) => [one.name, one.recorded]),
    diagnostics.map(({ name }) => [name, false]),
  )
  for (const { name } of diagnostics) {
    const { body } = await api.http.get(`${path}/diagnostics/${name}`).expect(200)
    assert.deepEqual([name, body.recorded, body.items], [name, false, []])
    const { text } = await api.http.get(`${path}/diagnostics/${name}`).accept('text/csv').expect(200)
    assert.equal(text.trim().split('\n').length, 1, `${name}: ${text}`)
  }
  const { body: found } = await api.http.get(`${path}/findings`).expect(200)
  assert.deepEqual(found, { experimentId: id, recorded: false, items: [] })
  assert.match(described(found), /^not looked at/)
  const { body: shown } = await api.http.get(path).expect(200)
  assert.equal('findings' in shown.summary, false)
  for (const split of Object.values<object>(shown.summary.splits))
    assert.equal('diagnostics' in split || 'early' in split, false)
})

test('a process that dies at any statement of it leaves what the next one goes on from', async () => {
  const id = await recordedEarlier()
  const before = await shown(id)
  let n = 1
  for (; ; n++) {
    const dying = dyingAt(api.db, n)
    await rewriteExperiment(dying, id, { pause: false }).catch((error: Error) =>
      assert.equal(error.message, 'this process is gone'),
    )
    if (!dying.died) break
    // A few of the looks, for they are slow: after every commit there is, and between.
    if (n % 5 === 0) assert.deepEqual(await shown(id), before, `after ${n} statements`)
  }
  assert.ok(n > 12, `${n} statements`)
  assert.equal(await left(id), 0)
  assert.deepEqual(await shown(id), before)
})

test('whoever reads meanwhile reads the same', async () => {
  const id = await recordedEarlier()
  const before = await shown(id)
  let rewriting = true
  const rewritten = rewriteEarlierRows(api.db, failed).finally(() => {
    rewriting = false
  })
  do assert.deepEqual(await shown(id), before)
  while (rewriting)
  assert.equal(await rewritten, 3)
})

test('rows of which some are missing stay, and show what is whole', async () => {
  const id = await recordedEarlier()
  await api.db.pool.query(
    `DELETE FROM earlier_allocations WHERE experiment_id = $1 AND split = 'train' AND iteration = 5 AND variable = 2`,
    [id],
  )
  assert.equal(await rewriteEarlierRows(api.db, failed), 2)
  const { body } = await api.http.get(`/v1/experiments/${id}/allocations?by=variable`).expect(200)
  assert.equal(body.items.length, (iterations - 1) * variables.length)
  const { outcome } = await deleteExperiment(
    api.db,
    { submit: async () => {}, remove: async () => {} },
    api.objects,
    id,
  )
  assert.equal(outcome, 'deleted')
  assert.equal(await left(id), 0)
})
