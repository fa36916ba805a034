/**
 * Chaos: the same experiments twice, once left alone and once while workers, their compute processes, the API, the queue,
 * Postgres and the object store are killed, emptied or unreachable at random instants. What is stored must be the same.
 */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExperimentSpec } from '../../src/spec/schema.ts'
import { compare, type Difference, type Snapshot, takeSnapshot } from './compare.ts'
import { type ChaosFleet, computeOf, type FleetOptions, signal, startFleetOfProcesses } from './harness.ts'
import { makeRandom, type Random } from './random.ts'

export type ChaosOptions = FleetOptions & {
  seed: number
  /** For how long things are killed, and how long the experiments may take after that. */
  seconds: number
  patience: number
  experiments: number
  /** Of each. */
  iterations: number
  /** Milliseconds between two kills, at least and at most. */
  pause: [number, number]
  /** What the same experiments stored in an earlier, undisturbed run, wherever that was; undefined: they run first here. */
  expected?: Snapshot[]
}

export type ChaosReport = {
  queue: string
  objects: string
  seed: number
  seconds: number
  experiments: number
  kills: Record<string, number>
  /** Attempts beyond the first, of experiments and of segments. */
  retries: number
  /** In which phases an experiment was when something was killed. */
  phases: Record<string, number>
  difference: Difference
  leftovers: string[]
  expected: Snapshot[]
}

const actions = {
  worker: (fleet: ChaosFleet, random: Random) => random.pick(fleet.workers).kill(),
  compute: (fleet: ChaosFleet, random: Random) => {
    const pid = computeOf(random.pick(fleet.workers))
    if (pid !== undefined) signal(pid, 'SIGKILL')
  },
  /** Stopped for longer than its lock holds: its job goes to another, and then two have it. */
  paused: async (fleet: ChaosFleet, random: Random) => {
    const child = random.pick(fleet.workers).process()
    child.kill('SIGSTOP')
    await sleep(3500)
    child.kill('SIGCONT')
  },
  api: (fleet: ChaosFleet) => fleet.api.kill(),
  postgres: (fleet: ChaosFleet) => fleet.killPostgres(),
  /** Connected, and silent for longer than a lock holds. */
  frozen: (fleet: ChaosFleet) => fleet.freezePostgres(3500),
  /** Killed again within about a second of its start, whatever it is doing by then. */
  newborn: async (fleet: ChaosFleet, random: Random) => {
    const one = random.pick([...fleet.workers, fleet.api])
    one.kill()
    // It is started again after 200 ms.
    await sleep(random.between(250, 1300))
    one.kill()
  },
  redis: (fleet: ChaosFleet) => fleet.redis?.restart(),
  flush: (fleet: ChaosFleet) => fleet.redis?.flush(),
  objects: async (fleet: ChaosFleet, random: Random) => {
    fleet.s3!.breaks = () => true
    await sleep(random.between(200, 2000))
    fleet.s3!.breaks = () => false
  },
}
type Action = keyof typeof actions

/** More of what happens more often in life. */
function actionsFor(options: ChaosOptions): Action[] {
  const common: Action[] = ['worker', 'worker', 'worker', 'compute', 'compute', 'api', 'postgres']
  if (options.seconds > 10) common.push('paused', 'frozen', 'newborn', 'newborn')
  if (options.queue === 'redis') common.push('redis', 'flush')
  if (options.objects === 's3') common.push('objects', 'objects')
  return common
}

/** Every diagnostic there is, at a price that leaves the time to killing. */
const everything = {
  ...{ components: true, classes: true, counterfactuals: { every: 5 }, sharpness: { every: 20 } },
  fisher: { every: 5, examples: 2 },
}

