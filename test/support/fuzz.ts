/**
 * Requests that nobody means well, by the thousand and from a seed: specs that are nearly right, parameters of every wrong
 * kind, names that climb, numbers without end. Nothing of it may be answered with a 5xx, hang, tell of the inside, break
 * the contract, or stay behind.
 */
import assert from 'node:assert/strict'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { exampleSpec } from '../../src/api/schemas/experiments.ts'
import { minimalSpec, startApi } from './api.ts'
import { check } from './conformance.ts'

const longest = 10_000
/** What only the inside knows: stack traces, files, the database's own words. */
const leaks =
  /\bat \S+ \(|node:internal|node_modules|\.[jt]s:\d|relation "|syntax error|violates|SQLSTATE|Prisma|\/dist\//

export type FuzzResult = { sent: number; statuses: Record<number, number> }

type Request = { method: string; path: string; headers: Record<string, string>; body?: string }
type Answer = { status: number; headers: IncomingHttpHeaders; text: string }
type Random = ReturnType<typeof randomness>

/** Sends `count` requests made from `seed`. Throws with the request that went wrong. */
export async function fuzz(seed: number, count: number): Promise<FuzzResult> {
  const api = await startApi({ LOG_LEVEL: 'silent' })
  const { port } = api.app.server.address() as { port: number }
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const random = randomness(seed)
  const ids: string[] = []
  const statuses: Record<number, number> = {}
  let sent = 0
  const worker = async () => {
    while (sent < count) {
      const number = sent++
      const asked = makeRequest(random, ids)
      const what = () => `seed ${seed}, request ${number}: ${JSON.stringify(asked).slice(0, 2000)}`
      const { status, headers, text } = await send(agent, port, asked).catch(error =>
        assert.fail(`${what()}\n${error}`),
      )
      statuses[status] = (statuses[status] ?? 0) + 1
      assert.ok(status < 500, `${status} for ${what()}\n${text.slice(0, 1000)}`)
      assert.doesNotMatch(text.replaceAll(asked.body ?? '\0', ''), leaks, what())
      assert.ok(!text.includes(api.directory), what())
      const isJson = /^application\/(problem\+)?json/.test(headers['content-type'] ?? '')
      const body = isJson && text !== '' ? JSON.parse(text) : text
      const { problem } = check({ ...asked, status, headers: headers as Record<string, string>, body })
      assert.equal(problem, undefined, what())
      if (status === 202 && !ids.includes(body.id)) ids.push(body.id)
    }
  }
  try {
    await Promise.all(Array.from({ length: 12 }, worker))
    for (const id of ids) await api.http.delete(`/v1/experiments/${id}`)
    for (const table of ['experiments', 'segments', 'variables', 'artifacts', 'deliveries', 'api_keys']) {
      const { rows } = await api.db.pool.query(`SELECT count(*)::int AS count FROM ${table}`)
      assert.equal(rows[0].count, 0, `seed ${seed} left rows in ${table}`)
    }
    await api.http.get('/readyz').expect(200)
  } finally {
    agent.destroy()
    await api.close()
  }
  return { sent, statuses }
}

function send(agent: Agent, port: number, { method, path, headers, body }: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, answer => {
      const chunks: Buffer[] = []
      const done = () => {
        clearTimeout(timer)
        resolve({ status: answer.statusCode!, headers: answer.headers, text: String(Buffer.concat(chunks)) })
      }
      answer.on('data', chunk => {
        chunks.push(chunk)
        // A stream of events goes on until its experiment ends.
        if (answer.headers['content-type'] !== 'text/event-stream') return
        done()
        sent.destroy()
      })
      answer.on('end', done)
    })
    const timer = setTimeout(() => {
      reject(new Error(`no answer in ${longest} ms`))
      sent.destroy()
    }, longest)
    sent.on('error', reject)
    sent.end(body)
  })
}

// ---------------------------------------------------------------------------------------------- the requests

