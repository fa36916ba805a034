/** Whose turn it is: a sweep does not starve what is posted after it, and every lane with work gets its share. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { createExperiment } from '../src/store/experiments.ts'
import { createSweep } from '../src/store/sweeps.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())
beforeEach(() => database.db.pool.query('DELETE FROM experiments'))

/** The turns that experiments were given, in the order of the ids. */
async function turnsOf(ids: string[]) {
  const found = await database.db.prisma.experiment.findMany({ where: { id: { in: ids } } })
  return ids.map(id => ({ id, turn: found.find(row => row.id === id)!.turn }))
}

/** Posts an experiment that belongs to no sweep. */
async function post({ segments = 1, tenant = 'default', tags = {} } = {}) {
  const id = randomUUID()
  await createExperiment(database.db, {
    id,
    tenant,
    spec: asStored({ ...fakeSpec(2 * segments, 2, []), tags }),
  })
  return (await turnsOf([id]))[0]
}

/** Posts a sweep of so many experiments. */
async function postSweep(count: number, segments = 1) {
  const spec = asStored(fakeSpec(2 * segments, 2, []))
  const experimentIds = Array.from({ length: count }, () => randomUUID())
  const experiments = experimentIds.map(() => ({ variant: 0, spec }))
  await createSweep(database.db, {
    ...{ id: randomUUID(), experimentIds, request: '{}', tenant: 'default', maxUnfinished: 0 },
    sweep: { variants: ['base'], baseline: 0, experiments },
  })
  return turnsOf(experimentIds)
}
const set = (id: string, status: string) =>
  database.db.pool.query('UPDATE experiments SET status = $2::experiment_status WHERE id = $1', [id, status])

test('one posted after a sweep comes before all but what the sweep has begun', async () => {
  const sweep = await postSweep(50)
  assert.ok(sweep.every(({ turn }, i) => i === 0 || turn > sweep[i - 1].turn))
  await set(sweep[0].id, 'allocating')
  const single = await post()
  assert.ok(single.turn <= sweep[1].turn)
})

test('the time goes on: who posts one after the other does not starve the sweep', async () => {
  const sweep = await postSweep(5)
  for (const { id } of sweep.slice(0, 3)) await set(id, 'succeeded')
  await set(sweep[3].id, 'training')
  assert.ok((await post()).turn > sweep[3].turn)
})

test('an experiment of many segments shares with one that comes later, segment by segment', async () => {
  const large = await post({ segments: 100 })
  await set(large.id, 'allocating')
  await database.db.pool.query(
    `UPDATE segments SET status = 'allocated' WHERE experiment_id = $1 AND "index" < 40`,
    [large.id],
  )
  assert.equal((await postSweep(1))[0].turn, large.turn + 41)
  assert.equal((await post({ tenant: 'other' })).turn, large.turn + 41)
  // Its own lane waits for all of it.
  assert.ok((await post()).turn > large.turn + 100)
})

test('tags make no lanes: whatever is posted one by one is one', async () => {
  const turns: number[] = []
  for (const sweep of ['a', 'b', 'c']) turns.push((await post({ tags: { sweep } })).turn)
  // Each waits behind the one before, which takes a turn.
  assert.deepEqual(turns, [1, 3, 5])
})

test('an empty ledger begins again at one', async () => {
  assert.equal((await post()).turn, 1)
})
