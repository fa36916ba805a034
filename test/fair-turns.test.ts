/** Whose turn it is: a sweep does not starve what is posted after it, and every lane with work gets its share. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { loadPlaces, placesSql } from '../src/api/routes/experiments/place.ts'
import { priorityOf, segmentTurn } from '../src/queue/turns.ts'
import { storedSpec } from '../src/spec/stored.ts'
import { createExperiment, retryExperiment } from '../src/store/experiments.ts'
import { noQuota } from '../src/store/posting.ts'
import { readState } from '../src/store/state.ts'
import { createSweep } from '../src/store/sweeps.ts'
import { noteWorker } from '../src/store/workers.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

/** The turns that experiments were given, in the order of the ids. */
async function turnsOf(ids: string[]) {
  const found = await database.db.prisma.experiment.findMany({ where: { id: { in: ids } } })
  return ids.map(id => ({ id, turn: found.find(row => row.id === id)!.turn }))
}

/** Posts an experiment that belongs to no sweep. */
async function post({
  segments = 1,
  tenant = 'default',
  tags = {},
  cost = { training: 0, segment: 1 },
} = {}) {
  const id = randomUUID()
  await createExperiment(database.db, {
    id,
    tenant,
    spec: storedSpec({ ...fakeSpec(2 * segments, 2, []), tags }, { ...cost, segments }),
  })
  return (await turnsOf([id]))[0]
}

/** Posts a sweep of so many experiments. */
async function postSweep(count: number, segments = 1) {
  const spec = asStored(fakeSpec(2 * segments, 2, []))
  const experimentIds = Array.from({ length: count }, () => randomUUID())
  const experiments = experimentIds.map(() => ({ variant: 0, spec }))
  await createSweep(database.db, {
    ...{ id: randomUUID(), experimentIds, request: '{}', tenant: 'default', quota: noQuota },
    sweep: { variants: ['base'], baseline: 0, experiments },
  })
  return turnsOf(experimentIds)
}
const allocationOf = async (id: string) => (await readState(database.db, id))!
const set = (id: string, status: string) =>
  database.db.pool.query('UPDATE experiments SET status = $2::experiment_status WHERE id = $1', [id, status])

