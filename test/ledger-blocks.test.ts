/** The ledger in blocks: to the last bit, in any part, and summed to the same bits in whatever order it was recorded. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { readAllocations } from '../src/api/routes/allocations/query.ts'
import { readPoints } from '../src/api/routes/iterations/query.ts'
import { sumLayers } from '../src/api/routes/layers/query.ts'
import { readNeurons } from '../src/api/routes/neurons/query.ts'
import { groupVariables } from '../src/api/tables/ledger.ts'
import type { Columns, ColumnsKind, SegmentColumns } from '../src/lca/columns.ts'
import { type Kind, queryBinary } from '../src/store/binary.ts'
import { blockRows, insertBlocks, readBlocks } from '../src/store/blocks.ts'
import { coarsen, coarsenEarlier } from '../src/store/coarsen.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { extendExperiment } from '../src/store/extension.ts'
import { noQuota } from '../src/store/posting.ts'
import { recordSegment } from '../src/store/segments.ts'
import { incompleteSegments, summarise } from '../src/store/summary.ts'
import { recordTraining, startExperiment } from '../src/store/training.ts'
import { failed, type TestDatabase, testDatabase } from './support/database.ts'
import { dyingAt } from './support/dying.ts'
import { asStored, fakeEvaluations, fakeSpec, fakeVariables } from './support/fake-ledger.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

const computer = {
  worker: 'here:1',
  engine: { name: 'native', version: '2.21.0', threads: 2, device: 'cpu' },
} as const

async function trained(iterations: number, segmentIterations: number): Promise<string> {
  const id = randomUUID()
  await createExperiment(database.db, { id, spec: asStored(fakeSpec(iterations, segmentIterations, [])) })
  await startExperiment(database.db, id, computer)
  await recordTraining(database.db, id, fakeVariables, { segments: [], objects: [] }, computer)
  return id
}

async function read(id: string, kind: ColumnsKind, from: number, to: number): Promise<Columns[]> {
  const found: Columns[] = []
  for await (const page of readBlocks(database.db.pool, { id, kind, split: 'train' }, { from, to }))
    found.push(...page.map(block => block.columns))
  return found
}

const odd = [
  ...[0, -0, 1, -1, 0.1 + 0.2, -1 / 3, 1e-300, 5e-324, -5e-324, 2.2250738585072014e-308, 2 ** -1022 - 5e-324],
  ...[Number.MAX_VALUE, -Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
]

test('an answer in binary is what Postgres has; what a query is asked with ends nothing in it; what is wrong with it is told', async () => {
  const { pool } = database.db
  const hostile = [`it's "§" \\' $1`, `'); DROP TABLE experiments; --`, '{a,"b"}', '']
  const large = 10_001
  const sql = `SELECT name, length(name), NULL::int, n::float8 / 3, n = $3::int, convert_to(repeat(name, CASE n WHEN 2 THEN $2::int ELSE 1 END), 'UTF8')
                 FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, n) WHERE $4::text IS NULL ORDER BY n`
  type Row = { name: string; length: number; none: null; third: number; isIt: boolean; bytes: Buffer }
  const fields = {
    ...{ name: 'text', length: 'int4', none: 'int4', third: 'float8', isIt: 'bool', bytes: 'bytea' },
  } as Record<keyof Row, Kind>
  const rows = await queryBinary<Row>(pool, sql, [hostile, large, 3, null], fields)
  const expected = hostile.map((name, i) => {
    const bytes = i === 1 ? name.repeat(large) : name
    return { name, length: name.length, none: null, third: (i + 1) / 3, isIt: i === 2, bytes }
  })
  assert.ok(rows.every(({ bytes }) => bytes.byteOffset % 8 === 0))
  assert.deepEqual(
    rows.map(row => ({ ...row, bytes: row.bytes.toString() })),
    expected,
  )
  assert.deepEqual(await queryBinary(pool, 'SELECT 1 WHERE false', [], { one: 'int4' }), [])
  await assert.rejects(
    queryBinary(pool, 'SELECT 1', [], { one: 'float8' }),
    /one is no float8: it has 4 bytes/,
  )
  await assert.rejects(queryBinary(pool, 'SELECT 1, 2', [], { one: 'int4' }), /2 columns where 1 were to be/)
  await assert.rejects(
    queryBinary(pool, 'SELECT 1 / n FROM generate_series(3, 0, -1) n', [], { one: 'int4' }),
    {
      code: '22012',
    },
  )
  assert.throws(() => queryBinary(pool, 'SELECT $2', ['1'], { one: 'int4' }), /more places than values/)
  assert.throws(() => queryBinary(pool, 'SELECT $1', ['1\0; '], { one: 'text' }), /has a character NUL/)
})

test('a number is what it was, to the last bit, for this service and for SQL', async () => {
  const id = await trained(odd.length, odd.length)
  const floats = Float64Array.from(odd)
  const integers = Int32Array.from(odd, (_, i) => [0, 1, -1, 255, 65_536, 2 ** 31 - 1, -(2 ** 31)][i % 7])
  const small = Int32Array.from(odd, (_, i) => [0, 1, 255, 256, 65_535][i % 5])
  const columns = {
    ...{ lossBefore: floats, lossAfter: floats, lca: floats, residual: floats },
    ...{ splits: small, helped: integers, hurt: integers },
  }
  await insertBlocks(database.db.pool, id, { from: 0, to: odd.length }, [
    { kind: 'iterations', split: 'train', of: 'iterations', columns },
  ])
  const [block] = await read(id, 'iterations', 0, odd.length)
  assert.deepEqual(block, columns)
  const { rows } = await database.db.pool.query<{ lca: number; hurt: number; splits: number }>(
    'SELECT lca, hurt, splits FROM iterations WHERE experiment_id = $1 ORDER BY iteration',
    [id],
  )
  assert.deepEqual(
    rows.map(({ lca }) => lca),
    odd,
  )
  assert.deepEqual(
    rows.map(({ hurt }) => hurt),
    [...integers],
  )
  assert.deepEqual(
    rows.map(({ splits }) => splits),
    [...small],
  )
  // Of an odd number of rows, where numbers of 8 and 4 bytes lie behind those of 2.
  const fewer = { splits: small.slice(1), lca: floats.slice(1), helped: integers.slice(1) }
  const span = { from: 0, to: odd.length - 1 }
  await insertBlocks(database.db.pool, id, span, [
    { kind: 'iterations', split: 'validation', of: 'iterations', columns: fewer },
  ])
  const what = { id, kind: 'iterations', split: 'validation' }
  for await (const page of readBlocks(database.db.pool, what, span)) assert.deepEqual(page[0].columns, fewer)
})

test('an lca that is helping + hurting to the last bit lies in no bytes, and is what it was for whoever reads it', async () => {
  const { pool } = database.db
  const pairs = odd.flatMap(a => odd.map(b => [a, b])).filter(([a, b]) => a !== b || Math.abs(a) < 2)
  const iterations = pairs.length / 2
  // 0 where −0 + −0 is −0; and of two numbers infinity, which Postgres refuses to make.
  const zeros = pairs.findIndex(([a, b]) => Object.is(a, -0) && Object.is(b, -0))
  for (const [change, type, bytes] of [
    [() => {}, 'sum', 24],
    [(_: Float64Array[], lca: Float64Array) => lca.fill(0, zeros, zeros + 1), 'f8', 32],
    [
      (parts: Float64Array[], lca: Float64Array) => {
        for (const part of parts) part[0] = Number.MAX_VALUE
        lca[0] = Number.POSITIVE_INFINITY
      },
      ...(['f8', 32] as const),
    ],
  ] as const) {
    const helping = Float64Array.from(pairs, ([a]) => a)
    const hurting = Float64Array.from(pairs, ([, b]) => b)
    const lca = helping.map((value, i) => value + hurting[i])
    change([helping, hurting], lca)
    const id = await trained(iterations, iterations)
    const moved = lca.map(value => value / 2)
    const columns = { lca, helping, hurting, moved }
    const span = { from: 0, to: iterations }
    await insertBlocks(pool, id, span, [{ kind: 'allocations', split: 'train', of: 'iterations', columns }])
    const stored = await pool.query(
      'SELECT columns, octet_length(data) AS bytes FROM ledger_blocks WHERE experiment_id = $1',
      [id],
    )
    assert.deepEqual(stored.rows, [
      { columns: [`lca ${type}`, 'helping f8', 'hurting f8', 'moved f8'], bytes: bytes * pairs.length },
    ])
    const [block] = await read(id, 'allocations', 0, iterations)
    assert.deepEqual(block, columns)
    assert.deepEqual(Object.keys(block), Object.keys(columns))
    const what = { id, kind: 'allocations', split: 'train' }
    const part = { from: 3, to: iterations - 1 }
    const inPart = (values: Float64Array) => values.subarray(6, 2 * iterations - 2)
    for await (const [{ columns }] of readBlocks(pool, what, part, undefined, ['lca', 'moved']))
      assert.deepEqual([columns.lca, columns.moved], [inPart(lca), inPart(moved)])
    // What is not asked for is not read, also of what others are sums of.
    for await (const [{ columns }] of readBlocks(pool, what, part, undefined, ['helping']))
      assert.deepEqual(columns, { helping: inPart(helping) })
    const { rows } = await pool.query<{ lca: number }>(
      `SELECT v.lca FROM ledger_blocks b, LATERAL unnest(ledger_column(b.columns, b.data, 'lca')) WITH ORDINALITY AS v (lca, n)
        WHERE b.experiment_id = $1 ORDER BY v.n`,
      [id],
    )
    assert.deepEqual(
      rows.map(({ lca }) => lca),
      [...lca],
    )
  }
})

test('a long segment lies in several blocks, and any part of it can be read', async () => {
  const iterations = blockRows + 100
  const id = await trained(iterations, iterations)
  const cells = Float64Array.from({ length: 2 * iterations }, (_, i) => i)
  await insertBlocks(database.db.pool, id, { from: 0, to: iterations }, [
    { kind: 'allocations', split: 'train', of: 'iterations', columns: { lca: cells } },
  ])
  const { rows } = await database.db.pool.query(
    'SELECT "from", "to", octet_length(data) AS bytes FROM ledger_blocks WHERE experiment_id = $1 ORDER BY "from"',
    [id],
  )
  assert.deepEqual(rows, [
    { from: 0, to: blockRows / 2, bytes: 8 * blockRows },
    { from: blockRows / 2, to: blockRows, bytes: 8 * blockRows },
    { from: blockRows, to: iterations, bytes: 8 * 200 },
  ])
  for (const [from, to] of [
    [0, 1],
    [3, 9],
    [blockRows / 2 - 1, blockRows / 2 + 1],
    [blockRows + 99, iterations],
    [0, iterations],
  ]) {
    const values = (await read(id, 'allocations', from, to)).flatMap(({ lca }) => [...lca])
    assert.deepEqual([values[0], values.length, values.at(-1)], [2 * from, 2 * (to - from), 2 * to - 1])
  }
})

/** A segment whose sums depend on their order: magnitudes from 1e-12 to 1. */
function scattered(from: number, to: number): SegmentColumns[] {
  let state = from + 1
  const next = () => {
    state = (state * 48_271) % 2_147_483_647
    return (state / 2_147_483_647 - 0.5) * 10 ** -(state % 13)
  }
  return (['train', 'validation'] as const).flatMap((split): SegmentColumns[] => {
    const floats = (length: number) => Float64Array.from({ length }, next)
    const integers = (length: number) => new Int32Array(length).fill(3)
    const [rows, cells] = [to - from, (to - from) * fakeVariables.length]
    const flows = (length: number) => ({
      ...{ lca: floats(length), helping: floats(length), hurting: floats(length) },
    })
    return [
      {
        ...{ kind: 'iterations', split, of: 'iterations' },
        columns: {
          ...{ lossBefore: floats(rows), lossAfter: floats(rows), lca: floats(rows), residual: floats(rows) },
          ...{ splits: integers(rows), helped: integers(rows), hurt: integers(rows) },
        },
      },
      {
        ...{ kind: 'allocations', split, of: 'iterations' },
        columns: {
          ...flows(cells),
          ...{ squared: floats(cells), moved: floats(cells) },
          ...{ helped: integers(cells), hurt: integers(cells) },
        },
      },
      { kind: 'neurons', split, of: 'segment', columns: flows(3) },
    ]
  })
}