function makeRequest(random: Random, ids: string[]): Request {
  const { pick, chance } = random
  const id = () => (ids.length > 0 && chance(0.7) ? pick(ids) : encode(hostileText(random)))
  const headers: Record<string, string> = {}
  if (chance(0.1)) headers[pick(headerNames)] = headerText(random)
  if (chance(0.6)) {
    const path = pick(['/v1/experiments', '/v1/experiments/preview', '/v1/experiments/preview'])
    headers['content-type'] = chance(0.95) ? 'application/json' : headerText(random)
    if (chance(0.1)) headers['idempotency-key'] = chance(0.5) ? 'again' : headerText(random)
    return { method: 'POST', path, headers, body: makeBody(random) }
  }
  const leaf = pick([
    '',
    '/layers',
    '/iterations',
    '/allocations',
    '/artifacts',
    '/events',
    '/cancel',
    '/retry',
    '/x',
  ])
  const path = pick([
    () => `/v1/experiments/${id()}${leaf}`,
    () => `/v1/experiments/${id()}/artifacts/${pick(climbs)}${encode(hostileText(random))}`,
    () => '/v1/experiments',
    () => `/${encode(hostileText(random))}`,
    () => pick(['/healthz', '/v1/datasets', '/v1/architectures', '/v1/webhooks/secret', '/openapi.yaml']),
  ])()
  const query = chance(0.6) ? `?${makeQuery(random)}` : ''
  const method = chance(0.8) ? 'GET' : pick(['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
  return { method, path: path + query, headers }
}

function makeQuery(random: Random): string {
  const { pick, chance, int } = random
  return Array.from({ length: 1 + int(3) }, () => {
    const name = chance(0.9) ? pick(queryNames) : encode(hostileText(random))
    const value = chance(0.5)
      ? pick(queryValues)
      : chance(0.5)
        ? String(hostileNumber(random))
        : hostileText(random)
    return `${name}=${encode(value)}`
  }).join('&')
}

/** A spec as it should be, with some of it changed; or no spec at all. */
function makeBody(random: Random): string {
  const { pick, chance, int } = random
  if (chance(0.03)) return `${'{"layers":'.repeat(1 + int(5000))}1`
  if (chance(0.03)) return `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  if (chance(0.03)) return JSON.stringify(hostileValue(random, 3))
  const spec = structuredClone(
    pick<object>([minimalSpec(), exampleSpec, { ...minimalSpec(), notify: [{ url: 'http://a.example' }] }]),
  )
  for (let changes = int(4); changes > 0; changes--) change(random, spec)
  const text = JSON.stringify(spec, (_, value) => (value === Number.POSITIVE_INFINITY ? 'INFINITE' : value))
  const body = text.replaceAll('"INFINITE"', pick(['1e999', '-1e999', 'NaN', `${'9'.repeat(400)}`]))
  return chance(0.03) ? body.slice(0, int(body.length)) : body
}

function change(random: Random, node: object): void {
  const { pick, chance } = random
  const record = node as Record<string, unknown>
  const key = pick([...Object.keys(record), ...specKeys])
  const child = Object.hasOwn(record, key) ? record[key] : undefined
  if (typeof child === 'object' && child !== null && chance(0.7)) change(random, child)
  else if (chance(0.15)) delete record[key]
  // Defined, not assigned: __proto__ is a key like any other.
  else
    Object.defineProperty(record, chance(0.05) ? hostileText(random) : key, {
      ...{ value: hostileValue(random, 2), enumerable: true, configurable: true, writable: true },
    })
}

function hostileValue(random: Random, depth: number): unknown {
  const { pick, chance, int } = random
  if (depth > 0 && chance(0.2)) return Array.from({ length: int(4) }, () => hostileValue(random, depth - 1))
  if (depth > 0 && chance(0.2))
    return Object.fromEntries(
      Array.from({ length: int(4) }, () => [pick(specKeys), hostileValue(random, depth - 1)]),
    )
  if (chance(0.5)) return hostileNumber(random)
  return pick([null, true, false, '', {}, [], hostileText(random), 'sgd', 'fc', 'mnist', 'train', 'cosine'])
}

function hostileNumber({ pick, int }: Random): number {
  return pick([
    ...[0, -0, 1, 2, 8, 10, 100, -1, 0.5, 1e-320, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, -(2 ** 31)],
    ...[Number.POSITIVE_INFINITY, 10_000_000, 100_001, int(1000), int(2 ** 31)],
  ])
}

function hostileText({ pick, int, chance }: Random): string {
  const text = pick(hostileTexts)
  if (chance(0.1)) return text.repeat(1 + int(50))
  return chance(0.3) ? text + pick(hostileTexts) : text
}

/** For a URL, which has no half surrogate pairs. */
const encode = (text: string) => encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'))

/** What a header can hold: Node sends nothing else. */
const headerText = (random: Random) =>
  hostileText(random)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 2000)

const hostileTexts = [
  ...[
    "' OR 1=1 --",
    "'; DROP TABLE experiments; --",
    '" UNION SELECT 1',
    '$1',
    '%',
    '_',
    '\\',
    '%00',
    '%zz',
    '0x10',
  ],
  ...[
    '../../etc/passwd',
    '..\\..\\x',
    '/etc/passwd',
    'C:\\x',
    'file:///x',
    'http://127.0.0.1/',
    'javascript:alert(1)',
  ],
  ...[
    '\0',
    '\ud800',
    '\u202e',
    '\ufeff',
    '💥',
    'é'.normalize('NFD'),
    'İ',
    'ß',
    '\r\n',
    '\t',
    ' ',
    '{{7*7}}',
    '#{7*7}',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'NaN',
    'Infinity',
    '1e999',
    'null',
    'undefined',
    'true',
  ],
  ...[
    '<script>',
    '=1+1',
    'a'.repeat(300),
    '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d',
    '8-412-train',
    '-1',
    'a:b',
    ':',
  ],
]
const climbs = ['', '../', '..%2f', '%2e%2e/', 'weights/', './', '//', '%00', '%c0%ae%c0%ae/']
const headerNames = [
  ...[
    'accept',
    'accept-encoding',
    'if-none-match',
    'range',
    'if-range',
    'prefer',
    'last-event-id',
    'x-request-id',
  ],
  ...['authorization', 'origin', 'x-forwarded-for', 'idempotency-key'],
]
const queryNames = [
  ...['limit', 'cursor', 'status', 'tag', 'split', 'by', 'layer', 'from', 'to', 'points', 'bucket', 'format'],
  ...['lastEventId', '__proto__', 'sort'],
]
const queryValues = [
  'train',
  'validation',
  'layer',
  'variable',
  'json',
  'csv',
  'ndjson',
  'arrow',
  '0',
  '1',
  '7',
  'queued',
  'a:b',
]
const specKeys = [
  ...[
    'name',
    'tags',
    'dataset',
    'architecture',
    'optimizer',
    'layers',
    'training',
    'allocation',
    'keep',
    'notify',
  ],
  ...[
    'iterations',
    'batchSize',
    'seed',
    'hidden',
    'learningRate',
    'momentum',
    'schedule',
    'boundaries',
    'freeze',
  ],
  ...['segmentIterations', 'maxSplits', 'chunkSize', 'splits', 'url', 'events', '__proto__', 'constructor'],
]

/** Numbers from a seed (mulberry32), the same on every machine. */
function randomness(seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (below: number) => Math.floor(next() * below)
  return {
    int,
    chance: (probability: number) => next() < probability,
    pick: <T>(items: readonly T[]): T => items[int(items.length)],
  }
}
