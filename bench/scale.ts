/**
 * `npm run bench:scale -- [--experiments 20000] [--full 8] [--disk 25] [--iterations 9775] [--listeners 50] [--patience 180]`: what a
 * ledger costs that has grown. In a temporary embedded Postgres, through the real tables: one full run of ResNet-20's size is recorded
 * segment by segment, copied `--full` times (60 MB each), and `--experiments` that left a summary and little else are put
 * beside them. Then it is read over HTTP, retention deletes nine tenths while it is read, and autovacuum has `--patience` seconds to
 * clean up. No more full runs are made than `--disk` gigabytes hold, nor than two thirds of what the disk of the temporary
 * files (TMPDIR) has free. The issue's size is --experiments 100000 --full 1000 --disk 90.
 */
import { randomUUID } from 'node:crypto'
import { statfsSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { SegmentColumns } from '../src/lca/columns.ts'
import type { Objects } from '../src/objects/objects.ts'
import type { VariableFacts } from '../src/spec/facts.ts'
import { coarsen } from '../src/store/coarsen.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { makeMeasures } from '../src/store/measures.ts'
import { recordSegment } from '../src/store/segments.ts'
import { finishExperiment, incompleteSegments, summarise } from '../src/store/summary.ts'
import { sweep } from '../src/store/sweep.ts'
import { recordTraining, startExperiment } from '../src/store/training.ts'
import { testDatabase } from '../test/support/database.ts'
import { asStored, fakeEvaluations, fakeSpec } from '../test/support/fake-ledger.ts'
import { optionsOf } from './options.ts'
import { serveApart } from './served.ts'

const values = optionsOf(import.meta.url, {
  experiments: 20000,
  full: 8,
  disk: 25,
  patience: 180,
  iterations: 9775,
  listeners: 50,
})
const { experiments, patience, iterations, listeners } = values
const [segmentIterations, variableCount] = [50, 62]
const splits = ['train', 'validation'] as const
const cells = iterations * variableCount * splits.length

const variables: VariableFacts[] = Array.from({ length: variableCount }, (_, i) => ({
  name: `layer_${i >> 1}/${i % 2 === 0 ? 'kernel' : 'bias'}`,
  layer: `layer_${i >> 1}`,
  shape: i % 2 === 0 ? [100, 43] : [43],
  offset: (i >> 1) * 4343 + (i % 2) * 4300,
  size: i % 2 === 0 ? 4300 : 43,
}))
const computer = {
  worker: 'bench:1',
  engine: { name: 'native', version: '2.21.0', threads: 2, device: 'cpu' },
} as const
const noQueue = { submit: async () => {}, remove: async () => {} }
const noObjects = {
  remove: async () => {},
  names: async () => [],
  sweep: async () => {},
} as unknown as Objects

const database = await testDatabase()
const { db } = database
const api = await serveApart(database.url)
const base = api.url
try {
  const { id, bytes } = await recordRun()
  const full = mostFull(values.full, bytes)
  await readRun(id)
  await stall(id)
  await grow(id, full)
  await lists()
  await expire(id)
} finally {
  await api.stop()
  await database.close()
}

/** One full run, as workers record it. */
async function recordRun(): Promise<{ id: string; bytes: number }> {
  const id = randomUUID()
  const spec = fakeSpec(iterations, segmentIterations, [])
  await createExperiment(db, { id, spec: asStored(spec) })
  await startExperiment(db, id, computer)
  await recordTraining(db, id, variables, { segments: [], objects: [] }, computer)
  const times: number[] = []
  const recording = process.cpuUsage()
  for (let from = 0, index = 0; from < iterations; from += segmentIterations, index++) {
    const to = Math.min(iterations, from + segmentIterations)
    const result = {
      ...{ columns: madeUp(from, to), evaluations: fakeEvaluations(spec, from, to), objects: [] },
      ...{ seconds: 1, gradients: 2 * (to - from) },
    }
    times.push(await timed(() => recordSegment(db, id, index, result, computer)))
  }
  report('recording a segment', times, 10)
  console.log(`  of that ${(cpu(recording) / times.length).toFixed(1)} ms of this process`)
  const incomplete = await incompleteSegments(db, id, spec)
  if (incomplete.length > 0) throw new Error(`segments ${incomplete} are not complete`)
  let summed: Awaited<ReturnType<typeof summarise>> | undefined
  const summing = await timed(async () => {
    summed = await summarise(db, id, spec)
  })
  console.log(`summing the whole run up: ${summing.toFixed(0)} ms`)
  await finishExperiment(db, id, summed!, [])
  // What finalize does besides.
  const coarsening = await timed(() => coarsen(db, id))
  console.log(`coarse tables of it: ${coarsening.toFixed(0)} ms`)
  const { rows } = await db.pool.query<{ bytes: string }>(
    `SELECT pg_total_relation_size('ledger_blocks') AS bytes`,
  )
  const bytes = Number(rows[0].bytes)
  console.log(
    `stored: ${(bytes / 1e6).toFixed(1)} MB for ${cells} (iteration, variable, split), ${(bytes / cells).toFixed(1)} bytes each; target ≤ 60`,
  )
  return { id, bytes }
}

/** How many full runs of so many bytes there may be; half as much again is for Postgres's log, and 20 KB for every other. */
function mostFull(wanted: number, bytes: number): number {
  const { bavail, bsize } = statfsSync(tmpdir())
  const room = Math.min(values.disk * 1e9, (bavail * bsize * 2) / 3) - experiments * 20_000
  const most = Math.max(0, Math.floor(room / (1.5 * bytes)))
  if (most < wanted) console.log(`${most} full runs instead of ${wanted}: there is no room for more`)
  return Math.min(most, wanted)
}

/** Sums of made up numbers that are as random in their digits as measured ones. */
function madeUp(from: number, to: number): SegmentColumns[] {
  const units = (variableCount / 2) * 43
  const floats = (length: number, sign: number) =>
    Float64Array.from({ length }, () => sign * Math.random() * 10 ** (-8 * Math.random()))
  return splits.flatMap((split): SegmentColumns[] => {
    const [rows, all] = [to - from, (to - from) * variableCount]
    /** As aggregate.ts and neurons.ts leave them. */
    const flows = (length: number) => {
      const [helping, hurting] = [floats(length, -1), floats(length, 1)]
      return { lca: helping.map((value, i) => value + hurting[i]), helping, hurting }
    }
    const integers = (length: number) => Int32Array.from({ length }, () => 4300 * Math.random())
    const losses = (first: number) => Float64Array.from({ length: rows }, (_, i) => lossOf(first + i))
    return [
      {
        ...{ kind: 'iterations', split, of: 'iterations' },
        columns: {
          // Books that balance: what is left out of a sweep's summary costs nothing.
          ...{ lossBefore: losses(from), lossAfter: losses(from + 1), lca: floats(rows, -1) },
          residual: floats(rows, 1e-9),
          ...{ splits: new Int32Array(rows).fill(1), helped: integers(rows), hurt: integers(rows) },
        },
      },
      {
        ...{ kind: 'allocations', split, of: 'iterations' },
        columns: {
          ...flows(all),
          ...{ squared: floats(all, 1), moved: floats(all, 1) },
          ...{ helped: integers(all), hurt: integers(all) },
        },
      },
      {
        ...{ kind: 'neurons', split, of: 'segment' },
        columns: flows(units),
      },
    ]
  })
}

/** Falls, up and down from one iteration to the next. */
function lossOf(iteration: number): number {
  return Math.exp(-iteration / 5000) + Math.sin(iteration) / 10
}

/** Tables of one run. What the API's process has of the processor is without Postgres, and without this one, which reads. */
async function readRun(id: string): Promise<void> {
  const bucket = Math.ceil(iterations / 1000)
  const tables: [what: string, path: string, rows: number, target?: string][] = [
    ['heat map, Arrow', `allocations?bucket=${bucket}&by=variable&format=arrow`, 0, '< 300 ms'],
    ['heat map, JSON', `allocations?bucket=${bucket}&by=layer`, 0, '< 300 ms'],
    ['all of a split, Arrow', 'allocations?by=variable&format=arrow', cells / 2, '≥ 2,000,000 rows/s'],
    ['all of a split, CSV', 'allocations?by=variable&format=csv', cells / 2],
    ['iterations?points=1000', 'iterations?points=1000', 0],
    ['layers', 'layers', 0, '< 50 ms'],
    ['neurons', 'neurons', 0],
  ]
  for (const [what, path, rows, target] of tables) {
    const times: number[] = []
    const told = await api.watch()
    for (let i = 0; i < 5; i++) times.push(await timed(() => drain(`${base}/v1/experiments/${id}/${path}`)))
    const { cpu, kept } = await told()
    const best = Math.min(...times)
    const rate = rows > 0 ? `, ${((rows / best) * 1000).toFixed(0)} rows/s` : ''
    console.log(
      `${what.padEnd(24)} best ${best.toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms${rate}, ${(cpu / 5).toFixed(0)} ms of the API’s process each, whose event loop is kept ≤ ${kept.toFixed(0)} ms${target ? `; target ${target}` : ''}`,
    )
  }
}

/** Reads an answer to its end without keeping any of it. */
function drain(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, answer => {
      if (answer.statusCode !== 200) reject(new Error(`${answer.statusCode} from ${url}`))
      answer.resume().on('end', resolve).on('error', reject)
    }).on('error', reject)
  })
}

