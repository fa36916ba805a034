/** The worker, on the Postgres queue, with a compute child that only pretends: what it does when things go right and wrong. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { pino } from 'pino'
import { objectKey } from '../src/objects/objects.ts'
import { chooseBackend } from '../src/queue/backend.ts'
import { queueName, segmentJob } from '../src/queue/jobs.ts'
import { reconcile } from '../src/queue/reconcile.ts'
import { cancelExperiment, deleteExperiment, retryExperiment } from '../src/store/experiments.ts'
import { readLogLines } from '../src/store/log-lines.ts'
import type { Manifest, Summary } from '../src/store/summary.ts'
import { sweep } from '../src/store/sweep.ts'
import { liveWorkers } from '../src/store/workers.ts'
import { plainText } from '../workers/telling.ts'
import { fakeVariables } from './support/fake-ledger.ts'
import {
  config,
  database,
  diary,
  forgotten,
  look,
  objects,
  post,
  queue,
  reaches,
  stored,
  work,
} from './support/worker.ts'

test('an experiment is trained, allocated segment by segment, and finalized with summary and manifest', async () => {
  const worker = await work()
  const id = await post()
  const experiment = await reaches(id, 'succeeded')
  assert.deepEqual(diary(), ['train', 'allocate:0-2', 'allocate:2-4', 'allocate:4-5'])
  assert.deepEqual([experiment.trained, experiment.attempts, experiment.worker], [5, 1, worker.name])
  assert.ok(
    experiment.startedAt! <= experiment.allocatingAt! && experiment.allocatingAt! <= experiment.finishedAt!,
  )
  assert.deepEqual(
    experiment.segments.map(({ status, done, attempts }) => [status, done, attempts]),
    [
      ['allocated', 2, 1],
      ['allocated', 2, 1],
      ['allocated', 1, 1],
    ],
  )

  const summary = experiment.summary as unknown as Summary
  assert.deepEqual([summary.parameters, summary.iterations, summary.gradients], [15, 5, 20])
  assert.deepEqual(summary.splits.train?.loss, { initial: 2.5, final: 0.5 })
  assert.deepEqual(summary.splits.validation?.accuracy, { initial: 0.1, final: 0.9 })
  assert.equal(summary.splits.train?.helpFractionOfMoved, 30 / 45)
  assert.equal(summary.splits.train?.helpFractionOfAll, 30 / 75)
  // What it makes up does not add up.
  assert.deepEqual(summary.unbalanced?.train?.rules, ['total'])

  const bytes = await objects.read(objectKey(id, 'manifest.json'))
  const manifest = JSON.parse(bytes.toString()) as Manifest
  assert.deepEqual(manifest.variables, fakeVariables)
  assert.deepEqual(manifest.spec, experiment.spec)
  assert.deepEqual(
    manifest.segments.map(({ from, to, worker, trainedBy }) => [from, to, worker, trainedBy]),
    [
      [0, 2],
      [2, 4],
      [4, 5],
    ].map(span => [...span, worker.name, { worker: worker.name, engine: experiment.engine }]),
  )
  const artifacts = await database.db.prisma.artifact.findMany({
    where: { experimentId: id },
    orderBy: { name: 'asc' },
  })
  assert.deepEqual(manifest.neurons, [{ layer: 'fc_1', offset: 0, units: 3 }])
  assert.equal(artifacts.length, 3 + 2 * 3 + 2 * 3 + 1)
  for (const { name, sha256 } of manifest.objects) {
    assert.equal(artifacts.find(artifact => artifact.name === name)?.sha256, sha256)
  }
  await forgotten(id)
})

test('a dataset that is downloaded is in the log, with how far it is', async () => {
  const lines: string[] = []
  const download = { url: 'http://home/images.gz', bytes: 1000, received: 300 }
  await work({ download }, pino({ level: 'info' }, { write: line => void lines.push(line) }))
  const id = await post()
  await reaches(id, 'succeeded')
  const { experiment, url, bytes, received, msg } = JSON.parse(
    lines.find(line => line.includes('images.gz'))!,
  )
  assert.deepEqual({ url, bytes, received }, download)
  assert.deepEqual([experiment, msg], [id, 'downloading: 30 %'])
})

test('what is not to be kept is gone in the end', async () => {
  await work()
  const id = await post(5, [])
  await reaches(id, 'succeeded')
  const artifacts = await database.db.prisma.artifact.findMany({ where: { experimentId: id } })
  assert.deepEqual(
    artifacts.map(({ name }) => name).filter(name => !name.startsWith('neurons/')),
    ['manifest.json'],
  )
  await forgotten(id)
  assert.equal(await objects.stat(objectKey(id, 'weights/0-2.npy')), undefined)
})

test('a compute child that crashes costs one attempt; the experiment’s log has it, without what a URL may carry', async () => {
  const worker = await work({ trouble: { 'allocate:2-4': { times: 1, what: 'crash' } } })
  const id = await post()
  const experiment = await reaches(id, 'succeeded')
  assert.deepEqual(
    experiment.segments.map(({ attempts }) => attempts),
    [1, 2, 1],
  )
  assert.equal(experiment.attempts, 1)
  await worker.stop()
  const lines = await readLogLines(database.db, id, { after: undefined, limit: 100 })
  const said = lines.map(({ level, message }) => `${level} ${message}`)
  assert.deepEqual(said.toSorted(), [
    ...[
      'info allocated',
      'info allocated',
      'info allocated',
      'info allocating',
      'info the experiment has succeeded',
    ],
    ...['info trained', 'info training'],
    ...['warn an attempt failed and will be repeated', 'warn its books do not balance'],
  ])
  assert.deepEqual(said.slice(0, 3), ['info training', 'info trained', 'info allocating'])
  assert.deepEqual([...new Set(lines.map(line => line.worker))], [worker.name])
  const { facts } = lines.find(({ message }) => message.startsWith('an attempt'))!
  assert.equal(facts.attempt, 1)
  assert.match(String(facts.error), /^the compute process ended /)
  const secret = 'connect to redis://me:secret@host:1/x?X-Amz-Signature=secret failed\n    at stack'
  assert.equal(plainText(secret), 'connect to redis://host:1/x failed')
})

test('a worker whose compute child starts no more costs its jobs nothing, and says so', async () => {
  const first = await work({ starts: 1, trouble: { 'allocate:2-4': { times: 1, what: 'crash' } } })
  const id = await post()
  await first.broken
  await first.stop()
  await work()
  const experiment = await reaches(id, 'succeeded')
  // The crash itself was an attempt.
  assert.deepEqual(
    experiment.segments.map(({ attempts }) => attempts),
    [1, 2, 1],
  )
})

test('what trying again cannot mend fails the experiment at once, with the reason', async () => {
  await work({ trouble: { 'allocate:0-2': { times: 9, what: 'permanent' } } })
  const id = await post(40)
  const experiment = await reaches(id, 'failed')
  assert.deepEqual(experiment.error, { message: 'fake permanent trouble' })
  const computed = diary().length
  await sleep(200)
  // The other segments are taken back, and the queue forgets the experiment.
  assert.equal(diary().length, computed)
  assert.ok(computed < 10)
  await forgotten(id)
})

test('a failed experiment is tried again from where it failed', async () => {
  await work({ trouble: { 'allocate:2-4': { times: 1, what: 'permanent' } } })
  const id = await post()
  await reaches(id, 'failed')
  assert.equal(await retryExperiment(database.db, queue, id), 'queued')
  await reaches(id, 'succeeded')
  assert.deepEqual(
    diary().filter(task => task === 'train' || task === 'allocate:0-2'),
    ['train', 'allocate:0-2'],
  )
})

test('cancelling takes effect while a segment computes, and is final', async () => {
  await work({ pace: 100 })
  const id = await post(400)
  await reaches(id, 'training')
  assert.equal(await cancelExperiment(database.db, queue, id), 'cancelling')
  // The training takes twice as long.
  await reaches(id, 'cancelled', 20_000)
  assert.equal(await cancelExperiment(database.db, queue, id), 'finished')
  const next = await post(1)
  await reaches(next, 'succeeded')
  assert.equal((await look(id))?.status, 'cancelled')
})

test('an experiment that is still queued is cancelled at once', async () => {
  const id = await post()
  assert.equal(await cancelExperiment(database.db, queue, id), 'cancelled')
  await forgotten(id)
  assert.equal(await cancelExperiment(database.db, queue, randomUUID()), 'missing')
})

test('what is cancelled while no worker has it in hand is cancelled soon', async () => {
  const id = await post()
  // As where the job waits to be tried again.
  const started = new Date(Date.now() - 60_000)
  await database.db.prisma.experiment.update({ where: { id }, data: { status: 'training' } })
  assert.equal(await cancelExperiment(database.db, queue, id), 'cancelling')
  await reconcile(database.db, queue)
  assert.equal((await look(id))?.status, 'training')
  await database.db.pool.query('UPDATE experiments SET updated_at = $2 WHERE id = $1', [id, started])
  assert.deepEqual(await reconcile(database.db, queue), [])
  assert.equal((await look(id))?.status, 'cancelled')
})

test('deleting while it runs leaves no row and no object', async () => {
  await work({ pace: 30 })
  const id = await post(10)
  await reaches(id, 'allocating')
  assert.deepEqual(await deleteExperiment(database.db, queue, objects, id), { outcome: 'deleted' })
  await reaches(await post(1), 'succeeded')
  assert.equal(await look(id), null)
  assert.equal(stored(id), false)
})

test('progress is to be seen while it trains and allocates', async () => {
  await work({ pace: 25 })
  const id = await post(30)
  const seen = new Set<number>()
  while ((await look(id))?.status !== 'allocating') {
    seen.add((await look(id))!.trained)
    await sleep(20)
  }
  assert.ok(seen.size > 3, `${[...seen]}`)
})

test('a worker that is stopped hands its job back, and the next one goes on at once', async () => {
  const first = await work({ pace: 500 })
  const id = await post(40)
  await reaches(id, 'training')
  const start = Date.now()
  await first.stop()
  // A child that has not obeyed by then is killed.
  assert.ok(Date.now() - start < 3000, `stopping took ${Date.now() - start} ms`)
  const second = await work()
  // Long before the lock of a worker that died would run out.
  const experiment = await reaches(id, 'succeeded')
  assert.equal(experiment.worker, second.name)
})

test('a child that does not obey is killed when the worker stops', async () => {
  const worker = await work({ pace: 100, deaf: true })
  const id = await post(1000)
  await reaches(id, 'training')
  const start = Date.now()
  await worker.stop()
  assert.ok(Date.now() - start < 50_000)
})

test('a job that is handed to two workers, or comes again later, leaves one result', async () => {
  await work({ pace: 20 })
  await work({ pace: 20 })
  const id = await post(12)
  await reaches(id, 'allocating')
  // The same segments under other ids: both workers get them, some at the same time.
  const backend = chooseBackend(config, database.url)
  const { connection, factory } = backend
  const doubled = new Queue(queueName, { connection }, factory)
  for (let index = 0; index < 6; index++) {
    const { name, data } = segmentJob(id, index, 1, '')
    await doubled.add(name, data, { jobId: `again-${index}`, removeOnComplete: true })
  }
  await reaches(id, 'succeeded')
  await doubled.close()
  await backend.close()
  const { rows } = await database.db.pool.query(
    'SELECT count(*)::int AS count FROM iterations WHERE experiment_id = $1',
    [id],
  )
  assert.equal(rows[0].count, 24)
})

test('a worker is on the list while it lives, with what it does', async () => {
  const worker = await work({ pace: 30 })
  const listed = await liveWorkers(database.db)
  assert.deepEqual(
    listed.map(({ name, engine }) => [name, engine.version]),
    [[worker.name, 'fake']],
  )
  await worker.stop()
  assert.deepEqual(await liveWorkers(database.db), [])
})

test('objects of experiments that are gone are swept, and old experiments where that is asked for', async () => {
  await work()
  const id = await post()
  await reaches(id, 'succeeded')
  const put = async (key: string) => (await objects.write(key, 'text/plain')).commit()
  const gone = randomUUID()
  await put(objectKey(gone, 'weights/0-2.npy'))
  await put(objectKey(id, 'state/2.npy'))
  const quiet = pino({ level: 'silent' })
  const swept = await sweep(database.db, queue, objects, undefined, quiet)
  assert.deepEqual(swept, { expired: 0, orphans: 1, leftovers: 1 })
  assert.equal(stored(gone), false)
  assert.notEqual(await objects.stat(objectKey(id, 'weights/0-2.npy')), undefined)
  await database.db.pool.query(`UPDATE experiments SET finished_at = now() - interval '8 days'`)
  assert.equal((await sweep(database.db, queue, objects, 9, quiet))?.expired, 0)
  assert.equal((await sweep(database.db, queue, objects, 7, quiet))?.expired, 1)
  assert.equal(await look(id), null)
  assert.equal(stored(id), false)

  // As a process leaves it that dies while it deletes.
  const half = await post()
  await reaches(half, 'succeeded')
  const { pool } = database.db
  await pool.query('UPDATE experiments SET cancelling = true, updated_at = now() WHERE id = $1', [half])
  assert.equal((await sweep(database.db, queue, objects, undefined, quiet))?.expired, 0)
  await pool.query(`UPDATE experiments SET updated_at = now() - interval '1 hour' WHERE id = $1`, [half])
  assert.equal((await sweep(database.db, queue, objects, undefined, quiet))?.expired, 1)
  assert.equal(stored(half), false)
})

test('what the queue has lost is queued again when a worker starts', async () => {
  const id = await post()
  await queue.remove(id)
  await forgotten(id)
  await work()
  await reaches(id, 'succeeded')
})
