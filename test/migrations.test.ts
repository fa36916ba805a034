/** The database is what schema.prisma says, however often and by however many it is migrated. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { migrateDatabase } from '../src/store/migrate.ts'
import { missingSql } from '../src/store/schema-engine.ts'
import { readMigrations } from '../src/store/schema-files.ts'
import { emptyDatabase, testDatabase } from './support/database.ts'

test('schema.prisma and the migrations agree', async t => {
  const { url, close } = await testDatabase()
  t.after(close)
  assert.equal(await missingSql(url), '', 'npm run migration -- name writes the one that is missing')
})

test('several processes that migrate at once apply every migration once, and the queue’s', async t => {
  const { url, close } = await emptyDatabase()
  t.after(close)
  const applied = await Promise.all([1, 2, 3].map(() => migrateDatabase(url)))
  assert.deepEqual(
    applied.flat(),
    readMigrations().map(({ name }) => name),
  )

  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(
    `SELECT to_regclass('experiments') AS ours, to_regclass('bullmq.job') AS queue`,
  )
  await client.end()
  assert.deepEqual(rows, [{ ours: 'experiments', queue: 'bullmq.job' }])
})

test('migrating again does nothing, with 100 ms of work', async t => {
  const { url, close } = await testDatabase()
  t.after(close)
  // Of the processor: beside others it may take longer. The first time has to compile this code.
  const work: number[] = []
  for (let tries = 0; tries < 3; tries++) {
    const before = process.cpuUsage()
    assert.deepEqual(await migrateDatabase(url), [])
    const { user, system } = process.cpuUsage(before)
    work.push((user + system) / 1000)
  }
  const milliseconds = Math.min(...work)
  t.diagnostic(`${milliseconds.toFixed(0)} ms`)
  assert.ok(milliseconds < 100)
})

test('a database of a newer version, or of an edited migration, is refused', async t => {
  const { url, db, close } = await testDatabase()
  t.after(close)
  await db.pool.query(`UPDATE _prisma_migrations SET checksum = 'another'`)
  await assert.rejects(migrateDatabase(url), /edited after it had been applied/)
  await db.pool.query(`UPDATE _prisma_migrations SET migration_name = '29991231235959_future'`)
  await assert.rejects(migrateDatabase(url), /29991231235959_future, which this version does not know/)
})
