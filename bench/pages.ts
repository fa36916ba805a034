/**
 * `npm run bench -- --pages [--rounds 3] [--minutes 0.5] [--experiments 10000] [--only table,map,curve,overlay]
 * [--profile FOLDER]`: the pages in Chromium, over ledgers that have grown, in a temporary embedded Postgres. The table of
 * 10,000 experiments, the heat map of 9,775 iterations × 62 variables, the curve of 1,000,000 iterations, 50 experiments laid
 * over each other: time to the first paint, until what the page is for is there, and from a click to what it changes, each in
 * a browser context of its own, with nothing cached; what it asked for until then, and the processor time of the API and of
 * the page's main thread, which say as much where the machine has other work; and what the page has in memory while it is
 * told of a hundred running experiments for so many minutes. A folder gets a .cpuprofile of each view's main thread.
 */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from 'd3-array'
import type { Browser, CDPSession, Page } from 'playwright-core'
import type { SegmentColumns } from '../src/lca/columns.ts'
import type { VariableFacts } from '../src/spec/facts.ts'
import type { SplitName } from '../src/spec/schema.ts'
import { insertBlocks } from '../src/store/blocks.ts'
import { coarsen } from '../src/store/coarsen.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { startApi, type TestApi } from '../test/support/api.ts'
import { launch, skipReason } from '../test/support/browser.ts'
import { asStored, fakeSpec } from '../test/support/fake-ledger.ts'

/** A run that is measured: where the reader goes, what says that it is there, and what they then do. */
type Run = {
  name: string
  what: string
  /** Milliseconds until it is there. */
  target: number
  address: string
  /** A JavaScript expression that is true once what the page is for is there. */
  there: string
  /** Does something, after which this is true. */
  act: string
  acted: string
}

const image = (says: string) =>
  `[...document.querySelectorAll('[role=img]')].some(one => (one.getAttribute('aria-label') ?? '').match(${says}))`
const press = (name: string) =>
  `[...document.querySelectorAll('button')].find(one => one.textContent === ${JSON.stringify(name)} || one.getAttribute('aria-label') === ${JSON.stringify(name)}).click()`

export async function measurePages(options: {
  rounds: number
  minutes: number
  experiments: number
  /** Names of the views that are measured; all if absent. */
  only?: string[] | undefined
  /** Where profiles are written. */
  profile?: string | undefined
}): Promise<void> {
  if (skipReason !== undefined) throw new Error(skipReason)
  const api = await startApi({ LOG_LEVEL: 'error', LEDGER_MAX_TABLES: '0', LEDGER_RATE_LIMIT: '0' })
  let browser: Browser | undefined
  try {
    const start = performance.now()
    const made = await fill(api, options.experiments)
    console.log(`made up in ${((performance.now() - start) / 1000).toFixed(0)} s`)
    const base = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`
    browser = await launch()
    const runs: Run[] = [
      {
        name: 'table',
        what: `table of ${options.experiments.toLocaleString('en')} experiments`,
        target: 1000,
        address: '#/experiments',
        there: `document.querySelectorAll('tbody tr[aria-rowindex]').length > 10`,
        act: press('Val. loss'),
        acted: `document.querySelector('th[aria-sort=descending]') && document.querySelectorAll('tbody tr[aria-rowindex]').length > 10`,
      },
      {
        name: 'map',
        what: 'heat map of 9,775 × 62',
        target: 500,
        address: `#/experiments/${made.map}?by=variable`,
        there: image('/^LCA on train of 62 variables in .*9775|^LCA on train of 62 variables/'),
        act: press('Zoom in'),
        acted: image('/^LCA on train of 62 variables in .* spans of 20 /'),
      },
      {
        name: 'curve',
        what: 'curve of 1,000,000',
        target: 300,
        address: `#/experiments/${made.curve}`,
        there: image('/^The train loss goes/'),
        act: press('Zoom in'),
        acted: `document.body.textContent.includes('iterations 250,000 to 750,000') && ${image('/^The train loss goes/')}`,
      },
      {
        name: 'overlay',
        what: '50 experiments overlaid',
        target: 1000,
        address: `#/overlay?${made.overlaid.map(id => `id=${id}`).join('&')}`,
        there: image('/^The train loss of 50 experiments/'),
        act: press('Logarithmic'),
        acted: `[...document.querySelectorAll('button[aria-pressed=true]')].some(one => one.textContent === 'Logarithmic')`,
      },
    ]
    const { only, profile } = options
    const wanted = runs.filter(({ name }) => only?.includes(name) ?? true)
    for (const run of wanted) await measure(browser, base, run, { rounds: options.rounds, profile })
    if (only !== undefined) return
    await scroll(browser, base, options.experiments)
    if (options.minutes > 0) await live(browser, api, base, options.minutes, made.running)
  } finally {
    await browser?.close()
    await api.close()
  }
}

