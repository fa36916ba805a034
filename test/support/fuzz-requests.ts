/** What `fuzz` sends: specs that are nearly right, parameters of every wrong kind, names that climb, numbers without end. */
import { exampleSpec } from '../../src/api/schemas/experiments.ts'
import { minimalSpec } from './api.ts'

export type Request = { method: string; path: string; headers: Record<string, string>; body?: string }
export type Random = ReturnType<typeof randomness>

/** The next request; `ids` are experiments and sweeps that there are. */
export function makeRequest(random: Random, ids: string[]): Request {
  const { pick, chance } = random
  const id = () => (ids.length > 0 && chance(0.7) ? pick(ids) : encode(hostileText(random)))
  const headers: Record<string, string> = {}
  if (chance(0.1)) headers[pick(headerNames)] = headerText(random)
  if (chance(0.6)) {
    const path = pick([
      ...['/v1/experiments', '/v1/experiments/preview', '/v1/experiments/preview'],
      ...['/v1/sweeps', '/v1/datasets'],
    ])
    const isUpload = path === '/v1/datasets'
    const type = isUpload ? 'multipart/form-data; boundary=x' : 'application/json'
    headers['content-type'] = chance(0.95) ? type : headerText(random)
    if (chance(0.1)) headers['idempotency-key'] = chance(0.5) ? 'again' : headerText(random)
    const body = isUpload ? makeForm(random) : path === '/v1/sweeps' ? makeSweep(random) : makeBody(random)
    return { method: 'POST', path, headers, body }
  }
  const leaf = pick([
    ...['', '/layers', '/iterations', '/allocations', '/neurons', '/artifacts', '/events'],
    ...['/cancel', '/retry', '/summary', '/x'],
  ])
  const path = pick([
    () => `/v1/${pick(['experiments', 'experiments', 'sweeps'])}/${id()}${leaf}`,
    () => `/v1/experiments/${id()}/artifacts/${pick(climbs)}${encode(hostileText(random))}`,
    () => `/v1/datasets/${encode(hostileText(random))}`,
    () => pick(['/v1/experiments', '/v1/sweeps']),
    () => `/${encode(hostileText(random))}`,
    () =>
      pick([
        ...['/healthz', '/metrics', '/v1/datasets', '/v1/architectures', '/v1/workers'],
        ...['/v1/webhooks/secret', '/openapi.yaml', '/v1/experiments/iterations'],
      ]),
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

/** A sweep over such a spec. */
function makeSweep(random: Random): string {
  const { pick, chance, int } = random
  if (chance(0.05)) return makeBody(random)
  const values = () => Array.from({ length: int(3) }, () => hostileValue(random, 2))
  const paths = [
    '$.training.iterations',
    'training.seed',
    "$.layers['*']",
    '$.name',
    '__proto__',
    '$..x',
    hostileText(random),
  ]
  const sweep: Record<string, unknown> = {
    base: chance(0.8) ? minimalSpec() : hostileValue(random, 2),
    ...(chance(0.6) && {
      vary: chance(0.5)
        ? Object.fromEntries(Array.from({ length: 1 + int(2) }, () => [pick(paths), values()]))
        : values(),
    }),
    ...(chance(0.6) && { seeds: chance(0.6) ? [int(9), 9 + int(9)] : values() }),
  }
  for (let changes = int(3); changes > 0; changes--) change(random, sweep)
  return JSON.stringify(sweep)
}

/** An upload whose files are none. */
function makeForm(random: Random): string {
  const { pick, chance, int } = random
  const fields = [
    'name',
    'format',
    'classes',
    'images',
    'labels',
    'train',
    'test',
    'testImages',
    hostileText(random),
  ]
  const contents = [
    '\u0093NUMPY\u0001\u0000',
    '\0\0\u0008\u0003',
    'idx',
    'cifar',
    '10',
    'mine',
    hostileText(random),
  ]
  const parts = Array.from({ length: int(6) }, () => {
    const file = chance(0.5) ? `; filename="${headerText(random).replaceAll('"', '')}"` : ''
    return `--x\r\ncontent-disposition: form-data; name="${pick(fields)}"${file}\r\n\r\n${pick(contents)}\r\n`
  })
  return `${parts.join('')}${chance(0.8) ? '--x--\r\n' : ''}`
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
    'base',
    'vary',
    'seeds',
    'baseline',
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
export function randomness(seed: number) {
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
