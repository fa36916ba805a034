/** Recording a segment: all of it or nothing, once, exactly, and quickly. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { readNeurons } from '../src/api/routes/neurons/query.ts'
import type { Objects } from '../src/objects/objects.ts'
import { cancelExperiment, createExperiment, deleteExperiment } from '../src/store/experiments.ts'
import {
  recordSegment,
  type SegmentResult,
  startSegment,
  unallocatedSegments,
} from '../src/store/segments.ts'
import type { Computer } from '../src/store/state.ts'
import {
  type Finished,
  finishExperiment,
  incompleteSegments,
  makeManifest,
  summarise,
} from '../src/store/summary.ts'
import {
  pendingSegments,
  recordAgain,
  recordTrainedSegments,
  recordTraining,
  resetSegments,
  startExperiment,
} from '../src/store/training.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  asStored,
  fakeColumns,
  fakeEvaluations,
  fakeNeurons,
  fakeSpec,
  fakeVariables,
} from './support/fake-ledger.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

const computer: Computer = {
  worker: 'here:1',
  engine: { name: 'native', version: '2.21.0', threads: 2, device: 'cpu' },
}
const noQueue = { submit: async () => {}, remove: async () => {} }
const noObjects = { remove: async () => {} } as unknown as Objects
const object = (name: string) => ({ name, bytes: 8, sha256: '00', contentType: 'application/x-npy' })
const result = (from: number, to: number): SegmentResult => ({
  columns: [
    ...fakeColumns(['train', 'validation'], from, to),
    ...fakeNeurons(['train', 'validation'], from, to),
  ],
  evaluations: fakeEvaluations(fakeSpec(5, 2, []), from, to),
  objects: [object(`allocations/train/${from}-${to}.npy`)],
  seconds: 2,
  gradients: 12,
})

const weights = { segments: [0, 1, 2], objects: [object('weights/0-2.npy')] }

/** An experiment of 5 iterations in segments of 2, trained. */
async function trained(): Promise<string> {
  const id = randomUUID()
  await createExperiment(database.db, { id, spec: asStored(fakeSpec(5, 2, ['weights'])) })
  assert.equal(await startExperiment(database.db, id, computer), 'training')
  assert.equal(await recordTraining(database.db, id, fakeVariables, weights, computer), true)
  return id
}
/** Rows of one of the views. */
async function rowsOf(view: 'iterations' | 'allocations', id: string, where = 'true') {
  const { rows } = await database.db.pool.query(
    `SELECT * FROM ${view} WHERE experiment_id = $1 AND ${where}`,
    [id],
  )
  return rows
}
const counts = async (id: string) => ({
  iterations: (await rowsOf('iterations', id)).length,
  allocations: (await rowsOf('allocations', id)).length,
})

test('an experiment is created with its segments, the last one shorter', async () => {
  const id = await trained()
  const segments = await database.db.prisma.segment.findMany({
    where: { experimentId: id },
    orderBy: { index: 'asc' },
  })
  assert.deepEqual(
    segments.map(({ index, from, to, status }) => [index, from, to, status]),
    [
      [0, 0, 2, 'trained'],
      [1, 2, 4, 'trained'],
      [2, 4, 5, 'trained'],
    ],
  )
})

test('rows are what was computed, to the last bit', async () => {
  const id = await trained()
  assert.equal(await recordSegment(database.db, id, 1, result(2, 4), computer), 'recorded')
  const where = "split = 'train' AND iteration = 3"
  const [iteration] = await rowsOf('iterations', id, where)
  assert.deepEqual(
    [iteration.loss_before, iteration.loss_after, iteration.residual, iteration.splits, iteration.helped],
    [0.1 + 0.2, 1 / 3, -3 / 1024, 2, 6],
  )
  const [cell] = await rowsOf('allocations', id, `${where} AND variable = 1`)
  assert.deepEqual([cell.helping, cell.hurting, cell.moved, cell.hurt], [-2 / 16, 1 / 16, 5e-324, 1])
  assert.deepEqual(await unallocatedSegments(database.db, id), [0, 2])
})

