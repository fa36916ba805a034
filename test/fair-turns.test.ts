/** Whose turn it is: a sweep does not starve what is posted after it, and every lane with work gets its share. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { createExperiment } from '../src/store/experiments.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { fakeSpec } from './support/fake-ledger.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())
beforeEach(() => database.db.pool.query('DELETE FROM experiments'))

/** Posts an experiment of so many segments; resolves to its turn. */
async function post(sweep: string | undefined, segments = 1) {
  const id = randomUUID()
  const spec = fakeSpec(2 * segments, 2, [])
  await createExperiment(database.db, { id, spec: { ...spec, tags: sweep === undefined ? {} : { sweep } } })
  const { turn } = await database.db.prisma.experiment.findUniqueOrThrow({ where: { id } })
  return { id, turn }
}
const set = (id: string, status: string) =>
  database.db.pool.query('UPDATE experiments SET status = $2::experiment_status WHERE id = $1', [id, status])

test('one posted after a sweep comes before all but what the sweep has begun', async () => {
  const sweep: Awaited<ReturnType<typeof post>>[] = []
  for (let i = 0; i < 50; i++) sweep.push(await post('lr'))
  assert.ok(sweep.every(({ turn }, i) => i === 0 || turn > sweep[i - 1].turn))
  await set(sweep[0].id, 'allocating')
  const single = await post(undefined)
  assert.ok(single.turn <= sweep[1].turn)
})

test('the time goes on: who posts one after the other does not starve the sweep', async () => {
  const sweep: Awaited<ReturnType<typeof post>>[] = []
  for (let i = 0; i < 5; i++) sweep.push(await post('lr'))
  for (const { id } of sweep.slice(0, 3)) await set(id, 'succeeded')
  await set(sweep[3].id, 'training')
  assert.ok((await post(undefined)).turn > sweep[3].turn)
})

test('an experiment of many segments shares with one that comes later, segment by segment', async () => {
  const large = await post('a', 100)
  await set(large.id, 'allocating')
  await database.db.pool.query(
    `UPDATE segments SET status = 'allocated' WHERE experiment_id = $1 AND "index" < 40`,
    [large.id],
  )
  assert.equal((await post('b')).turn, large.turn + 41)
  // Its own lane waits for all of it.
  assert.ok((await post('a')).turn > large.turn + 100)
})

test('an empty ledger begins again at one', async () => {
  assert.equal((await post('x')).turn, 1)
})
