/** The embedded Postgres: whoever is killed, nothing is left running, nothing is lost, and the next start works. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { pino } from 'pino'
import { findPackage, preparePostgresBinaries } from '../src/postgres/binaries.ts'
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/embedded.ts'
import { databaseOwner } from '../src/postgres/owner.ts'
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
const parentScript = fileURLToPath(new URL('support/postgres-parent.js', import.meta.url))
/** Another process with a server on the directory; resolves to it and the server's URL. */
async function parent(): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(parentScript, [directory])
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
  rmSync(join(directory, 'lock'))
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

test('a server whose guard is killed is stopped all the same, by its parent or by the next start', async () => {
  const alone = await startEmbeddedPostgres(directory, log)
  process.kill(guardPid(), 'SIGKILL')
  await alone.stop()
  assert.equal(serverPid(), undefined)

  const { child, url } = await parent()
  await query(url, 'CREATE TABLE orphaned AS SELECT 7 AS seven')
  const orphan = markOf(serverPid()!)!
  // Before it can start another.
  child.kill('SIGSTOP')
  process.kill(guardPid(), 'SIGKILL')
  await kill(child)
  assert.equal(isRunning(orphan), true)
  const next = await startEmbeddedPostgres(directory, log)
  assert.equal(isRunning(orphan), false)
  assert.equal(await query(next.url, 'SELECT seven FROM orphaned'), 7)
  await next.stop()
})