test('two workers that were handed the same segment leave one result', async () => {
  const id = await trained()
  const outcomes = await Promise.all(
    [0, 1, 2].map(() => recordSegment(database.db, id, 0, result(0, 2), computer)),
  )
  assert.deepEqual(outcomes.sort(), ['already', 'already', 'recorded'])
  assert.deepEqual(await counts(id), { iterations: 4, allocations: 8 })
  assert.equal(await startSegment(database.db, id, 0, 'late:1'), undefined)
})

test('two devices with other bits: rows and objects are of one of them in the end', async () => {
  const id = await trained()
  const other = { ...result(0, 2), objects: [{ ...object('allocations/train/0-2.npy'), sha256: 'ff' }] }
  other.columns[0].columns.lca[0] = 0.5
  assert.equal(await recordSegment(database.db, id, 0, result(0, 2), computer), 'recorded')
  // Its objects are in storage now.
  assert.equal(await recordSegment(database.db, id, 0, other, computer), 'disputed')
  assert.deepEqual(await unallocatedSegments(database.db, id), [0, 1, 2])
  // A finalizing that looked before that does not end.
  const finished: Finished = {
    summary: {
      parameters: 15,
      iterations: 5,
      splits: {},
      unbalanced: null,
      gradients: 0,
      allocationSeconds: 0,
    },
    ...{ early: {}, findings: [], totals: [], measures: Buffer.alloc(0), recorded: '' },
  }
  assert.equal(await finishExperiment(database.db, id, finished, []), false)
  assert.equal(await recordSegment(database.db, id, 0, other, computer), 'recorded')
  assert.deepEqual(await counts(id), { iterations: 4, allocations: 8 })
  assert.equal((await rowsOf('iterations', id, "split = 'train' AND iteration = 0"))[0].lca, 0.5)
  const artifact = { experimentId_name: { experimentId: id, name: 'allocations/train/0-2.npy' } }
  assert.equal((await database.db.prisma.artifact.findUniqueOrThrow({ where: artifact })).sha256, 'ff')
  // What has succeeded stays as it is.
  await database.db.prisma.experiment.update({ where: { id }, data: { status: 'succeeded' } })
  assert.equal(await recordSegment(database.db, id, 0, result(0, 2), computer), 'unwanted')
})

test('a segment that cannot all be stored leaves nothing', async () => {
  const id = await trained()
  const broken = result(0, 2)
  // Columns of other lengths, and an object that Postgres refuses when the tables are in already.
  const short = { ...broken.columns[3], columns: { ...broken.columns[3].columns, lca: new Float64Array(3) } }
  const odd = { ...broken, columns: [...broken.columns.slice(0, 3), short] }
  await assert.rejects(
    recordSegment(database.db, id, 0, odd, computer),
    /3 rows of allocations do not divide/,
  )
  const late = { ...broken, objects: [{ ...object('x'), sha256: null as unknown as string }] }
  await assert.rejects(recordSegment(database.db, id, 0, late, computer), /null value in column "sha256"/)
  assert.deepEqual(await counts(id), { iterations: 0, allocations: 0 })
  assert.equal(await recordSegment(database.db, id, 0, result(0, 2), computer), 'recorded')
})

test('nothing is recorded for an experiment that is cancelled or deleted', async () => {
  const id = await trained()
  assert.equal(await cancelExperiment(database.db, noQueue, id), 'cancelling')
  assert.equal(await recordSegment(database.db, id, 0, result(0, 2), computer), 'unwanted')
  assert.deepEqual(await deleteExperiment(database.db, noQueue, noObjects, id), { outcome: 'deleted' })
  assert.equal(await recordSegment(database.db, id, 0, result(0, 2), computer), 'unwanted')
  assert.deepEqual(await counts(id), { iterations: 0, allocations: 0 })
  assert.deepEqual(await deleteExperiment(database.db, noQueue, noObjects, id), { outcome: 'missing' })
})