// In here, for files that share the process have tests of their own.
describe('turns', () => {
  beforeEach(() => database.db.pool.query('DELETE FROM experiments'))

  test('one posted after a sweep comes before all but what the sweep has begun', async () => {
    const sweep = await postSweep(50)
    assert.ok(sweep.every(({ turn }, i) => i === 0 || turn > sweep[i - 1].turn))
    await set(sweep[0].id, 'allocating')
    const single = await post()
    assert.ok(single.turn < sweep[1].turn)
  })

  test('the time goes on: who posts one after the other does not starve the sweep', async () => {
    const sweep = await postSweep(5)
    for (const { id } of sweep.slice(0, 3)) await set(id, 'succeeded')
    await set(sweep[3].id, 'training')
    const single = await post()
    assert.equal(single.turn, sweep[3].turn)
    // Also in the moment in which nothing runs.
    for (const { id } of [sweep[3], single]) await set(id, 'succeeded')
    assert.equal((await post()).turn, sweep[4].turn)
  })

  test('an experiment of many segments shares with one that comes later, segment by segment', async () => {
    const large = await post({ segments: 100 })
    await set(large.id, 'allocating')
    await database.db.pool.query('UPDATE experiments SET recorded = 40 WHERE id = $1', [large.id])
    assert.equal((await postSweep(1))[0].turn, large.turn + 40)
    assert.equal((await post({ tenant: 'other' })).turn, large.turn + 40)
    // Its own lane waits for all of it.
    assert.equal((await post()).turn, large.turn + 100)
  })

  test('turns are taken by cost: for one segment of a hundred times the work another lane has a hundred', async () => {
    const dear = await post({ segments: 3, cost: { training: 50, segment: 100 } })
    const cheap = await post({ segments: 300, tenant: 'other' })
    const [first, second] = [await allocationOf(dear.id), await allocationOf(cheap.id)]
    const due = [0, 1, 2].map(n => segmentTurn(first, 3, n))
    assert.deepEqual(due, [50, 150, 250])
    // Where the dear one's second is due, the other has had 150; their priorities say the same.
    assert.deepEqual([segmentTurn(second, 300, 0), segmentTurn(second, 300, 150)], [0, 150])
    assert.equal(priorityOf(segmentTurn(second, 150, 0)), priorityOf(due[1]))
    assert.ok(priorityOf(149) < priorityOf(150) && priorityOf(150) < priorityOf(151))
  })

  test('priorities stay in order and within what BullMQ takes, from nothing to more than there will ever be', () => {
    const turns = [0, 0.1, 1, 2, 1e3, 1e6, 1.0001e6, 1e12, 9e15, 1e300]
    const priorities = turns.map(priorityOf)
    assert.deepEqual(
      priorities,
      [...priorities].sort((a, b) => a - b),
    )
    assert.equal(new Set(priorities.slice(0, -2)).size, turns.length - 2)
    assert.ok(priorities[0] === 1 && priorities.at(-1) === 2 ** 21 - 1)
  })

  test('what is tried again goes to the end of the line, for what is left of it', async () => {
    const failed = await post({ segments: 4, cost: { training: 8, segment: 1 } })
    await database.db.pool.query(
      `UPDATE experiments SET status = 'failed', recorded = 3, trained = 8 WHERE id = $1`,
      [failed.id],
    )
    const other = await post({ segments: 5 })
    const queue = { submit: async () => {}, remove: async () => {} }
    assert.equal(await retryExperiment(database.db, queue, failed.id), 'queued')
    const [{ turn }] = await turnsOf([failed.id])
    assert.equal(turn, other.turn + 5)
    // Three are done, and the weights are there: the fourth is due at once, and whoever comes then waits for that one.
    assert.equal(segmentTurn(await allocationOf(failed.id), 1, 0), turn)
    assert.equal((await post()).turn, turn + 1)
  })

  test('tags make no lanes: whatever is posted one by one is one', async () => {
    const turns: number[] = []
    for (const sweep of ['a', 'b', 'c']) turns.push((await post({ tags: { sweep } })).turn)
    // Each waits behind the one before, which takes a turn.
    assert.deepEqual(turns, [0, 1, 2])
  })

  test('an empty ledger begins again at nought', async () => {
    assert.equal((await post()).turn, 0)
  })

  test('a tenant has so many segments queued or running, however many experiments those are', async () => {
    const send = (segments: number) =>
      createExperiment(database.db, {
        ...{ id: randomUUID(), spec: asStored(fakeSpec(2 * segments, 2, [])) },
        quota: { experiments: 0, segments: 10 },
      })
    assert.equal((await send(6)).outcome, 'created')
    assert.equal((await send(5)).outcome, 'full')
    assert.equal((await send(4)).outcome, 'created')
  })

  describe('the place in line', () => {
    test('counts who waits before, what of theirs is due before, and how long that takes', async () => {
      const running = await post({ segments: 10, tenant: 'other' })
      await set(running.id, 'allocating')
      await database.db.pool.query('UPDATE experiments SET recorded = 2 WHERE id = $1', [running.id])
      // Begins at 2, where the one that runs is; the next of its lane at 5.
      const first = await post({ segments: 3 })
      const second = await post({ segments: 1 })
      assert.deepEqual([first.turn, second.turn], [2, 5])
      const places = async () => await loadPlaces(database.db, [first.id, second.id, running.id])
      assert.deepEqual(Object.fromEntries(await places()), {
        [first.id]: { position: 1, ahead: { experiments: 0, segments: 0, seconds: null } },
        // All three of the first, and of the one that runs those due at 2, 3 and 4.
        [second.id]: { position: 2, ahead: { experiments: 2, segments: 6, seconds: null } },
      })
      // Two workers, and a segment took 30 s.
      const engine = { name: 'native', version: '2', threads: 2, device: 'cpu' } as const
      for (const pid of [1, 2])
        await noteWorker(
          database.db,
          { id: randomUUID(), name: `here:${pid}`, host: 'here', pid, engine, memoryBytes: 1 },
          undefined,
          undefined,
        )
      await database.db.pool.query(
        `UPDATE segments SET seconds = 30, finished_at = now() WHERE experiment_id = $1 AND "index" < 2`,
        [running.id],
      )
      assert.equal((await places()).get(second.id)?.ahead.seconds, 90)
    })

    test('is looked up quickly among 100,000 experiments, 20,000 of which wait', async t => {
      // What lists are sorted and searched by is no part of it, and most of what so many rows take to be written.
      await database.db.pool.query(`
      DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
                     WHERE tablename = 'experiments' AND indexname ~ '^experiments_(by_|tags_)'
        LOOP EXECUTE format('DROP INDEX %I', name); END LOOP;
      END $$`)
      await database.db.pool.query('ALTER TABLE experiments DISABLE TRIGGER take_turn')
      await database.db.pool.query(
        `INSERT INTO experiments (id, spec, status, lane, turn, allocation_turn, turn_end, segment_count)
       SELECT uuidv7(), '{}', CASE WHEN n % 5 = 0 THEN 'queued' ELSE 'succeeded' END::experiment_status,
              'default/', n, n, n + 1, 1
         FROM generate_series(1, 100000) AS n`,
      )
      await database.db.pool.query('ALTER TABLE experiments ENABLE TRIGGER take_turn')
      await database.db.pool.query('ANALYZE experiments')
      const last = await post()
      assert.equal(last.turn, 100_001)
      const { rows } = await database.db.pool.query<{ 'QUERY PLAN': [{ 'Execution Time': number }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${placesSql}`,
        [[last.id]],
      )
      const milliseconds = rows[0]['QUERY PLAN'][0]['Execution Time']
      t.diagnostic(`${milliseconds} ms`)
      const place = (await loadPlaces(database.db, [last.id])).get(last.id)
      assert.deepEqual([place?.position, place?.ahead.segments], [20_001, 20_000])
      // Ten times what it takes where nothing else runs.
      assert.ok(milliseconds < 1000, `${milliseconds} ms`)
    })
  })
})
