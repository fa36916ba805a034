/**
 * `npm run soak`: small experiments without a pause while workers and the API are killed now and then; whether memory,
 * connections, processes and files stay what they were. Options: --minutes N (20; in fewer than ten most is warming up),
 * --seed N, --queue postgres|redis, --pause N (milliseconds between kills, at most).
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ascending, quantileSorted } from 'd3-array'
import { chaosSpecs } from '../test/chaos/chaos.ts'
import { computeOf, signal, startFleetOfProcesses } from '../test/chaos/harness.ts'
import { makeRandom } from '../test/chaos/random.ts'
import { memoryOf } from '../test/support/child-processes.ts'
import { optionsOf } from './options.ts'

const values = optionsOf(import.meta.url, {
  minutes: 20,
  seed: Date.now() % 1_000_000,
  queue: ['postgres', 'redis'],
  pause: 8000,
})
const random = makeRandom(values.seed)
const fleet = await startFleetOfProcesses({
  ...{ queue: values.queue, objects: 'folder', workers: 3 },
})
const MiB = 2 ** 20
type Sample = { minutes: number; api: number; survivor: number; compute: number; connections: number }
const samples: Sample[] = []
const counts = { experiments: 0, kills: 0 }
const start = Date.now()
const minutes = () => (Date.now() - start) / 60_000
try {
  console.log(`seed ${values.seed}, ${values.minutes} minutes, queue on ${values.queue}`)
  const until = start + values.minutes * 60_000
  await Promise.all([experiments(until), kills(until), measure(until)])
  await report()
} finally {
  await fleet.stop()
}

async function experiments(until: number): Promise<void> {
  const specs = chaosSpecs(6, 10)
  while (Date.now() < until) {
    const posted = await fetch(`${fleet.api.url}/v1/experiments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(specs[counts.experiments % specs.length]),
    }).catch(() => undefined)
    if (posted?.status === 202) counts.experiments += 1
    // A few are always waiting, never many.
    while ((await unfinished()) > 4) await sleep(50)
  }
  while ((await unfinished()) > 0) await sleep(200)
}

async function unfinished(): Promise<number> {
  return fleet.db.prisma.experiment.count({ where: { status: { in: ['queued', 'training', 'allocating'] } } })
}

/** The API and the first worker are left alive, to see how their memory goes; the API is disturbed by what it loses. */
async function kills(until: number): Promise<void> {
  while (Date.now() < until) {
    await sleep(random.between(values.pause / 4, values.pause))
    const victim = random.pick(fleet.workers.slice(1))
    const compute = computeOf(victim)
    if (random.next() < 0.5 && compute !== undefined) signal(compute, 'SIGKILL')
    else victim.kill()
    counts.kills += 1
  }
}

async function measure(until: number): Promise<void> {
  while (Date.now() < until) {
    await sleep(5000)
    const { rows } = await fleet.db.pool.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM pg_stat_activity WHERE client_addr IS NOT NULL',
    )
    const [survivor] = fleet.workers
    samples.push({
      minutes: minutes(),
      api: memoryOf(fleet.api.process().pid!) / MiB,
      survivor: memoryOf(survivor.process().pid!) / MiB,
      compute: memoryOf(computeOf(survivor) ?? 0) / MiB,
      connections: rows[0].count,
    })
  }
}

async function report(): Promise<void> {
  const failed = await fleet.db.prisma.experiment.findMany({ where: { status: { not: 'succeeded' } } })
  console.log(`${counts.experiments} experiments (${failed.length} not succeeded), ${counts.kills} kills`)
  for (const { id, attempts, error } of failed)
    console.log(`not succeeded: ${id}, ${attempts} attempts: ${JSON.stringify(error)}`)
  table()
  // A worker's heap grows for four minutes or so, and is then made smaller: a slope that includes them says nothing.
  const settled = samples.filter(sample => sample.minutes > Math.min(5, values.minutes / 4))
  for (const what of ['api', 'survivor', 'compute'] as const) {
    const points = settled.map((sample): [number, number] => [sample.minutes, sample[what]])
    const [first, last] = [points[0]?.[1] ?? 0, points.at(-1)?.[1] ?? 0]
    console.log(
      `memory of ${what.padEnd(8)} ${first.toFixed(0)} → ${last.toFixed(0)} MiB, slope ${slope(points).toFixed(2)} MiB a minute`,
    )
  }
  const connections = settled.map(sample => sample.connections)
  console.log(`connections to Postgres ${Math.min(...connections)} … ${Math.max(...connections)}`)
  const processes = fleet.workers.map(worker => computeOf(worker)).filter(pid => pid !== undefined).length
  console.log(`compute processes ${processes} for ${fleet.workers.length} workers`)
  const objects = join(fleet.directory, 'objects')
  await fleet.objects.sweep()
  const incoming = await readdir(join(objects, '.incoming')).catch(() => [])
  const known = await fleet.db.prisma.experiment.count()
  const folders = await fleet.objects.names('experiments')
  const states = (await Promise.all(folders.map(id => fleet.objects.names(`experiments/${id}`)))).filter(
    names => names.includes('state'),
  )
  console.log(`files half written ${incoming.length}, experiments ${known}, folders ${folders.length}`)
  console.log(`folders with training states left ${states.length}`)
}

/** Minute by minute, in MiB: what warms up grows and then stays, what leaks goes on. */
function table(): void {
  console.log('minute     api  worker compute connections')
  for (let minute = 1; minute <= values.minutes; minute += 1) {
    const of = samples.filter(sample => sample.minutes >= minute - 1 && sample.minutes < minute)
    if (of.length === 0) continue
    // The median, for a sample may fall between two lives of a compute process.
    const middle = (what: Exclude<keyof Sample, 'minutes'>) =>
      (quantileSorted(of.map(sample => sample[what]).sort(ascending), 0.5) ?? 0).toFixed(0)
    const cells = [String(minute).padStart(6), middle('api').padStart(7), middle('survivor').padStart(7)]
    console.log([...cells, middle('compute').padStart(7), middle('connections').padStart(11)].join(' '))
  }
}

/** Least squares. */
function slope(points: [number, number][]): number {
  const n = points.length
  const mean = (i: 0 | 1) => points.reduce((sum, point) => sum + point[i], 0) / n
  const [x, y] = [mean(0), mean(1)]
  const covariance = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return covariance / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}
