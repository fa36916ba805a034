/** An API over a real Postgres and a real object folder, with a queue that only remembers; and rows to read back. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import supertest from 'supertest'
import { buildApp } from '../../src/api/app.ts'
import { readConfig } from '../../src/config.ts'
import type { SegmentColumns } from '../../src/lca/columns.ts'
import { objectKey } from '../../src/objects/objects.ts'
import { openObjects } from '../../src/objects/open.ts'
import { facts as real } from '../../src/plan.ts'
import type { ExperimentQueue } from '../../src/queue/queue.ts'
import type { SplitName } from '../../src/spec/schema.ts'
import { insertBlocks } from '../../src/store/blocks.ts'
import { check } from './conformance.ts'
import { testDatabase } from './database.ts'
import { facts as made } from './facts.ts'

export type FakeQueue = ExperimentQueue & { submitted: string[]; removed: string[]; broken: boolean }

function fakeQueue(): FakeQueue {
  const answer = async () => {
    if (queue.broken) throw new Error('the queue at secret-host:6379 is down')
  }
  const queue: FakeQueue = {
    ...{ submitted: [], removed: [], broken: false },
    submit: id => answer().then(() => void queue.submitted.push(id)),
    submitAll: ids => answer().then(() => void queue.submitted.push(...ids)),
    holds: async id => queue.submitted.includes(id),
    lost: async ids => ids.filter(id => !queue.submitted.includes(id)),
    remove: id => answer().then(() => void queue.removed.push(id)),
    ping: answer,
    close: async () => {},
  }
  return queue
}

/** A client that checks every answer against openapi.yaml; what is wrong with one fails the test file at close. */
function checkedClient(server: Parameters<typeof supertest>[0]) {
  const problems = new Set<string>()
  const exercised = new Set<string>()
  const client = supertest(server)
  for (const name of ['get', 'head', 'post', 'put', 'patch', 'delete'] as const) {
    const send = client[name].bind(client)
    client[name] = path =>
      send(path).on('response', ({ status, headers, body }) => {
        const { operation, problem } = check({ method: name.toUpperCase(), path, status, headers, body })
        if (operation) exercised.add(operation)
        if (problem) problems.add(problem)
      })
  }
  return { client, exercised, problems }
}

export type TestApi = Awaited<ReturnType<typeof startApi>>

