/** The ledger over HTTP: what it returns are the sums of the rows, in every grouping and format. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { readPoints } from '../src/api/routes/iterations/query.ts'
import type { Ledger } from '../src/api/tables/ledger.ts'
import type { SplitStep } from '../src/lca/allocate.ts'
import { makeSampling } from '../src/lca/sampling.ts'
import { insertBlocks, readBlockRows, readBlocks } from '../src/store/blocks.ts'
import {
  columnsAt,
  countQueries,
  type Entry,
  fillLedger,
  lossOf,
  minimalSpec,
  noteRecorded,
  parameters,
  post,
  startApi,
  type TestApi,
  variables,
} from './support/api.ts'

const iterations = 40
const sums = ['lca', 'helping', 'hurting', 'squared', 'moved', 'helped', 'hurt'] as const

describe('tables', () => {
  let api: TestApi
  let id: string
  let entries: Entry[]
  const get = async (path: string, accept = 'application/json') => {
    const answer = await api.http.get(`/v1/experiments/${id}/${path}`).set('accept', accept).expect(200)
    return accept === 'text/csv' ? answer.text : answer.body
  }
  /** The sums of the entries that pass. */
  const sumOf = (pass: (entry: Entry) => boolean) => {
    const chosen = entries.filter(pass)
    const total = (name: (typeof sums)[number]) => chosen.reduce((sum, entry) => sum + entry[name], 0)
    return Object.fromEntries(sums.map(name => [name, total(name)])) as Record<(typeof sums)[number], number>
  }
  const sizeOf = (pass: (variable: (typeof variables)[number]) => boolean) =>
    variables.filter(pass).reduce((sum, { size }) => sum + size, 0)

  before(async () => {
    api = await startApi()
    const spec = minimalSpec(iterations)
    id = await post(api, { ...spec, allocation: { segmentIterations: 1 } })
    entries = await fillLedger(
      api,
      id,
      Array.from({ length: iterations }, (_, i) => i),
    )
  })
  after(() => api.close())

  for (const split of ['train', 'validation']) {
    test(`layers: the sums over ${split}, in the order of the network`, async () => {
      const body = await get(`layers?split=${split}`)
      assert.equal(body.complete, true)
      assert.equal(body.iterations, iterations)
      assert.deepEqual(
        body.items.map(({ layer }: { layer: string }) => layer),
        ['fc_1', 'fc_2'],
      )
      const network = sumOf(entry => entry.split === split)
      for (const item of body.items) {
        const size = sizeOf(({ layer }) => layer === item.layer)
        const sum = sumOf(entry => entry.split === split && variables[entry.variable].layer === item.layer)
        assert.deepEqual(item, {
          ...{
            layer: item.layer,
            parameters: size,
            lca: sum.lca,
            standardError: null,
            helping: sum.helping,
            hurting: sum.hurting,
          },
          rms: Math.sqrt(sum.squared / (size * iterations)),
          helpFractionOfMoved: sum.helped / (sum.helped + sum.hurt),
          helpFractionOfAll: sum.helped / (size * iterations),
          share: sum.lca / network.lca,
        })
      }
      assert.equal(body.total.parameters, parameters)
      assert.equal(body.total.lca, network.lca)
      assert.equal(body.total.share, 1)
      assert.equal(body.total.helpFractionOfMoved, network.helped / (network.helped + network.hurt))
      assert.equal(body.total.helpFractionOfAll, network.helped / (parameters * iterations))
      assert.equal(body.unbalanced, null)
    })
  }

  test('layers by variable', async () => {
    const { items } = await get('layers?by=variable')
    assert.deepEqual(
      items.map((item: { variable: string }) => item.variable),
      variables.map(({ name }) => name),
    )
    assert.equal(items[2].lca, sumOf(entry => entry.split === 'train' && entry.variable === 2).lca)
    assert.equal(items[2].layer, 'fc_2')
    assert.equal(items[2].parameters, 30)
  })

  test('iterations: as they are stored, in [from, to)', async () => {
    const { items, complete, split } = await get('iterations?from=3&to=6')
    assert.equal(complete, true)
    assert.equal(split, 'train')
    assert.deepEqual(
      items,
      [3, 4, 5].map(iteration => {
        const sum = sumOf(entry => entry.split === 'train' && entry.iteration === iteration)
        return {
          ...{ iteration, loss: lossOf(iteration), lossAfter: lossOf(iteration + 1), lca: sum.lca },
          ...{ residual: 1 / 1024, splits: 2 },
          helpFractionOfMoved: sum.helped / (sum.helped + sum.hurt),
          helpFractionOfAll: sum.helped / parameters,
        }
      }),
    )
    assert.equal((await get('iterations')).items.length, iterations)
  })

  test('a sample: standard errors of layers over the run, and of single iterations, from what its chunks did', async () => {
    const allocation = { examples: 5500, segmentIterations: 1, splits: ['train', 'validation'] }
    const own = await post(api, { ...minimalSpec(3), allocation })
    const steps = [0, 1, 2].map(t =>
      Float64Array.from({ length: 4 * 20 }, (_, i) => ((i * 7 + t * 3) % 13) / 16 - (t * (i % 20)) / 32),
    )
    const sizes = new Array<number>(20).fill(275)
    for (const [t, chunkLca] of steps.entries()) {
      const facts = variables.map(({ layer }) => ({ layer }))
      const sampling = makeSampling(facts, 1, [{ split: 'train', examples: sizes, of: 55_000 }])
      sampling.step({ perSplit: [{ split: 'train', chunkLca } as SplitStep] })
      const columns = [...columnsAt(t), ...sampling.columns]
      await insertBlocks(api.db.pool, own, { from: t, to: t + 1 }, columns)
    }
    await noteRecorded(api, own, [0, 1, 2])
    const table = async (path: string) =>
      (await api.http.get(`/v1/experiments/${own}/${path}`).expect(200)).body
    /** √((1 − n/N) · Σ (ȳ_c − ȳ)² / (C (C − 1))) of the sums of these variables. */
    const errorOf = (values: Float64Array, chosen: number[]) => {
      const sums = sizes.map((_, c) => chosen.reduce((sum, v) => sum + values[v * 20 + c], 0))
      const mean = sums.reduce((a, b) => a + b) / 20
      return Math.sqrt((0.9 * sums.reduce((sum, x) => sum + (x - mean) ** 2, 0)) / (20 * 19))
    }
    const close = (found: number, expected: number) =>
      assert.ok(Math.abs(found / expected - 1) < 1e-12, `${found} for ${expected}`)
    const run = steps[0].map((value, i) => value + steps[1][i] + steps[2][i])
    const layers = await table('layers')
    assert.deepEqual([layers.examples, layers.of], [5500, 55_000])
    close(layers.items[0].standardError, errorOf(run, [0, 1]))
    close(layers.items[1].standardError, errorOf(run, [2, 3]))
    close(layers.total.standardError, errorOf(run, [0, 1, 2, 3]))
    const byVariable = await table('layers?by=variable')
    close(byVariable.items[2].standardError, errorOf(run, [2]))
    const { items } = await table('allocations')
    for (const { iteration, layer, standardError } of items)
      close(standardError, errorOf(steps[iteration], layer === 'fc_1' ? [0, 1] : [2, 3]))
    const some = await table('allocations?layer=fc_2&from=1&to=2')
    close(some.items[0].standardError, errorOf(steps[1], [2, 3]))
    for (const path of ['allocations?bucket=2', 'allocations?by=variable', 'layers?split=validation'])
      assert.ok(
        (await table(path)).items.every((item: { standardError: null }) => item.standardError === null),
        path,
      )
    const validation = await table('iterations?split=validation')
    assert.deepEqual([validation.examples, validation.of], [5000, 5000])
  })

  test('points keeps the first, the last and the extremes, and never more than asked for', async () => {
    for (const points of [4, 5, 8, 20, 39]) {
      const { items } = await get(`iterations?points=${points}`)
      const kept = items.map((item: { iteration: number }) => item.iteration)
      assert.ok(kept.length <= points, `${kept.length} of ${points}`)
      assert.ok(kept.length >= Math.min(points / 2, iterations))
      for (const iteration of [0, 13, 17, iterations - 1])
        assert.ok(kept.includes(iteration), `${iteration} in ${kept}`)
      assert.deepEqual(
        kept,
        [...new Set<number>(kept)].sort((a, b) => a - b),
      )
      assert.equal(items.find((item: { iteration: number }) => item.iteration === 13).loss, 9)
    }
    assert.equal((await get('iterations?points=40')).items.length, iterations)
    assert.equal((await get('iterations?points=4&from=7&to=8')).items.length, 1)
    assert.equal((await get('iterations?points=4&from=7&to=9')).items.length, 2)
  })

  const checkAllocations = (
    items: Record<string, number & string>[],
    by: string,
    bucket: number,
    split = 'train',
  ) => {
    for (const item of items) {
      const isOwn = (v: (typeof variables)[number]) =>
        by === 'layer' ? v.layer === item.layer : v.name === item.variable
      const isIn = (entry: Entry) =>
        entry.split === split &&
        isOwn(variables[entry.variable]) &&
        Math.floor(entry.iteration / bucket) * bucket === item.iteration
      const size = sizeOf(isOwn)
      const span = Math.min(bucket, iterations - item.iteration)
      assert.equal(item.iterations, span)
      assert.equal(item.parameters, size)
      const expected = sumOf(isIn)
      for (const name of sums) assert.equal(item[name], expected[name], `${name} of ${JSON.stringify(item)}`)
      assert.equal(item.helpFractionOfMoved, expected.helped / (expected.helped + expected.hurt))
      assert.equal(item.helpFractionOfAll, expected.helped / (size * span))
    }
  }

  for (const by of ['layer', 'variable']) {
    for (const bucket of [1, 7, 1000]) {
      test(`allocations by ${by}, bucket=${bucket}`, async () => {
        const body = await get(`allocations?by=${by}&bucket=${bucket}&split=validation`)
        assert.equal(body.bucket, bucket)
        assert.equal(body.items.length, Math.ceil(iterations / bucket) * (by === 'layer' ? 2 : 4))
        assert.equal('variable' in body.items[0], by === 'variable')
        checkAllocations(body.items, by, bucket, 'validation')
      })
    }
  }

  test('some columns alone are those of the whole table, and single rows those of their blocks', async () => {
    const csv = async (query: string) => {
      const { text } = await api.http.get(`/v1/experiments/${id}/allocations?format=csv&${query}`).expect(200)
      return text
        .trimEnd()
        .split('\n')
        .map(line => line.split(','))
    }
    for (const query of ['by=variable&from=3', 'by=layer&bucket=7&split=validation']) {
      const whole = await csv(query)
      for (const wanted of [['lca', 'iteration'], ['layer'], ['helpFractionOfAll', 'hurt', 'moved']]) {
        const part = await csv(`${query}&${wanted.map(name => `column=${name}`).join('&')}`)
        const at = whole[0].flatMap((name, i) => (wanted.includes(name) ? [i] : []))
        assert.deepEqual(
          part,
          whole.map(row => at.map(i => row[i])),
          `${query} ${wanted}`,
        )
      }
    }
    const at = `/v1/experiments/${id}/allocations`
    await api.http.get(`${at}?format=json&column=lca`).expect(400)
    const { body } = await api.http.get(`${at}?format=csv&column=lcb`).expect(400)
    assert.match(body.errors[0].message, /there is no column lcb; there are iteration, /)

    const ledger = { id, split: 'validation' } as Ledger
    const thinned = async (few: number) => {
      const { signal } = new AbortController()
      const batches = readPoints(api.db, ledger, { from: 1, to: iterations }, 9, { signal }, few)
      const found: unknown[] = []
      for await (const batch of batches) found.push(batch)
      return found
    }
    assert.deepEqual(await thinned(0), await thinned(40))
    const what = { id, kind: 'iterations', split: 'validation' }
    const wanted = [0, 3, 4, iterations - 1]
    const rows = await readBlockRows(api.db.pool, what, [...wanted, iterations + 5])
    assert.deepEqual(
      rows.map(({ from, to }) => [from, to]),
      wanted.map(t => [t, t + 1]),
    )
    for await (const page of readBlocks(api.db.pool, what, { from: 0, to: iterations }))
      for (const block of page) {
        const row = rows.find(({ from }) => from === block.from)
        if (row) assert.deepEqual(row.columns, block.columns)
      }
  })

  test('allocations of some layers and iterations; buckets start at multiples, whatever from is', async () => {
    const { items } = await get('allocations?layer=fc_2&from=5&to=12')
    assert.deepEqual(
      items.map((item: { iteration: number; layer: string }) => [item.iteration, item.layer]),
      [5, 6, 7, 8, 9, 10, 11].map(iteration => [iteration, 'fc_2']),
    )
    checkAllocations(items, 'layer', 1)
    const bucketed = await get('allocations?layer=fc_2&layer=fc_1&from=5&to=12&bucket=5')
    assert.deepEqual(
      bucketed.items.map((item: { iteration: number; iterations: number; layer: string }) => [
        item.iteration,
        item.iterations,
        item.layer,
      ]),
      [
        [5, 5, 'fc_1'],
        [5, 5, 'fc_2'],
        [10, 2, 'fc_1'],
        [10, 2, 'fc_2'],
      ],
    )
    const answer = await api.http.get(`/v1/experiments/${id}/allocations?layer=fc_9`).expect(400)
    assert.match(answer.body.errors[0].message, /fc_1, fc_2/)
  })

  test('spans=n: the shortest of 1 to 9 times a power of ten of which there are no more', async () => {
    for (const [query, bucket] of [
      ['spans=40', 1],
      ['spans=39', 2],
      ['spans=5', 8],
      ['spans=4', 10],
      ['spans=1', 40],
      ['spans=3&from=5&to=12', 3],
      ['spans=1&from=9&to=11&by=variable', 3],
    ] as const) {
      const asked = await get(`allocations?${query}`)
      assert.equal(asked.bucket, bucket, query)
      assert.deepEqual(asked, await get(`allocations?${query.replace(/spans=\d+/, `bucket=${bucket}`)}`))
    }
    const both = await api.http.get(`/v1/experiments/${id}/allocations?spans=3&bucket=2`).expect(400)
    assert.match(both.body.errors[0].message, /give one of them/)
  })

  for (const path of [
    'layers',
    'layers?by=variable',
    'iterations',
    'allocations',
    'allocations?by=variable&bucket=3',
  ]) {
    test(`${path}: CSV says what JSON says`, async () => {
      const { items } = await get(path)
      const [head, ...lines] = (await get(path, 'text/csv')).trimEnd().split('\n')
      assert.deepEqual(head.split(','), Object.keys(items[0]))
      const rows = lines.map((line: string) =>
        Object.fromEntries(line.split(',').map((cell, i) => [head.split(',')[i], cell])),
      )
      const asText = items.map((item: object) =>
        Object.fromEntries(
          Object.entries(item).map(([key, value]) => [key, value === null ? '' : String(value)]),
        ),
      )
      assert.deepEqual(rows, asText)
    })
  }

  test('Accept decides the format: the better quality, the more specific range, JSON on a tie', async () => {
    const typeOf = async (accept: string) =>
      (await api.http.get(`/v1/experiments/${id}/layers`).set('accept', accept)).headers['content-type']
    assert.match(await typeOf('*/*'), /^application\/json/)
    assert.match(await typeOf('text/html, */*;q=0.1'), /^application\/json/)
    assert.match(await typeOf('text/*'), /^text\/csv/)
    assert.match(await typeOf('application/json;q=0.5, text/csv'), /^text\/csv/)
    assert.match(await typeOf('*/*, application/json;q=0'), /^text\/csv/)
    await api.http.get(`/v1/experiments/${id}/layers`).set('accept', 'image/png').expect(406)
  })

  test('HEAD answers without reading the table', async () => {
    const { headers, text } = await api.http.head(`/v1/experiments/${id}/allocations`).expect(200)
    assert.match(headers['content-type'], /^application\/json/)
    assert.equal(text ?? '', '')
  })

  test('while it allocates, the tables have what is there, in whatever order it came', async () => {
    const partial = await post(api, { ...minimalSpec(20), allocation: { segmentIterations: 1 } })
    const path = (table: string) => `/v1/experiments/${partial}/${table}`
    for (const table of ['layers', 'iterations', 'allocations']) {
      const { body } = await api.http.get(path(table)).expect(200)
      assert.equal(body.complete, false)
      assert.deepEqual(body.items, [])
    }
    await fillLedger(api, partial, [3, 4, 15])
    const { body } = await api.http.get(path('allocations?bucket=5')).expect(200)
    assert.equal(body.complete, false)
    assert.deepEqual(
      body.items.map((item: { iteration: number; iterations: number }) => [item.iteration, item.iterations]),
      [
        [0, 2],
        [0, 2],
        [15, 1],
        [15, 1],
      ],
    )
    const layers = await api.http.get(path('layers')).expect(200)
    assert.equal(layers.body.iterations, 3)
    const rows = await api.http.get(path('iterations')).expect(200)
    assert.deepEqual(
      rows.body.items.map((item: { iteration: number }) => item.iteration),
      [3, 4, 15],
    )
  })

  test('a table of many batches comes whole', async () => {
    const many = 6001
    const long = await post(api, {
      ...minimalSpec(many),
      allocation: { segmentIterations: many, splits: ['train'] },
    })
    await fillLedger(api, long, [0])
    await insertBlocks(api.db.pool, long, { from: 1, to: many }, columnsAt(0, many - 1, ['train']))
    const iterationRows = await api.http.get(`/v1/experiments/${long}/iterations`).expect(200)
    assert.equal(iterationRows.body.items.length, many)
    assert.equal(iterationRows.body.items[many - 1].iteration, many - 1)
    const { body } = await api.http.get(`/v1/experiments/${long}/allocations?by=variable`).expect(200)
    assert.equal(body.items.length, many * 4)
    assert.ok(
      body.items.every((item: { iteration: number }, i: number) => item.iteration === Math.floor(i / 4)),
    )

    // With others: one that is going on, and in the middle what is too long to be read along with them.
    const going = await post(api, { ...minimalSpec(12), allocation: { segmentIterations: 1 } })
    await fillLedger(api, going, [0, 1, 2, 4, 5, 9])
    const ids = [going, long, id]
    const together = async (query: string) =>
      (await api.http.get(`/v1/experiments/iterations?${ids.map(id => `id=${id}`).join('&')}&${query}`)).body
    for (const query of ['split=train', 'split=train&points=6', 'from=2&to=37&points=5']) {
      const found = await together(query)
      const own = await Promise.all(
        ids.map(async id => (await api.http.get(`/v1/experiments/${id}/iterations?${query}`)).body),
      )
      assert.deepEqual(
        found.items,
        own.flatMap(({ items, experimentId }) =>
          items.map((item: object) => ({ experiment: experimentId, ...item })),
        ),
        query,
      )
      assert.deepEqual(
        found.experiments.map((one: object) => ({ ...one, split: found.split })),
        own.map(({ items: _, ...head }) => head),
      )
    }
    const { without, items } = await together('split=validation&from=20')
    assert.deepEqual(without, [long])
    // Of the one that ends before there is nothing; nor of what is not allocated.
    assert.deepEqual([...new Set(items.map((item: { experiment: string }) => item.experiment))], [id])
    assert.match((await together('from=6001')).errors[0].message, /below 6001, where the last of them ends/)
    ids.splice(1, 1)
    const queries = countQueries(api, /FROM (ledger_blocks|unnest)/)
    assert.equal((await together('split=train')).items.length, iterations + 6)
    assert.equal(queries.stop(), 1)
  })
})
