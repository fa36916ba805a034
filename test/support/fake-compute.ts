/**
 * A compute child without TensorFlow, for tests of the worker: speaks the protocol, writes real (tiny) objects, and
 * misbehaves as FAKE_PLAN says.
 */

import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onParentGone } from '../../src/children.ts'
import { readConfig } from '../../src/config.ts'
import type { DownloadProgress } from '../../src/data/download.ts'
import { allocationsName, neuronsName, weightsName } from '../../src/objects/names.ts'
import { objectKey } from '../../src/objects/objects.ts'
import { openObjects } from '../../src/objects/open.ts'
import { inspect } from '../../src/objects/verify.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Reply, Request, Result, StoredObject, Task } from '../../workers/protocol.ts'
import { fakeColumns, fakeEvaluations, fakeNeurons, fakeVariables } from './fake-ledger.ts'

export type FakePlan = {
  /** Milliseconds an iteration takes. */
  pace?: number
  /** By task (train, allocate:0-2): what happens in the first so many attempts, before the task is done. */
  trouble?: Record<string, { times: number; what: 'crash' | 'transient' | 'permanent' }>
  /** How often a child starts; those after that end at once. */
  starts?: number
  /** Tells of a download when a task begins. */
  download?: DownloadProgress
  /** Does not obey when a task is aborted. */
  deaf?: boolean
}

const config = readConfig()
const objects = await openObjects(config)
const plan: FakePlan = JSON.parse(process.env.FAKE_PLAN ?? '{}')
const diary = join(config.ledgerDir, 'fake-compute.log')
const send = (reply: Reply) => process.send!(reply)
let controller = new AbortController()

const starts = join(config.ledgerDir, 'fake-starts.log')
appendFileSync(starts, '+')
if (readFileSync(starts).length > (plan.starts ?? Number.POSITIVE_INFINITY)) process.exit(1)

onParentGone(() => process.exit(0))
process.on('message', (request: Request) => {
  if (request.type === 'abort') {
    if (!plan.deaf) controller.abort()
    return
  }
  controller = new AbortController()
  run(request.id, request.task, controller.signal).then(
    result => send({ type: 'done', id: request.id, result }),
    (error: Error & { kind?: 'permanent' | 'missing' }) => {
      const kind = controller.signal.aborted ? 'aborted' : (error.kind ?? 'transient')
      send({ type: 'failed', id: request.id, error: { kind, message: error.message } })
    },
  )
})
send({ type: 'ready', engine: { name: 'wasm', version: 'fake', threads: 1, device: 'none' } })

async function run(id: number, task: Task, signal: AbortSignal): Promise<Result> {
  const name = task.kind === 'allocate' ? `allocate:${task.from}-${task.to}` : task.kind
  appendFileSync(diary, `${name}\n`)
  if (plan.download) send({ type: 'download', id, progress: plan.download })
  const span = task.kind === 'allocate' ? task.to - task.from : task.spec.training.iterations
  for (let done = 1; done <= span; done++) {
    await sleep(plan.pace ?? 0, undefined, { signal })
    signal.throwIfAborted()
    send({ type: 'progress', id, done, total: span })
  }
  makeTrouble(name)
  switch (task.kind) {
    case 'train': {
      const stored = []
      for (const segment of segmentsOf(task.spec).filter(({ index }) => task.segments.includes(index)))
        stored.push(await put(task.experimentId, weightsName(segment)))
      return { kind: 'train', variables: fakeVariables, objects: stored, seconds: 1 }
    }
    case 'allocate': {
      if (task.known === undefined || (await inspect(objects, task.known)) !== 'whole')
        throw Object.assign(new Error('fake: weights are missing or damaged'), { kind: 'missing' })
      const kept = task.spec.keep.includes('allocations') ? task.spec.allocation.splits : []
      const stored = []
      for (const split of kept) stored.push(await put(task.experimentId, allocationsName(split, task)))
      const { splits } = task.spec.allocation
      for (const split of splits) stored.push(await put(task.experimentId, neuronsName(split, task)))
      return {
        kind: 'allocate',
        objects: stored,
        columns: [...fakeColumns(splits, task.from, task.to), ...fakeNeurons(splits, task.from, task.to)],
        evaluations: fakeEvaluations(task.spec, task.from, task.to),
        seconds: 1,
        gradients: 4 * (task.to - task.from),
        examples: 100,
      }
    }
  }
}

/** The diary survives the child, so that trouble can end after a number of attempts. */
function makeTrouble(name: string): void {
  const trouble = plan.trouble?.[name]
  const attempts = readFileSync(diary, 'utf8')
    .split('\n')
    .filter(line => line === name).length
  if (trouble === undefined || attempts > trouble.times) return
  if (trouble.what === 'crash') {
    console.error('fake: about to crash')
    process.kill(process.pid, 'SIGSEGV')
  }
  throw Object.assign(new Error(`fake ${trouble.what} trouble`), { kind: trouble.what })
}

async function put(experimentId: string, name: string): Promise<StoredObject> {
  const writer = await objects.write(objectKey(experimentId, name), 'application/x-npy')
  await writer.append(new TextEncoder().encode(name))
  const { bytes, sha256, contentType } = await writer.commit()
  return { name, bytes, sha256, contentType }
}
