/** What is asked of the device and the clock of a machine is met, or said at the start. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { checkClock, clockSkew } from '../workers/clock.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

test('a GPU that is asked for and not there is an error, not a slower computation', async () => {
  // WebAssembly has none on any machine.
  await assert.rejects(loadEngine({ name: 'wasm', requireGpu: true }), /a GPU is asked for, and TensorFlow/)
})

test("a clock that is off by more than the queue's locks bear is an error", async () => {
  assert.ok(Math.abs(await clockSkew(database.db)) < 1000)
  await checkClock(database.db, 10_000)
  const { pool } = database.db
  const behind = {
    query: async (sql: string) => {
      const answer = await pool.query(sql)
      return { ...answer, rows: answer.rows.map(({ now }) => ({ now: now - 7000 })) }
    },
  } as unknown as typeof pool
  await assert.rejects(checkClock({ pool: behind }, 10_000), /clock is 7\.\d s ahead of Postgres's/)
})
