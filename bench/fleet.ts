/**
 * `npm run bench:fleet`: what a second worker brings, what the queue costs a segment, and a thousand experiments at once.
 * Options: --pairs N, --experiments N, --queue postgres|redis, --only speedup|overhead|burst.
 */
import type { ChildProcess } from 'node:child_process'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, quantile } from 'd3-array'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { liveWorkers } from '../src/store/workers.ts'
import { type ChaosFleet, startFleetOfProcesses } from '../test/chaos/harness.ts'
import { end, startNode } from '../test/support/child-processes.ts'
import { namesIn, optionsOf } from './options.ts'

const values = optionsOf(import.meta.url, {
  pairs: 5,
  experiments: 1000,
  queue: ['postgres', 'redis'],
  only: 'speedup,overhead,burst',
})
const { queue } = values
const only = namesIn(values.only, 'only', ['speedup', 'overhead', 'burst'])

const fleet = await startFleetOfProcesses({
  ...{ queue, objects: 'folder', workers: 0, env: { LEDGER_LOCK_SECONDS: '10', LOG_LEVEL: 'warn' } },
})
let workers: ChildProcess[] = []
try {
  console.log(`${os.cpus()[0].model}, ${os.availableParallelism()} cores, queue on ${queue}`)
  if (only.includes('speedup')) await speedUp()
  if (only.includes('overhead')) await overhead()
  if (only.includes('burst')) await burst()
} finally {
  await Promise.all(workers.map(worker => end(worker, 'SIGTERM')))
  await fleet.stop()
}

/** The allocation phase with one and with two workers of one thread each, by turns. */
async function speedUp(): Promise<void> {
  const spec = experiment({ examples: 20_000, hidden: [100, 50], iterations: 128, segment: 8 })
  await employ(2)
  // Both load the data and warm up.
  await allocationSeconds(spec)
  const pairs: [number, number][] = []
  for (let i = 0; i < values.pairs; i++) {
    await employ(1)
    const one = await allocationSeconds(spec)
    await employ(2)
    await allocationSeconds({ ...spec, training: { ...spec.training, iterations: 16 } })
    const two = await allocationSeconds(spec)
    pairs.push([one, two])
    const load = os.loadavg()[0].toFixed(1)
    console.log(
      `  one worker ${one.toFixed(2)} s, two ${two.toFixed(2)} s: ${(one / two).toFixed(2)}× (load ${load})`,
    )
  }
  const ratios = pairs.map(([one, two]) => one / two)
  const low = Math.min(...ratios).toFixed(2)
  const high = Math.max(...ratios).toFixed(2)
  console.log(`speed-up of two workers: median ${median(ratios)!.toFixed(2)}× (${low} … ${high})`)
}

/** What a segment costs beside its computing: taking the job, the message to the child, the rows, the next job. */
async function overhead(): Promise<void> {
  await employ(1)
  const spec = experiment({ examples: 100, hidden: [4], iterations: 100, segment: 1 })
  const costs: number[] = []
  for (let i = 0; i < 3; i++) {
    const id = await post(fleet, spec)
    await finished(fleet, id)
    const { rows } = await fleet.db.pool.query<{ wall: number; computing: number; segments: number }>(
      `SELECT extract(epoch FROM e.finished_at - e.allocating_at)::float8 AS wall, sum(seconds) AS computing,
              count(*)::int AS segments
       FROM experiments e JOIN segments s ON s.experiment_id = e.id WHERE e.id = $1 GROUP BY e.id`,
      [id],
    )
    costs.push((1000 * (rows[0].wall - rows[0].computing)) / rows[0].segments)
  }
  console.log(`a segment costs ${median(costs)!.toFixed(1)} ms beside its computing (100 segments, 3 runs)`)
}

/**
 * Many tiny experiments at once, posted one by one, while somebody else looks at the API. They are one lane, the tenant's,
 * so what is posted after them to be done soon is a sweep (of one): another lane.
 */
