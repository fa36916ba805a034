/** Postgres: Prisma for the everyday reads and writes, the pool underneath for SQL that lives as SQL. One pool for both. */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from './generated/client.ts'

export type Database = {
  prisma: PrismaClient
  pool: pg.Pool
  /** Waits for running queries, then closes every connection. */
  close(): Promise<void>
}

export type DatabaseOptions = {
  /** Most connections. */
  max?: number
  /** Milliseconds after which the server gives a statement up; undefined: as it is set up. */
  statementTimeout?: number
  /** Shows in pg_stat_activity. */
  name?: string
  /** Called for connections that break while idle; the pool replaces them. */
  onError?: (error: Error) => void
}

/**
 * A connection that breaks rejects the query that runs on it, and emits an error besides, which would end the process:
 * a pool listens for it only while the connection is idle. For every pool's option `Client`.
 */
export class Connection extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    this.on('error', () => {})
  }
}

/**
 * Opens the pool and makes sure that the server answers. Rejects with the driver's error where it does not; the error
 * does not contain the password.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.name ?? 'loss-ledger',
    keepAlive: true,
    statement_timeout: options.statementTimeout,
    Client: Connection,
  })
  // Without a listener, an idle connection that breaks (a restarted server) would end the process.
  pool.on('error', options.onError ?? (() => {}))
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  try {
    await pool.query('SELECT 1')
  } catch (error) {
    await pool.end()
    throw error
  }
  return {
    prisma,
    pool,
    async close() {
      await prisma.$disconnect()
      await pool.end()
    },
  }
}

/**
 * Runs `work` in one transaction on one connection: committed when it resolves, rolled back when it rejects. A
 * connection that cannot even roll back is thrown away.
 */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken = false
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** Runs `work`, which only reads, in a transaction all of whose statements see what was there when the first of them began. */
export const snapshot = <T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> =>
  transaction(pool, async client => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    return work(client)
  })

/**
 * Runs `work` while this process alone holds the lock of that number, and resolves to what it does; undefined, without it,
 * where another holds it. The lock goes with its connection: a process that dies leaves none behind. Its transaction sees nothing,
 * and so holds back no vacuum, however long the work takes.
 */
export function whileAlone<T>(pool: pg.Pool, lock: number, work: () => Promise<T>): Promise<T | undefined> {
  return transaction(pool, async client => {
    // Without parameters: with them the driver leaves an open portal, whose snapshot would keep vacuum from all that is deleted
    // in any table for as long as the work takes.
    const { rows } = await client.query<{ mine: boolean }>(
      `SELECT pg_try_advisory_xact_lock(${Math.trunc(lock)}) AS mine`,
    )
    return rows[0].mine ? work() : undefined
  })
}