test('recording and deleting at the same time do not wait for each other in a circle', async () => {
  for (let round = 0; round < 5; round++) {
    const id = await trained()
    const work = [0, 1, 2].map(i =>
      recordSegment(database.db, id, i, result(i * 2, Math.min(5, i * 2 + 2)), computer),
    )
    await Promise.all([...work, deleteExperiment(database.db, noQueue, noObjects, id)])
    assert.deepEqual(await counts(id), { iterations: 0, allocations: 0 })
  }
})

test('neurons are summed over segments to the same bits, in whatever order they were recorded', async () => {
  const sums = async (order: number[]) => {
    const id = await trained()
    for (const index of order)
      await recordSegment(database.db, id, index, result(index * 2, Math.min(5, index * 2 + 2)), computer)
    const ledger = {
      id,
      split: 'train' as const,
      iterations: 5,
      complete: true,
      version: undefined,
      recording: { allocation: {}, training: {} },
      unbalanced: null,
      sample: { examples: 100, of: 100 },
    }
    const hurting: number[] = []
    for await (const { values } of await readNeurons(
      database.db,
      ledger,
      undefined,
      new AbortController().signal,
    ))
      hurting.push(...(values.hurting as Float64Array))
    return hurting
  }
  const forwards = await sums([0, 1, 2])
  assert.deepEqual(await sums([2, 0, 1]), forwards)
  // ((0.1 + 0.7) + 1.3) is not 0.1 + (0.7 + 1.3): the order is what fixes the bits.
  assert.deepEqual(
    forwards,
    [0, 1, 2].map(unit => 0.1 * (1 + unit) + 0.7 * (1 + unit) + 1.3 * (1 + unit)),
  )
})

test('a training of which every segment is stored is not whole without its variables', async () => {
  const id = randomUUID()
  await createExperiment(database.db, { id, spec: asStored(fakeSpec(4, 2, ['weights'])) })
  assert.equal(await startExperiment(database.db, id, computer), 'training')
  await recordTrainedSegments(
    database.db,
    id,
    { segments: [0], objects: [object('weights/0-2.npy')] },
    computer,
  )
  assert.deepEqual(await pendingSegments(database.db, id), [1])
  await recordTrainedSegments(
    database.db,
    id,
    { segments: [1], objects: [object('weights/2-4.npy')] },
    computer,
  )
  // Here the worker dies.
  assert.equal(await startExperiment(database.db, id, computer), 'training')
  assert.deepEqual(await pendingSegments(database.db, id), [])
  assert.equal(
    await recordTraining(database.db, id, fakeVariables, { segments: [], objects: [] }, computer),
    true,
  )
  assert.deepEqual(await unallocatedSegments(database.db, id), [0, 1])
})

test('of every segment it is known who made the weights that are stored', async () => {
  const id = randomUUID()
  await createExperiment(database.db, { id, spec: asStored(fakeSpec(6, 2, ['weights'])) })
  const by = (worker: string) => ({ ...computer, worker })
  const of = (...segments: number[]) => ({
    segments,
    objects: segments.map(i => object(`weights/${2 * i}-${2 * i + 2}.npy`)),
  })
  await startExperiment(database.db, id, by('first:1'))
  await recordTrainedSegments(database.db, id, of(0), by('first:1'))
  await startExperiment(database.db, id, by('second:1'))
  await recordTrainedSegments(database.db, id, of(1), by('second:1'))
  await recordTraining(database.db, id, fakeVariables, of(1, 2), by('second:1'))
  await recordAgain(database.db, id, of(1), by('third:1'))
  const { segments } = await makeManifest(database.db, id, { spec: fakeSpec(6, 2, ['weights']) }, [])
  assert.deepEqual(
    segments.map(({ trainedBy }) => trainedBy),
    ['first:1', 'third:1', 'second:1'].map(by),
  )
})