async function burst(): Promise<void> {
  await employ(2)
  const count = values.experiments
  const spec = experiment({ examples: 50, hidden: [2], iterations: 2, segment: 2 })
  const looks: number[] = []
  let looking = true
  const look = async () => {
    while (looking) {
      for (const path of ['/v1/experiments?limit=20', '/v1/workers', '/healthz']) {
        const start = performance.now()
        const answer = await fetch(`${fleet.api.url}${path}`)
        await answer.text()
        looks.push(performance.now() - start)
        await sleep(20)
      }
    }
  }
  const looker = look()
  const start = performance.now()
  const posts: number[] = []
  let next = 0
  const poster = async () => {
    while (next++ < count) {
      const began = performance.now()
      await post(fleet, spec)
      posts.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: 8 }, poster))
  const accepted = (performance.now() - start) / 1000
  const single = performance.now()
  await finished(fleet, await postSweepOfOne(fleet, spec))
  const waited = (performance.now() - single) / 1000
  const unfinished = `SELECT count(*)::int AS left FROM experiments WHERE status <> 'succeeded'`
  while ((await fleet.db.pool.query<{ left: number }>(unfinished)).rows[0].left > 0) await sleep(200)
  const done = (performance.now() - start) / 1000
  looking = false
  await looker
  const ms = (numbers: number[], q: number) => `${quantile(numbers, q)!.toFixed(1)} ms`
  console.log(
    `${count} experiments accepted in ${accepted.toFixed(1)} s, all finished after ${done.toFixed(1)} s`,
  )
  console.log(`a sweep of one posted after them finished ${waited.toFixed(1)} s later`)
  console.log(`POST: median ${ms(posts, 0.5)}, p99 ${ms(posts, 0.99)} (8 at a time)`)
  console.log(`GET meanwhile: median ${ms(looks, 0.5)}, p99 ${ms(looks, 0.99)} (${looks.length} requests)`)
}

/** Has so many workers, as many of them as possible those that are there. */
async function employ(count: number): Promise<void> {
  await Promise.all(workers.slice(count).map(worker => end(worker, 'SIGTERM')))
  workers = workers.slice(0, count)
  while (workers.length < count) {
    const log = join(fleet.directory, 'bench-worker.log')
    workers.push(startNode('workers/main.js', [], fleet.env, log))
  }
  while ((await liveWorkers(fleet.db)).length !== count) await sleep(50)
}

function experiment(size: {
  examples: number
  hidden: number[]
  iterations: number
  segment: number
}): ExperimentSpec {
  return {
    dataset: {
      name: 'synthetic-digits',
      trainExamples: size.examples,
      validationExamples: size.examples / 10,
    },
    architecture: { name: 'fc', hidden: size.hidden },
    optimizer: { name: 'sgd', learningRate: 0.05 },
    training: { iterations: size.iterations, batchSize: Math.min(100, size.examples) },
    allocation: { segmentIterations: size.segment, maxSplits: 1 },
  }
}

/** Posts an experiment; resolves to its id. */
async function post(to: ChaosFleet, spec: ExperimentSpec): Promise<string> {
  return (await send<{ id: string }>(to, '/v1/experiments', spec)).id
}

/** Posts a sweep of one experiment; resolves to the experiment's id. */
async function postSweepOfOne(to: ChaosFleet, base: ExperimentSpec): Promise<string> {
  return (await send<{ experiments: { id: string }[] }>(to, '/v1/sweeps', { base })).experiments[0].id
}

async function send<T>(to: ChaosFleet, path: string, body: object): Promise<T> {
  const answer = await fetch(`${to.api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (answer.status !== 202) throw new Error(await answer.text())
  return (await answer.json()) as T
}

async function finished(from: ChaosFleet, id: string): Promise<void> {
  for (;;) {
    const found = await from.db.prisma.experiment.findUniqueOrThrow({ where: { id } })
    if (found.status === 'succeeded') return
    if (found.status === 'failed') throw new Error(JSON.stringify(found.error))
    // Rarely: the times are Postgres', and whoever asks takes part of a core from the workers.
    await sleep(250)
  }
}

/** From the end of training until every segment is stored and the experiment is finished. */
async function allocationSeconds(spec: ExperimentSpec): Promise<number> {
  const id = await post(fleet, spec)
  await finished(fleet, id)
  const { rows } = await fleet.db.pool.query<{ seconds: number }>(
    'SELECT extract(epoch FROM finished_at - allocating_at)::float8 AS seconds FROM experiments WHERE id = $1',
    [id],
  )
  return rows[0].seconds
}
