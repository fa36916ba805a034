/** The embedded Postgres: whoever is killed, nothing is left running, nothing is lost, and the next start works. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { pino } from 'pino'
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/embedded.ts'
import { isPostgresOf, isRunning, markOf } from '../src/postgres/processes.ts'

const log = pino({ level: 'silent' })
let root: string
let directory: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'loss ledger pg '))
  directory = join(root, 'postgres')
})
beforeEach(() => waitFor('nothing runs', () => serverPid() === undefined))
after(() => rmSync(root, { recursive: true, force: true }))

const data = () => join(directory, 'cluster', 'data')
const guardPid = (): number => JSON.parse(readFileSync(join(directory, 'guard.json'), 'utf8')).guard.pid

/** The pid of this directory's server, if one runs. */
function serverPid(): number | undefined {
  try {
    const pid = Number(readFileSync(join(data(), 'postmaster.pid'), 'utf8').split('\n')[0])
    return isPostgresOf(pid, data()) ? pid : undefined
  } catch {
    return undefined
  }
}
async function waitFor(what: string, condition: () => boolean, milliseconds = 10_000) {
  const deadline = Date.now() + milliseconds
  while (!condition()) {
    if (Date.now() > deadline) assert.fail(`not in ${milliseconds} ms: ${what}`)
    await sleep(10)
  }
}
async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows?.[0]?.[0]
  } finally {
    await client.end()
  }
}
/** Another process with a server on the directory; resolves to it and the server's URL. */
async function parent(): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(fileURLToPath(new URL('support/postgres-parent.js', import.meta.url)), [directory])
  const [url] = await once(child, 'message')
  return { child, url }
}
async function kill(child: ChildProcess) {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

test('a server starts, keeps its password to itself, is found by others, and is the same one after a restart', async () => {
  const first = await startEmbeddedPostgres(directory, log)
  assert.match(first.url, /^postgresql:\/\/postgres:[\w-]{32}@127\.0\.0\.1:\d+\/postgres\?sslmode=disable&/)
  assert.equal(statSync(join(directory, 'cluster', 'password')).mode & 0o777, 0o600)
  assert.equal(findEmbeddedPostgres(directory), first.url)
  assert.equal(await query(first.url, 'SHOW fsync'), 'on')
  assert.equal(await query(first.url, 'SHOW server_encoding'), 'UTF8')
  const wrong = new URL(first.url)
  wrong.password = 'guess'
  await assert.rejects(query(wrong.href, 'SELECT 1'), /password authentication failed/)
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await Promise.all([first.stop(), first.stop()])
  assert.equal(serverPid(), undefined)
  assert.equal(findEmbeddedPostgres(directory), undefined)

  const second = await startEmbeddedPostgres(directory, log)
  assert.equal(await query(second.url, 'SELECT answer FROM kept'), 42)
  await second.stop()
})

test('a second start on the same directory is refused, and says who is there', async () => {
  const { child, url } = await parent()
  await assert.rejects(startEmbeddedPostgres(directory, log), new RegExp(`in use by process ${child.pid}:`))
  assert.equal(await query(url, 'SELECT 1'), 1)
  await kill(child)
})

test('kill -9 of the process that started it leaves nothing running, and the next start does not trip', async () => {
  const { child, url } = await parent()
  const guard = markOf(guardPid())!
  await query(url, 'CREATE TABLE before_kill AS SELECT 1 AS one')
  await kill(child)
  // At once, while the guard may still be stopping the server: it waits for that.
  const next = await startEmbeddedPostgres(directory, log)
  assert.equal(isRunning(guard), false)
  assert.equal(await query(next.url, 'SELECT one FROM before_kill'), 1)
  await next.stop()
  assert.match(readFileSync(join(directory, 'postgres.log'), 'utf8'), /database system was shut down at/)

  const again = await parent()
  const server = markOf(serverPid()!)!
  await kill(again.child)
  await waitFor('the server has stopped', () => !isRunning(server))
})

test('kill -9 of the guard: the server is stopped all the same, by its parent or by the next start', async () => {
  const alone = await startEmbeddedPostgres(directory, log)
  process.kill(guardPid(), 'SIGKILL')
  await sleep(50)
  assert.equal(await query(alone.url, 'SELECT 1'), 1)
  await alone.stop()
  assert.equal(serverPid(), undefined)

  const { child, url } = await parent()
  await query(url, 'CREATE TABLE orphaned AS SELECT 7 AS seven')
  const orphan = markOf(serverPid()!)!
  process.kill(guardPid(), 'SIGKILL')
  await kill(child)
  assert.equal(isRunning(orphan), true)
  const next = await startEmbeddedPostgres(directory, log)
  assert.equal(isRunning(orphan), false)
  assert.equal(await query(next.url, 'SELECT seven FROM orphaned'), 7)
  await next.stop()
})

test('kill -9 of the server: it is started again on the same port, with everything that was committed', async () => {
  const postgres = await startEmbeddedPostgres(directory, log)
  await query(postgres.url, 'CREATE TABLE committed AS SELECT 3 AS three')
  const first = serverPid()!
  process.kill(first, 'SIGKILL')
  await waitFor('another server runs', () => (serverPid() ?? first) !== first)
  await waitFor('it is ready', () => findEmbeddedPostgres(directory) !== undefined)
  assert.equal(await query(postgres.url, 'SELECT three FROM committed'), 3)
  await postgres.stop()
  assert.equal(serverPid(), undefined)
})

test('a pid file that names somebody else’s process does not stop the start, and costs that process nothing', async () => {
  writeFileSync(join(data(), 'postmaster.pid'), `${process.pid}\n${data()}\n1\n5432\n\n127.0.0.1\n\nready\n`)
  // And a lock whose guard's pid was given to somebody else: this process, which started at another time.
  const gone = { pid: process.pid, started: 'another boot/1' }
  writeFileSync(join(directory, 'guard.json'), JSON.stringify({ guard: gone, parent: gone }))
  const postgres = await startEmbeddedPostgres(directory, log)
  assert.equal(await query(postgres.url, 'SELECT 1'), 1)
  await postgres.stop()
})

test('what an interrupted first start left is cleared away', async () => {
  const other = join(root, 'other')
  mkdirSync(join(other, 'cluster.0b7a', 'data'), { recursive: true })
  writeFileSync(join(other, 'cluster.0b7a', 'data', 'PG_VERSION'), '18')
  writeFileSync(join(other, 'guard.json'), '')
  const child = fork(fileURLToPath(new URL('support/postgres-parent.js', import.meta.url)), [other])
  // In the middle of initdb.
  await sleep(400)
  await kill(child)
  const postgres = await startEmbeddedPostgres(other, log)
  assert.equal(await query(postgres.url, 'SELECT 1'), 1)
  await postgres.stop()
  assert.throws(() => statSync(join(other, 'cluster.0b7a')), /ENOENT/)
})