/** Starts an API on a port of its own, configured as `env` says. Networks are those of facts.ts, or all. Call close when done. */
export async function startApi(env: Record<string, string> = {}, networks: 'fc' | 'all' = 'fc') {
  const database = await testDatabase()
  const directory = await mkdtemp(join(tmpdir(), 'loss-ledger-api-'))
  const config = readConfig({ LEDGER_DIR: directory, ...env })
  const objects = await openObjects(config)
  const queue = fakeQueue()
  const lines: Record<string, unknown>[] = []
  const log = pino(
    { level: env.LOG_LEVEL ?? 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  )
  const facts = networks === 'all' ? real : made
  const factsModule = networks === 'all' ? undefined : new URL('./facts.js', import.meta.url).href
  const app = await buildApp({
    config,
    db: database.db,
    ledgerDb: database.db,
    queue,
    objects,
    facts,
    log,
    factsModule,
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { client, exercised, problems } = checkedClient(app.server)
  return {
    ...{ app, db: database.db, objects, queue, directory },
    /** What was logged, parsed. */
    lines,
    http: client,
    /** The operations that have answered. */
    exercised,
    async close() {
      await closeAll()
      assert.deepEqual([...problems], [])
    },
  }

  async function closeAll() {
    await app.close()
    await database.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/**
 * Counts the queries that the API makes on its pool from now on, those whose SQL is so; `stop` ends it and says how many
 * there were.
 */
export function countQueries({ db: { pool } }: Pick<TestApi, 'db'>, sql = /./): { stop(): number } {
  let queries = 0
  const query = pool.query.bind(pool)
  pool.query = ((...args: Parameters<typeof query>) => {
    const [asked] = args as unknown as [string | { text: string }]
    if (sql.test(typeof asked === 'string' ? asked : asked.text)) queries++
    return query(...args)
  }) as typeof query
  return {
    stop() {
      pool.query = query
      return queries
    },
  }
}

/** A spec that is right, small, and says everything that a spec has to. */
export const minimalSpec = (iterations = 8) => ({
  dataset: { name: 'mnist' },
  architecture: { name: 'fc', hidden: [3] },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  training: { iterations },
})

/** Posts a spec and returns the id. */
export async function post(api: TestApi, spec: object = minimalSpec()): Promise<string> {
  const { body } = await api.http.post('/v1/experiments').send(spec).expect(202)
  return body.id
}

/** Stores an object and its row, as a worker would. */
export async function storeArtifact(
  api: Pick<TestApi, 'objects' | 'db'>,
  id: string,
  name: string,
  bytes: Uint8Array,
): Promise<string> {
  const writer = await api.objects.write(objectKey(id, name), 'application/octet-stream')
  await writer.append(bytes)
  const { sha256, contentType } = await writer.commit()
  await api.db.prisma.artifact.create({
    data: { experimentId: id, name, bytes: bytes.length, sha256, contentType },
  })
  return sha256
}

export type Entry = {
  split: string
  iteration: number
  variable: number
  lca: number
  helping: number
  hurting: number
  squared: number
  moved: number
  helped: number
  hurt: number
}

/** The variables of the minimal spec's network, and the layer of each. */
export const variables = [
  { name: 'fc_1/kernel', layer: 'fc_1', shape: [784, 3], size: 2352 },
  { name: 'fc_1/bias', layer: 'fc_1', shape: [3], size: 3 },
  { name: 'fc_2/kernel', layer: 'fc_2', shape: [3, 10], size: 30 },
  { name: 'fc_2/bias', layer: 'fc_2', shape: [10], size: 10 },
]
export const parameters = 2395

/** What variable v did in iteration t: sixteenths, so that sums are exact in any order. */
export function entryOf(split: string, iteration: number, variable: number): Entry {
  const helping = -(((iteration * 5 + variable * 3) % 11) + 1) / 16
  const hurting = ((iteration * 7 + variable + split.length) % 5) / 16
  const helped = Math.min(variables[variable].size, iteration + variable + 1)
  return {
    ...{ split, iteration, variable, lca: helping + hurting, helping, hurting },
    squared: helping * helping + hurting * hurting,
    moved: (iteration + 1) / 4,
    ...{ helped, hurt: variables[variable].size - helped },
  }
}

/** The loss before iteration t: falls, with a peak at 13 and a dip at 17. */
export const lossOf = (iteration: number) =>
  iteration === 13 ? 9 : iteration === 17 ? 0.125 : 4 - iteration / 64

/** What every variable did in iterations that are all alike `iteration`, on both splits. */
export function columnsAt(
  iteration: number,
  times = 1,
  splits: SplitName[] = ['train', 'validation'],
): SegmentColumns[] {
  return splits.flatMap((split): SegmentColumns[] => {
    const own = variables.map((_, variable) => entryOf(split, iteration, variable))
    const rows = Array.from({ length: times }, () => own).flat()
    const floats = (name: 'lca' | 'helping' | 'hurting' | 'squared' | 'moved') =>
      Float64Array.from(rows, row => row[name])
    const integers = (name: 'helped' | 'hurt') => Int32Array.from(rows, row => row[name])
    const each = (value: number) => new Float64Array(times).fill(value)
    const sum = (name: 'lca' | 'helped' | 'hurt') => own.reduce((total, entry) => total + entry[name], 0)
    return [
      {
        ...{ kind: 'allocations', split, of: 'iterations' },
        columns: {
          ...{ lca: floats('lca'), helping: floats('helping'), hurting: floats('hurting') },
          ...{ squared: floats('squared'), moved: floats('moved') },
          ...{ helped: integers('helped'), hurt: integers('hurt') },
        },
      },
      {
        ...{ kind: 'iterations', split, of: 'iterations' },
        columns: {
          ...{ lossBefore: each(lossOf(iteration)), lossAfter: each(lossOf(iteration + 1)) },
          ...{ lca: each(sum('lca')), residual: each(1 / 1024), splits: new Int32Array(times).fill(2) },
          helped: new Int32Array(times).fill(sum('helped')),
          hurt: new Int32Array(times).fill(sum('hurt')),
        },
      },
    ]
  })
}

/** Fills the ledger of an experiment for the given iterations and says that their segments are allocated. */
export async function fillLedger(api: TestApi, id: string, iterations: number[]): Promise<Entry[]> {
  const entries = ['train', 'validation'].flatMap(split =>
    iterations.flatMap(iteration => variables.map((_, variable) => entryOf(split, iteration, variable))),
  )
  for (const iteration of iterations)
    await insertBlocks(api.db.pool, id, { from: iteration, to: iteration + 1 }, columnsAt(iteration))
  await noteRecorded(api, id, iterations)
  return entries
}

/** Lays the network out, and says that the segments from these iterations on are allocated. */
export async function noteRecorded(api: TestApi, id: string, from: number[]): Promise<void> {
  const { prisma, pool } = api.db
  let offset = 0
  const data = variables.map((variable, index) => {
    const row = { experimentId: id, index, offset, ...variable }
    offset += variable.size
    return row
  })
  await prisma.variable.createMany({ data, skipDuplicates: true })
  const done = `
    WITH done AS (
      UPDATE segments s SET status = 'allocated', done = "to" - "from", sequence = e.recorded + n.number, finished_at = now()
        FROM (SELECT "index", row_number() OVER (ORDER BY "index") AS number
                FROM segments WHERE experiment_id = $1 AND "from" = ANY ($2::int[])) n, experiments e
       WHERE s.experiment_id = $1 AND s."index" = n."index" AND e.id = $1
      RETURNING sequence)
    UPDATE experiments SET recorded = coalesce((SELECT max(sequence) FROM done), recorded), updated_at = now() WHERE id = $1`
  await pool.query(done, [id, from])
}
