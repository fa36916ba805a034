/** Traces: one from the request to the last segment, over processes and the queue; and none where nobody asked for them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { newId } from '../src/api/routes/experiments/id.ts'
import { startServer } from '../src/cli/serve.ts'
import { type Config, ConfigError, readConfig } from '../src/config.ts'
import { facts } from '../src/plan.ts'
import { openQueue } from '../src/queue/queue.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { inSpan, isTraced, queueTelemetry, startRequestSpan, startTelemetry } from '../src/telemetry.ts'
import { startWorker } from '../workers/worker.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import type { FakePlan } from './support/fake-compute.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'

type Value = { stringValue?: string; intValue?: number }
type Sent = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes: { key: string; value: Value }[]
  events: { name: string; attributes: { key: string; value: Value }[] }[]
  status: { code?: number; message?: string }
}
type Body = {
  resourceSpans: {
    resource: { attributes: Sent['attributes'] }
    scopeSpans: { spans: Sent[] }[]
  }[]
}
/** A span as this test looks at it. */
type Seen = Omit<Sent, 'attributes'> & { service: unknown; facts: Record<string, unknown> }

/** What the collector was sent, and by what path and with which headers. */
const spans: Seen[] = []
const requests: string[] = []
const factsOf = (attributes: Sent['attributes']) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]))
const collector = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  requests.push(`${request.method} ${request.url} ${request.headers['x-key']}`)
  const body: Body = JSON.parse(Buffer.concat(chunks).toString())
  for (const { resource, scopeSpans } of body.resourceSpans) {
    const service = factsOf(resource.attributes)['service.name']
    for (const span of scopeSpans.flatMap(scope => scope.spans))
      spans.push({ ...span, service, facts: factsOf(span.attributes) })
  }
  response.setHeader('content-type', 'application/json').end('{}')
})

const spec: ExperimentSpec = {
  dataset: { name: 'synthetic-digits', trainExamples: 40, validationExamples: 10 },
  architecture: { name: 'fc', hidden: [4] },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  training: { iterations: 4, batchSize: 10 },
  allocation: { segmentIterations: 2 },
}
const log = pino({ level: 'error' })
const loaded = () =>
  Object.keys(createRequire(import.meta.url).cache).some(file => /@opentelemetry\/sdk|bullmq-otel/.test(file))

let database: TestDatabase
let directory: string
let endpoint: string
let config: Config

before(async () => {
  collector.listen(0, '127.0.0.1')
  await once(collector, 'listening')
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  database = await testDatabase()
  directory = mkdtempSync(join(tmpdir(), 'loss-ledger-telemetry-'))
  // The worker reads the environment it inherits.
  Object.assign(process.env, { DATABASE_URL: database.url, LEDGER_DIR: directory, LOG_LEVEL: 'error' })
  config = { ...readConfig(), port: 0, workers: 0 }
})
after(async () => {
  await database?.close()
  collector.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Waits until nothing is under way any more. */
async function allDone(): Promise<void> {
  const unfinished = `SELECT count(*)::int AS n FROM experiments WHERE status IN ('queued', 'training', 'allocating')`
  while ((await database.db.pool.query(unfinished)).rows[0].n > 0) await setTimeout(50)
}

/** Posts the spec. */
async function post(url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${url}/v1/experiments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(spec),
  })
  assert.equal(response.status, 202)
  return ((await response.json()) as { id: string }).id
}

test('where no collector is named nothing is loaded and nothing sent', async () => {
  assert.equal(config.traces, undefined)
  const stop = await startTelemetry(config, 'api', log)
  const queue = await openQueue(config, database.url, database.db)
  const request = startRequestSpan({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }, 'x', {})
  assert.deepEqual([request, isTraced(), queueTelemetry()], [undefined, false, undefined])
  // It stays in the queue, without a trace: the worker of the next test finds it there.
  await inSpan('nothing', {}, async () => {
    const id = newId()
    await createExperiment(database.db, { id, spec: asStored(resolveSpec(spec, facts)) })
    await queue.submit(id)
  })
  await queue.close()
  await stop()
  assert.deepEqual([loaded(), requests], [false, []])
})