/** Clients that ask for everything and read nothing, and what others notice of them. */
async function stall(id: string): Promise<void> {
  const url = `${base}/v1/experiments/${id}/allocations?by=variable`
  const { memory } = await (await api.watch())()
  const told = await api.watch({ turns: true })
  const requests = Array.from({ length: listeners }, () =>
    get(url, { agent: false }, answer => answer.pause()).on('error', () => {}),
  )
  const times: number[] = []
  const start = performance.now()
  while (performance.now() - start < 5000) {
    times.push(await timed(() => drain(`${base}/healthz`)))
    await sleep(20)
  }
  report(`/healthz beside ${listeners} that never read`, times, 50)
  const work = await told()
  const turns = (part: 'cpu' | 'waited') => work.turns.map(turn => turn[part])
  report('  of the processor, turns of its loop', turns('cpu'), 50)
  report('  waiting for a processor, turns of it', turns('waited'), 50)
  console.log(`memory for them: ${((work.memory - memory) / 1e6).toFixed(0)} MB`)
  for (const request of requests) request.destroy()
}

/** So many experiments like this one, over the last 100 days; `whole`: with all of its ledger. */
async function add(id: string, count: number, whole: boolean): Promise<void> {
  const { pool } = db
  const measures = (await makeMeasures(pool, [id])).get(id)
  const copy = async (table: string, columns: string, ids: string[]) => {
    await pool.query(
      `INSERT INTO ${table} (experiment_id, ${columns}) SELECT copy, ${columns} FROM ${table}, unnest($2::uuid[]) copy
        WHERE experiment_id = $1`,
      [id, ids],
    )
  }
  const ids = Array.from({ length: count }, () => randomUUID())
  await pool.query(
    `INSERT INTO experiments (id, name, tags, spec, status, summary, measures, engine, trained, recorded, created_at,
                              started_at, allocating_at, finished_at, sweep_id, variant, sweep_index)
     SELECT copy, 'run ' || n, jsonb_build_object('study', 's' || n % 100, 'n', n::text), spec, 'succeeded', summary, $4, engine,
            trained, recorded, at, at, at, at, sweeps[1 + n % cardinality(sweeps)], n / cardinality(sweeps) % 2, n
       FROM experiments e, unnest($2::uuid[]) WITH ORDINALITY AS ids (copy, n),
            LATERAL (SELECT now() - interval '100 days' * (1 - n::float8 / $3) AS at) times,
            (SELECT array_agg(id) AS sweeps FROM sweeps) s
      WHERE e.id = $1`,
    [id, ids, count, measures],
  )
  await copy('variables', '"index", name, layer, shape, "offset", size', ids)
  await copy(
    'variable_totals',
    'split, variable, iterations, lca, helping, hurting, squared, helped, hurt',
    whole ? ids : ids.slice(0, Math.min(ids.length, 1000)),
  )
  if (!whole) return
  for (const one of ids) {
    await copy('segments', '"index", "from", "to", status, done, worker, engine, evaluations', [one])
    await copy('ledger_blocks', 'kind, split, "from", "to", columns, data', [one])
  }
}

