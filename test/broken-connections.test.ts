/**
 * Connections that the server ends, in whatever they are doing, cost what they were doing and not the process; one that is held
 * for long costs nobody else.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { transaction, whileAlone } from '../src/store/database.ts'
import { isConnectionError, patiently } from '../src/store/patience.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.close())
const pidOf = async (query: (sql: string) => Promise<{ rows: { pid: number }[] }>) =>
  (await query('SELECT pg_backend_pid() AS pid')).rows[0].pid
const terminate = (pid: number) => database.db.pool.query('SELECT pg_terminate_backend($1)', [pid])

test('in a transaction that rests between two statements', async () => {
  const work = transaction(database.db.pool, async client => {
    await terminate(await pidOf(sql => client.query(sql)))
    // The news arrives while nobody asks anything of this connection.
    await sleep(50)
    await client.query('SELECT 1')
  })
  await assert.rejects(work, error => isConnectionError(error) || /not queryable/.test(String(error)))
  assert.equal((await database.db.pool.query('SELECT 1 AS one')).rows[0].one, 1)
})

test('work that may be done twice is done again', async () => {
  let tries = 0
  const done = await patiently(
    () =>
      transaction(database.db.pool, async client => {
        tries += 1
        const pid = await pidOf(sql => client.query(sql))
        if (tries === 1) await Promise.all([terminate(pid), client.query('SELECT pg_sleep(5)')])
        return tries
      }),
    pino({ level: 'silent' }),
  )
  assert.equal(done, 2)
  await assert.rejects(
    patiently(() => database.db.pool.query('SELECT nonsense'), pino({ level: 'silent' })),
    { code: '42703' },
  )
})

test('work that goes on under a lock keeps vacuum from nothing, and others from the same work', async () => {
  const { pool } = database.db
  const done = await whileAlone(pool, 4711, async () => {
    const { rows } = await pool.query(
      `SELECT state, backend_xmin, backend_xid FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'`,
    )
    assert.deepEqual(rows, [{ state: 'idle in transaction', backend_xmin: null, backend_xid: null }])
    assert.equal(await whileAlone(pool, 4711, async () => 'twice'), undefined)
    return 'done'
  })
  assert.equal(done, 'done')
  assert.equal(await whileAlone(pool, 4711, async () => 'again'), 'again')
})
