/** `where`, `sort` and `field` of the list: what they find, in what order, and that nothing of them gets into SQL. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseWhere, WhereError, whereSql } from '../src/api/routes/experiments/where.ts'
import { minimalSpec, post, startApi, type TestApi } from './support/api.ts'

describe('searching and sorting experiments', () => {
  let api: TestApi
  /** By letter, oldest first. */
  const ids: Record<string, string> = {}
  before(async () => {
    api = await startApi()
    const made: [string, object][] = [
      ['a', { name: 'Alpha', tags: { study: 'x', 'my "key"': 'say "hi"' } }],
      ['b', { name: `Beta 100 % 'or' _ \\ 🎉`, optimizer: { name: 'adam', learningRate: 0.01 } }],
      ['c', { name: 'alphabet', tags: { study: 'y' }, training: { iterations: 30, batchSize: 7 } }],
      ['d', { tags: { study: 'x' }, optimizer: { name: 'sgd', learningRate: 0.5 } }],
    ]
    for (const [letter, more] of made) ids[letter] = await post(api, { ...minimalSpec(), ...more })
    const split = (loss: number) => ({
      ...{ loss: { initial: 2, final: loss }, accuracy: { initial: 0, final: loss } },
      ...{
        lca: -loss,
        helping: -1,
        hurting: 1,
        helpFractionOfMoved: 0.5,
        helpFractionOfAll: 0.5,
        worstResidual: 0,
      },
    })
    const summary = (loss: number) =>
      JSON.stringify({
        ...{ parameters: 2395, iterations: 8, gradients: 32, allocationSeconds: 1, unbalanced: null },
        splits: { train: split(loss), validation: split(loss) },
      })
    const sql = 'UPDATE experiments SET summary = $2::jsonb, finished_at = now() WHERE id = $1'
    for (const [letter, loss] of [
      ['a', 0.25],
      ['b', 1e-7],
      ['d', 0.25],
    ] as const)
      await api.db.pool.query(sql, [ids[letter], summary(loss)])
  })
  after(() => api.close())

  const query = (parameters: Record<string, string | string[]>) => {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(parameters))
      for (const one of [value].flat()) search.append(name, one)
    return `/v1/experiments?${search}`
  }
  const letters = (items: { id: string }[]) =>
    items.map(({ id }) => Object.keys(ids).find(letter => ids[letter] === id)).join('')
  const found = async (parameters: Record<string, string>) => {
    const { body } = await api.http.get(query(parameters)).expect(200)
    return letters(body.items)
  }

  for (const [where, expected] of [
    ['name ~ alpha', 'ca'],
    ['name = Alpha', 'a'],
    ['name != Alpha', 'dcb'],
    ['name !~ alpha', 'db'],
    ['name = null', 'd'],
    [`name ~ "100 % 'or' _ \\\\ 🎉"`, 'b'],
    ['name ~ "%"', 'b'],
    ['tags.study = x', 'da'],
    ['tags.study != x', 'cb'],
    ['tags."my \\"key\\"" = "say \\"hi\\""', 'a'],
    ['optimizer = adam or tags.study = y', 'cb'],
    ['not (optimizer = adam or tags.study = y)', 'da'],
    ['not optimizer = adam and tags.study = x', 'da'],
    ['spec.optimizer.learningRate <= 0.1', 'cba'],
    ['spec.optimizer.learningRate = 1e-2', 'b'],
    ['spec.training.batchSize = 7', 'c'],
    ['iterations > 8', 'c'],
    ['trainLoss < 0.3', 'dba'],
    ['not trainLoss < 0.3', 'c'],
    ['summary.splits.train.loss.final >= .25', 'da'],
    ['lca <= -0.25', 'da'],
    ['createdAt > 2020-01-01 and createdAt < "2999-01-01T00:00:00Z"', 'dcba'],
    ['finishedAt = null', 'c'],
    ['any ~ mnist and any ~ ALPHA', 'ca'],
    ['spec.optimizer.nesterov = false', 'dca'],
    [`name = "x' OR '1'='1"`, ''],
    ['status = queued AND status != "failed"', 'dcba'],
  ])
    test(where, async () => assert.equal(await found({ where }), expected))

  for (const [sort, expected] of [
    ['name', 'acbd'],
    ['-trainLoss', 'dabc'],
    ['trainLoss', 'badc'],
    ['-spec.optimizer.learningRate', 'dcab'],
    ['tags.study', 'adcb'],
    ['-createdAt', 'dcba'],
    ['finishedAt', 'abdc'],
    ['iterations', 'abdc'],
  ])
    test(`sorted by ${sort}, in pages of one, each once`, async () => {
      let cursor: string | null = null
      const seen: { id: string }[] = []
      do {
        const page = query({ sort, limit: '1', ...(cursor === null ? {} : { cursor }) } as Record<
          string,
          string
        >)
        const { body }: { body: { items: { id: string }[]; nextCursor: string | null } } = await api.http
          .get(page)
          .expect(200)
        seen.push(...body.items)
        cursor = body.nextCursor
      } while (cursor !== null && seen.length < 10)
      // Where two are alike, or text is sorted by another locale's rules, either order is one.
      const sorted = letters(seen)
      if (sort.includes('learningRate')) assert.match(sorted, /^d(ca|ac)b$/)
      else if (sort === 'name') assert.match(sorted, /^(acb|abc|bac|cab)d$/)
      else assert.equal(sorted, expected)
    })

  test('fields that are asked for come with each item, as what they are', async () => {
    const field = ['spec.training.batchSize', 'tags."my \\"key\\""', 'trainLoss', 'createdAt']
    const { body } = await api.http.get(query({ field, where: 'name = Alpha' })).expect(200)
    const [{ values, createdAt, spec: _ }] = body.items
    assert.deepEqual(values, { [field[0]]: 250, [field[1]]: 'say "hi"', trainLoss: 0.25, createdAt })
    assert.ok(!('values' in (await api.http.get('/v1/experiments')).body.items[0]))
  })

  for (const [parameter, value, message] of [
    ['where', 'nam = x', /nam is not a field; did you mean name\?.*at character 1$/],
    ['where', 'name = "x', /a quote that does not end, at character 8/],
    ['where', 'name', /one of = != .* is wanted, not the end, at character 5/],
    ['where', 'name = x y', /and, or or the end is wanted, not y, at character 10/],
    ['where', '(name = x', /and, or or \) is wanted/],
    ['where', 'name = x; DROP TABLE experiments', /is wanted|not understood/],
    ['where', 'trainLoss = low', /trainLoss is a number, at character 1/],
    ['where', 'createdAt > yesterday', /createdAt is a time, such as/],
    ['where', 'trainLoss ~ 1', /trainLoss is not a text/],
    ['where', 'name < null', /null is equal or not, nothing else/],
    ['where', `${'('.repeat(30)}name = x`, /more than 20 brackets/],
    ['where', Array(60).fill('a.b = 1').join(' or '), /a\.b is not a field/],
    ['where', Array(60).fill('iterations = 1').join(' or '), /more than 50 comparisons/],
    ['where', 'constructor = x', /constructor is not a field/],
    ['where', 'tags."a\0b" = 1', /is not the name of a field/],
    ['where', 'name = "a\0b"', /without the character NUL/],
    ['where', 'spec.__proto__.x', /one of = /],
    ['sort', 'nme', /nme is not a field/],
    ['sort', '--name', /is not/],
    ['field', 'spec', /spec is not a field/],
  ] as const)
    test(`${parameter}=${JSON.stringify(value.slice(0, 40))} is a 400 that says what is wrong`, async () => {
      const { body } = await api.http.get(query({ [parameter]: value })).expect(400)
      assert.match(body.errors[0].message, message)
      assert.equal(body.errors[0].path, `query.${parameter}`)
    })

  test('a cursor of another order, or one that was made up, is a 400', async () => {
    const { body } = await api.http.get(query({ sort: 'name', limit: '1' })).expect(200)
    await api.http.get(query({ sort: '-name', cursor: body.nextCursor })).expect(400)
    await api.http.get(query({ cursor: body.nextCursor })).expect(400)
    const forged = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
    for (const [sort, key] of [
      ['trainLoss', 'x'],
      ['name', 5],
      ['finishedAt', 'now'],
      ['name', 'a\0'],
    ] as const)
      await api.http.get(query({ sort, cursor: forged(sort, key, ids.a) })).expect(400)
    await api.http.get(query({ sort: 'name', cursor: forged('name', 'x', '1 OR 1=1') })).expect(400)
  })

  test('values and names are parameters of the SQL, whatever is in them', () => {
    const nasty = `'; DROP TABLE experiments; --`
    const parameters: unknown[] = []
    const sql = whereSql(
      parseWhere(`spec."${nasty}" = "${nasty}" or tags."${nasty}" ~ "${nasty}"`),
      value => {
        parameters.push(value)
        return `$${parameters.length}`
      },
    )
    assert.doesNotMatch(sql, /DROP|;|--/)
    assert.deepEqual(parameters, [[nasty], nasty, [nasty], nasty])
    for (let i = 0; i < 2000; i++) {
      const pieces = [
        'name',
        '=',
        '"',
        '(',
        ')',
        'and',
        'not',
        '\\',
        '1e9',
        'tags.a',
        '~',
        "'",
        '$1',
        '\u2028',
        '🎉',
      ]
      const text = Array.from(
        { length: 1 + (i % 9) },
        (_, n) => pieces[(i * 7 + n * 31 + ((i * n) % 13)) % pieces.length],
      ).join(i % 2 ? ' ' : '')
      try {
        parseWhere(text)
      } catch (error) {
        assert.ok(error instanceof WhereError, `${text}: ${error}`)
      }
    }
  })
})