/** Waits until an expression is true, looking once a frame; returns the page's own time then, in milliseconds. */
const until = (page: Page, expression: string): Promise<number> =>
  page.evaluate(
    `(async () => { while (!(${expression})) await new Promise(requestAnimationFrame); return performance.now() })()`,
  )

type Measured = Record<
  'paint' | 'there' | 'acted' | 'answered' | 'requests' | 'bytes' | 'api' | 'page',
  number
>

async function measure(
  browser: Browser,
  base: string,
  run: Run,
  { rounds, profile }: { rounds: number; profile: string | undefined },
): Promise<void> {
  const times: Measured[] = []
  // The first only warms up what the server keeps.
  for (let round = 0; round <= rounds; round++) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    const isProfiled = profile !== undefined && round === rounds
    if (isProfiled) {
      await session.send('Profiler.enable')
      await session.send('Profiler.setSamplingInterval', { interval: 200 })
      await session.send('Profiler.start')
    }
    const before = process.cpuUsage()
    await page.goto(`${base}/${run.address}`, { waitUntil: 'commit' })
    const there = await until(page, run.there)
    const { user, system } = process.cpuUsage(before)
    const { metrics } = await session.send('Performance.getMetrics')
    const busy = metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000
    if (isProfiled) {
      const taken = await session.send('Profiler.stop')
      await writeFile(path.join(profile, `${run.name}.cpuprofile`), JSON.stringify(taken.profile))
    }
    // What ended by then, and what it weighed on the wire.
    const [requests, bytes, answered, paint] = await page.evaluate<number[]>(`(() => {
      const asked = performance.getEntriesByType('resource').filter(one => one.responseEnd > 0 && one.responseEnd <= ${there})
      return [asked.length, asked.reduce((sum, one) => sum + one.transferSize, 0), Math.max(...asked.map(one => one.responseEnd)),
        performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0]
    })()`)
    // What loads with it is drawn before something is done. (The network is never idle where news come in.)
    await sleep(500)
    await page.evaluate('new Promise(resolve => requestIdleCallback(resolve, { timeout: 5000 }))')
    const acted = await page.evaluate<number>(
      `(async () => { const start = performance.now(); ${run.act}; await new Promise(requestAnimationFrame); while (!(${run.acted})) await new Promise(requestAnimationFrame); return performance.now() - start })()`,
    )
    await page.close()
    const measured = { paint, there, acted, answered, requests, bytes }
    if (round > 0) times.push({ ...measured, page: busy, api: (user + system) / 1000 })
  }
  const of = (name: keyof Measured) => median(times, time => time[name])!
  const ms = (name: keyof Measured) => `${of(name).toFixed(0)} ms`
  const verdict = of('there') <= run.target ? 'within' : 'over'
  const best = Math.min(...times.map(({ there }) => there)).toFixed(0)
  console.log(
    [
      `${run.what.padEnd(32)} first paint ${ms('paint')}, there ${ms('there')} (${verdict} the target of ${run.target}; at best ${best}), a click ${ms('acted')}`,
      `  ${of('requests')} requests of ${(of('bytes') / 1000).toFixed(0)} kB, the last answered at ${ms('answered')}; of processor ${ms('api')} of the API’s and ${ms('page')} of the page’s; median of ${rounds}`,
    ].join('\n'),
  )
}