test('of pages that many ask for, one is made in each turn of the event loop', async () => {
  const id = await trained(4, 4)
  const columns = { lca: Float64Array.from([1, 2, 3, 4]) }
  await insertBlocks(database.db.pool, id, { from: 0, to: 4 }, [
    { kind: 'iterations', split: 'train', of: 'iterations', columns },
  ])
  let turn = 0
  let counting = setImmediate(function count() {
    turn++
    counting = setImmediate(count)
  })
  const turns = await Promise.all(
    Array.from({ length: 20 }, async () => {
      for await (const [block] of readBlocks(
        database.db.pool,
        { id, kind: 'iterations', split: 'train' },
        { from: 0, to: 4 },
      )) {
        assert.deepEqual(block.columns, columns)
        return turn
      }
      return undefined
    }),
  )
  clearImmediate(counting)
  assert.equal(new Set(turns).size, 20)
})

test('sums are the same bits in whatever order segments were recorded, also while some are missing', async () => {
  const iterations = 24
  const spec = fakeSpec(iterations, 2, [])
  const everything = async (order: number[]) => {
    const id = await trained(iterations, 2)
    for (const index of order) {
      const [from, to] = [2 * index, 2 * index + 2]
      const recorded = await recordSegment(
        database.db,
        id,
        index,
        {
          ...{ columns: scattered(from, to), evaluations: fakeEvaluations(spec, from, to), objects: [] },
          ...{ seconds: 1, gradients: 1 },
        },
        computer,
      )
      assert.equal(recorded, 'recorded')
    }
    const ledger = {
      ...({ id, split: 'train', iterations, complete: true, version: undefined } as const),
      ...{
        recording: { allocation: {}, training: {} },
        unbalanced: null,
        sample: { examples: 100, of: 100 },
      },
    }
    const grouping = await groupVariables(database.db, id, 'layer')
    const batches: unknown[] = []
    const { signal } = new AbortController()
    const request = { from: 1, to: iterations - 1, bucket: 5, by: 'layer' } as const
    for await (const { values } of readAllocations(database.db, ledger, grouping, request, signal))
      batches.push(values)
    for await (const { values } of await readNeurons(database.db, ledger, undefined, signal))
      batches.push(values)
    const layers = await sumLayers(database.db, ledger, grouping, 'layer', signal)
    if (order.length < 12) return { batches, layers }
    assert.deepEqual(await incompleteSegments(database.db, id, spec), [])
    const { summary, totals } = await summarise(database.db, id, spec)
    return { batches, layers, splits: summary.splits, totals }
  }
  const inOrder = Array.from({ length: 12 }, (_, index) => index)
  const shuffled = [7, 2, 11, 0, 5, 9, 1, 10, 4, 8, 3, 6]
  const expected = await everything(inOrder)
  assert.deepEqual(await everything(shuffled), expected)
  assert.deepEqual(await everything([4, 9, 3, 1]), await everything([1, 3, 4, 9]))

  // And they are what they are said to be: iteration by iteration, in each variable by variable, plainly.
  const train = inOrder.map(index => scattered(2 * index, 2 * index + 2)[1].columns.helping)
  const inTurn = train.flatMap(values => [...values]).reduce((sum, value) => sum + value, 0)
  assert.equal(expected.splits?.train?.helping, inTurn)
  const ofVariable = (v: number) =>
    train.flatMap(values => [...values].filter((_, cell) => cell % 2 === v)).reduce((a, b) => a + b, 0)
  assert.equal(expected.layers.items[0].helping, ofVariable(0) + ofVariable(1))
})

