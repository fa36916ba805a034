/** The paper's freezing table from a sweep that really runs: its summary against numbers recomputed from raw artifacts. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import supertest from 'supertest'
import type { SummaryRow, Sweep } from '../src/api/schemas/sweeps.ts'
import { type Server, startServer } from '../src/cli/serve.ts'
import { readConfig } from '../src/config.ts'
import { npyHeaderBytes } from '../src/objects/npy.ts'
import type { Manifest } from '../src/store/summary.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
let directory: string
let server: Server
let http: ReturnType<typeof supertest>
let sweep: Sweep

before(async () => {
  database = await testDatabase()
  directory = await mkdtemp(path.join(tmpdir(), 'loss-ledger-sweep-'))
  Object.assign(process.env, { DATABASE_URL: database.url, LEDGER_DIR: directory, LOG_LEVEL: 'error' })
  server = await startServer({ ...readConfig(), port: 0, workers: 1 }, pino({ level: 'error' }))
  http = supertest(server.url)
  const posted = await http
    .post('/v1/sweeps')
    .send({
      name: 'freezing',
      base: {
        dataset: { name: 'synthetic-digits', trainExamples: 300, validationExamples: 100 },
        architecture: { name: 'fc', hidden: [8] },
        optimizer: { name: 'sgd', learningRate: 0.1 },
        training: { iterations: 6, batchSize: 50 },
        allocation: { segmentIterations: 4 },
      },
      vary: [
        { name: 'baseline' },
        { name: 'first frozen', layers: { fc_1: { freeze: true } } },
        { name: 'last frozen', layers: { fc_2: { freeze: true } } },
      ],
      seeds: [1, 2, 3],
    })
    .expect(202)
  do {
    await setTimeout(100)
    sweep = (await http.get(posted.headers.location).expect(200)).body
  } while (!sweep.finished)
  assert.equal(sweep.counts.succeeded, 9)
})

after(async () => {
  await server?.close()
  await database?.close()
  await rm(directory, { recursive: true, force: true })
})

const splits = ['train', 'validation'] as const
const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0)
const close = (actual: number | null, expected: number, what: string) =>
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `${what}: ${actual} is not ${expected}`,
  )

async function floats(id: string, name: string): Promise<Float32Array> {
  const { body } = await http.get(`/v1/experiments/${id}/artifacts/${name}`).expect(200)
  return new Float32Array(new Uint8Array(body).buffer, npyHeaderBytes)
}

/** Every allocation of an experiment on a split, iteration after iteration, from the raw tensors. */
async function raw(id: string, split: string): Promise<Float32Array[]> {
  const rows: Float32Array[] = []
  for (const [from, to] of [
    [0, 4],
    [4, 6],
  ]) {
    const all = await floats(id, `allocations/${split}/${from}-${to}.npy`)
    const width = all.length / (to - from)
    for (let t = 0; t < to - from; t++) rows.push(all.subarray(t * width, (t + 1) * width))
  }
  return rows
}

const layers = [
  { layer: 'fc_1', from: 0, to: 784 * 8 + 8, units: 8 },
  { layer: 'fc_2', from: 784 * 8 + 8, to: 784 * 8 + 8 + 8 * 10 + 10, units: 10 },
]

