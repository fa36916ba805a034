/** What `fuzz` sends to be slow: bodies of 1 MiB that are long, deep, wide or nearly right, and headers to the last byte. */
import type { Random, Request } from './fuzz-requests.ts'

const most = 2 ** 20
/** What Node takes of headers and of the request line together, less what is sent anyway. */
const mostHeader = 15_000

const spec = {
  dataset: { name: 'mnist' },
  architecture: { name: 'fc', hidden: [3] },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  training: { iterations: 8 },
}

/** `part(i)` as often as it fits, with commas between. */
function filled(part: (i: number) => string, bytes = most - 2000): string {
  const parts: string[] = []
  for (let length = 0, i = 0; ; i++) {
    const next = part(i)
    length += next.length + 1
    if (length > bytes) return parts.join(',')
    parts.push(next)
  }
}

const json = JSON.stringify
/** A spec, as text, with fields whose values are text already. */
const withFields = (fields: Record<string, string>) => {
  const texts = Object.entries({ ...spec, ...fields }).map(([key, value]) =>
    key in fields ? `${json(key)}:${value}` : `${json(key)}:${json(value)}`,
  )
  return `{${texts.join(',')}}`
}
const layersOf = (count: number, kind = 'batch_norm') => {
  const block = { kind: 'residual', layers: Array(99).fill({ kind }), shortcut: [] }
  const blocks = Array(Math.floor(count / 99)).fill(block)
  return json({
    name: 'custom',
    layers: [{ kind: 'flatten' }, ...blocks, { kind: 'dense', units: 10 }],
  })
}
const rulesOf = (count: number, name: (i: number) => string, rule: object) =>
  `{${Array.from({ length: count }, (_, i) => `${json(name(i))}:${json(rule)}`).join(',')}}`
const nested = (open: string, close: string) => {
  const depth = Math.floor((most - 2000) / (open.length + close.length))
  return open.repeat(depth) + '1' + close.repeat(depth)
}

/** Specs by name. */
const specs: Record<string, (random: Random) => string> = {
  'keep of numbers': () => withFields({ keep: `[${filled(i => String(i))}]` }),
  'keep of objects': () => withFields({ keep: `[${filled(i => `{"a":${i}}`)}]` }),
  'splits of one value': () => withFields({ allocation: `{"splits":[${filled(() => '"train"')}]}` }),
  'events without end': () =>
    withFields({ notify: `[{"url":"http://a.example","events":[${filled(() => '{}')}]}]` }),
  'unknown fields': () => withFields({ allocation: `{${filled(i => `"k${i}":0`)}}` }),
  'unknown fields at the root': () => `{${filled(i => `"dataset${i}":0`)}}`,
  'unknown fields of rules': () =>
    withFields({ layers: `{${filled(i => `"fc_${i}":{"freez":1,"l":2,"optimize":{}}`)}}` }),
  'one long key': () => withFields({ layers: `{${json('a'.repeat(most - 2000))}:{}}` }),
  'one long key of quotes': () => `{${json("'\\".repeat((most - 2000) / 4))}:1}`,
  'nested arrays': () => withFields({ tags: nested('[', ']') }),
  'nested objects': () => nested('{"layers":', '}'),
  'nested blocks': () =>
    withFields({
      architecture: `{"name":"custom","layers":[${nested('{"kind":"residual","layers":[', ']}')}]}`,
    }),
  'tags without end': () => withFields({ tags: `{${filled(i => `"t${i}":"v"`)}}` }),
  'tags of half pairs': () => withFields({ tags: `{${filled(i => `"t${i}":"\\ud800"`)}}` }),
  'one long tag': () => withFields({ tags: `{"a":${json('\u0000'.repeat(most / 8))}}` }),
  'one long name': () => withFields({ name: json('é'.repeat(most / 4)) }),
  'one long URL': () => withFields({ notify: `[{"url":"http://${'!'.repeat(most - 3000)} "}]` }),
  'one long digest': () => withFields({ dataset: `{"name":"mnist","sha256":"${'a'.repeat(most - 3000)}"}` }),
  'one long dataset': () => withFields({ dataset: `{"name":"${'m'.repeat(most - 3000)}"}` }),
  'boundaries that fall': () =>
    withFields({
      optimizer: `{"name":"sgd","schedule":{"name":"step","boundaries":[${filled(i => String(9e6 - i))}]}}`,
    }),
  'a thousand boundaries that fall': () =>
    withFields({
      optimizer: json({
        name: 'sgd',
        schedule: { name: 'step', boundaries: Array.from({ length: 1000 }, (_, i) => 2000 - i) },
      }),
    }),
  'hidden layers without end': () =>
    withFields({ architecture: `{"name":"fc","hidden":[${filled(() => '1')}]}` }),
  'layers that are none': () =>
    withFields({ architecture: `{"name":"custom","layers":[${filled(() => '{}')}]}` }),
  'blocks of layers that are none': () =>
    withFields({
      architecture: `{"name":"custom","layers":[${filled(() => `{"kind":"residual","layers":[{},{},{}]}`)}]}`,
    }),
  'numbers beyond all': () => withFields({ tags: `{"a":[${filled(() => '1e999')}]}` }),
  'one number of a million digits': () =>
    withFields({ training: `{"iterations":${'9'.repeat(most - 3000)}}` }),
  'escapes without end': () => `{"name":"${'\\u0041'.repeat(most / 6 - 10)}"}`,
  'JSON that breaks at its end': () => withFields({ tags: `{${filled(i => `"t${i}":"v"`)}` }),
  'ids without end': ({ int }) =>
    withFields({
      tags: `{${filled(i => `"${i}":"0195d3a0-7c3e-7000-8000-${String(int(1e9) + i).padStart(12, '0')}"`)}}`,
    }),
}

