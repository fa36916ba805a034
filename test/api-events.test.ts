/** An experiment followed: events that come once and in order, also after a break; and answers that wait for a change. */
import assert from 'node:assert/strict'
import { get } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { connect } from '../clients/typescript/src/index.ts'
import { recordSegment } from '../src/store/segments.ts'
import { resetSegments } from '../src/store/training.ts'
import { countQueries, fillLedger, minimalSpec, post, startApi, type TestApi } from './support/api.ts'
import { fakeColumns } from './support/fake-ledger.ts'

type Event = { event: string; id: string; data: Record<string, unknown> }

describe('events', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())

  const start = (iterations = 12) =>
    post(api, { ...minimalSpec(iterations), allocation: { segmentIterations: 2 } })
  const set = (id: string, data: object) => api.db.prisma.experiment.update({ where: { id }, data })
  /** Records the segment that starts at an iteration. */
  const record = async (id: string, from: number) => {
    await fillLedger(api, id, [from, from + 1])
  }

  /** Listens until `enough` events have come, or the stream ends. */
  const listen = (id: string, from?: string, enough = Number.POSITIVE_INFINITY) => {
    const { port } = api.app.server.address() as { port: number }
    const events: Event[] = []
    let opened = () => {}
    const open = new Promise<void>(resolve => {
      opened = resolve
    })
    const done = new Promise<{ status: number; events: Event[]; type?: string }>((resolve, reject) => {
      const headers = from === undefined ? {} : { 'last-event-id': from }
      const request = get(
        { host: '127.0.0.1', port, path: `/v1/experiments/${id}/events`, headers, agent: false },
        answer => {
          const end = () =>
            resolve({ status: answer.statusCode!, events, type: answer.headers['content-type'] })
          let text = ''
          answer.on('data', chunk => {
            text += chunk
            const blocks = text.split('\n\n')
            text = blocks.pop()!
            for (const block of blocks) {
              const fields = Object.fromEntries(
                block
                  .split('\n')
                  .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
              )
              if (!fields.event) continue
              events.push({ event: fields.event, id: fields.id, data: JSON.parse(fields.data) })
              opened()
            }
            if (events.length >= enough) {
              request.destroy()
              end()
            }
          })
          answer.on('end', end)
        },
      )
      request.on('error', error => (events.length >= enough ? undefined : reject(error)))
    })
    return { open, done }
  }
  const rowsOf = (events: Event[]) =>
    events.filter(({ event }) => event === 'iteration').map(({ data }) => `${data.iteration} ${data.split}`)
  const bothSplits = (...iterations: number[]) => iterations.flatMap(i => [`${i} train`, `${i} validation`])

  test('status first, then what happens, in the order in which it is recorded, and the end', async () => {
    const id = await start()
    const { open, done } = listen(id)
    await open
    await set(id, { status: 'training', startedAt: new Date() })
    await setTimeout(700)
    await set(id, { status: 'allocating', allocatingAt: new Date() })
    await record(id, 4)
    await record(id, 0)
    await setTimeout(700)
    await record(id, 8)
    await set(id, { status: 'succeeded', summary: { worst: 1, unbalanced: null }, finishedAt: new Date() })
    const { status, events, type } = await done
    assert.equal(status, 200)
    assert.equal(type, 'text/event-stream')
    const statuses = events.filter(({ event }) => event === 'status').map(({ data }) => data.status)
    assert.deepEqual(statuses, ['queued', 'training', 'allocating', 'succeeded'])
    assert.deepEqual(rowsOf(events), bothSplits(4, 5, 0, 1, 8, 9))
    const last = events[events.length - 1]
    assert.equal(last.id, '3-end')
    assert.deepEqual(last.data.summary, { worst: 1, unbalanced: null })
    assert.ok(
      events.some(
        ({ event, data }) => event === 'progress' && data.phase === 'allocating' && data.done === 4,
      ),
    )
    // Whoever knows the end is sent away; whoever does not, is told all of it.
    assert.equal((await listen(id, '3-end').done).status, 204)
    assert.deepEqual(rowsOf((await listen(id, '0').done).events), bothSplits(4, 5, 0, 1, 8, 9))
  })

  test('from any event on, the rest comes, each once', async () => {
    const id = await start()
    await set(id, { status: 'allocating', allocatingAt: new Date() })
    for (const from of [2, 0, 6]) await record(id, from)
    const all = bothSplits(2, 3, 0, 1, 6, 7)
    const whole = await listen(id, '0', all.length + 1).done
    assert.deepEqual(rowsOf(whole.events), all)
    // The listener that stays is live: what is recorded after it has caught up comes as well.
    for (const [index, { id: position, event }] of whole.events.entries()) {
      if (event !== 'iteration' || index % 3 !== 0) continue
      const rest = all.slice(all.indexOf(rowsOf([whole.events[index]])[0]) + 1)
      const { events } = await listen(id, position, rest.length + 1).done
      assert.deepEqual(rowsOf(events), rest, position)
    }
    const live = listen(id, whole.events[4].id, 1 + 8 + 4)
    await live.open
    await record(id, 4)
    const { events } = await live.done
    assert.deepEqual(rowsOf(events), [...all.slice(4), ...bothSplits(4, 5)])
  })

  test('what is told is not told again when a segment is repaired', async () => {
    const id = await start()
    await set(id, { status: 'allocating', allocatingAt: new Date() })
    for (const from of [0, 2]) await record(id, from)
    const before = listen(id, '0')
    await before.open
    await resetSegments(api.db, id, [0])
    const meanwhile = listen(id, '0')
    await meanwhile.open
    const splits = ['train', 'validation'] as const
    const repaired = await recordSegment(
      api.db,
      id,
      0,
      {
        ...{ columns: fakeColumns([...splits], 0, 2), evaluations: [], objects: [] },
        ...{ seconds: 1, gradients: 1 },
      },
      { worker: 'here:1', engine: { name: 'wasm', version: '4', threads: 1, device: 'none' } },
    )
    assert.equal(repaired, 'recorded')
    await record(id, 4)
    await set(id, { status: 'succeeded', finishedAt: new Date() })
    for (const { events } of [await before.done, await meanwhile.done, await listen(id, '0').done])
      assert.deepEqual(rowsOf(events), bothSplits(0, 1, 2, 3, 4, 5))
  })

  test('a hundred listeners cost one query every half second, and all hear the same', async () => {
    const id = await start()
    await set(id, { status: 'allocating', allocatingAt: new Date() })
    const listeners = Array.from({ length: 100 }, () => listen(id))
    await Promise.all(listeners.map(({ open }) => open))
    // The outbox of webhooks, which is looked at every second, is nobody's who listens.
    const [queries, began] = [countQueries(api, /^(?!\s*UPDATE deliveries)/), performance.now()]
    await setTimeout(1200)
    const asked = queries.stop()
    assert.ok(asked <= (performance.now() - began) / 500 + 2, String(asked))
    await record(id, 0)
    await set(id, { status: 'failed', error: { message: 'no' }, finishedAt: new Date() })
    const heard = await Promise.all(listeners.map(({ done }) => done))
    for (const { events } of heard) {
      assert.deepEqual(rowsOf(events), bothSplits(0, 1))
      assert.equal(events[events.length - 1].data.status, 'failed')
    }
    assert.equal(api.app.broadcasts.listeners(), 0)
  })

  test('ids that are none are refused; one from beyond the end is the end', async () => {
    const id = await start()
    for (const bad of ['x', '1-2', '-1', '1-2-test', '9'.repeat(20), "0' OR 1=1"])
      await api.http.get(`/v1/experiments/${id}/events`).set('last-event-id', bad).expect(400)
    await api.http.get(`/v1/experiments/${id}/events?lastEventId=x`).expect(400)
    await api.http.head(`/v1/experiments/${id}/events`).expect(200)
    const { open, done } = listen(id, '999999-5-train')
    await open
    await set(id, { status: 'cancelled', finishedAt: new Date() })
    assert.equal((await done).events.length, 2)
  })

  test('whoever leaves while they are still being looked up is not listened for', async () => {
    const id = await start()
    const { watch, broadcasts } = api.app
    const { find } = watch
    const { port } = api.app.server.address() as { port: number }
    const request = get({ host: '127.0.0.1', port, path: `/v1/experiments/${id}/events`, agent: false })
    request.on('error', () => {})
    await new Promise<void>(resolve => {
      watch.find = async (...args) => {
        const found = await find(...args)
        request.destroy()
        await setTimeout(100)
        setImmediate(resolve)
        return found
      }
    })
    watch.find = find
    await setTimeout(50)
    assert.equal(broadcasts.listeners(), 0)
  })

  test('several are followed on one connection, until all have ended or are gone', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    await set(c, { status: 'cancelled', finishedAt: new Date() })
    const { port } = api.app.server.address() as { port: number }
    const ledger = connect({ url: `http://127.0.0.1:${port}` })
    const seen: string[] = []
    for await (const { id, status } of ledger.statuses([a, b, c], { attempts: 1 })) {
      seen.push(`${[a, b, c].indexOf(id)} ${status}`)
      // When all have been told of.
      if (seen.length === 3) await set(a, { status: 'training', startedAt: new Date() })
      if (status === 'training') await set(a, { status: 'failed', finishedAt: new Date() })
      if (status === 'failed') await api.http.delete(`/v1/experiments/${b}`).expect(204)
    }
    assert.deepEqual(seen.slice(0, 3).toSorted(), ['0 queued', '1 queued', '2 cancelled'])
    assert.deepEqual(seen.slice(3, 5), ['0 training', '0 failed'])
    await api.http.get('/v1/experiments/events?id=x').expect(400)
    await api.http.get('/v1/experiments/events').expect(400)
  })

  test('an experiment that is deleted ends its streams', async () => {
    const id = await start()
    const { open, done } = listen(id)
    await open
    await api.http.delete(`/v1/experiments/${id}`).expect(204)
    assert.equal((await done).events.length, 1)
    await api.http.get(`/v1/experiments/${id}/events`).expect(404)
  })

  test('Prefer: wait answers when something changes, or when the time is over', async () => {
    const id = await start()
    const path = `/v1/experiments/${id}`
    const { headers } = await api.http.get(path).expect(200)
    await api.http.get(path).set('if-none-match', headers.etag).expect(304)
    const waits = api.http.get(path).set({ prefer: 'respond-async, wait=30', 'if-none-match': headers.etag })
    const answer = waits.then(response => response)
    const { follow } = api.app.watch
    await new Promise<void>(resolve => {
      api.app.watch.follow = (...args) => {
        resolve()
        return follow(...args)
      }
    })
    api.app.watch.follow = follow
    const began = performance.now()
    await set(id, { status: 'training', startedAt: new Date(), updatedAt: new Date() })
    const changed = await answer
    // Long before the 30 seconds are over, on however busy a machine.
    assert.ok(performance.now() - began < 20_000)
    assert.equal(changed.status, 200)
    assert.equal(changed.body.status, 'training')
    assert.equal(changed.headers['preference-applied'], 'wait=30')
    // What has changed before is not waited for.
    const known = await api.http
      .get(path)
      .set({ prefer: 'wait=30', 'if-none-match': headers.etag })
      .expect(200)
    assert.equal(known.body.status, 'training')
    const { etag } = known.headers
    await api.http.get(path).set({ prefer: 'wait=1', 'if-none-match': etag }).expect(304)
    await api.http.get(path).set({ prefer: 'wait=1' }).expect(200)
    await set(id, { status: 'succeeded', finishedAt: new Date() })
    const finished = await api.http.get(path).set({ prefer: 'wait=30' }).expect(200)
    await api.http.get(path).set({ prefer: 'wait=30', 'if-none-match': finished.headers.etag }).expect(304)
  })
})

test('whoever is still being looked up when the server begins to close is let go', async () => {
  const api = await startApi()
  const id = await post(api, minimalSpec())
  const { watch } = api.app
  const { find } = watch
  const closing = new Promise<void>(resolve => {
    watch.find = async (...asked) => {
      const found = await find(...asked)
      resolve()
      // The server closes behind its back.
      await setTimeout(200)
      return found
    }
  }).then(() => api.close())
  const { port } = api.app.server.address() as { port: number }
  get({ host: '127.0.0.1', port, path: `/v1/experiments/${id}/events`, agent: false }, answer => {
    answer.resume()
  }).on('error', () => {})
  const late = setTimeout(10_000, 'still open', { ref: false })
  assert.equal(await Promise.race([closing, late]), undefined)
})
