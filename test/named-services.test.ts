/** Databases and queues as people have them: each works, or is one sentence at the start that says what to do. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { readConfig } from '../src/config.ts'
import { checkServices } from '../src/preflight.ts'
import { ServiceError } from '../src/service-error.ts'
import { migrateDatabase } from '../src/store/migrate.ts'
import { certificate } from './support/certificate.ts'
import { emptyDatabase, type TestDatabase, testDatabase } from './support/database.ts'
import { fakeRedis, postgresElsewhere } from './support/stand-ins.ts'

/** The sentence for a configuration; '' where there is nothing to say. */
async function said(env: Record<string, string>): Promise<string> {
  try {
    await checkServices(readConfig(env))
    return ''
  } catch (error) {
    if (error instanceof ServiceError) assert.doesNotMatch(error.message, /\n/)
    return (error as Error).message
  }
}

test('a password that is not encoded is told to be, and how, without being told', async () => {
  for (const [url, says] of [
    ['postgresql://u:p#w@db/x', /DATABASE_URL has a # in it: .*# is %23.*encodeURIComponent/],
    ['postgresql://u:12#34@db/x', /has a # in it/],
    ['postgresql://u:p/w@db/x', /has a \/ before its @: .*\/ is %2F/],
    ['postgresql://u:12/w@db/x', /has a \/ before its @/],
    ['postgresql://u:p?w@db/x', /has a \? before its @: .*\? is %3F/],
    ['postgresql://u:p@a/w@db/x', /has a \/ before its @/],
    ['postgresql://u:p%zz@db/x', /has a % that encodes nothing: .*% is %25/],
    ['postgresql://u:p%ff@db/x', /has a % that encodes nothing/],
    ['postgresql://u:p@a,b/x', /names several hosts/],
    ['postgresql://h:port/x', /must be postgresql:\/\/user:password@host:port\/name/],
  ] as const) {
    const sentence = await said({ DATABASE_URL: url })
    assert.match(sentence, says)
    assert.doesNotMatch(sentence.replaceAll('node -p', ''), /p#w|12|p\/w|p\?w|zz|ff/)
  }
  assert.match(await said({ REDIS_URL: 'redis://:p#w@redis:6379' }), /REDIS_URL has a # in it/)
  assert.match(
    await said({ REDIS_URL: 'redis://redis:6379/queue' }),
    /REDIS_URL must be redis:\/\/host:port\/number/,
  )
  for (const fine of [
    'postgresql://u:p@w@db/x',
    'postgresql://u:p%23%2F%40@db:5432/x?application_name=me@here',
    'postgresql://u@/x?host=/run/postgresql',
    'postgresql://%2Frun%2Fpostgresql/x',
    'postgresql://',
  ])
    assert.equal(readConfig({ DATABASE_URL: fine }).databaseUrl, fine)
  assert.equal(readConfig({ REDIS_URL: '/run/redis.sock?db=1' }).redisUrl, '/run/redis.sock?db=1')
})

describe('Postgres', () => {
  let database: TestDatabase
  let directory: string
  before(async () => {
    database = await testDatabase()
    directory = mkdtempSync(join(tmpdir(), 'll-'))
    await query(database.url, `CREATE ROLE "odd#user/" LOGIN PASSWORD 'p#/@%'`)
    await query(database.url, `CREATE ROLE limited LOGIN PASSWORD 'limited'`)
  })
  after(async () => {
    await query(database.url, 'DROP OWNED BY limited').catch(() => {})
    await query(database.url, 'DROP ROLE IF EXISTS "odd#user/"').catch(() => {})
    await query(database.url, 'DROP ROLE IF EXISTS limited').catch(() => {})
    await database.close()
    rmSync(directory, { recursive: true })
  })
  const query = async (url: string, sql: string) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  const changed = (change: (url: URL) => void) => {
    const url = new URL(database.url)
    change(url)
    return url.href
  }

  test('what the server answers is a sentence', async () => {
    for (const [url, says] of [
      [
        changed(url => (url.password = 'wrong')),
        /does not accept the password in DATABASE_URL for user postgres$/,
      ],
      [changed(url => (url.password = '')), /wants a password for user postgres: write it into DATABASE_URL/],
      [changed(url => (url.pathname = '/none')), /there is no database none on Postgres at .*createdb none/],
      [changed(url => (url.search = '?sslmode=require')), /does not offer TLS: write sslmode=disable/],
      [
        changed(url => (url.search = '?sslrootcert=/none.pem')),
        /names the file \/none\.pem, which cannot be read/,
      ],
      [changed(url => (url.port = '1')), /cannot be reached: nothing listens there$/],
      ['postgresql:///x?host=/none', /Postgres at \/none .* there is no such socket$/],
    ] as const)
      assert.match(await said({ DATABASE_URL: url }), says)
    const odd = changed(url => {
      url.username = encodeURIComponent('odd#user/')
      url.password = encodeURIComponent('p#/@%')
    })
    assert.equal(await said({ DATABASE_URL: odd }), '')
  })

  test('what DATABASE_URL leaves out, PG* variables fill in; what it says counts', async t => {
    const { hostname, port, username, password, pathname } = new URL(database.url)
    const env = { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: 'none' }
    Object.assign(process.env, env)
    t.after(() => {
      for (const name of Object.keys(env)) delete process.env[name]
    })
    assert.equal(await said({ DATABASE_URL: `postgresql://${pathname}` }), '')
    assert.match(await said({ DATABASE_URL: 'postgresql://' }), /no database none/)
    Object.assign(process.env, { PGHOST: '/none', PGPORT: '1', PGUSER: 'nobody', PGPASSWORD: 'wrong' })
    assert.equal(await said({ DATABASE_URL: database.url }), '')
  })

  test('a self-signed certificate: refused at the start of everything, and what makes it trusted', async t => {
    const server = await postgresElsewhere(database.url, { tls: true })
    t.after(server.stop)
    const url = (search: string) =>
      changed(url => {
        url.port = String(server.port)
        url.search = search
      })
    const says =
      /^Postgres at 127\.0\.0\.1:\d+ \(DATABASE_URL\) cannot be reached: its certificate is self-signed: NODE_EXTRA_CA_CERTS=.*sslrootcert=.*sslmode=no-verify goes without$/
    const env = {
      DATABASE_URL: url('sslmode=require'),
      LEDGER_DIR: directory,
      PORT: '0',
      LEDGER_ENGINE: 'wasm',
    }
    const check = async (...args: string[]) => {
      const { code, out, err } = await ledger(args, env)
      assert.deepEqual([code, out], [2, ''])
      assert.match(err.trimEnd(), says)
    }
    const doctor = ledger(['doctor', '--json'], env)
    await Promise.all([check('serve'), check('worker'), check('demo', '--exit')])
    const { code: found, out: findings } = await doctor
    assert.equal(found, 1)
    const [{ name, problem }] = JSON.parse(findings).services
    assert.equal(name, 'Postgres')
    assert.match(problem, says)
    const file = join(directory, 'ca.pem')
    writeFileSync(file, certificate)
    for (const search of [`sslmode=require&sslrootcert=${file}`, 'sslmode=no-verify'])
      assert.equal(await said({ DATABASE_URL: url(search) }), '')
    const { code, out } = await ledger(['migrate'], { ...env, NODE_EXTRA_CA_CERTS: file })
    assert.deepEqual([code, out], [0, 'nothing was missing\n'])
  })

  test('a socket of the file system is found by its folder', async t => {
    const server = await postgresElsewhere(database.url, { path: join(directory, '.s.PGSQL.5432') })
    t.after(server.stop)
    const { username, password, pathname } = new URL(database.url)
    const user = `${username}:${password}`
    for (const url of [
      `postgresql://${user}@${pathname}?host=${directory}`,
      `postgresql://${user}@${encodeURIComponent(directory)}${pathname}`,
    ])
      assert.equal(await said({ DATABASE_URL: url }), '')
  })

  test('behind a pooler the queue wants Redis, and the rest works: migrations leave no lock behind', async t => {
    const empty = await emptyDatabase()
    t.after(empty.close)
    const server = await postgresElsewhere(empty.url, { pooler: true })
    t.after(server.stop)
    const redis = await fakeRedis('redis_version:7.0.0\r\n')
    t.after(redis.stop)
    const url = new URL(empty.url)
    url.port = String(server.port)
    assert.match(
      await said({ DATABASE_URL: url.href }),
      /connection pooler \(PgBouncer\) at .*: set REDIS_URL, .* or name Postgres itself$/,
    )
    const REDIS_URL = `redis://127.0.0.1:${redis.port}`
    assert.equal(await said({ DATABASE_URL: url.href, REDIS_URL }), '')
    const config = readConfig({ DATABASE_URL: url.href, REDIS_URL })
    assert.deepEqual(await checkServices(config), { settings: false })
    assert.deepEqual(await checkServices({ ...config, databaseUrl: empty.url }), { settings: true })
    // A lock of a session, which a pooler would lend to the next: the statements of a migration tell.
    const locks: string[] = []
    const real = pg.Client.prototype.query
    t.after(() => {
      pg.Client.prototype.query = real
    })
    // biome-ignore lint/suspicious/noExplicitAny: every one of query's many forms is passed on as it is
    pg.Client.prototype.query = function (this: pg.Client, ...args: any[]): any {
      const text = typeof args[0] === 'string' ? args[0] : args[0]?.text
      if (/advisory/.test(text ?? '')) locks.push(text)
      return real.apply(this, args as never)
    }
    assert.ok((await migrateDatabase(url.href)).length > 0)
    assert.ok(locks.length > 0)
    for (const lock of locks) assert.match(lock, /pg_advisory_xact_lock/)
  })

  test('a role that may not create is told who may; what was granted to it is enough', async t => {
    const empty = await emptyDatabase()
    t.after(empty.close)
    const url = new URL(empty.url)
    url.username = 'limited'
    url.password = 'limited'
    const env = { DATABASE_URL: url.href, LEDGER_DIR: directory }
    const says =
      /user limited may not do what is needed in database \w+ on .* \(permission denied for schema \w+\): run `ledger migrate` once .* GRANT/
    const refused = await ledger(['migrate'], env)
    assert.deepEqual([refused.code, refused.out], [2, ''])
    assert.match(refused.err, says)
    await migrateDatabase(empty.url)
    await assert.rejects(migrateDatabase(url.href), { name: 'ServiceError', message: says })
    // As docs/operating.md has it.
    await query(
      empty.url,
      `GRANT USAGE ON SCHEMA public, bullmq TO limited;
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, bullmq TO limited;
       GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public, bullmq TO limited`,
    )
    const made = await ledger(['keys', 'create', '--tenant', 'me'], env)
    assert.equal(made.code, 0, made.err)
  })
})

describe('Redis', () => {
  test('a cluster, a replica, a password, a certificate', async t => {
    const start = async (...args: Parameters<typeof fakeRedis>) => {
      const server = await fakeRedis(...args)
      t.after(server.stop)
      return `127.0.0.1:${server.port}`
    }
    const plain = 'redis_version:7.0.0\r\nrole:master\r\n'
    const cluster = await start(`${plain}cluster_enabled:1\r\n`)
    assert.match(
      await said({ REDIS_URL: `redis://${cluster}` }),
      /is part of a cluster, .* leave REDIS_URL out/,
    )
    const replica = await start('redis_version:7.0.0\r\nrole:slave\r\n')
    assert.match(await said({ REDIS_URL: `redis://${replica}` }), /is a replica, .*: name the primary$/)
    const locked = await start(plain, { password: 'p#/@' })
    assert.match(
      await said({ REDIS_URL: `redis://${locked}` }),
      /wants a password: write REDIS_URL=redis:\/\/:password@/,
    )
    assert.equal(await said({ REDIS_URL: `redis://:${encodeURIComponent('p#/@')}@${locked}` }), '')
    const tls = await start(plain, { tls: true })
    const REDIS_URL = `rediss://${tls}`
    assert.match(
      await said({ REDIS_URL }),
      /^Redis at 127\.0\.0\.1:\d+ \(REDIS_URL\) cannot be reached: its certificate is self-signed: NODE_EXTRA_CA_CERTS=\S+ makes it trusted/,
    )
    assert.match(await said({ REDIS_URL: `redis://${tls}` }), /if it speaks TLS, write rediss:\/\/$/)
    assert.match(
      await said({ REDIS_URL: 'redis://127.0.0.1:1' }),
      /cannot be reached: nothing listens there$/,
    )
    assert.match(await said({ REDIS_URL: '/none.sock' }), /Redis at \/none\.sock .* there is no such socket$/)
  })
})

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))

/** Runs a command to its end. */
function ledger(args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number; out: string; err: string }> {
  const options = { env: { ...process.env, ...env }, timeout: 60_000 }
  return new Promise(resolve => {
    const child = execFile(process.execPath, [main, ...args], options, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}