/** Scrolls the table from its top to its end, as fast as rows come. */
async function scroll(browser: Browser, base: string, experiments: number): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  await page.goto(`${base}/#/experiments`)
  await until(page, `document.querySelectorAll('tbody tr[aria-rowindex]').length > 10`)
  const gaps = await page.evaluate<number[]>(`(async () => {
    const frame = document.querySelector('.virtual')
    const gaps = []
    let last = performance.now()
    const start = last
    while (performance.now() - start < 60000) {
      frame.scrollTop += 700
      const now = await new Promise(requestAnimationFrame)
      gaps.push(now - last)
      last = now
      if (Number(document.querySelector('table').getAttribute('aria-rowcount')) >= ${experiments} && frame.scrollTop + frame.clientHeight >= frame.scrollHeight - 2) break
    }
    return gaps
  })()`)
  const sorted = gaps.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(0)
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1000
  console.log(
    `${'scrolling all of the table'.padEnd(32)} ${seconds.toFixed(1)} s, frames: half within ${at(0.5)} ms, 99 % within ${at(0.99)} ms, the longest ${at(1)} ms`,
  )
  await page.close()
}

/** What the page of experiments, and of one that runs, have in memory while they are told of changes twice a second. */
async function live(
  browser: Browser,
  { db }: TestApi,
  base: string,
  minutes: number,
  running: string[],
): Promise<void> {
  const pages = await Promise.all(
    ['#/experiments?status=allocating', `#/experiments/${running[0]}`].map(async address => {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
      await page.goto(`${base}/${address}`)
      return { address, page, session: await page.context().newCDPSession(page) }
    }),
  )
  const heaps: number[][] = pages.map(() => [])
  const end = Date.now() + minutes * 60_000
  // Twenty looks, or one every minute where it is longer.
  const every = Math.min(60_000, (minutes * 60_000) / 20)
  let looked = 0
  for (let done = 1; Date.now() < end; done++) {
    await db.pool.query(
      `UPDATE segments SET done = $2 % 900 WHERE experiment_id = ANY ($1::uuid[]) AND status = 'trained'`,
      [running, done],
    )
    await db.pool.query('UPDATE experiments SET updated_at = now() WHERE id = ANY ($1::uuid[])', [running])
    await sleep(500)
    if (Date.now() - looked < every) continue
    looked = Date.now()
    for (const [i, { session }] of pages.entries()) heaps[i].push(await heapOf(session))
  }
  for (const [i, { address, page }] of pages.entries()) {
    const shown = heaps[i].filter((_, n) => n % Math.ceil(heaps[i].length / 6) === 0)
    console.log(
      `memory of ${address.split('?')[0].padEnd(21).slice(0, 21)} over ${minutes} min of news: ${shown.map(bytes => (bytes / 1e6).toFixed(1)).join(', ')} MB of JavaScript, after collecting`,
    )
    await page.close()
  }
}

async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  return (await session.send('Runtime.getHeapUsage')).usedSize
}

// ---------------------------------------------------------------------------------------------- made up

type Made = { map: string; curve: string; overlaid: string[]; running: string[] }

async function fill(api: TestApi, experiments: number): Promise<Made> {
  const map = await record(api, {
    iterations: 9775,
    variables: 62,
    splits: ['train', 'validation'],
    block: 391,
  })
  const curve = await record(api, { iterations: 1_000_000, variables: 2, splits: ['train'], block: 10_000 })
  const overlaid: string[] = []
  for (let n = 0; n < 50; n++)
    overlaid.push(await record(api, { iterations: 1000, variables: 4, splits: ['train'], block: 1000 }))
  const running: string[] = []
  for (let n = 0; n < 100; n++) {
    const id = randomUUID()
    await createExperiment(api.db, { id, spec: asStored(fakeSpec(1000, 1000, [])) })
    running.push(id)
  }
  await api.db.pool.query(
    `UPDATE experiments SET status = 'allocating', started_at = now(), allocating_at = now() WHERE id = ANY ($1::uuid[])`,
    [running],
  )
  await api.db.pool.query(`UPDATE segments SET status = 'trained' WHERE experiment_id = ANY ($1::uuid[])`, [
    running,
  ])
  // The rest have left their summaries, and are older.
  await api.db.pool.query(
    `INSERT INTO experiments (id, name, tags, spec, status, summary, engine, trained, created_at, started_at, finished_at)
     SELECT gen_random_uuid(), 'run ' || n, jsonb_build_object('study', 's' || n % 100), spec, 'succeeded',
            jsonb_set(summary, '{splits,validation}', jsonb_set(summary #> '{splits,train}', '{loss,final}', to_jsonb(random()))),
            engine, trained, at, at, at
       FROM experiments e, generate_series(1, $2::int) n,
            LATERAL (SELECT now() - interval '1 minute' * n AS at) times
      WHERE e.id = $1`,
    [overlaid[0], experiments - 152],
  )
  await api.db.pool.query('VACUUM ANALYZE')
  return { map, curve, overlaid, running }
}

