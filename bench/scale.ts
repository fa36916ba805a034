/**
 * `npm run bench:scale -- [--experiments 20000] [--full 8] [--iterations 9775] [--listeners 50]`: what a ledger costs that
 * has grown. In a temporary embedded Postgres, through the real tables: one full run of ResNet-20's size is recorded
 * segment by segment, copied `--full` times (70 MB each), and `--experiments` that left a summary and little else are put
 * beside them. Then it is read over HTTP, retention deletes nine tenths, and vacuum cleans up. The issue's size is
 * --experiments 100000 --full 1000: 70 GB.
 */
import { randomUUID } from 'node:crypto'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
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
import { startApi } from '../test/support/api.ts'
import { asStored, fakeEvaluations, fakeSpec } from '../test/support/fake-ledger.ts'

const { values } = parseArgs({
  options: {
    experiments: { type: 'string', default: '20000' },
    full: { type: 'string', default: '8' },
    iterations: { type: 'string', default: '9775' },
    listeners: { type: 'string', default: '50' },
  },
})
const [experiments, full] = [Number(values.experiments), Number(values.full)]
const [iterations, listeners] = [Number(values.iterations), Number(values.listeners)]
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

const api = await startApi({ LOG_LEVEL: 'error', LEDGER_MAX_TABLES: '0' })
const { db } = api
const base = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`
try {
  const id = await recordRun()
  await readRun(id)
  await stall(id)
  await grow(id)
  await lists()
  await expire()
} finally {
  await api.close()
}

/** One full run, as workers record it. */
async function recordRun(): Promise<string> {
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
  return id
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

/** Tables of one run. The reader is this process too, so the figures are of both. */
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
    const before = process.cpuUsage()
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    for (let i = 0; i < 5; i++) times.push(await timed(() => drain(`${base}/v1/experiments/${id}/${path}`)))
    delay.disable()
    const own = cpu(before) / 5
    const best = Math.min(...times)
    const rate = rows > 0 ? `, ${((rows / best) * 1000).toFixed(0)} rows/s` : ''
    console.log(
      `${what.padEnd(24)} best ${best.toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms${rate}, ${own.toFixed(0)} ms of this process each; event loop kept ≤ ${(delay.max / 1e6).toFixed(0)} ms${target ? `; target ${target}` : ''}`,
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
  const memory = process.memoryUsage().rss
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
  console.log(`memory for them: ${((process.memoryUsage().rss - memory) / 1e6).toFixed(0)} MB`)
  for (const request of requests) request.destroy()
}

/** More runs like that one, and many that are small, in 20 sweeps each; the oldest first. */
async function grow(id: string): Promise<void> {
  const { pool } = db
  const measures = (await makeMeasures(pool, [id])).get(id)
  const copy = async (table: string, columns: string, ids: string[]) => {
    await pool.query(
      `INSERT INTO ${table} (experiment_id, ${columns}) SELECT copy, ${columns} FROM ${table}, unnest($2::uuid[]) copy
        WHERE experiment_id = $1`,
      [id, ids],
    )
  }
  const add = async (count: number, whole: boolean) => {
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
  await pool.query(
    `INSERT INTO sweeps (id, name, request, variants, baseline)
     SELECT gen_random_uuid(), 'sweep ' || n, '{}', '{a,b}', 0 FROM generate_series(1, $1::int) n`,
    [Math.max(1, Math.ceil(experiments / 1000))],
  )
  const time = await timed(async () => {
    await add(full, true)
    for (let made = 0; made < experiments; made += 5000) await add(Math.min(5000, experiments - made), false)
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
  await of('summary of a sweep', i => `sweeps/${sweeps[i % sweeps.length].id}/summary`, 20)
}

function cursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

/** Retention: the older nine tenths go, while others read. */
async function expire(): Promise<void> {
  const times: number[] = []
  let sweeping = true
  const readers = (async () => {
    while (sweeping) {
      times.push(await timed(() => drain(`${base}/v1/experiments?limit=50`)))
      await sleep(5)
    }
  })()
  const log = pino({ level: 'warn' })
  let swept: Awaited<ReturnType<typeof sweep>>
  const time = await timed(async () => {
    swept = await sweep(db, noQueue, noObjects, 10, log)
  })
  sweeping = false
  await readers
  console.log(
    `\nretention: ${swept?.expired} experiments in ${(time / 1000).toFixed(1)} s, ${(time / (swept?.expired ?? 1)).toFixed(1)} ms each`,
  )
  report('list meanwhile', times, 50)
  const size = async () => {
    const { rows } = await db.pool.query<{ live: string; dead: string; bytes: string }>(
      `SELECT n_live_tup AS live, n_dead_tup AS dead, pg_total_relation_size(relid) AS bytes
         FROM pg_stat_user_tables WHERE relname = 'ledger_blocks'`,
    )
    return `${rows[0].live} live and ${rows[0].dead} dead blocks, ${(Number(rows[0].bytes) / 1e6).toFixed(0)} MB`
  }
  await sleep(1000)
  console.log(`before vacuum: ${await size()}`)
  const vacuum = await timed(() => db.pool.query('VACUUM'))
  await sleep(1000)
  console.log(`after vacuum (${(vacuum / 1000).toFixed(1)} s): ${await size()}`)
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
