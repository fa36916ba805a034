/**
 * Prisma's Postgres adapter, fit for describing a database. To do that the schema engine reads columns of the system
 * catalogs whose type is "char" (one byte, OID 18) and wants them as characters; @prisma/adapter-pg 7.10 does not know
 * that type and gives up. Here such columns pass it as text, and are called characters again behind it.
 */
import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { ColumnTypeEnum, type SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'

/** Which columns of a result were "char", by the result's rows: the one object that both sides of the adapter see. */
const characters = new WeakMap<unknown[], number[]>()

class CatalogClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: every one of query's many forms is passed on as it is
  override query(...args: any[]): any {
    const callback = args.at(-1)
    if (typeof callback === 'function') {
      args[args.length - 1] = (error: Error, result: pg.QueryResult) => callback(error, charAsText(result))
    }
    const query = super.query as (...args: unknown[]) => unknown
    const returned = query.apply(this, args)
    return returned instanceof Promise ? returned.then(charAsText) : returned
  }
}

function charAsText(result: pg.QueryResult | undefined): pg.QueryResult | undefined {
  const columns = (result?.fields ?? []).flatMap((field, column) =>
    field.dataTypeID === pg.types.builtins.CHAR ? [column] : [],
  )
  if (result === undefined || columns.length === 0) return result
  for (const column of columns) result.fields[column].dataTypeID = pg.types.builtins.TEXT
  characters.set(result.rows, columns)
  return result
}

export type CatalogAdapter = {
  factory: SqlMigrationAwareDriverAdapterFactory
  /** Closes every connection, and drops the databases that were made to try migrations in. */
  close(): Promise<void>
}

/** An adapter factory for the schema engine on the database with this URL. */
export function catalogAdapter(url: string): CatalogAdapter {
  const closers: (() => Promise<unknown>)[] = []

  const connect = async (connectionString: string) => {
    const pool = new pg.Pool({ connectionString, max: 1, Client: CatalogClient } as pg.PoolConfig)
    // A pool's end does not wait for its connections: one may still be closing when the database under it is dropped, and
    // says so. What fails in use, the query that failed tells.
    pool.on('error', () => {})
    closers.push(() => pool.end())
    const adapter = await new PrismaPg(pool).connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async query => {
      const result = await queryRaw(query)
      for (const column of characters.get(result.rows) ?? []) {
        result.columnTypes[column] = ColumnTypeEnum.Character
      }
      return result
    }
    const executeRaw = adapter.executeRaw.bind(adapter)
    // The engine's lock is its session's. migrateDatabase holds one for its transaction, and behind a pooler, which lends
    // the session to others, this one would never be given back.
    adapter.executeRaw = async query =>
      /^\s*SELECT pg_advisory_lock\(\d+\)\s*$/.test(query.sql) ? 0 : executeRaw(query)
    // The adapter's own cuts a script at every semicolon, also those of a function's body. Postgres knows better, and
    // takes the script whole or not at all.
    adapter.executeScript = async script => {
      await pool.query(script)
    }
    return adapter
  }

  return {
    factory: {
      provider: 'postgres',
      adapterName: '@prisma/adapter-pg',
      connect: () => connect(url),
      // PrismaPg's own names the database beside the connection string, which then wins: it would use the real one.
      async connectToShadowDb() {
        const name = `migration_trial_${randomUUID().replaceAll('-', '')}`
        const administrator = await connect(url)
        await administrator.executeScript(`CREATE DATABASE ${name}`)
        closers.push(() => administrator.executeScript(`DROP DATABASE ${name} WITH (FORCE)`))
        const trial = new URL(url)
        trial.pathname = `/${name}`
        return connect(trial.href)
      },
    },
    async close() {
      for (const closer of closers.splice(0).reverse()) await closer()
    },
  }
}