test('one trace from the request to the last segment', async () => {
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret',
    // So late that what arrives is what was sent when the processes ended.
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  })
  // In Postgres, and not in the queue: what the worker queues again.
  const lost = newId()
  await createExperiment(database.db, { id: lost, spec: asStored(resolveSpec(spec, facts)) })
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const caller = 'b7ad6b7169203331'
  const server = await startServer({ ...readConfig(), port: 0, workers: 1 }, log)
  let id: string
  try {
    id = await post(server.url, { traceparent: `00-${traceId}-${caller}-01`, authorization: 'Bearer hush' })
    const refused = await fetch(`${server.url}/v1/experiments/preview?token=hush`, { method: 'POST' })
    assert.equal(refused.status, 400)
    await fetch(`${server.url}/healthz`)
    await allDone()
  } finally {
    await server.close()
  }
  assert.ok(loaded())
  assert.deepEqual([...new Set(requests)], ['POST /v1/traces secret'])

  const named = (name: string, index?: number) => {
    const found = spans.filter(
      span =>
        span.name === name &&
        span.facts['ledger.experiment.id'] === id &&
        span.facts['ledger.segment.index'] === index,
    )
    assert.ok(found.length > 0, `${name} of segment ${index}`)
    return found
  }
  const parent = (span: Seen) => {
    const found = spans.find(({ spanId }) => spanId === span.parentSpanId)
    assert.ok(found, `the parent of ${span.name}`)
    return found
  }
  const [request] = named('POST /v1/experiments')
  assert.deepEqual([request.traceId, request.parentSpanId], [traceId, caller])
  assert.equal(request.service, 'loss-ledger-api')
  assert.deepEqual(
    ['http.request.method', 'http.route', 'http.response.status_code'].map(name => request.facts[name]),
    ['POST', '/v1/experiments', 202],
  )
  // request > add > the experiment's job > train, and > addBulk > a segment's job > allocate; finalize when it comes back.
  for (const name of ['train', 'finalize']) {
    const [step, ...more] = named(name)
    assert.deepEqual([more, step.service, step.status.code ?? 0], [[], 'loss-ledger-worker', 0])
    const job = parent(step)
    assert.deepEqual([job.name, job.facts['ledger.experiment.id']], ['process experiments', id])
    assert.equal(parent(job).name, 'add experiments.experiment')
    assert.equal(parent(parent(job)), request)
  }
  for (const index of [0, 1]) {
    const [segment] = named('allocate', index)
    const job = parent(segment)
    assert.deepEqual([job.name, job.facts['ledger.segment.index']], ['process experiments', index])
    const added = parent(job)
    assert.equal(added.name, 'addBulk experiments')
    assert.equal(parent(added), parent(named('train')[0]))
  }
  const own = spans.filter(span => span.facts['ledger.experiment.id'] === id)
  assert.deepEqual([...new Set(own.map(span => span.traceId))], [traceId])
  // A request without a traceparent has a trace of its own.
  const other = spans.find(({ name }) => name === 'POST /v1/experiments/preview')!
  assert.notEqual(other.traceId, traceId)
  assert.equal(other.parentSpanId ?? '', '')

  // One that was queued again, and one that was queued before anybody asked for traces: traces of their own.
  for (const name of ['train', 'allocate', 'finalize'])
    assert.ok(spans.some(span => span.name === name && span.facts['ledger.experiment.id'] === lost))
  const traces = new Map<unknown, Set<string>>()
  for (const { name, facts, traceId } of spans)
    if (name === 'allocate')
      traces.set(
        facts['ledger.experiment.id'],
        (traces.get(facts['ledger.experiment.id']) ?? new Set()).add(traceId),
      )
  assert.deepEqual([traces.size, [...traces.values()].map(({ size }) => size)], [3, [1, 1, 1]])
  assert.equal(new Set([...traces.values()].flatMap(ids => [...ids])).size, 3)

  // Nothing of what makes the queue's own telemetry loud, no probes, no secrets, no specs.
  assert.deepEqual(
    [...new Set(spans.map(({ name }) => name))].sort(),
    [
      ...['POST /v1/experiments', 'POST /v1/experiments/preview', 'add experiments.experiment'],
      ...['addBulk experiments', 'allocate', 'finalize', 'process experiments', 'train'],
    ].sort(),
  )
  assert.doesNotMatch(JSON.stringify(spans), /hush|secret|postgres|synthetic-digits/)
})

