/** Objects that storage has lost or damaged: what the worker finds, and makes again. With a compute child that only pretends. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { objectKey } from '../src/objects/objects.ts'
import { createExperiment, retryExperiment } from '../src/store/experiments.ts'
import type { Manifest } from '../src/store/summary.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'
import { flipBit } from './support/rot.ts'
import { database, diary, forgotten, look, objects, post, queue, reaches, work } from './support/worker.ts'

test('objects that are lost on the way are made again, and only they', async () => {
  await work({ pace: 40 })
  const id = await post(8)
  while ((await look(id))?.segments.filter(({ status }) => status === 'allocated').length !== 2)
    await sleep(10)
  // Of segments that are done: of the one its weights, of the other what it allocated.
  await objects.remove(objectKey(id, 'weights/0-2.npy'))
  await objects.remove(objectKey(id, 'allocations/train/2-4.npy'))
  const experiment = await reaches(id, 'succeeded')
  for (const name of ['weights/0-2.npy', 'allocations/train/2-4.npy'])
    assert.notEqual(await objects.stat(objectKey(id, name)), undefined, name)
  assert.deepEqual(
    diary().filter(task => task === 'train' || task === 'allocate:0-2' || task === 'allocate:2-4'),
    ['train', 'allocate:0-2', 'allocate:2-4', 'train', 'allocate:2-4'],
  )
  assert.deepEqual(
    experiment.segments.map(({ attempts }) => attempts),
    [1, 2, 1, 1],
  )
})

test('weights that are lost when they are no longer needed are not made again', async () => {
  await work({ pace: 40 })
  const id = await post(8, ['allocations'])
  while ((await look(id))?.segments.filter(({ status }) => status === 'allocated').length !== 2)
    await sleep(10)
  await objects.remove(objectKey(id, 'weights/0-2.npy'))
  await reaches(id, 'succeeded')
  assert.equal(diary().filter(task => task === 'train').length, 1)
})

const artifactsOf = (experimentId: string) =>
  database.db.prisma.artifact.findMany({ where: { experimentId }, orderBy: { name: 'asc' } })
const bytesOf = async (id: string) =>
  Object.fromEntries(
    await Promise.all(
      (await artifactsOf(id)).map(async ({ name }) => [name, await objects.read(objectKey(id, name))]),
    ),
  )

test('weights that are damaged between training and allocation are trained again, before anything is made of them', async () => {
  const first = await work({ trouble: { 'allocate:2-4': { times: 1, what: 'permanent' } } })
  const id = await post()
  await reaches(id, 'failed')
  await flipBit(objects, objectKey(id, 'weights/2-4.npy'))
  const before = diary().length
  assert.equal(await retryExperiment(database.db, queue, id), 'queued')
  await reaches(id, 'succeeded')
  await first.stop()
  assert.deepEqual(
    diary()
      .slice(before)
      .filter(task => task === 'train' || task === 'allocate:2-4'),
    ['allocate:2-4', 'train', 'allocate:2-4'],
  )
})

test('retry of what has succeeded looks for its objects, and makes again what is lost or damaged', async () => {
  await work()
  const id = await post()
  const { summary } = await reaches(id, 'succeeded')
  await forgotten(id)
  const whole = await bytesOf(id)
  await flipBit(objects, objectKey(id, 'weights/0-2.npy'))
  await flipBit(objects, objectKey(id, 'neurons/validation/2-4.npy'))
  await flipBit(objects, objectKey(id, 'manifest.json'))
  await objects.remove(objectKey(id, 'allocations/train/4-5.npy'))
  assert.equal(await retryExperiment(database.db, queue, id), 'looking')
  const again = await reaches(id, 'succeeded')
  assert.deepEqual(again.summary, summary)
  const now = await bytesOf(id)
  assert.deepEqual(Object.keys(now), Object.keys(whole))
  for (const name of Object.keys(whole))
    if (name !== 'manifest.json') assert.deepEqual(now[name], whole[name], name)
  assert.deepEqual(
    again.segments.map(({ attempts }) => attempts),
    [1, 2, 2],
  )
  await forgotten(id)
  const computed = diary().length
  assert.equal(await retryExperiment(database.db, queue, id), 'looking')
  await reaches(id, 'succeeded')
  assert.equal(diary().length, computed, 'what is whole is left alone')
})

test('what cannot be made again is lost for good, and the experiment has succeeded all the same', async () => {
  await work()
  const sha256 = 'ab'.repeat(32)
  const dataset = {
    tenant: 'default',
    name: 'mine',
    sha256,
    format: 'npy',
    shape: [1],
    classes: 2,
    files: [],
  }
  await database.db.prisma.dataset.create({
    data: { id: randomUUID(), trainExamples: 1, testExamples: 0, ...dataset },
  })
  const id = randomUUID()
  const spec = fakeSpec(5, 2, ['weights', 'allocations'])
  await createExperiment(database.db, {
    id,
    spec: asStored({ ...spec, dataset: { ...spec.dataset, name: 'mine', sha256 } }),
  })
  await queue.submit(id)
  const { summary } = await reaches(id, 'succeeded')
  await forgotten(id)
  await database.db.prisma.dataset.deleteMany()
  const lost = ['weights/2-4.npy', 'neurons/train/0-2.npy']
  for (const name of lost) await flipBit(objects, objectKey(id, name))
  assert.equal(await retryExperiment(database.db, queue, id), 'looking')
  assert.deepEqual((await reaches(id, 'succeeded')).summary, summary)
  const manifest = JSON.parse((await objects.read(objectKey(id, 'manifest.json'))).toString()) as Manifest
  assert.deepEqual(manifest.lost?.toSorted(), lost.toSorted())
  for (const name of lost) {
    // Known and not there: a 410.
    assert.equal(await objects.stat(objectKey(id, name)), undefined)
    assert.ok((await artifactsOf(id)).some(artifact => artifact.name === name))
    assert.ok(!manifest.objects.some(object => object.name === name))
  }
})
