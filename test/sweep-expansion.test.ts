/** What a sweep expands to, and what is wrong with one that cannot be run. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FieldError, SpecError } from '../src/spec/errors.ts'
import { mergePatch, parsePath, setAt } from '../src/spec/json-path.ts'
import { resolveLayers } from '../src/spec/layers.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import { expandSweep } from '../src/spec/sweep.ts'
import { facts, fcFacts } from './support/facts.ts'

const base = {
  dataset: { name: 'mnist' },
  architecture: { name: 'fc', hidden: [3] },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  training: { iterations: 8 },
}
const expand = (sweep: unknown) => expandSweep(sweep, spec => resolveSpec(spec, facts))
async function wrong(sweep: unknown): Promise<FieldError[]> {
  try {
    await expand(sweep)
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error))
    return error.errors
  }
  assert.fail('it was taken')
}

test('a grid is every combination, the last path changing fastest', async () => {
  const { variants, experiments, baseline } = await expand({
    base,
    vary: { '$.optimizer.learningRate': [0.1, 0.2], layers: [{}, { fc_1: { freeze: true } }] },
    seeds: [7, 8],
  })
  assert.equal(baseline, 0)
  assert.deepEqual(variants, [
    'optimizer.learningRate=0.1, layers={}',
    'optimizer.learningRate=0.1, layers.fc_1.freeze=true',
    'optimizer.learningRate=0.2, layers={}',
    'optimizer.learningRate=0.2, layers.fc_1.freeze=true',
  ])
  assert.deepEqual(
    experiments.map(({ variant, spec }) => [variant, spec.optimizer.learningRate, spec.training.seed]),
    [0, 1, 2, 3].flatMap(variant => [7, 8].map(seed => [variant, variant < 2 ? 0.1 : 0.2, seed])),
  )
  assert.deepEqual(experiments[2].spec.layers, { fc_1: { freeze: true } })
})

test('a list is one merge patch each, and a name names the variant', async () => {
  const { variants, baseline, experiments } = await expand({
    name: 'study',
    base: { ...base, layers: { fc_2: { freeze: true } } },
    vary: [
      { layers: { fc_2: null }, name: 'free' },
      { training: { seed: 3 } },
      { optimizer: { momentum: 0.9 } },
    ],
    baseline: 'base',
  })
  assert.deepEqual(variants, ['free', 'base', 'optimizer.momentum=0.9'])
  assert.equal(baseline, 1)
  assert.deepEqual(
    experiments.map(({ spec }) => [spec.name, Object.keys(spec.layers)]),
    [
      ['study · free · seed 0', []],
      ['study · base · seed 3', ['fc_2']],
      ['study · optimizer.momentum=0.9 · seed 0', ['fc_2']],
    ],
  )
})

test('a seed is not a variant, however it is varied', async () => {
  const grid = await expand({ base, vary: { '$.training.seed': [1, 2, 3] } })
  const list = await expand({ base, vary: [1, 2, 3].map(seed => ({ training: { seed } })) })
  const seeds = await expand({ base, seeds: [1, 2, 3] })
  for (const { variants, experiments } of [grid, list, seeds]) {
    assert.deepEqual(variants, ['base'])
    assert.deepEqual(
      experiments.map(({ variant, spec }) => [variant, spec.training.seed]),
      [
        [0, 1],
        [0, 2],
        [0, 3],
      ],
    )
  }
})

test('a rule that a variant edits keeps its place among the rules, of which later ones win; a new one is the last', async () => {
  const ruled = { ...base, layers: { fc_1: { l2: 0.1 }, 'fc_*': { l2: 0.2 } } }
  const frozen = { layers: { fc_1: { freeze: true } } }
  const list = await expand({ base: ruled, vary: [{}, frozen, { layers: { fc_2: { l2: 0.3 } } }] })
  const grid = await expand({ base: ruled, vary: { '$.layers.fc_1.freeze': [false, true] } })
  for (const { spec } of [...list.experiments, ...grid.experiments]) {
    assert.deepEqual(Object.keys(spec.layers).slice(0, 2), ['fc_1', 'fc_*'])
    assert.equal(resolveLayers(spec, fcFacts(784, [3], 10))[0].l2, 0.2)
  }
  assert.deepEqual(Object.entries(list.experiments[2].spec.layers)[2], ['fc_2', { l2: 0.3 }])
  // What --set writes through.
  assert.equal(
    JSON.stringify(setAt(ruled, ['layers', 'fc_1', 'freeze'], true)),
    JSON.stringify({ ...base, layers: { fc_1: { l2: 0.1, freeze: true }, 'fc_*': { l2: 0.2 } } }),
  )
})

test('what a variant is follows from the resolved specs: a default written out is no other variant', async () => {
  const { variants } = await expand({
    base,
    vary: [{ training: { seed: 1 } }, { training: { seed: 2 }, allocation: { method: 'simpson' } }],
  })
  assert.equal(variants.length, 1)
})

test('the base may lack what is varied', async () => {
  const { training: _, ...open } = base
  const { experiments } = await expand({ base: open, vary: { 'training.iterations': [4, 8] } })
  assert.equal(experiments.length, 2)
})

test('a wrong field is named where it was written, with the variants it is wrong in', async () => {
  assert.deepEqual(
    (await wrong({ base: { ...base, colour: 'red' }, seeds: [1, 2] })).map(({ path }) => path),
    ['$.base.colour'],
  )
  const grid = await wrong({
    base,
    vary: { '$.optimizer.learningRate': [0.1, -1], '$.layers.fc_9.freeze': [true] },
  })
  assert.deepEqual(
    grid.map(({ path }) => path),
    ["$.vary['$.layers.fc_9.freeze']", "$.vary['$.optimizer.learningRate'][1]"],
  )
  assert.match(grid[1].message, /got -1 \(in variant optimizer\.learningRate=-1, layers\.fc_9\.freeze=true\)/)
  assert.deepEqual(
    (await wrong({ base, vary: [{}, { layers: { fc_1: { freeze: 'yes' } } }] })).map(({ path }) => path),
    ['$.vary[1].layers.fc_1.freeze'],
  )
  // Neither alone is wrong: the base's field is, in one variant.
  const [error] = await wrong({
    base: { ...base, training: { iterations: 8, batchSize: 300 } },
    vary: { 'dataset.trainExamples': [400, 200] },
  })
  assert.equal(error.path, '$.base.training.batchSize')
  assert.match(error.message, /in variant dataset\.trainExamples=200/)
})

test('what is wrong with the sweep itself', async () => {
  const cases: [what: unknown, path: string, message: RegExp][] = [
    [{ vary: [] }, '$.base', /is required/],
    [{ base, very: {} }, '$.very', /did you mean vary/],
    [{ base, vary: [] }, '$.vary', /must be/],
    [{ base, vary: { 'a.b.*': [1] } }, "$.vary['a.b.*']", /a JSON path that names one field/],
    [{ base, vary: { $: [{}] } }, "$.vary['$']", /a JSON path/],
    [{ base, vary: { 'training.iterations.x': [1] } }, "$.vary['training.iterations.x']", /not an object/],
    [{ base, vary: { 'training.seed': [] } }, "$.vary['training.seed']", /1 to 1000 items/],
    [{ base, seeds: [1, 1] }, '$.seeds[1]', /repeats 1/],
    [{ base, seeds: [-1] }, '$.seeds[0]', /from 0 to/],
    [{ base, vary: [{}, {}] }, '$.vary[1]', /the same experiment/],
    [{ base, vary: [{ name: 'a' }, { name: 'b' }] }, '$.vary[1]', /the same experiment/],
    [{ base, baseline: 'bass' }, '$.baseline', /did you mean base\?/],
    [
      {
        base,
        vary: { 'training.seed': Array.from({ length: 40 }, (_, i) => i), layers: Array(30).fill({}) },
      },
      '$.vary',
      /makes 1200 experiments; at most 1000/,
    ],
    [
      {
        base: { ...base, training: { iterations: 1e5 }, allocation: { segmentIterations: 1 } },
        seeds: Array.from({ length: 11 }, (_, i) => i),
      },
      '$.vary',
      /1100000 segments/,
    ],
  ]
  for (const [sweep, path, message] of cases) {
    const errors = await wrong(sweep)
    const found = errors.find(error => error.path === path)
    assert.match(found?.message ?? '', message, `${path}: ${JSON.stringify(errors)}`)
  }
  for (const odd of [null, 7, 'x', []]) assert.equal((await wrong(odd))[0].path, '$')
})

const thousand = Array.from({ length: 1000 }, (_, seed) => seed)

test('a network of more layers than anybody studies is refused before it is looked at', async () => {
  const relus = Array(100).fill({ kind: 'relu' })
  const layers = [
    { kind: 'flatten' },
    ...Array(600).fill({ kind: 'residual', layers: relus }),
    { kind: 'dense', units: 10 },
  ]
  const architecture = { name: 'custom', layers }
  assert.deepEqual(await wrong({ base: { ...base, architecture }, seeds: thousand }), [
    {
      path: '$.base.architecture.layers',
      message: 'must have at most 4000 layers, those in blocks counted one by one; has 60002',
    },
  ])
})

test('specs of more than 64 MiB together are refused as soon as they are; others have their turns meanwhile', async t => {
  let resolved = 0
  let turns = 0
  const turn = setInterval(() => turns++, 0)
  t.after(() => clearInterval(turn))
  const large = { ...resolveSpec(base, facts), name: 'x'.repeat(2 ** 20) }
  await assert.rejects(
    expandSweep({ base, seeds: thousand }, () => {
      resolved++
      return large
    }),
    (error: SpecError) => {
      const [{ path, message }, ...others] = error.errors
      assert.deepEqual([path, others], ['$.seeds', []])
      assert.match(message, /at most 64 MiB of specs, and the first 64 of 1000 exceed that/)
      return true
    },
  )
  assert.equal(resolved, 64)
  assert.ok(turns > 1, `${turns}`)
})

test('paths are read, and nothing else is', () => {
  const good: [string, (string | number)[]][] = [
    ['$.a.b_1', ['a', 'b_1']],
    ['a.b', ['a', 'b']],
    ["$.layers['fc_*'].freeze", ['layers', 'fc_*', 'freeze']],
    ['$["it\'s"][2]', ["it's", 2]],
    ["$['it\\'s \"x\"']", ['it\'s "x"']],
    ["['a.b']", ['a.b']],
    ['$', []],
  ]
  for (const [text, path] of good) assert.deepEqual(parsePath(text), path, text)
  for (const text of [
    '$a',
    'a..b',
    '$.*',
    '$[*]',
    '$[-1]',
    'a b',
    '$.a[',
    "$['a",
    'a[b]',
    '$..a',
    "$['\\x']",
  ])
    assert.equal(parsePath(text), undefined, text)
})

test('documents are written through and merged without a change to the old ones', () => {
  const document = { a: { b: [1, { c: 2 }] } }
  assert.deepEqual(setAt(document, ['a', 'b', 1, 'c'], 3), { a: { b: [1, { c: 3 }] } })
  assert.deepEqual(setAt(document, ['x', 'y'], 1), { ...document, x: { y: 1 } })
  assert.equal(setAt(document, ['a', 'b', 5], 1), undefined)
  assert.equal(setAt(document, ['a', 'b', 0, 'c'], 1), undefined)
  assert.deepEqual(document, { a: { b: [1, { c: 2 }] } })
  const polluted = setAt({}, ['__proto__', 'x'], 1) as object
  assert.deepEqual(Object.keys(polluted), ['__proto__'])
  assert.equal(({} as { x?: number }).x, undefined)

  // RFC 7396, appendix A.
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ]
  for (const [target, patch, result] of cases) assert.deepEqual(mergePatch(target, patch), result)
})
