/** One experiment end to end, three times: here, on the CPU, and here again with two workers that are killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExperimentSpec } from '../../src/spec/schema.ts'
import { compare, type Snapshot, takeSnapshot } from '../../test/chaos/compare.ts'
import { type ChaosFleet, computeOf, signal, startFleetOfProcesses } from '../../test/chaos/harness.ts'

export type EndToEnd = {
  /** Largest difference of a loss between here and the CPU, and of an iteration's LCA, the latter over the largest |LCA|. */
  worstLoss: number
  worstLca: number
  /** Whether the killed run left the undisturbed one's rows and objects, bit for bit. */
  identical: boolean
  notes: string[]
  seconds: { device: number; cpu: number }
}

const specs = {
  fc: {
    architecture: { name: 'fc', hidden: [100, 50] },
    dataset: { name: 'synthetic-digits', trainExamples: 2000, validationExamples: 500 },
    training: { iterations: 20, batchSize: 100, seed: 1 },
  },
  'resnet-8': {
    architecture: { name: 'resnet', depth: 8 },
    dataset: { name: 'synthetic-digits', trainExamples: 250, validationExamples: 100 },
    training: { iterations: 6, batchSize: 50, seed: 1 },
  },
} as const

type Row = { loss: number; lca: number }

/** Throws where a run does not succeed within `limit` seconds all in all. */
export async function runEndToEnd(
  network: keyof typeof specs,
  device: NodeJS.ProcessEnv,
  cpu: NodeJS.ProcessEnv,
  limit: number,
): Promise<EndToEnd> {
  const { iterations } = specs[network].training
  const spec = {
    ...specs[network],
    optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
    allocation: { segmentIterations: iterations / 2, maxSplits: 2 },
  } as ExperimentSpec
  const deadline = Date.now() + 1000 * limit
  const here = await runOnce(spec, device, 1, deadline)
  const there = await runOnce(spec, cpu, 1, deadline)
  const disturbed = await runOnce(spec, device, 2, deadline, killTwice)
  const largest = Math.max(...there.rows.map(({ lca }) => Math.abs(lca)))
  const worst = (of: (one: Row, other: Row) => number) =>
    Math.max(...here.rows.map((row, i) => of(row, there.rows[i])))
  const { lost, extra, different, notes } = compare(here.snapshot, disturbed.snapshot)
  return {
    worstLoss: worst((a, b) => Math.abs(a.loss - b.loss)),
    worstLca: worst((a, b) => Math.abs(a.lca - b.lca)) / largest,
    identical: lost + extra + different === 0,
    notes,
    seconds: { device: here.seconds, cpu: there.seconds },
  }
}

type Run = { rows: Row[]; snapshot: Snapshot; seconds: number }

async function runOnce(
  spec: ExperimentSpec,
  env: NodeJS.ProcessEnv,
  workers: number,
  deadline: number,
  disturb: (fleet: ChaosFleet) => Promise<void> = async () => {},
): Promise<Run> {
  const fleet = await startFleetOfProcesses({ queue: 'postgres', objects: 'folder', workers, env })
  try {
    const call = async <T>(path: string, init?: RequestInit) => {
      const answer = await fetch(`${fleet.api.url}/v1/experiments${path}`, init)
      if (!answer.ok) throw new Error(await answer.text())
      return (await answer.json()) as T
    }
    const { id } = await call<{ id: string }>('', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(spec),
    })
    await disturb(fleet)
    for (;;) {
      const found = await call<{ status: string; error: unknown; startedAt: string; finishedAt: string }>(
        `/${id}`,
      )
      if (found.status === 'succeeded') {
        const { items } = await call<{ items: Row[] }>(`/${id}/iterations?split=train`)
        const seconds = (Date.parse(found.finishedAt) - Date.parse(found.startedAt)) / 1e3
        return { rows: items, snapshot: await takeSnapshot(fleet.db, fleet.objects, id), seconds }
      }
      if (found.status === 'failed') throw new Error(JSON.stringify(found.error))
      if (Date.now() > deadline) throw new Error(`still ${found.status} when its time was over`)
      await sleep(200)
    }
  } finally {
    await fleet.stop()
  }
}

/** A compute process while there is something to lose, then a whole worker. */
async function killTwice(fleet: ChaosFleet): Promise<void> {
  const busy = async () => {
    const { rows } = await fleet.db.pool.query<{ status: string }>('SELECT status FROM experiments')
    return ['training', 'allocating'].includes(rows[0]?.status)
  }
  const [first, second] = fleet.workers
  while (!(await busy())) await sleep(20)
  const pid = computeOf(first)
  if (pid !== undefined) signal(pid, 'SIGKILL')
  await sleep(1000)
  second.kill()
}
