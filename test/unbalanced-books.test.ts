/** Books that do not balance: which are, by the rules of src/lca/balance.ts, and everything over HTTP that says so. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Books, judgeBooks } from '../src/lca/balance.ts'
import type { Columns } from '../src/lca/columns.ts'
import { insertBlocks, removeBlocks } from '../src/store/blocks.ts'
import { columnsAt, minimalSpec, noteRecorded, post, startApi, type TestApi } from './support/api.ts'

describe('rules', () => {
  const limits = { maxError: 0.001, maxSplits: 32 }
  const judge = (books: Partial<Books>, other = limits) =>
    judgeBooks(
      {
        ...{ iterations: 100, above: 0, residual: 0, absoluteResidual: 0, lossChange: -2, lossTravel: 4 },
        ...books,
      },
      other,
    )?.rules ?? null
  const cases: [what: string, rules: string[] | null, books: Partial<Books>, maxError?: number][] = [
    ['a run that learns', null, { residual: 0.01, absoluteResidual: 0.02 }],
    ['one that nothing moved in', null, { lossChange: 0, lossTravel: 0 }],
    // √100 · 0.001 is 0.01: residuals that each are allowed and have no common sign.
    ['a plateau', null, { lossChange: 1e-5, lossTravel: 2e-5, residual: 0.009, absoluteResidual: 0.01 }],
    [
      'a plateau, left',
      ['residuals', 'total'],
      { lossChange: 0, lossTravel: 0, residual: 0.02, absoluteResidual: 0.02 },
    ],
    // A long run: the two ends are near each other, and every posting is good to a hundredth.
    [
      'a long way',
      null,
      { iterations: 10_000, lossChange: 0.01, lossTravel: 100, residual: 0.05, absoluteResidual: 1 },
    ],
    ['a common sign', ['total'], { iterations: 10_000, lossTravel: 100, residual: 5, absoluteResidual: 5 }],
    ['half of it is missing', ['residuals'], { residual: 0, absoluteResidual: 2 }],
    ['one iteration of a hundred', null, { above: 1, absoluteResidual: 0.1 }],
    ['two of a hundred', ['maxError'], { above: 2, absoluteResidual: 0.1 }],
    ['one of ten', null, { iterations: 10, above: 1, absoluteResidual: 0.1 }],
    ['ten of a thousand', null, { iterations: 1000, above: 10, absoluteResidual: 0.1 }],
    // Every step split to the last because the spec asks for the impossible, and a ledger that is right.
    ['a maxError out of reach', null, { above: 100, absoluteResidual: 0.001 }, 1e-9],
    ['a loose maxError', ['residuals', 'total'], { residual: 40, absoluteResidual: 40 }, 1e6],
    [
      'a run that blew up',
      ['maxError', 'residuals', 'total'],
      { above: 100, residual: 9.8e14, absoluteResidual: 9.8e14, lossChange: 4.9e5, lossTravel: 1e11 },
    ],
    ['no number', ['residuals', 'total'], { residual: Number.NaN, absoluteResidual: Number.NaN }],
    [
      'no finite number',
      ['residuals', 'total'],
      {
        residual: Number.POSITIVE_INFINITY,
        absoluteResidual: Number.POSITIVE_INFINITY,
        lossTravel: Number.POSITIVE_INFINITY,
      },
    ],
  ]
  for (const [what, rules, books, maxError = 0.001] of cases)
    test(what, () => assert.deepEqual(judge(books, { ...limits, maxError }), rules))

  test('the words have the numbers', () => {
    const books = { iterations: 50, above: 50, residual: 9.8e14, absoluteResidual: 9.81e14 }
    const found = judgeBooks({ ...books, lossChange: 490_000, lossTravel: 7e11 }, limits)
    assert.equal(
      found?.message,
      'the books do not balance: 50 of 50 iterations are off by more than maxError (0.001) at 32 splits; residuals add up to 9.81e14 where the loss moved by 7.00e11 in all; LCA adds up to −9.80e14 where the loss changed by 490000',
    )
  })
})

describe('over HTTP', () => {
  let api: TestApi
  let id: string
  /** The loss falls by 1/64 in every iteration. */
  const splits = { train: { residual: 1 / 1024, splits: 2 }, validation: { residual: -0.5, splits: 32 } }
  const get = (path: string) => api.http.get(`/v1/experiments/${path}`).expect(200)
  const succeed = (experiment: string, summary: object) =>
    api.db.pool.query(
      `UPDATE experiments SET status = 'succeeded', summary = $2, finished_at = now(), updated_at = now() WHERE id = $1`,
      [experiment, JSON.stringify(summary)],
    )
  const earlier = {
    ...{ parameters: 2395, iterations: 10, gradients: 1, allocationSeconds: 1 },
    splits: Object.fromEntries(
      Object.keys(splits).map(split => [
        split,
        {
          ...{ loss: { initial: 4, final: 3.875 }, accuracy: { initial: 0.1, final: 0.2 } },
          ...{
            lca: -1,
            helping: -2,
            hurting: 1,
            helpFraction: 0.25,
            hurtFraction: 0.125,
            worstResidual: 0.5,
          },
        },
      ]),
    ),
  }
  type Split = keyof typeof splits
  /** Records ten segments of an iteration each, with what is changed about their losses and residuals. */
  const record = async (id: string, change: (iterations: Columns, split: Split, at: number) => void) => {
    const all = Array.from({ length: 10 }, (_, i) => i)
    for (const iteration of all) {
      const segment = { from: iteration, to: iteration + 1 }
      const tables = columnsAt(iteration)
      for (const { kind, split, columns } of tables)
        if (kind === 'iterations') change(columns, split as Split, iteration)
      await removeBlocks(api.db.pool, id, segment)
      await insertBlocks(api.db.pool, id, segment, tables)
    }
    await noteRecorded(api, id, all)
  }
  const make = async (spec: object = {}) => {
    const made = await post(api, { ...minimalSpec(10), allocation: { segmentIterations: 1 }, ...spec })
    await record(made, (iterations, split) => {
      iterations.residual.fill(splits[split].residual)
      iterations.splits.fill(splits[split].splits)
    })
    return made
  }
  before(async () => {
    api = await startApi()
    id = await make()
  })
  after(() => api.close())

  test('every table says it in JSON and, for the other formats, in a header; also while there is no summary', async () => {
    for (const table of ['layers', 'iterations', 'allocations', 'neurons']) {
      const { body, headers } = await get(`${id}/${table}?split=validation`)
      const { message, ...unbalanced } = body.unbalanced
      assert.deepEqual(unbalanced, {
        rules: ['maxError', 'residuals', 'total'],
        ...{ iterations: 10, above: 10, residual: -5, absoluteResidual: 5 },
        ...{ lossChange: -10 / 64, lossTravel: 10 / 64 },
      })
      assert.match(
        message,
        /^the books do not balance: 10 of 10 .* LCA adds up to 4\.844 where .* by −0\.1563$/,
      )
      // A header has no place for the minus sign of sentences.
      const plain = message.replaceAll('−', '-')
      assert.equal(headers['ledger-unbalanced'], plain)
      for (const format of ['csv', 'ndjson', 'arrow'])
        assert.equal(
          (await get(`${id}/${table}?split=validation&format=${format}`)).headers['ledger-unbalanced'],
          plain,
        )
      const sound = await get(`${id}/${table}?split=train`)
      assert.equal(sound.body.unbalanced, null)
      assert.equal('ledger-unbalanced' in sound.headers, false)
    }
  })

  test('a residual that float32 cannot tell from none is not above maxError', async () => {
    const large = await make({ allocation: { segmentIterations: 1, maxError: 1e-9, splits: ['train'] } })
    const judged = async (residual: number) => {
      await record(large, ({ lossBefore, lossAfter, residual: residuals, splits }, _, at) => {
        lossBefore.fill(1000 - at / 20)
        lossAfter.fill(1000 - (at + 1) / 20)
        residuals.fill(residual)
        splits.fill(32)
      })
      return (await get(`${large}/layers`)).body.unbalanced?.rules ?? null
    }
    assert.equal(await judged(0.0009), null)
    assert.deepEqual(await judged(0.0011), ['maxError'])
  })

  test('what an earlier version finished is judged when it is read, and shown as of today', async () => {
    await succeed(id, earlier)
    const { body } = await get(id)
    assert.deepEqual(Object.keys(body.summary.unbalanced), ['validation'])
    const { train } = body.summary.splits
    assert.deepEqual([train.helpFractionOfMoved, train.helpFractionOfAll], [0.25 / 0.375, 0.25])
    assert.equal('helpFraction' in train || 'hurtFraction' in train, false)
    const listed = (await api.http.get('/v1/experiments').expect(200)).body.items
    const item = listed.find((one: { id: string }) => one.id === id)
    assert.deepEqual(item.summary, body.summary)
    const table = (await get(`${id}/layers?split=validation`)).body
    assert.deepEqual(table.unbalanced, body.summary.unbalanced.validation)
    // What the summary says holds, once it says it.
    await succeed(id, { ...body.summary, unbalanced: null })
    assert.equal((await get(`${id}/layers?split=validation`)).body.unbalanced, null)
    assert.equal((await get(id)).body.summary.unbalanced, null)
    await succeed(id, body.summary)
  })

  test('a webhook has it', async () => {
    const notified = await make({ notify: [{ url: 'https://example.com/hook', events: ['succeeded'] }] })
    await succeed(notified, { ...earlier, unbalanced: { validation: { rules: ['total'] } } })
    const { payload } = await api.db.prisma.delivery.findFirstOrThrow({ where: { experimentId: notified } })
    const { data } = payload as { data: { summary: { unbalanced: object } } }
    assert.deepEqual(data.summary.unbalanced, { validation: { rules: ['total'] } })
  })
})