/** Small, and different: an optimizer, a frozen layer, what is recorded and kept. */
export function chaosSpecs(count: number, iterations: number): ExperimentSpec[] {
  return Array.from({ length: count }, (_, i): ExperimentSpec => {
    const optimizers: ExperimentSpec['optimizer'][] = [
      { name: 'adam', learningRate: 0.003 },
      { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
      { name: 'rmsprop', learningRate: 0.001 },
    ]
    return {
      name: `chaos ${i}`,
      dataset: { name: 'synthetic-digits', trainExamples: 120, validationExamples: 40, seed: i % 2 },
      architecture: { name: 'fc', hidden: [12] },
      optimizer: optimizers[i % optimizers.length],
      layers: i % 2 === 0 ? {} : { fc_1: { freeze: { from: 2, until: 7 } } },
      training: { iterations, batchSize: 30, seed: i },
      allocation: { segmentIterations: 3, chunkSize: 30, diagnostics: i % 2 === 0 ? everything : {} },
      keep: i % 3 === 2 ? ['allocations'] : ['weights', 'allocations'],
    }
  })
}

export async function runChaos(options: ChaosOptions, say: (line: string) => void): Promise<ChaosReport> {
  const random = makeRandom(options.seed)
  const specs = chaosSpecs(options.experiments, options.iterations)
  const fleet = await startFleetOfProcesses(options)
  try {
    const quiet = options.expected ? [] : await postAll(fleet, specs, options.patience)
    await finished(fleet, quiet, options.patience)
    const expected = options.expected ?? []
    for (const id of quiet) expected.push(await takeSnapshot(fleet.db, fleet.objects, id))
    say(`undisturbed: ${specs.length} experiments, ${expected[0].rows.allocations.length} rows each`)

    const kills: Record<string, number> = {}
    const phases: Record<string, number> = {}
    const choice = actionsFor(options)
    const until = Date.now() + options.seconds * 1000
    // Round after round, so that there is always something to disturb.
    const rounds: string[][] = []
    const posting = (async () => {
      while (Date.now() < until) {
        rounds.push(await postAll(fleet, specs, options.patience))
        await finished(fleet, rounds[rounds.length - 1], options.seconds + options.patience)
      }
    })()
    // Should it fail, it is awaited below.
    posting.catch(() => {})
    while (Date.now() < until) {
      await sleep(random.between(...options.pause))
      const action = random.pick(choice)
      for (const phase of await phasesOf(fleet)) phases[phase] = (phases[phase] ?? 0) + 1
      await actions[action](fleet, random)
      kills[action] = (kills[action] ?? 0) + 1
    }
    say(`killed: ${JSON.stringify(kills)}`)
    await posting
    const ids = rounds.flat()

    const difference: Difference = { lost: 0, extra: 0, different: 0, notes: [] }
    for (const [i, id] of ids.entries()) {
      const one = compare(expected[i % specs.length], await takeSnapshot(fleet.db, fleet.objects, id))
      difference.lost += one.lost
      difference.extra += one.extra
      difference.different += one.different
      difference.notes.push(...one.notes.map(note => `experiment ${i}: ${note}`))
    }
    const stored = await fleet.objects.names('experiments')
    const { rows } = await fleet.db.pool.query<{ retries: number; experiments: number }>(
      `SELECT (SELECT sum(attempts - 1) FROM experiments)::int + (SELECT sum(attempts - 1) FROM segments)::int
                AS retries,
              (SELECT count(*) FROM experiments)::int AS experiments`,
    )
    const leftovers = stored.filter(name => !ids.includes(name) && !quiet.includes(name))
    if (rows[0].experiments !== quiet.length + ids.length)
      leftovers.push(`${rows[0].experiments} experiments`)
    return {
      ...{ queue: options.queue, objects: options.objects, seed: options.seed, seconds: options.seconds },
      ...{ experiments: ids.length, kills, phases, retries: rows[0].retries, difference, leftovers },
      expected,
    }
  } catch (error) {
    for (const name of readdirSync(fleet.directory).filter(file => file.endsWith('.log'))) {
      const lines = readFileSync(join(fleet.directory, name), 'utf8').trim().split('\n')
      for (const line of lines.slice(-5)) say(`${name}: ${line.slice(0, 400)}`)
    }
    throw error
  } finally {
    await fleet.stop()
  }
}

/** Posts through the API, as a client does that tries again: the same key, so that no experiment is there twice. */
async function postAll(fleet: ChaosFleet, specs: ExperimentSpec[], seconds: number): Promise<string[]> {
  return Promise.all(
    specs.map(async (spec, i) => {
      const key = randomUUID()
      let why = ''
      await sleep(i * 100)
      for (const deadline = Date.now() + seconds * 1000; ; await sleep(200)) {
        const answer = await fetch(`${fleet.api.url}/v1/experiments`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify(spec),
          signal: AbortSignal.timeout(10_000),
        }).catch(error => {
          why = String((error as Error).cause ?? error)
          return undefined
        })
        if (answer !== undefined) why = `status ${answer.status}`
        if (answer?.status === 202) return ((await answer.json()) as { id: string }).id
        if (answer !== undefined && answer.status < 500) throw new Error(await answer.text())
        if (Date.now() > deadline)
          throw new Error(`an experiment could not be posted for ${seconds} s: ${why}`)
      }
    }),
  )
}

async function finished(fleet: ChaosFleet, ids: string[], seconds: number): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; ; await sleep(100)) {
    const found = await fleet.db.prisma.experiment
      .findMany({ where: { id: { in: ids } }, select: { id: true, status: true, error: true } })
      .catch(() => [])
    const failed = found.find(({ status }) => status === 'failed' || status === 'cancelled')
    if (failed) throw new Error(`experiment ${failed.id} ${failed.status}: ${JSON.stringify(failed.error)}`)
    if (found.length === ids.length && found.every(({ status }) => status === 'succeeded')) return
    if (Date.now() > deadline)
      throw new Error(`not finished after ${seconds} s: ${JSON.stringify(found.map(({ status }) => status))}`)
  }
}

async function phasesOf(fleet: ChaosFleet): Promise<string[]> {
  const running = await fleet.db.prisma.experiment
    .findMany({ where: { status: { in: ['training', 'allocating'] } }, select: { status: true } })
    .catch(() => [])
  return [...new Set(running.map(({ status }) => status))]
}
