/**
 * The compute child of a worker: TensorFlow, the dataset and the tensors in storage live here, one task at a time.
 *
 * It is a process of its own so that a gradient of seconds never keeps the worker from renewing its lock, and a crash in
 * native code costs one attempt. It ends when its worker does: whatever happens to that one, the channel closes.
 */
import { onParentGone } from '../src/children.ts'
import { readConfig } from '../src/config.ts'
import { DatasetError } from '../src/data/errors.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { NotFiniteError } from '../src/lca/not-finite.ts'
import { DivergedError } from '../src/nn/training/train.ts'
import { DamagedObjectError, MissingObjectError } from '../src/objects/objects.ts'
import { openObjects } from '../src/objects/open.ts'
import { SpecError } from '../src/spec/errors.ts'
import { makeContext } from './context.ts'
import type { Reply, Request, Result, StoredSegment, Task, TaskFailure } from './protocol.ts'
import { allocateSegment } from './tasks/allocate.ts'
import { trainSegments } from './tasks/train.ts'

class Aborted extends Error {}

const send = (reply: Reply) => process.send?.(reply)
let running: { id: number; controller: AbortController } | undefined

onParentGone(() => process.exit(0))
// A terminal's Ctrl-C reaches the whole group; when to stop is the worker's to say.
process.on('SIGINT', () => {})

const config = readConfig()
const engine = await loadEngine({
  name: config.engine,
  threads: config.threads,
  requireGpu: config.requireGpu,
})
const context = makeContext(config, engine, await openObjects(config), progress => {
  if (running) send({ type: 'download', id: running.id, progress })
})

process.on('message', (request: Request) => {
  if (request.type === 'abort') running?.controller.abort(new Aborted('the task was aborted'))
  else void run(request.id, request.task)
})
send({ type: 'ready', engine: engine.description })

async function run(id: number, task: Task): Promise<void> {
  const controller = new AbortController()
  running = { id, controller }
  try {
    const report = (done: number, total: number, stored?: StoredSegment) =>
      send({ type: 'progress', id, done, total, stored })
    send({ type: 'done', id, result: await perform(task, report, controller.signal) })
  } catch (error) {
    send({ type: 'failed', id, error: failureOf(error) })
  } finally {
    running = undefined
  }
}

function perform(
  task: Task,
  report: (done: number, total: number, stored?: StoredSegment) => void,
  signal: AbortSignal,
): Promise<Result> {
  switch (task.kind) {
    case 'train':
      return trainSegments(context, task, report, signal)
    case 'allocate':
      return allocateSegment(context, task, report, signal)
  }
}

/** What trying again cannot mend is permanent; what is not known to be so deserves another attempt. */
function failureOf(error: unknown): TaskFailure {
  if (error instanceof Aborted) return { kind: 'aborted', message: error.message }
  if (error instanceof SpecError) return { kind: 'permanent', message: error.message, errors: error.errors }
  if (error instanceof DivergedError || error instanceof NotFiniteError || error instanceof DatasetError)
    return { kind: 'permanent', message: error.message }
  if (error instanceof MissingObjectError || error instanceof DamagedObjectError)
    return { kind: 'missing', message: error.message }
  if (!(error instanceof Error)) return { kind: 'transient', message: String(error) }
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
    // Read by users of the API, who know nothing of this machine's folders.
    const words = 'there is no room on the disk where the worker keeps objects and datasets'
    return {
      kind: 'transient',
      message: `${words} (${error.message}): with room again a retry redoes what is missing`,
    }
  }
  // What the system or a server says (connection refused) needs no stack to be understood.
  const told = 'code' in error || '$metadata' in error
  return { kind: 'transient', message: told ? error.message : (error.stack ?? error.message) }
}
