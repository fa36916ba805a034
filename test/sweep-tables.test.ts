/**
 * What a sweep says, over HTTP: its summary, out of what finalize noted and out of tables, and its predictors. Spearman against
 * pairs worked by hand and a permutation count; Holm.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { makeMemo } from '../src/api/routes/sweeps/memo.ts'
import { predictorsOf } from '../src/api/routes/sweeps/predictors.ts'
import type { SummaryRow } from '../src/api/schemas/sweeps.ts'
import type { SegmentColumns } from '../src/lca/columns.ts'
import type { ResolvedSpec } from '../src/spec/resolved.ts'
import { correlationInterval, holm, ranksOf, spearman } from '../src/statistics/spearman.ts'
import { measureEarlier } from '../src/store/measures.ts'
import { recordSegment } from '../src/store/segments.ts'
import type { Computer } from '../src/store/state.ts'
import { finishExperiment, summarise } from '../src/store/summary.ts'
import { recordTraining, resetSegments, startExperiment } from '../src/store/training.ts'
import { countQueries, minimalSpec, startApi, type TestApi, variables } from './support/api.ts'
import { failed } from './support/database.ts'

const near = (actual: number | null, expected: number, error = 1e-12) =>
  assert.ok(actual !== null && Math.abs(actual - expected) <= error, `${actual} is not ${expected}`)

test('ρ is the correlation of ranks; equal values have the mean of theirs', () => {
  assert.deepEqual([...ranksOf([3, 1, 3, 2])], [3.5, 1, 3.5, 2])
  near(spearman([1, 2, 3, 4, 5], [1, 8, 27, 64, 125]), 1)
  // Without ties 1 − 6 Σd²/(n(n² − 1)): d = 1, 1, 1, 1, 0 gives 0.8.
  near(spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]), 0.8)
  assert.ok(Number.isNaN(spearman([1, 1, 1], [1, 2, 3])))
})

test('its interval and p; p is that of all orders where these are few; Holm', () => {
  const { low, high, p } = correlationInterval(0.8, 20, 0.95)
  const half = 1.959964 * Math.sqrt(1.32 / 17)
  near(low, Math.tanh(Math.atanh(0.8) - half), 1e-5)
  near(high, Math.tanh(Math.atanh(0.8) + half), 1e-5)
  // t = 5.657 with 18 degrees of freedom.
  near(p, 2.3e-5, 2e-6)
  assert.deepEqual(correlationInterval(1, 4, 0.95), { low: 1, high: 1, p: 2 / 24 })
  // The share of the 5,040 orders of 7 that are as far from 0.
  const order = [1, 2, 3, 4, 5, 6, 7]
  const all = ordersOf(order)
  const asFar = all.filter(other => Math.abs(spearman(order, other)) >= 0.75 - 1e-9).length
  near(correlationInterval(0.75, 7, 0.95).p, asFar / all.length, 0.02)
  assert.deepEqual(
    holm([0.01, 0.04, 0.03, 0.5]).map(value => Number(value.toPrecision(6))),
    [0.04, 0.09, 0.09, 0.5],
  )
})

function ordersOf(values: number[]): number[][] {
  if (values.length < 2) return [values]
  return values.flatMap((first, i) => ordersOf(values.toSpliced(i, 1)).map(rest => [first, ...rest]))
}

const runOf = (seed: number) => ({
  // α foretells the loss; the other figure is any number, and a third never varies.
  early: {
    train: [
      {
        fraction: 0.1,
        iterations: 1,
        figures: {
          'curvature.alpha': seed / 8,
          'curvature.firstOrder': (seed * 5) % 7,
          'curvature.overshooting': 0,
        },
      },
    ],
  },
  splits: {
    validation: { loss: { initial: 2, final: seed ** 2 }, accuracy: { initial: 0.1, final: 1 / (1 + seed) } },
  },
})

test('what foretells the end is told apart from what does not, for as many as were tried', () => {
  const rows = predictorsOf(Array.from({ length: 12 }, (_, i) => runOf(i + 1)))
  assert.deepEqual(
    rows.map(({ figure, outcome }) => `${figure} ${outcome}`),
    ['alpha', 'firstOrder'].flatMap(name =>
      ['finalLoss', 'finalAccuracy'].map(outcome => `curvature.${name} ${outcome}`),
    ),
  )
  assert.deepEqual([rows[0].correlation, rows[1].correlation, rows[0].n], [1, -1, 12])
  near(rows[0].adjustedP, (4 * 2) / 479_001_600, 1e-15)
  assert.ok(rows[2].adjustedP! > 0.2)
  assert.deepEqual(predictorsOf(Array.from({ length: 3 }, (_, i) => runOf(i + 1))), [])
})

test('what is made of a state is kept: not of another, not for ever, and not where it could not be made', async () => {
  let made = 0
  const memo = makeMemo<{ state: string; weight: number; n: number }>(10, ({ weight }) => weight)
  const get = async (key: string, state: string, weight: number, actual = state) =>
    (await memo(key, state, async () => ({ state: actual, weight, n: ++made }))).n
  assert.deepEqual(await Promise.all([get('a', '1', 4), get('a', '1', 4)]), [1, 1])
  assert.deepEqual([await get('b', '1', 4), await get('a', '1', 4)], [2, 1])
  // It was another already when it was looked at.
  assert.deepEqual([await get('a', '2', 4, '3'), await get('a', '3', 4), await get('a', '2', 4)], [3, 3, 4])
  // Together they weigh 12: the one that was asked for longest ago goes.
  assert.deepEqual([await get('c', '1', 4), await get('a', '2', 4), await get('b', '1', 4)], [5, 4, 6])
  assert.deepEqual([await get('d', '1', 11), await get('d', '1', 11)], [7, 8])
  assert.deepEqual([await get('b', '1', 4), await get('a', '2', 4)], [6, 4])
  const failing = () => memo('e', '1', () => Promise.reject(new Error('no')))
  await assert.rejects(failing, /no/)
  assert.equal(await get('e', '1', 1), 9)
})

describe('over HTTP', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())

  test('a summary is made in two queries of what finalize noted, is what the raw tables say, and is so without, and true of now', async () => {
    const { body } = await api.http
      .post('/v1/sweeps')
      .send({
        base: minimalSpec(4),
        vary: [{}, { optimizer: { learningRate: 0.2 } }],
        seeds: [1, 2, 3, 4],
      })
      .expect(202)
    const path = `/v1/sweeps/${body.id}/summary`
    const ids: string[] = body.experiments.map(({ id }: { id: string }) => id)
    for (const [n, id] of ids.entries()) await finished(id, n + 1, n === 7 ? 100 : 0)
    const { pool } = api.db
    const read = async (queries?: number) => {
      // Others are asked meanwhile, by what looks for news.
      const counted = countQueries(api, /measures|FROM sweeps|FROM variable/)
      const { text, headers } = await api.http.get(path).expect(200)
      if (queries !== undefined) assert.equal(counted.stop(), queries)
      counted.stop()
      return { text, etag: headers.etag }
    }
    /** Asserts that this is what the ledger's own tables say of what has succeeded and balances. */
    const holdToTables = async ({ text }: { text: string }) => {
      const { items, leftOut } = JSON.parse(text)
      const { rows } = await pool.query<Record<'split' | 'layer', string> & Record<string, number>>(
        `SELECT e.variant, (e.spec #>> '{training,seed}')::int AS seed, t.split, v.layer, sum(t.lca) AS lca,
                sum(t.helped) / sum(t.helped + t.hurt) AS moved, sum(t.helped) / sum(v.size * 4) AS all,
                (SELECT (one ->> 'loss')::float8 FROM segments s, jsonb_array_elements(s.evaluations) one
                  WHERE s.experiment_id = e.id AND one ->> 'split' = t.split AND one ->> 'iteration' = '4') AS loss
           FROM variable_totals t JOIN variables v ON v.experiment_id = t.experiment_id AND v."index" = t.variable
           JOIN experiments e ON e.id = t.experiment_id
          WHERE e.sweep_id = $1 AND e.status = 'succeeded' AND e.id <> ALL ($2)
          GROUP BY e.id, t.split, v.layer`,
        [body.id, leftOut.map((one: { experiment: string }) => one.experiment)],
      )
      const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
      let held = 0
      for (const [split, layer, measure, column] of ['train', 'validation'].flatMap(split => [
        ...['fc_1', 'fc_2'].flatMap(layer => [
          [split, layer, 'lca', 'lca'],
          [split, layer, 'helpFractionOfMoved', 'moved'],
          [split, layer, 'helpFractionOfAll', 'all'],
        ]),
        [split, null, 'finalLoss', 'loss'],
      ]))
        for (const variant of [0, 1]) {
          const found: SummaryRow = items.find(
            (row: SummaryRow) =>
              row.variant === body.variants[variant] &&
              row.split === split &&
              row.layer === layer &&
              row.measure === measure,
          )
          const of = (wanted: number) =>
            new Map(
              rows
                .filter(
                  row => row.variant === wanted && row.split === split && row.layer === (layer ?? 'fc_1'),
                )
                .map(row => [row.seed, row[column!]]),
            )
          const [own, baseline] = [of(variant), of(0)]
          const pairs = [...own].flatMap(([seed, value]) =>
            baseline.has(seed) ? [value - baseline.get(seed)!] : [],
          )
          assert.equal(found.n, own.size)
          const off = Math.abs(found.mean! - mean([...own.values()]))
          assert.ok(off < 1e-12, `${split} ${layer} ${measure}: ${off} off`)
          assert.equal(found.pairs, variant === 0 ? null : pairs.length)
          if (variant === 1) assert.ok(Math.abs(found.difference! - mean(pairs)) < 1e-12)
          held++
        }
      assert.equal(held, 2 * 7 * 2)
    }
    const noted = await read(2)
    await holdToTables(noted)
    // Looked at again, it is as it was.
    assert.deepEqual(await read(1), noted)
    const { items, variants, leftOut, complete } = JSON.parse(noted.text)
    assert.deepEqual(variants, [
      { label: body.variants[0], experiments: 4, seeds: [1, 2, 3, 4] },
      { label: body.variants[1], experiments: 4, seeds: [1, 2, 3] },
    ])
    assert.deepEqual(
      [complete, leftOut.map((one: { experiment: string }) => one.experiment)],
      [true, [ids[7]]],
    )
    const of = (variant: number, layer: string | null, measure: string) =>
      items.find(
        (row: SummaryRow) =>
          row.variant === body.variants[variant] &&
          row.split === 'train' &&
          row.layer === layer &&
          row.measure === measure,
      )
    // The nth run has n sixteenths of loss in the first variable in each of 4 iterations, twice that in the second, and so on.
    assert.equal(of(0, 'fc_1', 'lca').mean, (-2.5 * (1 + 2) * 4) / 16)
    assert.equal(of(0, 'fc_2', 'lca').mean, (-2.5 * (3 + 4) * 4) / 16)
    assert.equal(of(1, null, 'lca').mean, (-6 * 10 * 4) / 16)
    // Seeds 1, 2 and 3 of both: 5 − 1, 6 − 2, 7 − 3.
    assert.equal(of(1, null, 'lca').difference, (-4 * 10 * 4) / 16)
    assert.equal(of(0, 'fc_2', 'helpFractionOfMoved').mean, (5 + 6) / (5 + 6 + 2))
    assert.equal(of(0, 'fc_2', 'helpFractionOfAll').mean, ((5 + 6) * 4) / (40 * 4))
    assert.equal(of(1, null, 'finalLoss').mean, 6)

    // As earlier versions left them, the last and the one that does not balance without a word on their books: read from
    // totals, then noted in the background, bit for bit the same.
    const stored = async () =>
      (await pool.query('SELECT id, measures FROM experiments WHERE sweep_id = $1 ORDER BY id', [body.id]))
        .rows
    const before = await stored()
    const forget = (some: string[]) =>
      pool.query('UPDATE experiments SET measures = NULL WHERE id = ANY ($1)', [some])
    await forget(ids.slice(1))
    await pool.query(`UPDATE experiments SET summary = summary - 'unbalanced' WHERE id = ANY ($1)`, [
      ids.slice(6),
    ])
    assert.deepEqual(await read(), noted)
    // One that cannot be read keeps none of the others waiting.
    const seedOf = (run: string, seed: string) =>
      pool.query(
        `UPDATE experiments SET spec = jsonb_set(spec::jsonb, '{training,seed}', $2) WHERE id = $1`,
        [run, seed],
      )
    await seedOf(ids[3], '"none"')
    const left: string[] = []
    assert.equal(await measureEarlier(api.db, experiment => left.push(experiment)), 6)
    assert.deepEqual(left, [ids[3]])
    await seedOf(ids[3], '4')
    assert.equal(await measureEarlier(api.db, failed), 1)
    assert.deepEqual(await stored(), before)
    assert.deepEqual(await read(2), noted)
    assert.equal(await measureEarlier(api.db, failed), 0)

    // One that goes on is in it no more; when it has succeeded again it is another, and so is the summary.
    await api.http.post(`/v1/experiments/${ids[5]}/retry`).expect(202)
    const without = await read(2)
    assert.equal(without.etag, undefined)
    assert.equal(JSON.parse(without.text).complete, false)
    await holdToTables(without)
    await finished(ids[5], 60)
    const again = await read(2)
    assert.notEqual(again.etag, noted.etag)
    assert.notEqual(again.text, noted.text)
    await holdToTables(again)
    await api.http.get(path).set('if-none-match', noted.etag).expect(200)

    // It goes on, and an earlier version finishes it, while the background has read what it was and not noted it yet.
    await forget([ids[4], ids[5]])
    const { query } = pool
    pool.query = (async (...asked: Parameters<typeof query>) => {
      if (String(asked[0]).includes('SET measures = made.measures')) {
        pool.query = query
        await api.http.post(`/v1/experiments/${ids[5]}/retry`).expect(202)
        await finished(ids[5], 80)
        await forget([ids[5]])
      }
      return query.apply(pool, asked)
    }) as typeof query
    assert.equal(await measureEarlier(api.db, failed), 1)
    await holdToTables(await read())
    assert.equal(await measureEarlier(api.db, failed), 1)
    const last = await read(2)
    await holdToTables(last)
    assert.notEqual(last.text, again.text)

    // Deleted, and with it its seed's pair.
    await api.http.delete(`/v1/experiments/${ids[0]}`).expect(204)
    // Made once for all who ask at once.
    const asked = countQueries(api, /measures/)
    const [rest, ...others] = await Promise.all(Array.from({ length: 4 }, () => read()))
    assert.equal(asked.stop(), 4 + 1)
    for (const other of others) assert.deepEqual(other, rest)
    await holdToTables(rest)
    assert.deepEqual(
      JSON.parse(rest.text).variants.map((one: { seeds: number[] }) => one.seeds),
      [
        [2, 3, 4],
        [1, 2, 3],
      ],
    )
  })

  /**
   * Records an experiment of four iterations, in each of which variable v has an lca of -n (v + 1)/16, and finishes it, its
   * last loss n. `residual` of each iteration: its books do not balance where it is large.
   */
  async function finished(id: string, n: number, residual = 0): Promise<void> {
    const { db } = api
    const { rows } = await db.pool.query<{ spec: ResolvedSpec; status: string }>(
      'SELECT spec, status FROM experiments WHERE id = $1',
      [id],
    )
    const [{ spec, status }] = rows
    const computer: Computer = {
      worker: 'here:1',
      engine: { name: 'native', version: '2.21.0', threads: 2, device: 'cpu' },
    }
    let offset = 0
    const network = variables.map(({ name, layer, shape, size }) => {
      const variable = { name, layer, shape, size, offset }
      offset += size
      return variable
    })
    // Of four variables, in an iteration.
    const step = (n * (1 + 2 + 3 + 4)) / 16
    const columns = spec.allocation.splits.flatMap((split): SegmentColumns[] => {
      const cells = 4 * network.length
      const each = (length: number, value: number) => new Float64Array(length).fill(value)
      const all = (length: number, value: number) => new Int32Array(length).fill(value)
      const byVariable = (of: (variable: number) => number) =>
        Array.from({ length: cells }, (_, cell) => of(cell % network.length))
      const lca = Float64Array.from(byVariable(variable => (-n * (variable + 1)) / 16))
      return [
        {
          ...{ kind: 'iterations', split, of: 'iterations' },
          columns: {
            lossBefore: Float64Array.from({ length: 4 }, (_, t) => n + (4 - t) * step),
            lossAfter: Float64Array.from({ length: 4 }, (_, t) => n + (3 - t) * step),
            ...{ lca: each(4, -step), residual: each(4, residual), splits: all(4, 1) },
            ...{ helped: all(4, 18), hurt: all(4, network.length) },
          },
        },
        {
          ...{ kind: 'allocations', split, of: 'iterations' },
          columns: {
            ...{ lca, helping: lca, hurting: each(cells, 0), squared: each(cells, 1), moved: each(cells, 1) },
            helped: Int32Array.from(byVariable(variable => 3 + variable)),
            hurt: all(cells, 1),
          },
        },
        {
          ...{ kind: 'neurons', split, of: 'segment' },
          columns: { lca: each(13, 0), helping: each(13, 0), hurting: each(13, 0) },
        },
      ]
    })
    const evaluations = [0, 4].flatMap(iteration =>
      spec.allocation.splits.map(split => ({
        ...{ split, iteration, accuracy: 0.5 },
        loss: iteration === 0 ? n + 4 * step : n,
      })),
    )
    if (status === 'queued') {
      await startExperiment(db, id, computer)
      await recordTraining(db, id, network, { segments: [0], objects: [] }, computer)
    }
    await resetSegments(db, id, [0])
    const result = { columns, evaluations, objects: [], seconds: 1, gradients: 8 }
    assert.equal(await recordSegment(db, id, 0, result, computer), 'recorded')
    assert.ok(await finishExperiment(db, id, await summarise(db, id, spec), []))
  }

  test('a sweep has them in every format, and figures of diagnostics among its measures', async () => {
    const { body: sweep } = await api.http
      .post('/v1/sweeps')
      .send({
        base: minimalSpec(),
        vary: [{ name: 'a' }, { optimizer: { learningRate: 0.2 } }],
        seeds: [1, 2, 3],
      })
      .expect(202)
    const path = `/v1/sweeps/${sweep.id}`
    const none = await api.http.get(`${path}/predictors`).expect(200)
    assert.deepEqual([none.body.runs, none.body.items, none.body.complete], [0, [], false])
    for (const [i, { id }] of sweep.experiments.entries()) {
      const { early, splits } = runOf(i + 1)
      const train = {
        ...splits.validation,
        diagnostics: { 'curvature.alpha': i, 'curvature.firstOrder': null },
      }
      await api.db.prisma.experiment.update({
        where: { id },
        data: { status: 'succeeded', early, summary: { splits: { ...splits, train }, unbalanced: null } },
      })
    }
    const { body } = await api.http.get(`${path}/predictors`).expect(200)
    assert.deepEqual([body.runs, body.complete, body.items.length], [6, true, 4])
    assert.deepEqual(
      [body.items[0].figure, body.items[0].split, body.items[0].fraction],
      ['curvature.alpha', 'train', 0.1],
    )
    near(body.items[0].correlation, 1)
    const csv = await api.http.get(`${path}/predictors?format=csv`).expect(200)
    assert.equal(csv.text.split('\n')[0], 'figure,split,fraction,outcome,n,correlation,low,high,p,adjustedP')
    assert.equal(csv.text.trim().split('\n').length, 5)
    const { items } = (await api.http.get(`${path}/summary?measure=curvature.alpha`).expect(200)).body
    assert.deepEqual(
      items.map(({ variant, layer, n, mean, sd, difference }: Record<string, unknown>) => [
        ...[variant, layer, n, mean, sd, difference],
      ]),
      [
        ['a', null, 3, 1, 1, null],
        [sweep.variants[1], null, 3, 4, 1, 3],
      ],
    )
    await api.http.get(`${path}/summary?measure=curvature.nothing`).expect(400)
  })
})
