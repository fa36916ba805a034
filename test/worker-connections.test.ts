/** How many connections a worker takes from Postgres, whatever it does; and what it says where there are none left. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { waitingCompute } from '../bench/scaling/waiting-compute.ts'
import { readConfig } from '../src/config.ts'
import { openObjects } from '../src/objects/open.ts'
import { openQueue } from '../src/queue/queue.ts'
import { reconcile } from '../src/queue/reconcile.ts'
import { claimChore } from '../src/store/chores.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { connections, startWorker } from '../workers/worker.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'

let database: TestDatabase
let directory: string
before(async () => {
  database = await testDatabase()
  directory = mkdtempSync(join(tmpdir(), 'loss-ledger-connections-'))
})
after(async () => {
  await database.close()
  rmSync(directory, { recursive: true, force: true })
})

const log = pino({ level: 'silent' })
const work = async (name: string) => {
  const config = readConfig({ LEDGER_DIR: directory })
  const compute = waitingCompute(await openObjects(config), { segment: 0.05, training: 0.05, variables: 2 })
  return startWorker({ config, databaseUrl: database.url, log, virtual: { compute, name } })
}

/** Those of the workers in this database, by name. */
async function taken(): Promise<Record<string, number>> {
  const { rows } = await database.db.pool.query<{ name: string; count: number }>(
    `SELECT application_name AS name, count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND application_name ~ '^(loss-ledger worker|experiments:w:)' GROUP BY 1`,
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

/** The server takes a moment to see that a connection has been closed. */
async function allGiven(): Promise<void> {
  for (const deadline = Date.now() + 20_000; Object.keys(await taken()).length > 0; await sleep(20))
    if (Date.now() > deadline) assert.fail(`connections are left: ${JSON.stringify(await taken())}`)
}

test('a worker at work takes four connections at most, one of which listens', async () => {
  assert.equal(connections.database + connections.queue, 4)
  const config = readConfig({ LEDGER_DIR: directory })
  const queue = await openQueue(config, database.url, database.db)
  const workers = [await work('one'), await work('two')]
  try {
    const ids = Array.from({ length: 6 }, () => randomUUID())
    for (const id of ids) {
      await createExperiment(database.db, { id, spec: asStored(fakeSpec(8, 2, [])) })
      await queue.submit(id)
    }
    const most: Record<string, number> = {}
    const open = { where: { status: { not: 'succeeded' as const } } }
    for (const deadline = Date.now() + 60_000; (await database.db.prisma.experiment.count(open)) > 0; ) {
      assert.ok(Date.now() < deadline, 'the experiments do not end')
      for (const [name, count] of Object.entries(await taken())) most[name] = Math.max(most[name] ?? 0, count)
      // Whatever the workers do at the same time.
      await reconcile(database.db, queue)
      await sleep(5)
    }
    assert.equal(most['experiments:w:one'], 1)
    assert.equal(most['experiments:w:two'], 1)
    assert.ok(most['loss-ledger worker'] <= 2 * connections.database, JSON.stringify(most))
    assert.ok(most['loss-ledger worker queue'] <= 2 * (connections.queue - 1), JSON.stringify(most))
  } finally {
    await Promise.all(workers.map(worker => worker.stop()))
    await queue.close()
  }
  await allGiven()
})

test('where Postgres has no connection left, a worker says so in a sentence and leaves nothing behind', async () => {
  const name = (await database.db.pool.query<{ name: string }>('SELECT current_database() AS name')).rows[0]
    .name
  const role = `few_${name}`
  await database.db.pool.query(
    `CREATE ROLE ${role} LOGIN PASSWORD 'few' CONNECTION LIMIT 1 IN ROLE pg_read_all_data`,
  )
  const url = new URL(database.url)
  url.username = role
  url.password = 'few'
  try {
    const config = readConfig({ LEDGER_DIR: directory })
    const compute = waitingCompute(await openObjects(config), { segment: 0, training: 0, variables: 2 })
    await assert.rejects(
      startWorker({ config, databaseUrl: url.href, log, virtual: { compute, name: 'three' } }),
      /^ServiceError: Postgres at 127\.0\.0\.1:\d+ has no connection left \(too many connections for role .*\): raise its max_connections, or run fewer workers \(a worker may take 4/,
    )
    await allGiven()
  } finally {
    await database.db.pool.query(`DROP ROLE ${role}`)
  }
})

test('of the workers that ask at once one has a chore, and nobody until it is due again', async () => {
  const ask = (milliseconds: number) =>
    Promise.all(Array.from({ length: 20 }, () => claimChore(database.db, 'sweep', milliseconds)))
  const having = async (milliseconds: number) => (await ask(milliseconds)).filter(mine => mine).length
  assert.equal(await having(60_000), 1)
  assert.equal(await having(60_000), 0)
  await database.db.pool.query(`UPDATE chores SET at = at - interval '61 seconds' WHERE name = 'sweep'`)
  assert.equal(await having(60_000), 1)
})
