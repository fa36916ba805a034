/** Brings a database to what this code expects: our own tables through Prisma's engine, the queue's through BullMQ. */
import { LATEST_SCHEMA_VERSION, runMigrations } from 'bullmq'
import pg from 'pg'
import { postgresError } from './reach.ts'
import { type Migration, readMigrations } from './schema-files.ts'

// Any constant: who migrates holds this advisory lock. "LEDG".
const lock = 0x4c454447

/**
 * Applies what is missing, if anything is; resolves to the names of our migrations applied now. Several processes may
 * call it at once: one migrates, the others wait. A database that has everything is left alone after two queries.
 * Throws where the database was migrated by a newer version, or a migration was edited after it had been applied.
 */
export async function migrateDatabase(url: string): Promise<string[]> {
  const migrations = readMigrations()
  const client = new pg.Client({ connectionString: url, application_name: 'loss-ledger migrate' })
  try {
    await client.connect()
    if (await isUpToDate(client, migrations)) return []
    // A lock of a transaction, not of a session: behind a pooler there are no sessions.
    const holder = new pg.Client({ connectionString: url, application_name: 'loss-ledger migrate' })
    try {
      await holder.connect()
      await holder.query('BEGIN')
      await holder.query('SELECT pg_advisory_xact_lock($1)', [lock])
      if (await isUpToDate(client, migrations)) return []
      // Only now: the engine is WebAssembly, and compiling it is most of the time this takes.
      const { applyMigrations } = await import('./schema-engine.ts')
      const applied = await applyMigrations(url, migrations)
      await runMigrations(client)
      return applied
    } finally {
      // Ends the transaction, and the lock with it.
      await holder.end()
    }
  } catch (error) {
    const refused = refusal(error)
    throw refused === undefined ? error : postgresError(refused, client)
  } finally {
    await client.end()
  }
}

/** Whether the server said it, who has a code of five characters for everything (or the engine did, quoting that one). */
const refusal = (error: unknown): Error | undefined => {
  const { code, message } = error as { code?: unknown; message: string }
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return error as Error
  // Prisma's engine: "Database error code: 42501 … Database error:\nERROR: permission denied for schema public".
  const quoted = /permission denied for .*|must be owner of .*/.exec(message ?? '')
  return quoted === null
    ? undefined
    : Object.assign(new Error(quoted[0], { cause: error }), { code: '42501' })
}

async function isUpToDate(client: pg.Client, migrations: Migration[]): Promise<boolean> {
  const { rows } = await client.query<{ ours: boolean; queue: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS ours,
            to_regclass('bullmq.migration') IS NOT NULL AS queue`,
  )
  if (!rows[0].ours) return false
  const applied = await client.query<{ name: string; checksum: string }>(
    `SELECT migration_name AS name, checksum FROM _prisma_migrations
     WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  )
  const known = new Map(migrations.map(migration => [migration.name, migration]))
  for (const { name, checksum } of applied.rows) {
    const migration = known.get(name)
    if (migration === undefined) {
      throw new Error(
        `the database has migration ${name}, which this version does not know: run the newer version`,
      )
    }
    if (migration.checksum !== checksum) {
      throw new Error(`migration ${name} was edited after it had been applied to this database`)
    }
  }
  if (applied.rows.length < migrations.length || !rows[0].queue) return false
  const queue = await client.query<{ version: number }>(
    'SELECT max(version) AS version FROM bullmq.migration',
  )
  return Number(queue.rows[0].version) >= LATEST_SCHEMA_VERSION
}