test('the summary is what the raw allocations say', async () => {
  const { body } = await http.get(`/v1/sweeps/${sweep.id}/summary`).expect(200)
  assert.equal(body.complete, true)
  assert.equal(body.confidence, 0.95)
  assert.deepEqual(
    body.variants,
    sweep.variants.map(label => ({ label, experiments: 3, seeds: [1, 2, 3] })),
  )

  // variant → split/layer/measure → one value a seed.
  const values = new Map<string, number[]>()
  const add = (key: string, value: number) => values.set(key, [...(values.get(key) ?? []), value])
  for (const { id, variant } of sweep.experiments) {
    const { body: experiment } = await http.get(`/v1/experiments/${id}`).expect(200)
    for (const split of splits) {
      const rows = await raw(id, split)
      for (const { layer, from, to } of [...layers, { layer: null, from: 0, to: layers[1].to }]) {
        const own = rows.flatMap(row => [...row.subarray(from, to)])
        add(`${variant}/${split}/${layer}/lca`, sum(own))
        const helped = own.filter(value => value < 0).length
        const moved = own.filter(value => value !== 0).length
        // A layer that is frozen has no share of what moved.
        if (moved > 0) add(`${variant}/${split}/${layer}/helpFractionOfMoved`, helped / moved)
        add(`${variant}/${split}/${layer}/helpFractionOfAll`, helped / own.length)
      }
      const { loss, accuracy } = experiment.summary.splits[split]
      add(`${variant}/${split}/null/finalLoss`, loss.final)
      add(`${variant}/${split}/null/finalAccuracy`, accuracy.final)
    }
  }
  const isFigure = ({ measure }: SummaryRow) => measure.includes('.')
  const figures = (body.items as SummaryRow[]).filter(isFigure)
  assert.ok(figures.length >= 3 * 2 * 3)
  type Listed = {
    variant: string
    summary: { splits: Record<string, { diagnostics: Record<string, number | null> }> }
  }
  const list = await http.get(`/v1/experiments?sweep=${sweep.id}&limit=200`).expect(200)
  for (const { variant, split, layer, measure, n, mean } of figures) {
    const known = list.body.items.flatMap((one: Listed) => {
      const value = one.variant === variant ? one.summary.splits[split].diagnostics[measure] : null
      return value === null ? [] : [value]
    })
    assert.deepEqual([layer, n], [null, known.length], measure)
    close(mean, sum(known) / n, `${variant} ${split} ${measure}`)
  }
  const items = (body.items as SummaryRow[]).filter(row => !isFigure(row))
  // Five measures of the network and three of each layer, but for the frozen layers of two variants.
  assert.equal(items.length, 3 * 2 * (5 + 2 * 3) - 2 * 2)
  assert.deepEqual(body.leftOut, [])
  const mean = (x: number[]) => sum(x) / x.length
  const variance = (x: number[]) => (sum(x.map(v => v * v)) - x.length * mean(x) ** 2) / (x.length - 1)
  for (const row of items) {
    const key = `${row.split}/${row.layer}/${row.measure}`
    const own = values.get(`${row.variant}/${key}`)!
    assert.equal(row.n, 3)
    close(row.mean, mean(own), `${row.variant} ${key}`)
    // The variance by another formula than the service's.
    assert.ok(Math.abs(row.sd! - Math.sqrt(Math.max(0, variance(own)))) < 1e-7, `${row.variant} ${key} sd`)
    close(row.high, row.mean! + (4.302652729749462 * row.sd!) / Math.sqrt(3), `${row.variant} ${key} high`)
    if (row.variant === 'baseline') {
      assert.deepEqual(
        [row.difference, row.differenceLow, row.differenceHigh, row.pairs],
        [null, null, null, null],
      )
      continue
    }
    const baseline = values.get(`baseline/${key}`)!
    close(row.difference, mean(own) - mean(baseline), `${row.variant} ${key} difference`)
    // The experiments are in the order of the seeds.
    const differences = own.map((value, seed) => value - baseline[seed])
    const spread = sum(differences.map(value => (value - mean(differences)) ** 2)) / 2
    const half = 4.302652729749462 * Math.sqrt(spread / 3)
    assert.equal(row.pairs, 3)
    close(row.differenceHigh! - row.difference!, half, `${row.variant} ${key} interval`)
    close(row.difference! - row.differenceLow!, half, `${row.variant} ${key} interval`)
  }
  // A frozen layer did exactly nothing, with every seed.
  const frozen = items.filter(
    ({ variant, layer, measure }) =>
      measure === 'lca' &&
      (variant === 'first frozen' ? layer === 'fc_1' : variant === 'last frozen' && layer === 'fc_2'),
  )
  assert.equal(frozen.length, 4)
  for (const row of frozen) assert.deepEqual([row.mean, row.sd, row.low, row.high], [0, 0, 0, 0])
  const { id } = sweep.experiments.find(({ variant }) => variant === 'last frozen')!
  const { body: own } = await http.get(`/v1/experiments/${id}/layers`).expect(200)
  assert.ok(Object.is(own.items[1].share, 0), 'a share of 0, not of −0')
})

