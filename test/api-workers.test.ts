/** GET /v1/workers: who lives is on the list, who has been silent is not. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { noteWorker, removeWorker, silence, type WorkerCard } from '../src/store/workers.ts'
import { startApi, type TestApi } from './support/api.ts'

describe('workers', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())

  const engine = { name: 'native' as const, version: '2.21.0', threads: 2, device: 'a GPU', onGpu: true }
  const card = (name: string): WorkerCard => ({
    ...{ id: randomUUID(), name, host: name.split(':')[0], pid: 7, engine, memoryBytes: 80 * 2 ** 30 },
  })
  const list = async () => (await api.http.get('/v1/workers').expect(200)).body.items

  test('a worker is listed with what it computes on and what it does', async () => {
    const worker = card('a:7')
    const doing = { task: 'allocate' as const, experiment: randomUUID(), from: 0, to: 50 }
    const since = new Date().toISOString()
    await noteWorker(api.db, worker, { ...doing, since }, 1234.5)
    const [listed] = await list()
    assert.deepEqual(
      { ...listed, startedAt: 0, seenAt: 0 },
      {
        ...worker,
        ...{ doing: { ...doing, since }, examplesPerSecond: 1234.5, startedAt: 0, seenAt: 0 },
      },
    )
    await noteWorker(api.db, worker, undefined, undefined)
    assert.deepEqual((await list())[0].doing, null)
    await removeWorker(api.db, worker.id)
    assert.deepEqual(await list(), [])
  })

  test('one whose heart has stopped is gone in under a minute', async () => {
    await noteWorker(api.db, card('b:7'), undefined, undefined)
    await noteWorker(api.db, card('c:7'), undefined, undefined)
    await api.db.pool.query(
      `UPDATE workers SET seen_at = now() - $1 * interval '1 millisecond' WHERE name = 'b:7'`,
      [silence],
    )
    assert.ok(silence < 60_000)
    assert.deepEqual(
      (await list()).map(({ name }: { name: string }) => name),
      ['c:7'],
    )
  })
})