/** More runs like that one, and many that are small, a thousand a sweep; the oldest first. */
async function grow(id: string, full: number): Promise<void> {
  const { pool } = db
  await pool.query(
    `INSERT INTO sweeps (id, name, request, variants, baseline)
     SELECT gen_random_uuid(), 'sweep ' || n, '{}', '{a,b}', 0 FROM generate_series(1, $1::int) n`,
    [Math.max(1, Math.ceil(experiments / 1000))],
  )
  const time = await timed(async () => {
    await add(id, full, true)
    for (let made = 0; made < experiments; made += 5000)
      await add(id, Math.min(5000, experiments - made), false)
    await pool.query('VACUUM ANALYZE')
  })
  const { rows } = await pool.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes')
  console.log(
    `\n${experiments} experiments and ${full} full runs: ${(Number(rows[0].bytes) / 1e6).toFixed(0)} MB, made in ${(time / 1000).toFixed(0)} s`,
  )
}

async function lists(): Promise<void> {
  const { rows } = await db.pool.query<{ id: string }>(
    'SELECT id FROM experiments ORDER BY random() LIMIT 200',
  )
  const { rows: sweeps } = await db.pool.query<{ id: string }>('SELECT id FROM sweeps')
  const of = async (what: string, path: (i: number) => string, times = 200) => {
    const taken: number[] = []
    for (let i = 0; i < times; i++) taken.push(await timed(() => drain(`${base}/v1/${path(i)}`)))
    report(what, taken, 50)
  }
  await of('list', () => 'experiments?limit=50')
  await of('list, a page further on', i => `experiments?limit=50&cursor=${cursor(rows[i % rows.length].id)}`)
  await of('list by status', () => 'experiments?status=succeeded&limit=50')
  await of('list by a status that is rare', () => 'experiments?status=failed&limit=50')
  await of('search by tag', i => `experiments?tag=study:s${i % 100}&limit=50`)
  await of('search by a tag that is rare', i => `experiments?tag=n:${1 + i}&limit=50`)
  await of('one experiment', i => `experiments/${rows[i % rows.length].id}`)
  await of('sweeps', () => 'sweeps?limit=50', 50)
  await of('experiments of a sweep', i => `experiments?sweep=${sweeps[i % sweeps.length].id}&limit=50`)
  const summary = (i: number) => `sweeps/${sweeps[i % sweeps.length].id}/summary`
  await of('summary of a sweep', summary, sweeps.length)
  await of('the same again', summary)
}

function cursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

/** Retention: the older nine tenths go, while others read; then autovacuum has its time, and new runs come in. */
async function expire(id: string): Promise<void> {
  const { pool } = db
  const { rows: sweeps } = await pool.query<{ id: string }>('SELECT id FROM sweeps')
  const paths = {
    'list meanwhile': () => 'experiments?limit=50',
    'search by tag meanwhile': (i: number) => `experiments?tag=study:s${i % 100}&limit=50`,
    'summary of a sweep meanwhile': (i: number) => `sweeps/${sweeps[i % sweeps.length].id}/summary`,
  }
  let sweeping = true
  const readers = Object.entries(paths).map(async ([what, path], reader) => {
    const times: number[] = []
    for (let i = 0; sweeping; i++) {
      times.push(await timed(() => drain(`${base}/v1/${path(i)}`)))
      await sleep(reader === 0 ? 5 : 250)
    }
    return { what, times }
  })
  const log = pino({ level: 'warn' })
  let swept: Awaited<ReturnType<typeof sweep>>
  const time = await timed(async () => {
    swept = await sweep(db, noQueue, noObjects, 10, log)
  })
  sweeping = false
  console.log(
    `\nretention: ${swept?.expired} experiments in ${(time / 1000).toFixed(1)} s, ${(time / (swept?.expired ?? 1)).toFixed(1)} ms each`,
  )
  for (const { what, times } of await Promise.all(readers)) report(what, times, 50)
  console.log(`at once: ${await tables()}`)
  const waiting = performance.now()
  for (let left = patience; left > 0; left -= 10) {
    await sleep(10_000)
    const { rows } = await pool.query<{ dead: string }>(
      `SELECT sum(n_dead_tup) AS dead FROM pg_stat_all_tables WHERE schemaname IN ('public', 'pg_toast') AND relname !~ '^pg_(?!toast)'`,
    )
    if (Number(rows[0].dead) < 10_000) break
  }
  console.log(`after ${((performance.now() - waiting) / 1000).toFixed(0)} s of autovacuum: ${await tables()}`)
  await add(id, 20, true)
  console.log(`with 20 full runs more: ${await tables()}`)
  const vacuum = await timed(() => pool.query('VACUUM'))
  await sleep(1000)
  console.log(`after VACUUM by hand (${(vacuum / 1000).toFixed(1)} s): ${await tables()}`)
}

/** What the tables are that grow. */
async function tables(): Promise<string> {
  const { rows } = await db.pool.query<Record<'name' | 'live' | 'dead' | 'bytes' | 'vacuums', string>>(
    `SELECT CASE WHEN owner.relname IS NULL THEN t.relname ELSE owner.relname || ' out of line' END AS name,
            n_live_tup AS live, n_dead_tup AS dead, pg_relation_size(relid) AS bytes, autovacuum_count AS vacuums
       FROM pg_stat_all_tables t LEFT JOIN pg_class owner ON owner.reltoastrelid = t.relid
      WHERE t.relname IN ('ledger_blocks', 'experiments', 'variables', 'variable_totals')
         OR owner.relname IN ('ledger_blocks', 'experiments')
      ORDER BY name`,
  )
  return rows
    .map(
      ({ name, live, dead, bytes, vacuums }) =>
        `\n  ${name.padEnd(26)} ${live.padStart(9)} live, ${dead.padStart(9)} dead, ${(Number(bytes) / 1e6).toFixed(0).padStart(6)} MB, vacuumed ${vacuums} times`,
    )
    .join('')
}

/** Milliseconds of processor that this process has had since: what a busy machine does not distort. */
function cpu(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function report(what: string, times: number[], target: number): void {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1)
  console.log(
    `${what.padEnd(40)} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms (${times.length}); target ${target} ms`,
  )
}
