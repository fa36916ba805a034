/**
 * `npm run bench:scaling`: what a fleet of workers asks of Postgres and Redis. Everything is real (the API, the queue, Postgres,
 * Redis, the worker's own code) but for computing, which is a wait. Options: --queue postgres|redis, --workers 10,50,100,200,
 * --seconds 2,20 (of a segment), --variables 6 (of the network), --window 20 (seconds that are measured, at least),
 * --processes 4 (that the workers share), --pgbouncer (between the workers and Postgres; its program must be installed, and
 * the queue be on Redis), --json FILE (a line a point is added).
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { quantile } from 'd3-array'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { layout } from '../src/postgres/cluster.ts'
import { startEmbeddedPostgres } from '../src/postgres/embedded.ts'
import { readPostmaster } from '../src/postgres/server.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { childrenOf, end, startNode } from '../test/support/child-processes.ts'
import { freePort } from '../test/support/free-port.ts'
import { noRedis, startRedis } from '../test/support/redis.ts'
import { optionsOf } from './options.ts'
import { fitModel, type Point, workersOn } from './scaling/model.ts'
import type { WorkersMessage, WorkersRequest, WorkersSetup } from './scaling/workers.ts'

const values = optionsOf(import.meta.url, {
  queue: ['postgres', 'redis'],
  workers: '10,50,100,200',
  seconds: '2,20',
  variables: 6,
  window: 20,
  processes: 4,
  pgbouncer: false,
  json: undefined,
})
const { queue } = values
if (queue === 'redis' && noRedis) throw new Error(noRedis)
if (values.pgbouncer && queue !== 'redis')
  throw new Error('--pgbouncer needs --queue redis: the queue on Postgres does not work through it')

const segmentsEach = 40
const segmentIterations = 50
/** What a message to the workers' processes may take. */
const patience = 60_000

type Setup = { workers: number; seconds: number }
type Measured = Point & {
  seconds: number
  transactions: number
  connections: Record<string, number>
  renewals: number
  renewalP99: number
  lost: number
  retried: number
  lists: number[]
  posts: number[]
  redis: { cores: number; clients: number } | undefined
  api: number
  fleet: number
  load: number
  /** What the workers logged, and how often. */
  warnings: Record<string, number>
}

console.log(
  `${os.cpus()[0].model}, ${os.availableParallelism()} cores; queue on ${queue}${values.pgbouncer ? ', PgBouncer before Postgres' : ''}; ${values.variables} variables, ${segmentIterations} iterations a segment`,
)
const points: Measured[] = []
for (const seconds of values.seconds.split(',').map(Number))
  for (const workers of values.workers.split(',').map(Number)) {
    try {
      const measured = await measure({ workers, seconds })
      points.push(measured)
      report(measured)
      if (values.json)
        appendFileSync(
          values.json,
          `${JSON.stringify({ queue, pgbouncer: values.pgbouncer, ...measured })}\n`,
        )
    } catch (error) {
      console.log(`${workers} workers, ${seconds} s a segment: BREAKS: ${(error as Error).message}`)
    }
  }
conclude()

