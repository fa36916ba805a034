/**
 * `npm run bench -- --pages [--rounds 3] [--minutes 0.5] [--experiments 10000] [--only table,map,curve,overlay]
 * [--beside CHECKOUT] [--profile FOLDER]`: the pages in Chromium, over ledgers that have grown (grown.ts), in a temporary
 * embedded Postgres, from an API in a process of its own, as users have it. The table of 10,000 experiments, the heat map of
 * 9,775 iterations × 62 variables, the curve of 1,000,000 iterations, 50 experiments laid over each other: time to the first
 * paint, until what the page is for is there, and from a click to what it changes, each in a browser context of its own, with
 * nothing cached; what it asked for until then, and the processor time of the API and of the page's main thread, which say as
 * much where the machine has other work; and what the page has in memory while it is told of a hundred running experiments
 * for so many minutes. With another checkout, which is built, its API and pages take turns with these. A folder gets of each
 * view a .cpuprofile of its main thread and a list of what it asked for and when.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { median } from 'd3-array'
import type { Browser, CDPSession, Page } from 'playwright-core'
import type { Database } from '../src/store/database.ts'
import { launch, skipReason } from '../test/support/browser.ts'
import { testDatabase } from '../test/support/database.ts'
import { fill } from './grown.ts'

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
  /** Another checkout that is measured in turn with this one. */
  beside?: string | undefined
  /** Where profiles are written. */
  profile?: string | undefined
}): Promise<void> {
  if (skipReason !== undefined) throw new Error(skipReason)
  const database = await testDatabase()
  const directory = await mkdtemp(path.join(tmpdir(), 'loss-ledger-pages-'))
  const servers: Served[] = []
  let browser: Browser | undefined
  try {
    const start = performance.now()
    const made = await fill(database.db, options.experiments)
    console.log(`made up in ${((performance.now() - start) / 1000).toFixed(0)} s`)
    const here = fileURLToPath(new URL('../..', import.meta.url))
    for (const checkout of options.beside === undefined ? [here] : [here, path.resolve(options.beside)])
      servers.push(await serve(checkout, database.url, directory))
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
    for (const run of wanted) await measure(browser, servers, run, { rounds: options.rounds, profile })
    if (only !== undefined) return
    const [{ url }] = servers
    await scroll(browser, url, options.experiments)
    if (options.minutes > 0) await live(browser, database.db, url, options.minutes, made.running)
  } finally {
    await browser?.close()
    for (const server of servers) await server.stop()
    await database.close()
    await rm(directory, { recursive: true, force: true })
  }
}

type Served = {
  checkout: string
  url: string
  /** Milliseconds of processor time that its process has had. */
  busy(): Promise<number>
  stop(): Promise<void>
}

/** The API of a checkout over a database, without workers: what `npm start` runs. */
async function serve(checkout: string, databaseUrl: string, directory: string): Promise<Served> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--enable-source-maps', 'dist/src/cli/main.js', 'serve'],
    {
      cwd: checkout,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        ...{ DATABASE_URL: databaseUrl, LEDGER_DIR: directory, LEDGER_WORKERS: '0', PORT: '0' },
      },
    },
  )
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout! })
  const url = await Promise.race([
    new Promise<string>(resolve =>
      lines.on('line', line => line.includes('"workers":0') && resolve(JSON.parse(line).url)),
    ),
    ended.then(() => Promise.reject(new Error(`the API of ${checkout} did not start`))),
  ])
  return {
    checkout,
    url,
    async busy() {
      const text = await (await fetch(`${url}/metrics`)).text()
      return 1000 * Number(/^process_cpu_seconds_total ([\d.e-]+)$/m.exec(text)![1])
    },
    async stop() {
      child.kill()
      await ended
    },
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
  servers: Served[],
  run: Run,
  { rounds, profile }: { rounds: number; profile: string | undefined },
): Promise<void> {
  const times = new Map(servers.map(server => [server, [] as Measured[]]))
  // The first only warms up what the servers keep.
  for (let round = 0; round <= rounds; round++)
    for (const server of servers) {
      const folder = round === rounds && server === servers[0] ? profile : undefined
      const measured = await look(browser, server, run, folder)
      if (round > 0) times.get(server)!.push(measured)
    }
  for (const [{ checkout }, measured] of times) {
    const of = (name: keyof Measured) => median(measured, time => time[name])!
    const ms = (name: keyof Measured) => `${of(name).toFixed(0)} ms`
    const verdict = of('there') <= run.target ? 'within' : 'over'
    const best = Math.min(...measured.map(({ there }) => there)).toFixed(0)
    console.log(
      [
        `${run.what.padEnd(32)} first paint ${ms('paint')}, there ${ms('there')} (${verdict} the target of ${run.target}; at best ${best}), a click ${ms('acted')}`,
        `  ${of('requests')} requests of ${(of('bytes') / 1000).toFixed(0)} kB, the last answered at ${ms('answered')}; of processor ${ms('api')} of the API’s and ${ms('page')} of the page’s; median of ${rounds}, load ${loadavg()[0].toFixed(1)}${servers.length > 1 ? `, of ${checkout}` : ''}`,
      ].join('\n'),
    )
  }
}

/** Goes there once, and does what is to be done there. */
async function look(
  browser: Browser,
  { url, busy }: Served,
  run: Run,
  profile: string | undefined,
): Promise<Measured> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  if (profile !== undefined) {
    await session.send('Profiler.enable')
    await session.send('Profiler.setSamplingInterval', { interval: 200 })
    await session.send('Profiler.start')
  }
  const before = await busy()
  await page.goto(`${url}/${run.address}`, { waitUntil: 'commit' })
  const there = await until(page, run.there)
  const { metrics } = await session.send('Performance.getMetrics')
  const api = (await busy()) - before
  if (profile !== undefined) {
    const taken = await session.send('Profiler.stop')
    await writeFile(path.join(profile, `${run.name}.cpuprofile`), JSON.stringify(taken.profile))
    const asked = await page.evaluate<string[]>(waterfall)
    await writeFile(path.join(profile, `${run.name}.txt`), `${asked.join('\n')}\n`)
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
  const main = metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000
  return { paint, there, acted, answered, requests, bytes, api, page: main }
}

/** Of everything that was asked for: when, when its answer began and ended, in milliseconds; how many bytes; what it was. */
const waterfall = `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource'),
    ...performance.getEntriesByType('paint')].sort((a, b) => a.startTime - b.startTime).map(one =>
      [one.startTime, one.requestStart, one.responseStart, one.responseEnd, one.transferSize].map(value => (value ?? 0).toFixed(0).padStart(7)).join('')
        + '  ' + one.name.replace(location.origin, ''))`

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
  db: Database,
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
