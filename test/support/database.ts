/** A fresh, migrated database for one test: a copy of a template on a server that the whole test run shares. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { type Database, openDatabase } from '../../src/store/database.ts'

/** Where the test runner tells its tests of the server it started (an URL, its template made). */
export const serverVariable = 'TEST_DATABASE_SERVER'
const template = 'ledger_template'

export type TestServer = { url: string; stop(): Promise<void> }

/** A server in a directory of its own, with the template in it. Stopping it removes the directory. */
export async function startTestServer(): Promise<TestServer> {
  // Read where a server is started, which in a run of all tests is once.
  const { startEmbeddedPostgres } = await import('../../src/postgres/embedded.ts')
  const { migrateDatabase } = await import('../../src/store/migrate.ts')
  const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-test-'))
  const postgres = await startEmbeddedPostgres(directory, pino({ level: 'silent' }))
  // Nothing here outlives the run, and tests of what does start their own: no commit waits for a disk.
  await administer(postgres.url, 'ALTER SYSTEM SET fsync = off')
  await administer(postgres.url, 'SELECT pg_reload_conf()')
  await administer(postgres.url, `CREATE DATABASE ${template}`)
  await migrateDatabase(databaseUrl(postgres.url, template))
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export type TestDatabase = {
  url: string
  db: Database
  /** Closes db and drops the database, whoever else is still connected to it. */
  close(): Promise<void>
}

// Of a test that is run by itself: one server for all of its databases, stopped with the last.
let own: { server: Promise<TestServer>; users: number } | undefined

/** A new database. Tests may have several, and run beside each other. */
export async function testDatabase(): Promise<TestDatabase> {
  const shared = process.env[serverVariable]
  if (shared === undefined) {
    own ??= { server: startTestServer(), users: 0 }
    own.users += 1
  }
  const used = own
  const server = shared ?? (await used!.server).url
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administer(server, `CREATE DATABASE ${name} TEMPLATE ${template}`)
  const url = databaseUrl(server, name)
  const db = await openDatabase(url, { max: 10 })
  return {
    url,
    db,
    async close() {
      await db.close()
      await administer(server, `DROP DATABASE ${name} WITH (FORCE)`)
      if (used === undefined || --used.users > 0) return
      own = undefined
      await (await used.server).stop()
    },
  }
}

/** An empty database without any tables, on the same server. */
export async function emptyDatabase(): Promise<{ url: string; close(): Promise<void> }> {
  const base = await testDatabase()
  const name = `empty_${randomUUID().replaceAll('-', '')}`
  await administer(base.url, `CREATE DATABASE ${name} TEMPLATE template0`)
  return {
    url: databaseUrl(base.url, name),
    async close() {
      await administer(base.url, `DROP DATABASE ${name} WITH (FORCE)`)
      await base.close()
    },
  }
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function databaseUrl(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

/** What a background chore calls for what it could not do: here it is to do everything. */
export const failed = (_experiment: string, error: Error): never => {
  throw error
}