async function measure(setup: Setup): Promise<Measured> {
  // Objects are S3's business in a fleet: here their disk shall not be Postgres's.
  const directory = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'loss-ledger-scaling-'),
  )
  const home = mkdtempSync(join(os.tmpdir(), 'loss-ledger-scaling-'))
  const closers: (() => unknown)[] = [
    () => rmSync(directory, { recursive: true, force: true }),
    () => rmSync(home, { recursive: true, force: true }),
  ]
  try {
    const postgres = await startEmbeddedPostgres(home, pino({ level: 'silent' }))
    closers.push(postgres.stop)
    const redis = queue === 'redis' ? await startRedis() : undefined
    if (redis) closers.push(redis.stop)
    const port = await freePort()
    const env: NodeJS.ProcessEnv = {
      ...{ LEDGER_DIR: directory, DATABASE_URL: postgres.url, PORT: String(port), LEDGER_WORKERS: '0' },
      ...{ LOG_LEVEL: 'warn', NO_COLOR: '1', LEDGER_RATE_LIMIT: '0', REDIS_URL: redis?.url },
    }
    const api = startNode('src/cli/main.js', ['serve'], env, join(home, 'api.log'))
    closers.push(() => end(api, 'SIGTERM'))
    const url = `http://127.0.0.1:${port}`
    await ready(url)
    const db = await openDatabase(postgres.url, { max: 2, name: 'bench' })
    closers.push(db.close)
    const needed = Math.ceil((setup.workers / setup.seconds) * (3 * setup.seconds + 40 + window(setup)))
    for (let made = 0; made < needed; made += segmentsEach) await post(url)
    // Posts that are measured come one by one, once the fleet works.
    const databaseUrl = values.pgbouncer ? await startPgBouncer(postgres.url, home, closers) : postgres.url
    const fleet = await startFleet(setup, { ...process.env, ...env }, databaseUrl, home)
    closers.push(fleet.stop)
    await atWork(db, setup)
    return await watch(setup, {
      ...{ db, url, fleet, home, api: api.pid!, redisPid: redis?.pid(), redisUrl: redis?.url },
    })
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

function window({ seconds }: Setup): number {
  return Math.max(values.window, 2 * seconds)
}

type Watched = {
  db: Database
  url: string
  fleet: Fleet
  home: string
  api: number
  redisPid: number | undefined
  redisUrl: string | undefined
}

async function watch(setup: Setup, watched: Watched): Promise<Measured> {
  const { db, url, fleet, home, api, redisPid, redisUrl } = watched
  const postmaster = readPostmaster(layout(home).data)!.pid
  const redis = redisUrl === undefined ? undefined : new Redis(redisUrl)
  const count = async () => {
    const { rows } = await db.pool.query<{ segments: number; retried: number; commits: number }>(
      `SELECT (SELECT count(*)::int FROM segments WHERE status = 'allocated') AS segments,
              (SELECT count(*)::int FROM segments WHERE attempts > 1) AS retried,
              (SELECT xact_commit::int FROM pg_stat_database WHERE datname = current_database()) AS commits`,
    )
    return rows[0]
  }
  const cpu = () => ({
    postgres:
      processorOf(postmaster) + childrenOf(postmaster).reduce((sum, pid) => sum + processorOf(pid), 0),
    redis: redisPid === undefined ? 0 : processorOf(redisPid),
    api: processorOf(api),
  })
  await fleet.counts()
  const [before, cpuBefore, start] = [await count(), cpu(), performance.now()]
  const connections: Record<string, number> = {}
  let clients = 0
  const [lists, posts]: [number[], number[]] = [[], []]
  const loads: number[] = []
  for (let i = 0; performance.now() - start < 1000 * window(setup); i++) {
    lists.push(await timed(async () => void (await (await fetch(`${url}/v1/experiments?limit=50`)).text())))
    if (i % 5 === 0) posts.push(await timed(() => post(url)))
    if (i % 10 === 0) {
      const { rows } = await db.pool.query<{ name: string; count: number }>(
        `SELECT regexp_replace(application_name, '^experiments:w:.*', 'loss-ledger worker listening') AS name,
                count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1
          UNION ALL SELECT 'all', count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'`,
      )
      for (const { name, count } of rows) connections[name] = Math.max(connections[name] ?? 0, count)
      const info = await redis?.info('clients')
      clients = Math.max(clients, Number(/connected_clients:(\d+)/.exec(info ?? '')?.[1] ?? 0))
      loads.push(os.loadavg()[0])
    }
    await sleep(200)
  }
  const [after, cpuAfter, seconds] = [await count(), cpu(), (performance.now() - start) / 1000]
  const counts = await fleet.counts()
  redis?.disconnect()
  return {
    ...{ workers: setup.workers, seconds: setup.seconds },
    segmentsPerSecond: (after.segments - before.segments) / seconds,
    cores: (cpuAfter.postgres - cpuBefore.postgres) / seconds,
    transactions: (after.commits - before.commits) / seconds,
    connections,
    renewals: counts.renewals.length / seconds,
    renewalP99: quantile(counts.renewals, 0.99) ?? 0,
    ...{ lost: counts.lost, retried: after.retried - before.retried, lists, posts },
    redis: redis && { cores: (cpuAfter.redis - cpuBefore.redis) / seconds, clients },
    api: (cpuAfter.api - cpuBefore.api) / seconds,
    fleet: counts.cpu / seconds,
    load: Math.max(...loads),
    warnings: warningsIn(join(home, 'workers.log')),
  }
}

type Fleet = {
  counts(): Promise<{ renewals: number[]; lost: number; cpu: number }>
  stop(): Promise<unknown>
}

/** The workers, shared out over a few processes. Throws, with nothing left running, where one does not start. */
async function startFleet(
  { workers, seconds }: Setup,
  env: NodeJS.ProcessEnv,
  databaseUrl: string,
  home: string,
): Promise<Fleet> {
  const entry = fileURLToPath(new URL('./scaling/workers.js', import.meta.url))
  const processes = Math.min(workers, values.processes)
  const children: ChildProcess[] = []
  const shares = Array.from(
    { length: processes },
    (_, i) => Math.floor(((i + 1) * workers) / processes) - Math.floor((i * workers) / processes),
  )
  let first = 0
  for (const share of shares) {
    const setup: WorkersSetup = {
      ...{ workers: share, first, databaseUrl, segment: seconds, training: Math.min(seconds, 2) },
      variables: values.variables,
    }
    first += share
    const output = openSync(join(home, 'workers.log'), 'a')
    children.push(fork(entry, [JSON.stringify(setup)], { env, stdio: ['ignore', output, output, 'ipc'] }))
  }
  const all = <T extends WorkersMessage['type']>(type: T, request?: WorkersRequest) =>
    Promise.all(
      children.map(async child => {
        if (request !== undefined) child.send(request)
        const signal = AbortSignal.timeout(patience + 400 * workers)
        for (;;) {
          const [message] = (await once(child, 'message', { signal })) as [WorkersMessage]
          if (message.type === type) return message as Extract<WorkersMessage, { type: T }>
        }
      }),
    )
  const stop = async () => {
    await all('stopped', { type: 'stop' }).catch(error => console.log(`  stopping: ${error.message}`))
    await Promise.all(children.map(child => end(child, 'SIGKILL')))
  }
  const failed = (await all('started')).find(({ error }) => error !== undefined)
  if (failed !== undefined) {
    await stop()
    throw new Error(`a worker does not start: ${failed.error}`)
  }
  return {
    stop,
    async counts() {
      const told = await all('counts', { type: 'counts' })
      return {
        renewals: told.flatMap(({ renewals }) => renewals),
        lost: told.reduce((sum, { lost }) => sum + lost, 0),
        cpu: told.reduce((sum, { cpu }) => sum + cpu, 0),
      }
    },
  }
}

/** PgBouncer, pooling transactions on 20 connections. Resolves to the URL that leads through it. */
async function startPgBouncer(url: string, home: string, closers: (() => unknown)[]): Promise<string> {
  const through = new URL(url)
  const port = await freePort()
  const users = join(home, 'users.txt')
  writeFileSync(users, `"${through.username}" "${through.password}"\n`)
  const settings = join(home, 'pgbouncer.ini')
  writeFileSync(
    settings,
    `[databases]
postgres = host=127.0.0.1 port=${through.port} dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 5000
ignore_startup_parameters = options,replication,extra_float_digits,statement_timeout
`,
  )
  // It refuses to be root.
  if (process.getuid?.() === 0) execFileSync('chmod', ['a+rx', home])
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn('pgbouncer', ['-q', ...user, settings], { stdio: 'ignore' })
  closers.push(() => end(child, 'SIGKILL'))
  through.port = String(port)
  for (const deadline = Date.now() + 10_000; ; await sleep(100)) {
    const answers = await openDatabase(through.href, { max: 1 }).then(
      db => db.close().then(() => true),
      () => false,
    )
    if (answers) return through.href
    if (Date.now() > deadline) throw new Error('PgBouncer does not answer')
  }
}

/** Until the fleet is busy: nine tenths of its workers have a segment in hand, and have had one before. */
async function atWork(db: Database, { workers, seconds }: Setup): Promise<void> {
  const deadline = Date.now() + patience + 1000 * seconds + 200 * workers
  for (;;) {
    const { rows } = await db.pool.query<{ busy: number }>(
      `SELECT count(DISTINCT worker)::int AS busy FROM segments WHERE status = 'allocated'`,
    )
    if (rows[0].busy >= 0.9 * workers) return
    if (Date.now() > deadline)
      throw new Error(`only ${rows[0].busy} of ${workers} workers had allocated anything`)
    await sleep(500)
  }
}

async function post(url: string): Promise<void> {
  const spec: ExperimentSpec = {
    dataset: { name: 'synthetic-digits', trainExamples: 1000, validationExamples: 100 },
    architecture: { name: 'fc', hidden: [100, 50] },
    optimizer: { name: 'sgd', learningRate: 0.05 },
    training: { iterations: segmentsEach * segmentIterations },
    allocation: { segmentIterations },
  }
  const answer = await fetch(`${url}/v1/experiments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  })
  if (answer.status !== 202) throw new Error(await answer.text())
  await answer.text()
}

async function ready(url: string): Promise<void> {
  for (const deadline = Date.now() + patience; ; await sleep(50)) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    if (Date.now() > deadline) throw new Error('the API is not ready after a minute')
  }
}

/** What a log of pino's holds, counted; what errors are about is not told apart by ids. */
function warningsIn(file: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const line of readFileSync(file, 'utf8')
    .split('\n')
    .filter(text => text.startsWith('{'))) {
    const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } }
    const said = `${msg}${err ? `: ${err.message.replaceAll(/[\da-f-]{20,}\S*/g, '…')}` : ''}`.slice(0, 160)
    found[said] = (found[said] ?? 0) + 1
  }
  return found
}

/** Seconds of processor that a process has had, and those of its children that it has buried. 0 where it is gone. */
function processorOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // utime, stime, cutime, cstime, in hundredths on every Linux.
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0)
  } catch {
    return 0
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function report(point: Measured): void {
  const { workers, seconds, segmentsPerSecond, connections, redis, lists, posts } = point
  const ideal = workers / seconds
  const ms = (times: number[], q: number) => `${(quantile(times, q) ?? 0).toFixed(0)} ms`
  const named = Object.entries(connections)
    .filter(([name]) => name.startsWith('loss-ledger worker'))
    .map(([name, most]) => `${name.replace('loss-ledger worker', '').trim() || 'own'} ${most}`)
  console.log(
    [
      `${workers} workers, ${seconds} s a segment: ${segmentsPerSecond.toFixed(1)} segments/s, ${((100 * segmentsPerSecond) / ideal).toFixed(0)} % of ${ideal.toFixed(1)}`,
      `  connections to Postgres ${connections.all} at most (workers: ${named.join(', ')})${redis ? `; to Redis ${redis.clients}` : ''}`,
      `  lock renewals ${point.renewals.toFixed(1)}/s, p99 ${point.renewalP99.toFixed(0)} ms, ${point.lost} failed; segments begun again ${point.retried}`,
      `  API: list p50 ${ms(lists, 0.5)}, p99 ${ms(lists, 0.99)}; post p50 ${ms(posts, 0.5)}, p99 ${ms(posts, 0.99)}`,
      `  cores: Postgres ${point.cores.toFixed(2)} (${point.transactions.toFixed(0)} transactions/s)${redis ? `, Redis ${redis.cores.toFixed(2)}` : ''}, API ${point.api.toFixed(2)}, workers ${point.fleet.toFixed(2)}; load ${point.load.toFixed(1)}`,
      ...Object.entries(point.warnings).map(([said, times]) => `  logged ${times} times: ${said}`),
    ].join('\n'),
  )
}

/** The model, and what it says of fleets that were not measured. */
function conclude(): void {
  if (points.length < 3) return
  const say = (name: string, of: Point[]) => {
    const model = fitModel(of)
    console.log(
      `${name} ≈ ${(1000 * model.perWorker).toFixed(2)} ms a worker and second + ${(1000 * model.perSegment).toFixed(1)} ms a segment (worst error ${(100 * model.worstError).toFixed(0)} %)`,
    )
    for (const seconds of [2, 20, 60])
      console.log(
        `  extrapolated: a core of it carries ${workersOn(model, 1, seconds).toFixed(0)} workers with segments of ${seconds} s`,
      )
  }
  say('Postgres', points)
  if (queue === 'redis')
    say(
      'Redis',
      points.map(point => ({ ...point, cores: point.redis?.cores ?? 0 })),
    )
}