type Size = { iterations: number; variables: number; splits: SplitName[]; block: number }

/** An experiment that has succeeded, with a ledger of this size. */
async function record({ db }: TestApi, size: Size): Promise<string> {
  const { iterations, splits, block } = size
  const id = randomUUID()
  const spec = fakeSpec(iterations, block, [])
  spec.allocation.splits = splits
  await createExperiment(db, { id, spec: asStored(spec) })
  const variables = variablesOf(size.variables)
  await db.prisma.variable.createMany({
    data: variables.map((one, index) => ({ experimentId: id, index, ...one })),
  })
  for (let from = 0; from < iterations; from += block)
    await insertBlocks(db.pool, id, { from, to: Math.min(iterations, from + block) }, columnsOf(size, from))
  const split = {
    loss: { initial: 2.3, final: 0.3 },
    accuracy: { initial: 0.1, final: 0.9 },
    ...{ lca: -2, helping: -4, hurting: 2, worstResidual: 1e-4 },
    ...{ helpFractionOfMoved: 0.5, helpFractionOfAll: 0.5, standardError: null },
  }
  const summary = {
    ...{ parameters: 4343, iterations, gradients: 2 * iterations, allocationSeconds: 1, unbalanced: null },
    splits: Object.fromEntries(splits.map(name => [name, split])),
  }
  await db.prisma.experiment.update({
    where: { id },
    data: {
      ...{ status: 'succeeded', summary, trained: iterations, name: `${iterations} iterations` },
      ...{ startedAt: new Date(), allocatingAt: new Date(), finishedAt: new Date() },
    },
  })
  await db.pool.query(
    `UPDATE segments SET status = 'allocated', done = "to" - "from" WHERE experiment_id = $1`,
    [id],
  )
  // As finalize does.
  await coarsen(db, id)
  return id
}

const variablesOf = (count: number): VariableFacts[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `layer_${i >> 1}/${i % 2 === 0 ? 'kernel' : 'bias'}`,
    layer: `layer_${i >> 1}`,
    shape: i % 2 === 0 ? [100, 43] : [43],
    offset: (i >> 1) * 4343 + (i % 2) * 4300,
    size: i % 2 === 0 ? 4300 : 43,
  }))

/** A loss that falls and trembles, and made up allocations whose digits are as random as measured ones. */
function columnsOf({ iterations, variables, splits, block }: Size, from: number): SegmentColumns[] {
  const rows = Math.min(block, iterations - from)
  const loss = (t: number) => 0.3 + 2 * Math.exp((-5 * t) / iterations) * (1 + 0.1 * Math.random())
  const floats = (length: number, sign: number) =>
    Float64Array.from({ length }, () => sign * Math.random() * 10 ** (-8 * Math.random()))
  const integers = (length: number) => Int32Array.from({ length }, () => 40 * Math.random())
  return splits.flatMap((split): SegmentColumns[] => {
    const all = rows * variables
    const [helping, hurting] = [floats(all, -1), floats(all, 1)]
    const before = Float64Array.from({ length: rows }, (_, i) => loss(from + i))
    return [
      {
        ...{ kind: 'iterations', split, of: 'iterations' },
        columns: {
          ...{ lossBefore: before, lossAfter: before.map((_, i) => before[i + 1] ?? loss(from + rows)) },
          ...{ lca: floats(rows, -1), residual: floats(rows, 1) },
          ...{ splits: integers(rows), helped: integers(rows), hurt: integers(rows) },
        },
      },
      {
        ...{ kind: 'allocations', split, of: 'iterations' },
        columns: {
          lca: helping.map((value, i) => value + hurting[i]),
          ...{ helping, hurting, squared: floats(all, 1), moved: floats(all, 1) },
          ...{ helped: integers(all), hurt: integers(all) },
        },
      },
    ]
  })
}
