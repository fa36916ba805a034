/**
 * Prisma's schema engine in the form that is on npm, WebAssembly: it writes and applies migrations as the prisma command
 * does, without the binary that the command would download. Loading it takes a moment, so only who needs it does.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type { MigrationList } from '@prisma/schema-engine-wasm'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'
import { catalogAdapter } from './catalog-adapter.ts'
import { type Migration, prismaDirectory, readMigrations, readSchema } from './schema-files.ts'

const noFilters = { externalTables: [], externalEnums: [] }
const entry = '@prisma/schema-engine-wasm/schema_engine_bg'
let loaded: Promise<void> | undefined

// Where the engine leaves the words of a Rust panic; they are more use than the trap that follows.
const panics = { set_message: (message: string) => console.error(message) }
Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panics })

// As much of the global as is used here; TypeScript keeps its types with the browser's.
type Exports = { __wbindgen_start(): void }
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: Exports } }>
}

async function load(): Promise<void> {
  const folder = dirname(createRequire(import.meta.url).resolve(entry))
  const code = readFileSync(join(folder, 'schema_engine_bg.wasm'))
  // The engine never takes back the timer of its lock's timeout: it must not keep a finished process for ten seconds.
  const patient = Object.entries(bindings).map(([name, binding]) =>
    name.startsWith('__wbg_setTimeout')
      ? [name, (work: () => void, milliseconds: number) => setTimeout(work, milliseconds).unref()]
      : [name, binding],
  )
  const imports = { './schema_engine_bg.js': Object.fromEntries(patient) }
  const { instance } = await WebAssembly.instantiate(code, imports)
  // Generated code that its type declarations do not mention.
  const { __wbg_set_wasm } = bindings as unknown as { __wbg_set_wasm(exports: Exports): void }
  __wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
}

/** An engine on a database, for the time of `work`. */
async function withEngine<T>(url: string, work: (engine: bindings.SchemaEngine) => Promise<T>): Promise<T> {
  loaded ??= load()
  await loaded
  const adapter = catalogAdapter(url)
  try {
    const datamodels: [string, string][] = [['schema.prisma', readSchema()]]
    const bound = bindMigrationAwareSqlAdapterFactory(adapter.factory)
    const engine = await bindings.SchemaEngine.new({ datamodels }, () => {}, bound)
    try {
      return await work(engine)
    } finally {
      engine.free()
    }
  } finally {
    await adapter.close()
  }
}

/** Applies the migrations that the database does not have; resolves to their names. */
export function applyMigrations(url: string, migrations: Migration[]): Promise<string[]> {
  return withEngine(url, async engine => {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: asList(migrations),
      filters: noFilters,
    })
    return appliedMigrationNames
  })
}

/**
 * The SQL that leads from what the migrations make to schema.prisma; '' where they agree. The migrations are tried out
 * in a database made for it on the same server, and dropped again.
 */
export function missingSql(url: string): Promise<string> {
  return withEngine(url, async engine => {
    const { stdout } = await engine.diff({
      from: { tag: 'migrations', ...asList(readMigrations()) },
      to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: readSchema() }] },
      script: true,
      exitCode: null,
      filters: noFilters,
    })
    const sql = stdout ?? ''
    return /^\s*(--.*\s*)*$/.test(sql) ? '' : sql
  })
}

const asList = (migrations: Migration[]): MigrationList => ({
  baseDir: join(prismaDirectory(), 'migrations'),
  lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
  shadowDbInitScript: '',
  migrationDirectories: migrations.map(({ name, sql }) => ({
    path: name,
    migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
  })),
})
