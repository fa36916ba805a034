/**
 * Keys are made where the database is, not over HTTP: the first could not be asked for with one, and whoever can open
 * the database may do everything already.
 */
import { type Command, Option } from 'commander'
import { readConfig } from '../../config.ts'
import { printable, printableJson } from '../../printable.ts'
import type { Database } from '../../store/database.ts'
import {
  type ApiKey,
  createKey,
  listKeys,
  parseKey,
  revokeKey,
  type Scope,
  scopes,
} from '../../store/keys.ts'
import type { Globals } from '../connection.ts'
import { ExitWith, exitCodes, UsageError } from '../exit.ts'
import { table } from '../format.ts'

type CreateOptions = { tenant: string; name?: string; scope: Scope[] }

export default (program: Command) => {
  const keys = program
    .command('keys')
    .description('who may call the API, and whose data they see')
    .addHelpText(
      'after',
      `
This opens the database itself: DATABASE_URL, or the one that \`ledger serve\` runs under LEDGER_DIR.
Scopes, each with the ones before it: read looks, submit posts, cancels, retries and deletes, admin does both for
every tenant and reads /metrics.`,
    )

  keys
    .command('create')
    .description('make a key and print it, which is the only time that it is seen')
    .requiredOption('--tenant <tenant>', 'whose data it sees: letters, digits, dots, dashes, underscores')
    .option('--name <text>', 'what to call it in the list; the tenant if absent')
    .addOption(
      new Option('--scope <scope...>', 'what it may do').choices(scopes).default(['submit'] as Scope[]),
    )
    .action(async ({ tenant, name = tenant, scope }: CreateOptions, command: Command) => {
      const made = await withDatabase(db =>
        createKey(db, { name, tenant, scopes: scope }).catch(error => {
          throw isFault(error) ? error : new UsageError(error.message)
        }),
      )
      if (isJson(command)) return console.log(JSON.stringify(made, null, 2))
      // The key alone on stdout: KEY=$(ledger keys create …).
      console.log(made.key)
      console.error(`key ${made.id} of tenant ${tenant}: keep it now, it cannot be shown again`)
    })

  keys
    .command('list')
    .description('every key, revoked ones too; never the key itself')
    .action(async (_, command: Command) => {
      const all = await withDatabase(listKeys)
      console.log(isJson(command) ? printableJson(all) : all.length === 0 ? 'no keys' : listed(all))
    })

  keys
    .command('revoke')
    .argument('<id>', 'its id in the list, or the key itself')
    .description('let a key in no more, at once and for good')
    .action(async (typed: string, _, command: Command) => {
      const id = parseKey(typed)?.id ?? typed
      const revoked = await withDatabase(db => revokeKey(db, id))
      if (!revoked) {
        // Not what was typed: it may be a key, half of it pasted.
        console.error('there is no such key that is still valid')
        throw new ExitWith(exitCodes.missing)
      }
      console.log(isJson(command) ? JSON.stringify({ id, revoked }, null, 2) : `key ${id} is revoked`)
    })
}

const isJson = (command: Command) => command.optsWithGlobals<Globals>().json === true

/** Whether an error is more than a wrong argument: the driver's and Prisma's are of classes of their own. */
const isFault = (error: unknown) => !(error instanceof Error) || error.constructor !== Error

function listed(keys: ApiKey[]): string {
  const day = (date: Date) => date.toISOString().slice(0, 10)
  const rows = keys.map(({ id, name, tenant, scopes, createdAt, revokedAt }) => [
    ...[id, printable(name), tenant, scopes.join(' '), `on ${day(createdAt)}`],
    revokedAt === null ? 'valid' : `revoked ${day(revokedAt)}`,
  ])
  return table(['id', 'name', 'tenant', 'scopes', 'made', 'state'], rows)
}

async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const config = readConfig()
  // Loaded here: every other command starts without a database.
  const [{ findEmbeddedPostgres }, { reachDatabase }, { migrateDatabase }, { openDatabase }] =
    await Promise.all([
      import('../../postgres/embedded.ts'),
      import('../../store/reach.ts'),
      import('../../store/migrate.ts'),
      import('../../store/database.ts'),
    ])
  const url = config.databaseUrl ?? findEmbeddedPostgres(config.postgresDir)
  if (url === undefined)
    throw new UsageError(
      `no Postgres: set DATABASE_URL, or start ledger serve first (LEDGER_DIR is ${config.ledgerDir})`,
    )
  await reachDatabase(url, { queue: false })
  await migrateDatabase(url)
  const db = await openDatabase(url, { max: 1, name: 'loss-ledger keys' })
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}