test('a failed attempt is told, and the next one goes on with the same trace', async () => {
  spans.length = 0
  const plan: FakePlan = { trouble: { 'allocate:2-4': { times: 1, what: 'transient' } } }
  process.env.FAKE_PLAN = JSON.stringify(plan)
  const computeEntry = fileURLToPath(new URL('./support/fake-compute.js', import.meta.url))
  const silent = pino({ level: 'silent' })
  const stop = await startTelemetry({ traces: 'http/json' }, 'worker', log)
  const worker = await startWorker({ config, databaseUrl: database.url, log: silent, computeEntry })
  const queue = await openQueue(config, database.url, database.db)
  const id = newId()
  try {
    await createExperiment(database.db, { id, spec: asStored(fakeSpec(4, 2, ['weights'])) })
    await inSpan('made', {}, () => queue.submit(id))
    await allDone()
  } finally {
    for (const close of [queue.close, worker.stop, stop]) await close()
  }
  const attempts = spans.filter(span => span.name === 'allocate' && span.facts['ledger.segment.index'] === 1)
  const codes = (found: Seen[]) => found.map(({ status }) => status.code ?? 0).sort()
  assert.deepEqual(codes(attempts), [0, 2])
  // Of both, the job's own span.
  assert.deepEqual(
    codes(spans.filter(({ spanId }) => attempts.some(({ parentSpanId }) => parentSpanId === spanId))),
    [0, 2],
  )
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1)
})

test('an error makes a failed span, an expected one does not; after the end there is nothing', async () => {
  spans.length = 0
  const stop = await startTelemetry({ traces: 'http/json' }, 'worker', log)
  const boom = async () => {
    throw new RangeError('boom')
  }
  await assert.rejects(
    inSpan('outer', { 'ledger.experiment.id': 'x' }, () => inSpan('inner', {}, boom)),
    /boom/,
  )
  await assert.rejects(
    inSpan('put off', {}, boom, () => true),
    /boom/,
  )
  await Promise.all([stop(), stop()])
  await inSpan('late', {}, async () => {})
  const of = (name: string) => spans.find(span => span.name === name)!
  assert.deepEqual(
    [of('inner').status, of('inner').parentSpanId],
    [{ code: 2, message: 'boom' }, of('outer').spanId],
  )
  assert.deepEqual(
    of('inner').events.map(({ name, attributes }) => [name, factsOf(attributes)]),
    [['exception', { 'exception.type': 'RangeError', 'exception.message': 'boom' }]],
  )
  assert.deepEqual(
    [of('put off').status.code ?? 0, of('put off').facts],
    [0, { 'ledger.outcome': 'RangeError' }],
  )
  assert.equal(spans.length, 3)
})

test('a collector that is away costs a line in the log, and no more', { timeout: 20_000 }, async () => {
  const lines: string[] = []
  const away = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_EXPORTER_OTLP_TIMEOUT: '200',
  })
  const stop = await startTelemetry({ traces: 'http/json' }, 'worker', away)
  await inSpan('unheard', {}, async () => {})
  await stop()
  assert.equal(lines.length, 1)
  assert.match(lines[0], /traces are not all delivered/)
  assert.doesNotMatch(lines[0], /secret/)
})

test('the standard variables decide', () => {
  const traces = (env: Record<string, string>) => readConfig(env).traces
  const named = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
  assert.equal(traces(named), 'http/protobuf')
  assert.equal(traces({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector/v1/traces' }), 'http/protobuf')
  assert.equal(traces({ ...named, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }), 'http/json')
  assert.equal(traces({ ...named, OTEL_SDK_DISABLED: 'TRUE' }), undefined)
  assert.equal(traces({ ...named, OTEL_TRACES_EXPORTER: 'none' }), undefined)
  assert.equal(traces({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), undefined)
  assert.throws(() => traces({ ...named, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), ConfigError)
  assert.throws(() => traces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }), ConfigError)
})
