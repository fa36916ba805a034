/** ledger keys: what it makes is a key, what it revokes is none any more, and it never shows one twice. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Command, CommanderError } from 'commander'
import keys from '../src/cli/commands/keys.ts'
import { type ExitWith, exitCodes, UsageError } from '../src/cli/exit.ts'
import { findKeys, matchesKey, parseKey } from '../src/store/keys.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
  process.env.DATABASE_URL = database.url
})
after(async () => {
  delete process.env.DATABASE_URL
  await database.close()
})

/** Runs the command as the command line would; what it printed. */
async function run(...args: string[]): Promise<{ out: string; err: string }> {
  const program = new Command('ledger').option('--json').exitOverride()
  program.configureOutput({ writeErr: () => {}, writeOut: () => {} })
  keys(program)
  const printed = { out: '', err: '' }
  const { log, error } = console
  console.log = text => {
    printed.out += `${text}\n`
  }
  console.error = text => {
    printed.err += `${text}\n`
  }
  try {
    await program.parseAsync(['keys', ...args], { from: 'user' })
  } finally {
    Object.assign(console, { log, error })
  }
  return printed
}
const isValid = async (key: string) => {
  const { id, secret } = parseKey(key)!
  return matchesKey(secret, (await findKeys(database.db, [id])).get(id))
}

test('create prints the key alone on stdout; list shows everything but it; revoke ends it', async () => {
  const { out, err } = await run('create', '--tenant', 'lab', '--name', 'a \u001b[2J notebook')
  const key = out.trim()
  assert.match(key, /^ll_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/)
  const { id, secret } = parseKey(key)!
  assert.ok(err.includes(id) && !err.includes(secret))
  assert.ok(await isValid(key))
  const list = (await run('list')).out
  assert.match(list, new RegExp(`${id} .*lab +submit +on \\d{4}-\\d\\d-\\d\\d +valid`))
  assert.ok(!list.includes(secret) && !list.includes('\u001b'))
  const [row, ...more] = JSON.parse((await run('list', '--json')).out)
  assert.deepEqual(
    [more.length, row.tenant, row.scopes, Object.keys(row).includes('hash')],
    [0, 'lab', ['submit'], false],
  )
  assert.match((await run('revoke', id)).out, new RegExp(`key ${id} is revoked`))
  assert.equal(await isValid(key), false)
  assert.match((await run('list')).out, /revoked \d{4}/)
})

test('a key can be revoked by pasting it; one that is none is missing', async () => {
  const args = ['--tenant', 'ops', '--scope', 'read', 'admin', '--json']
  const { key, scopes } = JSON.parse((await run('create', ...args)).out)
  assert.deepEqual(scopes, ['read', 'admin'])
  const { out } = await run('revoke', key)
  assert.ok(!out.includes(parseKey(key)!.secret))
  for (const none of [key, '000000000000', "'; DROP TABLE api_keys --"])
    await assert.rejects(run('revoke', none), { code: exitCodes.missing } satisfies Partial<ExitWith>)
})

test('wrong arguments are told apart from faults', async () => {
  await assert.rejects(run('create'), CommanderError)
  await assert.rejects(run('create', '--tenant', 'a', '--scope', 'root'), CommanderError)
  await assert.rejects(run('create', '--tenant', 'a b'), UsageError)
  await assert.rejects(run('create', '--tenant', 'a', '--name', ''), UsageError)
  const { DATABASE_URL } = process.env
  process.env.DATABASE_URL = ''
  process.env.LEDGER_DIR = '/nonexistent'
  await assert.rejects(run('list'), /no Postgres: set DATABASE_URL/)
  Object.assign(process.env, { DATABASE_URL })
  delete process.env.LEDGER_DIR
})