/** The coarse blocks of a run: the kinds, and how many iterations of one split they cover. */
async function coarseOf(id: string): Promise<[kind: string, iterations: number][]> {
  const { rows } = await database.db.pool.query<{ kind: string; iterations: number }>(
    `SELECT kind, sum("to" - "from")::int AS iterations FROM ledger_blocks
      WHERE experiment_id = $1 AND split = 'train' AND kind LIKE '%/%' GROUP BY kind ORDER BY kind`,
    [id],
  )
  return rows.map(({ kind, iterations }) => [kind, iterations])
}

test('whole runs in few parts: the same bits out of coarse tables as out of blocks, whatever dies or changes', async () => {
  const { db } = database
  const segmentIterations = 3500
  const spec = fakeSpec(21_137, segmentIterations, [])
  const { iterations } = spec.training
  const id = await trained(iterations, segmentIterations)
  /** A segment with what is odd among what depends on its order. */
  const tablesOf = (index: number, to = Math.min(iterations, (index + 1) * segmentIterations)) => {
    const tables = scattered(index * segmentIterations, to)
    for (const [i, value] of odd.entries())
      for (const { kind, columns } of tables)
        if (kind !== 'neurons')
          for (const name in columns)
            if (name !== 'splits' && columns[name] instanceof Float64Array)
              columns[name][37 * i + index] = value
    // Counts of large layers, whose sums are no int32.
    tables[1].columns.helped.fill(2 ** 31 - 1)
    return tables
  }
  const record = async (index: number, columns = tablesOf(index)) => {
    const [from, to] = [index * segmentIterations, Math.min(iterations, (index + 1) * segmentIterations)]
    const evaluations = fakeEvaluations(spec, from, to)
    const result = { columns, evaluations, objects: [], seconds: 1, gradients: 1 }
    assert.equal(await recordSegment(db, id, index, result, computer), 'recorded')
  }
  const { signal } = new AbortController()
  const ledger = {
    ...({ id, split: 'train', iterations, complete: true, version: undefined } as const),
    ...{ recording: { allocation: {}, training: {} }, unbalanced: null, sample: { examples: 100, of: 100 } },
  }
  /** Of buckets that spans make up and others that they do not, and of all and any part of the run. */
  const answers = async () => {
    const found: unknown[] = []
    for (const [by, bucket, from, to, columns] of [
      ['variable', 10, 0, iterations],
      ['layer', 70, 3, 20_555],
      ['variable', 1000, 0, iterations, ['lca', 'helpFractionOfAll']],
      ['layer', 20_000, 7, iterations - 1],
      ['variable', 2400, 995, 12_345],
      ['layer', 30_000, 0, iterations],
    ] as const) {
      const grouping = await groupVariables(db, id, by)
      const request = { by, bucket, from, to, columns }
      for await (const { values } of readAllocations(db, ledger, grouping, request, signal))
        found.push(values)
    }
    for (const [points, from, to] of [
      [4, 0, iterations],
      [10, 3, iterations - 2],
      [28, 0, iterations],
      [54, 137, 20_301],
    ])
      for await (const batch of readPoints(db, ledger, { from, to }, points, { signal })) found.push(batch)
    return found
  }
  for (const index of [0, 1, 2, 3, 4, 5]) await record(index)
  assert.equal(await coarsen(db, id), 2, 'of the iterations whose segments are all recorded')
  await record(6)
  await db.pool.query('DELETE FROM ledger_blocks WHERE experiment_id = $1 AND kind LIKE $2', [id, '%/%'])
  const before = await answers()

  // An earlier version let it end without. Whoever makes them dies at any statement, and the next goes on.
  await db.pool.query(`UPDATE experiments SET status = 'succeeded' WHERE id = $1`, [id])
  for (let n = 1; ; n += 5) {
    const dying = dyingAt(db, n)
    await coarsen(dying, id).catch((error: Error) => assert.equal(error.message, 'this process is gone'))
    if (n % 4 === 0) assert.deepEqual(await answers(), before, `after ${n} statements`)
    if (!dying.died) break
  }
  const everything: [string, number][] = [
    ['allocations/10', 21_130],
    ['allocations/100', 21_100],
    ['allocations/1000', 21_000],
    ['allocations/10000', 20_000],
    ['iterations/100', 21_100],
    ['iterations/1000', 21_000],
    ['iterations/10000', 20_000],
  ]
  assert.deepEqual(await coarseOf(id), everything)
  assert.deepEqual(await answers(), before)
  await db.pool.query(
    `DELETE FROM ledger_blocks WHERE experiment_id = $1 AND kind LIKE '%/%' AND "from" BETWEEN 10000 AND 19999`,
    [id],
  )
  assert.equal(await coarsenEarlier(db, failed), 1)
  assert.deepEqual(await coarseOf(id), everything)
  assert.equal(await coarsenEarlier(db, failed), 0)

  // They are what is read: of a bucket of a hundred no block is wanted but at the end of the run.
  const lca = async () => {
    const request = { by: 'variable', bucket: 100, from: 0, to: iterations, columns: ['lca'] } as const
    const grouping = await groupVariables(db, id, 'variable')
    const found: unknown[] = []
    for await (const { values } of readAllocations(db, ledger, grouping, request, signal))
      found.push(values.lca)
    return found
  }
  const expected = await lca()
  await db.pool.query(
    `UPDATE ledger_blocks SET data = '' WHERE experiment_id = $1 AND kind = 'allocations' AND "to" <= 20000`,
    [id],
  )
  assert.deepEqual(await lca(), expected)

  // A segment that is recorded again takes with it what was made of it, and of its neighbours.
  await db.pool.query(`UPDATE experiments SET status = 'allocating' WHERE id = $1`, [id])
  await db.pool.query(`UPDATE segments SET status = 'trained' WHERE experiment_id = $1`, [id])
  await record(2, tablesOf(3, 4 * segmentIterations))
  assert.deepEqual(
    (await coarseOf(id)).map(([, iterations]) => iterations),
    [1130, 1100, 1000, 1100, 1000],
  )
  for (const index of [0, 1, 3, 4, 5, 6]) await record(index)
  const changed = await answers()
  assert.notDeepEqual(changed, before)
  assert.equal(await coarsen(db, id), 3)
  assert.deepEqual(await coarseOf(id), everything)
  assert.deepEqual(await answers(), changed)

  // A run that goes on: the chunk that was the last, and shorter, is made anew.
  await db.pool.query(`UPDATE experiments SET status = 'succeeded' WHERE id = $1`, [id])
  const longer = asStored(fakeSpec(23_000, segmentIterations, []))
  const queue = { submit: async () => {}, remove: async () => {} }
  const extension = { id, tenant: 'default', spec: longer, former: iterations, quota: noQuota }
  assert.deepEqual(await extendExperiment(db, queue, extension), { outcome: 'extended' })
  assert.deepEqual(
    (await coarseOf(id)).map(([, iterations]) => iterations),
    [20_000, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000],
  )
  await db.pool.query('DELETE FROM experiments WHERE id = $1', [id])
  assert.deepEqual(await coarseOf(id), [])
})