/** Specs that take a thread for seconds, each; as sweeps, for longer. */
const largeSpecs: Record<string, (random: Random) => string> = {
  'four thousand layers, a thousand names nearly right': () =>
    withFields({
      architecture: layersOf(3900),
      layers: rulesOf(1000, i => `block_${i % 40}/bm_${i}`, { freeze: true }),
    }),
  'four thousand layers, a thousand patterns that match all but match': () =>
    withFields({
      architecture: layersOf(3900),
      layers: rulesOf(1000, i => `*b*o*c*k*_*/*b*n*_*${i}x`, { freeze: true }),
    }),
  'four thousand layers, a thousand rules for each': () =>
    withFields({
      architecture: layersOf(3900),
      layers: rulesOf(1000, i => `*${'?'.repeat(i % 9)}*${'*'.repeat(i / 9)}`, {
        optimizer: { momentum: 0.5 },
        l2: 0.1,
      }),
    }),
  'four thousand layers, a thousand rules that have no place': () =>
    withFields({
      architecture: layersOf(3900),
      layers: rulesOf(1000, i => `*${'?'.repeat(i % 9)}*${'*'.repeat(i / 9)}`, { optimizer: { beta1: 0.5 } }),
    }),
}

const sweepOf = (fields: Record<string, string>, base = json(spec)) =>
  `{"base":${base},${Object.entries(fields)
    .map(([key, value]) => `"${key}":${value}`)
    .join(',')}}`

/** Sweeps by name. */
const sweeps: Record<string, (random: Random) => string> = {
  'seeds that repeat': () => sweepOf({ seeds: `[${filled(() => '1')}]` }),
  'a grid of a thousand million': () =>
    sweepOf({
      vary: json(
        Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`$.tags.t${i}`, ['a', 'b', 'c', 'd']])),
      ),
    }),
  'paths that lead nowhere': () =>
    sweepOf({ vary: `{${filled(i => `"$${`['x${i}']`.repeat(20)}":[1]`, 2 ** 19)}}` }),
  'patches without end': () => sweepOf({ vary: `[${filled(() => '{}')}]` }),
  'a thousand patches of unknown fields': () =>
    sweepOf({ vary: `[${Array.from({ length: 1000 }, (_, i) => `{"k${i}":{"a":${i}},"l":1}`).join(',')}]` }),
  'a thousand rows of labels': () =>
    sweepOf({
      vary: `[${Array.from({ length: 1000 }, (_, i) => `{"tags":{${filled(j => `"t${j}":"${i}"`, 400)}}}`).join(',')}]`,
    }),
  'a thousand seeds': () => sweepOf({ seeds: json(Array.from({ length: 1000 }, (_, i) => i)) }),
  'a base without end': () => sweepOf({ seeds: '[1]' }, `{${filled(i => `"k${i}":0`)}}`),
}
/** Sweeps that take a thread for as long as they may. */
const largeSweeps: Record<string, (random: Random) => string> = {
  'a thousand seeds of four thousand layers and a thousand rules': () =>
    sweepOf(
      { seeds: json(Array.from({ length: 1000 }, (_, i) => i)) },
      withFields({
        architecture: layersOf(3900),
        layers: rulesOf(1000, i => `*b*o*c*k*_*/*b*n*_*${i % 9}*`, { freeze: true }),
      }),
    ),
}

const times = (text: string, bytes = mostHeader) => text.repeat(Math.floor(bytes / text.length))

