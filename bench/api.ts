/**
 * `npm run bench:api`: the API beside what it cannot be faster than, on an embedded Postgres of its own. Every figure has
 * its floor, measured in the same run: an empty Fastify route for requests, the bare SQL and JSON.stringify for tables,
 * connections of a bare HTTP server for listeners. All traffic goes to 127.0.0.1; the load comes from a second process.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import autocannon from 'autocannon'
import { fastify } from 'fastify'
import { insertBlocks } from '../src/store/blocks.ts'
import { minimalSpec, post, startApi } from '../test/support/api.ts'

const iterations = 1000
const variables = 62
const listeners = 1000

type Load = Pick<autocannon.Options, 'url' | 'method' | 'body' | 'headers' | 'connections' | 'duration'>
type Download = { url: string; encoding: 'identity' | 'gzip' }
type Measured = { rate: number; p50: number; p99: number; errors: number }

// The child process: makes requests, or holds connections open, and says what came of it.
if (process.send) {
  process.on(
    'message',
    async ({ load, hold, download }: { load?: Load; hold?: string; download?: Download }) => {
      if (load) {
        const { requests, latency, non2xx, errors } = await autocannon(load as autocannon.Options)
        const measured: Measured = {
          ...{ rate: requests.average, p50: latency.p50, p99: latency.p99 },
          errors: non2xx + errors,
        }
        process.send!(measured)
      } else if (download) {
        const start = performance.now()
        // What fetch would ask for by itself is gzip.
        const answer = await fetch(download.url, { headers: { 'accept-encoding': download.encoding } })
        const { byteLength } = await answer.arrayBuffer()
        process.send!({ bytes: byteLength, time: performance.now() - start })
      } else if (hold) {
        let open = 0
        for (let i = 0; i < listeners; i++)
          get(hold, { agent: false }, answer => {
            answer.resume()
            if (++open === listeners) process.send!(open)
          })
      }
    },
  )
} else {
  await main()
}

async function main(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url))
  const ask = async <T>(message: object): Promise<T> => {
    child.send(message)
    return (await once(child, 'message'))[0]
  }
  const under = (load: Load) => ask<Measured>({ load: { connections: 200, duration: 4, ...load } })

  const empty = fastify()
  empty.get('/', async () => ({ status: 'ok' }))
  const emptyUrl = await empty.listen({ port: 0, host: '127.0.0.1' })
  const api = await startApi({ LOG_LEVEL: 'warn' })
  const base = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`
  const id = await post(api, { ...minimalSpec(iterations), allocation: { segmentIterations: iterations } })
  await fill(id)

  const floor = await under({ url: emptyUrl })
  report('empty route', floor)
  const one = await under({ url: `${base}/v1/experiments/${id}` })
  report('GET one experiment', one, floor)
  const spec = JSON.stringify(minimalSpec())
  const posts = await under({
    ...{ url: `${base}/v1/experiments`, method: 'POST', body: spec, connections: 20 },
    headers: { 'content-type': 'application/json' },
  })
  report('POST experiments', posts, floor)

  await tables()
  await events()
  child.kill()
  await empty.close()
  await api.close()

  async function fill(experiment: string): Promise<void> {
    const { pool } = api.db
    await pool.query(
      `INSERT INTO variables SELECT $1, i, 'layer_' || i / 2 || '/' || i % 2, 'layer_' || i / 2, '{10,10}', i * 100, 100
         FROM generate_series(0, $2::int - 1) i`,
      [experiment, variables],
    )
    const cells = iterations * variables
    const random = () => Float64Array.from({ length: cells }, Math.random)
    const columns = {
      ...{ lca: random(), helping: random(), hurting: random(), squared: random(), moved: random() },
      ...{ helped: new Int32Array(cells).fill(40), hurt: new Int32Array(cells).fill(50) },
    }
    const span = { from: 0, to: iterations }
    await insertBlocks(pool, experiment, span, [
      { kind: 'allocations', split: 'train', of: 'iterations', columns },
    ])
    await pool.query('ANALYZE')
  }

  async function tables(): Promise<void> {
    const sql = `SELECT data FROM ledger_blocks WHERE experiment_id = $1 AND kind = 'allocations' ORDER BY "from"`
    const bare = await fastest(async () => (await api.db.pool.query(sql, [id])).rows)
    // What the table holds, names and all.
    const table = await fetch(`${base}/v1/experiments/${id}/allocations?by=variable`)
    const document = await table.json()
    const written = await fastest(async () => JSON.stringify(document))
    console.log(`\n${iterations} iterations × ${variables} variables`)
    console.log(`  bare SQL ${ms(bare)}, JSON.stringify ${ms(written)}: target ≤ ${ms(2 * (bare + written))}`)
    for (const encoding of ['identity', 'gzip'] as const)
      for (const format of ['json', 'csv', 'ndjson', 'arrow'])
        await oneTable(format, encoding, bare + written)
  }

  async function oneTable(format: string, encoding: Download['encoding'], floor: number): Promise<void> {
    const url = `${base}/v1/experiments/${id}/allocations?by=variable&format=${format}`
    let bytes = 0
    let time = Number.POSITIVE_INFINITY
    for (let i = 0; i < 7; i++) {
      const fetched = await ask<{ bytes: number; time: number }>({ download: { url, encoding } })
      bytes = fetched.bytes
      time = Math.min(time, fetched.time)
    }
    const ratio = (time / floor).toFixed(2)
    console.log(
      `  ${`${format}${encoding === 'gzip' ? ' gzip' : ''}`.padEnd(12)} ${ms(time)}  ${(bytes / 1e6).toFixed(1)} MB  ${ratio} × (SQL + stringify)`,
    )
  }

  async function events(): Promise<void> {
    const bareServer = createServer((_request, answer) => {
      answer.writeHead(200)
      answer.write('\n')
    }).listen(0, '127.0.0.1')
    await once(bareServer, 'listening')
    const bareCost = await costOf(`http://127.0.0.1:${(bareServer.address() as AddressInfo).port}/`)
    const cost = await costOf(`${base}/v1/experiments/${id}/events`)
    const kB = ({ heap, rss }: { heap: number; rss: number }) =>
      `${(heap / 1e3).toFixed(1)} kB heap and buffers, ${(rss / 1e3).toFixed(1)} kB resident`
    console.log(`\n${listeners} listeners on one experiment (${api.app.broadcasts.listeners()} open), each`)
    console.log(`  bare HTTP connection  ${kB(bareCost)}`)
    console.log(`  event stream          ${kB(cost)}`)
    bareServer.closeAllConnections()
    bareServer.close()
  }

  async function costOf(url: string): Promise<{ heap: number; rss: number }> {
    const before = memory()
    await ask({ hold: url })
    const after = memory()
    return { heap: (after.heap - before.heap) / listeners, rss: (after.rss - before.rss) / listeners }
  }
}

function memory(): { heap: number; rss: number } {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

async function fastest(work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 7; i++) {
    const start = performance.now()
    await work()
    best = Math.min(best, performance.now() - start)
  }
  return best
}

function ms(time: number): string {
  return `${time.toFixed(0)} ms`
}

function report(what: string, { rate, p50, p99, errors }: Measured, floor?: Measured): void {
  const share = floor ? `  ${((100 * rate) / floor.rate).toFixed(0)} % of the empty route` : ''
  const failed = errors > 0 ? `  ${errors} ERRORS` : ''
  console.log(`${what.padEnd(20)} ${rate.toFixed(0)}/s  p50 ${p50} ms  p99 ${p99} ms${share}${failed}`)
}
