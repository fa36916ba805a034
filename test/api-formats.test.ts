/** One table in four formats says four times the same; and is sent again only when it has changed. */
import assert from 'node:assert/strict'
import { get as httpGet } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { tableFromIPC } from 'apache-arrow'
import { batchOf, type Column } from '../src/api/tables/table.ts'
import { csvChunks } from '../src/api/tables/text.ts'
import { insertBlocks, removeBlocks } from '../src/store/blocks.ts'
import { type ArrowColumn, readArrow } from '../src/web/arrow.ts'
import {
  columnsAt,
  countQueries,
  fillLedger,
  minimalSpec,
  post,
  startApi,
  type TestApi,
} from './support/api.ts'

const iterations = 30
const tables = [
  'layers',
  'layers?by=variable',
  'iterations',
  'iterations?points=6',
  'allocations',
  'allocations?by=variable',
  'allocations?bucket=7&layer=fc_2',
  'several',
]
const mediaTypes = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  arrow: 'application/vnd.apache.arrow.stream',
}

describe('formats of tables', () => {
  let api: TestApi
  let base: string
  let id: string
  let other: string
  before(async () => {
    api = await startApi()
    id = await post(api, { ...minimalSpec(iterations), allocation: { segmentIterations: 1 } })
    await fillLedger(
      api,
      id,
      Array.from({ length: iterations }, (_, i) => i),
    )
    // What has no finite number is null in every format.
    const odd = columnsAt(4)
    for (const { kind, columns } of odd)
      if (kind === 'iterations') {
        columns.residual.fill(Number.NaN)
        columns.lossAfter.fill(Number.NEGATIVE_INFINITY)
      } else {
        columns.moved.fill(Number.POSITIVE_INFINITY)
        columns.squared.fill(1e-300)
        columns.lca.fill(-0)
      }
    await removeBlocks(api.db.pool, id, { from: 4, to: 5 })
    await insertBlocks(api.db.pool, id, { from: 4, to: 5 }, odd)
    const { port } = api.app.server.address() as { port: number }
    base = `http://127.0.0.1:${port}/v1/experiments/${id}`
    other = await post(api, { ...minimalSpec(2), allocation: { segmentIterations: 1 } })
    await fillLedger(api, other, [0, 1])
  })
  after(() => api.close())

  const fetchTable = async (
    table: string,
    format: keyof typeof mediaTypes,
    headers: Record<string, string> = {},
  ) => {
    const several = `../iterations?id=${other}&id=${id}`
    const path = `${table === 'several' ? several : table}${table.includes('?') || table === 'several' ? '&' : '?'}`
    const answer = await fetch(`${base}/${path}format=${format}`, { headers })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), mediaTypes[format])
    return Buffer.from(await answer.arrayBuffer())
  }

  for (const table of tables) {
    test(`${table}: JSON, NDJSON, CSV and Arrow agree`, async () => {
      const { items } = JSON.parse(String(await fetchTable(table, 'json'))) as {
        items: Record<string, unknown>[]
      }
      assert.ok(items.length > 0)
      const lines = String(await fetchTable(table, 'ndjson'))
        .trimEnd()
        .split('\n')
      assert.deepEqual(
        lines.map(line => JSON.parse(line)),
        items,
      )
      const [head, ...rows] = String(await fetchTable(table, 'csv'))
        .trimEnd()
        .split('\n')
      assert.deepEqual(head.split(','), Object.keys(items[0]))
      const cell = (text: string) => (text === '' ? null : Number.isNaN(Number(text)) ? text : Number(text))
      assert.deepEqual(
        rows.map(row => row.split(',').map(cell)),
        items.map(item => Object.values(item)),
      )
      const arrow = tableFromIPC(await fetchTable(table, 'arrow'))
      assert.deepEqual(
        arrow.toArray().map(row => row.toJSON()),
        items,
      )
      // As the pages read it.
      const bytes = new Uint8Array(await fetchTable(table, 'arrow'))
      const { length, columns } = readArrow(bytes.buffer)
      const cellOf = (column: ArrowColumn, row: number) => {
        if ('names' in column) return column.names[column.indices[row]]
        return Number.isNaN(column[row]) ? null : column[row]
      }
      assert.deepEqual(
        Array.from({ length }, (_, row) =>
          Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, cellOf(column, row)])),
        ),
        items,
      )
      assert.throws(() => readArrow(bytes.slice(0, bytes.length - 16).buffer), /cut short/)
      const types = Object.fromEntries(arrow.schema.fields.map(({ name, type }) => [name, String(type)]))
      if ('layer' in types) assert.match(types.layer, /^Dictionary<Int32, Utf8>/)
      assert.equal(types.lca, 'Float64')
    })
  }

  test('an empty table still has its columns', async () => {
    const empty = await post(api)
    const url = `/v1/experiments/${empty}/iterations`
    assert.equal((await api.http.get(`${url}?format=csv`)).text.split('\n')[0].split(',').length, 8)
    assert.equal((await api.http.get(`${url}?format=ndjson`)).text ?? '', '')
    const arrow = await fetch(`${base.replace(id, empty)}/iterations?format=arrow`)
    const bytes = new Uint8Array(await arrow.arrayBuffer())
    const { schema, numRows } = tableFromIPC(bytes)
    assert.deepEqual([schema.fields.length, numRows], [8, 0])
    // The pages read no row either: the length, which is not written where it is 0, was read from elsewhere.
    const { length, columns } = readArrow(bytes.buffer)
    assert.equal(length, 0)
    assert.deepEqual(
      Object.values(columns).map(column => ('names' in column ? column.indices : column).length),
      Array(8).fill(0),
    )
  })

  test('Accept chooses; format wins over it; 406 and 400 say what there is', async () => {
    const typeOf = async (accept: string, query = '') =>
      (await api.http.get(`/v1/experiments/${id}/layers${query}`).set('accept', accept)).headers[
        'content-type'
      ]
    assert.equal(await typeOf(mediaTypes.arrow), mediaTypes.arrow)
    assert.equal(await typeOf('application/x-ndjson'), mediaTypes.ndjson)
    assert.equal(await typeOf('text/csv', '?format=json'), mediaTypes.json)
    const refused = await api.http.get(`/v1/experiments/${id}/layers`).set('accept', 'text/html').expect(406)
    assert.match(
      refused.body.detail,
      /text\/csv or application\/x-ndjson or application\/vnd.apache.arrow.stream/,
    )
    await api.http.get(`/v1/experiments/${id}/layers?format=xlsx`).expect(400)
  })

  test('gzip where it is asked for, and nowhere else', async () => {
    const raw = (encoding: string | undefined, format: string) =>
      new Promise<{ encoding?: string; vary?: string; bytes: Buffer }>((resolve, reject) => {
        const headers = encoding === undefined ? {} : { 'accept-encoding': encoding }
        httpGet(`${base}/allocations?by=variable&format=${format}`, { headers }, async answer => {
          const chunks: Buffer[] = []
          for await (const chunk of answer) chunks.push(chunk)
          const { 'content-encoding': encoding, vary } = answer.headers
          resolve({ encoding, vary, bytes: Buffer.concat(chunks) })
        }).on('error', reject)
      })
    for (const format of Object.keys(mediaTypes)) {
      const plain = await raw(undefined, format)
      assert.equal(plain.encoding, undefined)
      const packed = await raw('br;q=0.5, gzip', format)
      assert.equal(packed.encoding, 'gzip')
      assert.match(packed.vary ?? '', /accept-encoding/i)
      assert.deepEqual(gunzipSync(packed.bytes), plain.bytes)
      assert.ok(packed.bytes.length < plain.bytes.length)
    }
  })

  test('a table of a finished experiment has an ETag of its own for every format and query', async () => {
    const path = `/v1/experiments/${id}/allocations`
    assert.equal((await api.http.get(path)).headers.etag, undefined)
    await api.db.prisma.experiment.update({ where: { id }, data: { status: 'succeeded' } })
    const tags = new Set<string>()
    for (const query of ['', '?format=csv', '?format=arrow', '?bucket=2', '?split=validation']) {
      const { etag } = (await api.http.get(path + query).expect(200)).headers
      tags.add(etag)
      const again = await api.http
        .get(path + query)
        .set('if-none-match', etag)
        .expect(304)
      assert.equal(again.headers.etag, etag)
      assert.equal(again.text ?? '', '')
    }
    assert.equal(tags.size, 5)
    const [first] = tags
    await api.http.get(path).set('if-none-match', `"other", ${first}`).expect(304)
    await api.http.get(path).set('if-none-match', '"other"').expect(200)
    // Tried again, it may change.
    await api.db.prisma.experiment.update({ where: { id }, data: { status: 'allocating' } })
    await api.http.get(path).set('if-none-match', first).expect(200)
  })

  test('a reader that stops reading stops the queries', async () => {
    const many = 40_000
    const long = await post(api, {
      ...minimalSpec(many),
      allocation: { segmentIterations: many, splits: ['train'] },
    })
    await fillLedger(api, long, [0])
    await insertBlocks(api.db.pool, long, { from: 1, to: many }, columnsAt(0, many - 1, ['train']))
    const queries = countQueries(api, /FROM ledger_blocks/)
    await new Promise<void>(resolve => {
      const request = httpGet(`${base.replace(id, long)}/allocations?by=variable`, answer => {
        answer.once('readable', () => {
          answer.read(1)
          setTimeout(() => {
            request.destroy()
            resolve()
          }, 400)
        })
      })
      request.on('error', () => {})
    })
    const settled = queries.stop()
    // 160,000 rows are 40 queries; what fits into the buffers on the way is a few.
    assert.ok(settled > 0 && settled < 12, String(settled))
  })
})

test('CSV for spreadsheets: names cannot be formulas, numbers stay numbers', async () => {
  const columns: Column[] = [
    { name: 'variant', type: 'name' },
    { name: 'mean', type: 'float64' },
  ]
  const variants = ['=1+1', '+2', '-3', '@SUM(A1)', '\tx', 'fc_1 = x', '-"a", b']
  const batches = [
    batchOf(
      columns,
      variants.map(variant => ({ variant, mean: -0.5 })),
    ),
  ]
  const csv = async (safe: boolean) =>
    text(Readable.from(csvChunks({ head: {}, columns, batches }, { safe })))
  assert.equal(
    await csv(true),
    `variant,mean\n'=1+1,-0.5\n'+2,-0.5\n'-3,-0.5\n'@SUM(A1),-0.5\n'\tx,-0.5\nfc_1 = x,-0.5\n"'-""a"", b",-0.5\n`,
  )
  assert.match(await csv(false), /\n=1\+1,-0\.5\n\+2,/)
})