test('a run that blew up succeeds, says that its books do not balance, and is in no mean', async () => {
  const { base } = sweep.request as { base: object }
  const posted = await http
    .post('/v1/sweeps')
    .send({
      base: { ...base, training: { iterations: 6, batchSize: 50, seed: 1 } },
      vary: [{ name: 'sound' }, { name: 'blown up', optimizer: { learningRate: 1e6 } }],
    })
    .expect(202)
  let blown: Sweep
  do {
    await setTimeout(100)
    blown = (await http.get(posted.headers.location).expect(200)).body
  } while (!blown.finished)
  const [sound, wrong] = await Promise.all(
    blown.experiments.map(async ({ id }) => (await http.get(`/v1/experiments/${id}`).expect(200)).body),
  )
  assert.deepEqual([sound.status, sound.summary.unbalanced], ['succeeded', null])
  assert.equal(wrong.status, 'succeeded')
  for (const split of splits) {
    const { loss, lca } = wrong.summary.splits[split]
    const unbalanced = wrong.summary.unbalanced[split]
    assert.ok(loss.final > 1000 * loss.initial && lca < -1000 * loss.final, 'the wrong sign, by far')
    assert.deepEqual(unbalanced.rules, ['maxError', 'residuals', 'total'])
    close(unbalanced.lossChange, loss.final - loss.initial, 'change of the loss')
    close((unbalanced.lossChange - unbalanced.residual) / lca, 1, 'LCA')
  }
  const url = `/v1/sweeps/${blown.id}/summary`
  const { body, headers } = await http.get(url).expect(200)
  assert.equal(body.complete, true)
  const reason = splits.map(split => `${split}: ${wrong.summary.unbalanced[split].message}`).join('; ')
  assert.deepEqual(body.leftOut, [{ experiment: wrong.id, variant: 'blown up', seed: 1, reason }])
  assert.deepEqual(
    body.variants.map(({ seeds }: { seeds: number[] }) => seeds),
    [[1], []],
  )
  assert.ok(body.items.every(({ variant }: SummaryRow) => variant === 'sound'))
  assert.ok(headers['ledger-unbalanced'].endsWith(`: ${wrong.id}`))
})

test('the summary as CSV has the same rows, and can be cut down', async () => {
  const url = `/v1/sweeps/${sweep.id}/summary?split=train&measure=lca`
  const { body } = await http.get(url).expect(200)
  assert.equal(body.items.length, 3 * 3)
  const { text } = await http.get(url).set('accept', 'text/csv').expect(200)
  const [header, ...lines] = text.trimEnd().split('\n')
  assert.equal(
    header,
    'variant,split,layer,measure,n,mean,sd,low,high,difference,differenceLow,differenceHigh,pairs',
  )
  assert.deepEqual(
    lines,
    body.items.map((row: SummaryRow) =>
      Object.values(row)
        .map(cell => cell ?? '')
        .join(','),
    ),
  )
  await http.get(`${url}&colour=red`).expect(400)
  await http.get(url).set('accept', 'image/png').expect(406)
})

test('neurons are the sums of the raw allocations of their parameters', async () => {
  for (const index of [0, 3]) {
    const { id, variant } = sweep.experiments[index]
    const { body } = await http.get(`/v1/experiments/${id}/artifacts/manifest.json`).expect(200)
    const { neurons } = body as Manifest
    assert.deepEqual(neurons, [
      { layer: 'fc_1', offset: 0, units: 8 },
      { layer: 'fc_2', offset: 8, units: 10 },
    ])
    for (const split of splits) {
      const rows = await raw(id, split)
      const { body: table } = await http.get(`/v1/experiments/${id}/neurons?split=${split}`).expect(200)
      assert.equal(table.items.length, 18)
      const matrix = [
        ...(await floats(id, `neurons/${split}/0-4.npy`)),
        ...(await floats(id, `neurons/${split}/4-6.npy`)),
      ]
      assert.equal(matrix.length, 6 * 18)
      for (const { layer, unit, parameters, lca, helping, hurting } of table.items) {
        const { from, to, units } = layers.find(one => one.layer === layer)!
        // A kernel [in, out] and its bias [out], one after the other: every units-th parameter.
        const own = rows.map(row => [...row.subarray(from, to)].filter((_, i) => i % units === unit))
        assert.equal(parameters, own[0].length)
        close(helping, sum(own.flat().filter(value => value < 0)), `${layer} ${unit} helping`)
        close(hurting, sum(own.flat().filter(value => value > 0)), `${layer} ${unit} hurting`)
        assert.ok(Math.abs(lca - (helping + hurting)) < 1e-12)
        const column = neurons.find(one => one.layer === layer)!.offset + unit
        own.forEach((values, t) => {
          assert.ok(Math.abs(matrix[t * 18 + column] - sum(values)) < 1e-7, `${layer} ${unit} at ${t}`)
        })
        if (variant === 'first frozen' && layer === 'fc_1')
          assert.ok([lca, helping, hurting].every(value => Object.is(value, 0)))
      }
      const { body: one } = await http
        .get(`/v1/experiments/${id}/neurons?split=${split}&layer=fc_2`)
        .expect(200)
      assert.deepEqual(one.items, table.items.slice(8))
    }
    await http.get(`/v1/experiments/${id}/neurons?layer=fc_9`).expect(400)
    const csv = await http.get(`/v1/experiments/${id}/neurons`).set('accept', 'text/csv').expect(200)
    assert.match(csv.text, /^layer,unit,parameters,lca,helping,hurting\nfc_1,0,785,/)
  }
})