/** Requests without a body, by name: paths, queries and headers. `id` is an experiment's or a sweep's. */
const reads: Record<string, (id: string) => Partial<Request>> = {
  'statuses without end': () => ({ path: `/v1/experiments?${times('status=queued&')}` }),
  'tags without end in the query': () => ({ path: `/v1/experiments?${times('tag=a:b&')}` }),
  'unknown parameters': () => ({ path: `/v1/experiments?${times('x=1&').replaceAll('x', () => 'x')}` }),
  'a parameter of brackets': () => ({ path: `/v1/sweeps?${times('[a]')}=1` }),
  'a cursor of garbage': () => ({ path: `/v1/experiments?cursor=${times('A')}` }),
  'percents without end': () => ({ path: `/v1/experiments?tag=${times('%25')}` }),
  'layers without end': id => ({ path: `/v1/experiments/${id}/layers?${times('layer=a&')}` }),
  'media types without end': id => ({
    path: `/v1/experiments/${id}/iterations`,
    headers: { accept: times('a/b;q=0.1,') },
  }),
  'semicolons without end': id => ({
    path: `/v1/experiments/${id}/iterations`,
    headers: { accept: `text/csv${times(';')}` },
  }),
  'tags that you have without end': id => ({
    path: `/v1/experiments/${id}`,
    headers: { 'if-none-match': times('W/"a",') },
  }),
  'commas that you have without end': id => ({
    path: `/v1/experiments/${id}`,
    headers: { 'if-none-match': times(',', 3999) },
  }),
  'ranges without end': id => ({
    path: `/v1/experiments/${id}/artifacts/manifest.json`,
    headers: { range: `bytes=${times('0-1,')}` },
  }),
  'preferences without end': id => ({
    path: `/v1/experiments/${id}`,
    headers: { prefer: times('wait = , ', 199) },
  }),
  'spaces without end': id => ({
    path: `/v1/experiments/${id}`,
    headers: { authorization: `Bearer ${times(' ')}x` },
  }),
  'an artifact whose name climbs without end': id => ({
    path: `/v1/experiments/${id}/artifacts/${times('..%2f')}`,
  }),
  'the experiment itself': id => ({ path: `/v1/experiments/${id}` }),
  'the list': () => ({ path: '/v1/experiments?limit=200' }),
  'the sweep itself': id => ({ path: `/v1/sweeps/${id}` }),
  'the contract': () => ({ path: '/openapi.yaml' }),
}

/** Forms by name. */
const forms: Record<string, () => string> = {
  'fields without end': () =>
    '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n'.repeat(15_000) + '--x--\r\n',
  'files without end': () =>
    '--x\r\ncontent-disposition: form-data; name="images"; filename="a"\r\n\r\nb\r\n'.repeat(12_000) +
    '--x--\r\n',
  'one long field name': () =>
    `--x\r\ncontent-disposition: form-data; name="${'a'.repeat(most - 2000)}"\r\n\r\nb\r\n--x--\r\n`,
  'dashes without end': () =>
    `--x\r\ncontent-disposition: form-data; name="name"\r\n\r\n${'\r\n--'.repeat(2 ** 17)}`,
}

export type SlowRequest = Request & { name: string }

/** The next of them; `ids` are experiments and sweeps that there are. `large`: also those that take seconds of a thread. */
export function slowRequest(random: Random, ids: string[], large: boolean): SlowRequest {
  const { pick, chance } = random
  const headers = { 'content-type': 'application/json' }
  const keyed = chance(0.3) ? { ...headers, 'idempotency-key': 'slow' } : headers
  const of = <T>(table: Record<string, T>) => pick(Object.entries(table))
  if (chance(0.45)) {
    const [name, make] = of(large && chance(0.2) ? largeSpecs : specs)
    const path = pick(['/v1/experiments', '/v1/experiments/preview', '/v1/sweeps'])
    const body = path === '/v1/sweeps' ? sweepOf({ seeds: '[1,2]' }, make(random)) : make(random)
    return { name: `${path} ${name}`, method: 'POST', path, headers: keyed, body }
  }
  if (chance(0.4)) {
    const [name, make] = of(large && chance(0.1) ? largeSweeps : sweeps)
    return { name, method: 'POST', path: '/v1/sweeps', headers: keyed, body: make(random) }
  }
  if (chance(0.15)) {
    const [name, make] = of(forms)
    const type = { 'content-type': 'multipart/form-data; boundary=x' }
    return { name, method: 'POST', path: '/v1/datasets', headers: type, body: make() }
  }
  const [name, make] = of(reads)
  return { name, method: 'GET', path: '/', headers: {}, ...make(pick(ids)) }
}