test('what is missing is named, and totals are the sums', async () => {
  const id = await trained()
  for (const [index, from, to] of [
    [0, 0, 2],
    [1, 2, 4],
  ]) {
    await recordSegment(database.db, id, index, result(from, to), computer)
  }
  const spec = fakeSpec(5, 2, ['weights'])
  assert.deepEqual(await incompleteSegments(database.db, id, spec), [2])
  await recordSegment(database.db, id, 2, result(4, 5), computer)
  assert.deepEqual(await incompleteSegments(database.db, id, spec), [])
  await database.db.pool.query(
    `DELETE FROM ledger_blocks WHERE experiment_id = $1 AND kind = 'allocations' AND split = 'train' AND "from" = 2`,
    [id],
  )
  assert.deepEqual(await incompleteSegments(database.db, id, spec), [1])
  await resetSegments(database.db, id, [1])
  assert.deepEqual(await unallocatedSegments(database.db, id), [1])
  // What is there can be read until there is better.
  assert.deepEqual(await counts(id), { iterations: 10, allocations: 16 })
  assert.equal(await recordSegment(database.db, id, 1, result(2, 4), computer), 'recorded')
  assert.deepEqual(await counts(id), { iterations: 10, allocations: 20 })
  assert.deepEqual(await incompleteSegments(database.db, id, spec), [])
  const { summary: sums, totals } = await summarise(database.db, id, spec)
  assert.deepEqual([sums.parameters, sums.iterations, sums.gradients, sums.allocationSeconds], [15, 5, 36, 6])
  // Per iteration −1/16 − 2/16, and 2/16 in the two odd ones.
  assert.deepEqual(sums.splits.train, {
    ...{ examples: 100, of: 100, standardError: null },
    ...{ lca: -15 / 16 + 4 / 16, helping: -15 / 16, hurting: 4 / 16 },
    ...{ helpFractionOfMoved: 30 / 45, helpFractionOfAll: 30 / 75, worstResidual: 4 / 1024 },
    ...{ loss: { initial: 2.5, final: 0.5 }, accuracy: { initial: 0.1, final: 0.9 } },
  })
  assert.deepEqual(
    totals.map(({ split, variables }) => [split, variables.iterations, [...variables.helping]]),
    ['train', 'validation'].map(split => [split, 5, [-5 / 16, -10 / 16]]),
  )
  // As an earlier version recorded it: without what the summary says of the ends.
  await database.db.pool.query(
    `UPDATE segments SET evaluations = '[]' WHERE experiment_id = $1 AND "index" = 2`,
    [id],
  )
  assert.deepEqual(await incompleteSegments(database.db, id, spec), [2])
  await resetSegments(database.db, id, [0, 2])
  await recordSegment(database.db, id, 0, result(0, 2), computer)
  await recordSegment(database.db, id, 2, result(4, 5), computer)
  assert.deepEqual((await summarise(database.db, id, spec)).summary, sums)
})

test('a segment of 50 iterations, 2 splits and 62 variables is recorded in well under 200 ms', async t => {
  const id = randomUUID()
  await createExperiment(database.db, { id, spec: asStored(fakeSpec(150, 50, [])) })
  await startExperiment(database.db, id, computer)
  await recordTraining(database.db, id, fakeVariables, { segments: [], objects: [] }, computer)
  const times: number[] = []
  for (let index = 0; index < 3; index++) {
    const columns = fakeColumns(['train', 'validation'], index * 50, index * 50 + 50, 62)
    const start = performance.now()
    await recordSegment(database.db, id, index, { ...result(0, 2), columns }, computer)
    times.push(performance.now() - start)
  }
  t.diagnostic(`6,200 rows in ${times.map(time => time.toFixed(0)).join(', ')} ms`)
  assert.ok(Math.min(...times) < 200)
})