test('kill -9 of the server: it is started again on the same port, with everything that was committed; so after a SIGTERM, although clients stay', async t => {
  const postgres = await startEmbeddedPostgres(directory, log)
  t.after(postgres.stop)
  await query(postgres.url, 'CREATE TABLE committed AS SELECT 3 AS three')
  const client = new pg.Client({ connectionString: postgres.url })
  client.on('error', () => {})
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const first = serverPid()!
    if (signal === 'SIGTERM') await client.connect()
    process.kill(first, signal)
    await waitFor('another server runs', () => (serverPid() ?? first) !== first)
    await waitFor('it is ready', () => findEmbeddedPostgres(directory) !== undefined)
    assert.equal(await query(postgres.url, 'SELECT three FROM committed'), 3)
  }
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

test('variables that are meant for another server change nothing', async t => {
  const others = {
    ...{
      PGHOST: 'nowhere.invalid',
      PGPORT: '1',
      PGUSER: 'x',
      PGDATABASE: 'y',
      PGPASSWORD: 'z',
      PGDATA: '/z',
    },
    ...{ PGSSLMODE: 'require', PGSSLNEGOTIATION: 'direct', PGREPLICATION: 'database' },
    ...{ PGOPTIONS: '-c search_path=nowhere', PGDATESTYLE: 'German', PGCLIENT_ENCODING: 'LATIN1' },
    ...{ LC_ALL: 'de_DE.UTF-8', LC_MESSAGES: 'de_DE.UTF-8', NODE_OPTIONS: '--inspect-brk=0' },
  }
  const before = { ...process.env }
  t.after(() => {
    for (const name of Object.keys(others)) delete process.env[name]
    Object.assign(process.env, before)
  })
  Object.assign(process.env, others)
  const postgres = await startEmbeddedPostgres(directory, log)
  t.after(postgres.stop)
  assert.equal(await query(postgres.url, 'SHOW search_path'), '"$user", public')
  assert.equal(await query(postgres.url, 'SHOW DateStyle'), 'ISO, MDY')
  assert.equal(await query(postgres.url, 'SHOW client_encoding'), 'UTF8')
  assert.equal(await query(postgres.url, 'SELECT current_user || current_database()'), 'postgrespostgres')
})

/** Why a container cannot be imitated here; false where it can. */
const noNamespaces = (() => {
  try {
    execFileSync('unshare', ['--pid', '--ipc', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' })
    return false
  } catch {
    return 'there is no unshare(1) here that may (it takes root on Linux)'
  }
})()

test('a start in another container that shares the directory is refused, and harms nothing', {
  skip: noNamespaces,
}, async () => {
  const postgres = await startEmbeddedPostgres(directory, log)
  await query(postgres.url, 'CREATE TABLE shared AS SELECT 9 AS nine')
  const options = ['--pid', '--ipc', '--fork', '--mount-proc', process.execPath, parentScript, directory]
  const other = spawn('unshare', options, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  other.stderr.on('data', text => (said += text))
  const [code] = await once(other, 'close')
  assert.equal(code, 1)
  assert.match(said, new RegExp(`in use by another container or machine \\(process ${process.pid} on`))
  assert.equal(await query(postgres.url, 'SELECT nine FROM shared'), 9)
  await postgres.stop()
})

test('programs that the server’s user cannot get to, or a shell would misread, are run from a copy', () => {
  const place = join(root, 'programs')
  const closed = join(root, 'zu "geschlossen" für $HOME')
  mkdirSync(place)
  chmodSync(root, 0o755)
  mkdirSync(closed, { mode: 0o700 })
  const { native, name } = findPackage()
  cpSync(native, join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
  const owner = databaseOwner(join(root, 'none'))
  const installed = { native: join(closed, 'native'), name }
  const programs = preparePostgresBinaries(place, owner, installed)
  assert.equal(programs.initdb, join(place, name, 'bin', 'initdb'))
  const version = () => String(execFileSync(programs.postgres, ['--version'], { ...owner, cwd: place }))
  assert.match(version(), /^postgres \(PostgreSQL\) 18/)
  // What a cleaner of old files took is put back.
  rmSync(programs.postgres)
  preparePostgresBinaries(place, owner, installed)
  assert.match(version(), /^postgres \(PostgreSQL\) 18/)
  // Where nobody else may have put them.
  chmodSync(join(place, name), 0o777)
  assert.notEqual(preparePostgresBinaries(place, owner, installed).initdb, programs.initdb)
})

test('what an interrupted first start left is cleared away', async () => {
  const other = join(root, 'ledger', 'postgres')
  mkdirSync(join(other, 'cluster.0b7a', 'data'), { recursive: true })
  writeFileSync(join(other, 'cluster.0b7a', 'data', 'PG_VERSION'), '18')
  writeFileSync(join(other, 'guard.json'), '')
  const child = fork(parentScript, [other])
  const made = () => readdirSync(other).find(name => /^cluster\..{36}$/.test(name))
  await waitFor('initdb works', () => existsSync(join(other, made() ?? 'none', 'data', 'base')))
  await kill(child)
  const postgres = await startEmbeddedPostgres(other, log)
  assert.equal(await query(postgres.url, 'SELECT 1'), 1)
  await postgres.stop()
  assert.throws(() => statSync(join(other, 'cluster.0b7a')), /ENOENT/)
})

type Line = { msg: string; reason?: string; count?: number; pause?: number }

test('under a server that runs, whatever of PostgreSQL is killed comes back, and the run under way has the same bits', async t => {
  // The test before has made it, and put nothing into it.
  directory = join(root, 'ledger', 'postgres')
  const env = {
    ...process.env,
    LEDGER_DIR: join(root, 'ledger'),
    LEDGER_WORKERS: '1',
    DATABASE_URL: undefined,
    LOG_LEVEL: 'silent',
    // A job whose worker lost its connection is another's that soon.
    LEDGER_LOCK_SECONDS: '2',
  }
  const child = fork(fileURLToPath(new URL('support/serve-parent.js', import.meta.url)), [], { env })
  const exit = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const said: Line[] = []
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (message: { url?: string; line?: string }) => {
      if (message.line !== undefined) said.push(JSON.parse(message.line))
      else resolve(message.url!)
    })
    exit.then(([code]) => reject(new Error(`it ended with code ${code}: ${JSON.stringify(said)}`)), reject)
  })
  const post = async (seed: number) => {
    const body = JSON.stringify({
      dataset: { name: 'synthetic-digits', trainExamples: 200, validationExamples: 50 },
      architecture: { name: 'fc', hidden: [8] },
      optimizer: { name: 'sgd', learningRate: 0.1 },
      training: { iterations: 24, batchSize: 50, seed },
      allocation: { segmentIterations: 3 },
    })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/v1/experiments`, { method: 'POST', headers, body })
    assert.equal(answer.status, 202)
    return ((await answer.json()) as { id: string }).id
  }
  type Experiment = { status: string; error?: unknown; progress?: { done: number } }
  /** Until it is so; what is not 200 meanwhile says to come again. */
  const until = async (id: string, condition: (experiment: Experiment) => boolean) => {
    for (const deadline = Date.now() + 60_000; ; await sleep(20)) {
      const answer = await fetch(`${url}/v1/experiments/${id}`)
      if (answer.status === 200) {
        const found = (await answer.json()) as Experiment
        assert.ok(!['failed', 'cancelled'].includes(found.status), JSON.stringify(found.error))
        if (condition(found)) return
      } else assert.equal(answer.status, 503)
      if (Date.now() > deadline) assert.fail(`not in a minute: ${JSON.stringify(said)}`)
    }
  }
  const sums = async (id: string) => {
    const manifest = await fetch(`${url}/v1/experiments/${id}/artifacts/manifest.json`)
    const { segments } = (await manifest.json()) as { segments: unknown[] }
    assert.equal(segments.length, 8)
    return segments
  }
  const disturbed = await post(1)
  const back = (times: number) =>
    waitFor(
      `it runs again (${times})`,
      () => said.filter(({ msg }) => msg === 'PostgreSQL runs again').length === times,
    )
  await until(disturbed, ({ status }) => status !== 'queued')
  process.kill(guardPid(), 'SIGKILL')
  await back(1)
  await until(disturbed, () => true)
  process.kill(serverPid()!, 'SIGKILL')
  await back(2)
  process.kill(guardPid(), 'SIGTERM')
  await back(3)
  await until(disturbed, ({ status }) => status === 'succeeded')
  const calm = await post(1)
  await until(calm, ({ status }) => status === 'succeeded')
  assert.deepEqual(await sums(disturbed), await sums(calm))

  // Until here only what came back; now one that cannot, at first for a while and then for good.
  const settings = join(data(), 'postgresql.auto.conf')
  const before = readFileSync(settings)
  appendFileSync(settings, 'nonsense = on\n')
  process.kill(serverPid()!, 'SIGKILL')
  const tries = () => said.filter(({ reason, count }) => count && /parameter "nonsense"/.test(reason ?? ''))
  await waitFor('a try', () => tries().length > 0)
  writeFileSync(settings, before)
  await back(4)
  await until(calm, () => true)
  appendFileSync(settings, 'nonsense = on\n')
  const earlier = tries().length
  process.kill(serverPid()!, 'SIGKILL')
  assert.deepEqual(await exit, [1, null])
  // The first few may have met backends of the killed server; the tenth that fails is the last.
  const failures = tries().slice(earlier)
  assert.equal(failures.at(-1)!.count, 10)
  for (const { count, pause } of failures) assert.equal(pause, Math.min(2 ** (count! - 2), 20))
  writeFileSync(settings, before)
  const last = said.find(({ msg }) => /no database any more/.test(msg))
  assert.match(last!.reason!, /in .* is gone and does not start again: .*"nonsense".*\(10 times in a row\)/)
  assert.match(last!.reason!, /What was committed is kept: mend/)
})
