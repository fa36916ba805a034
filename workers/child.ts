/** The worker's end of the compute child: started, given one task at a time, started again when it dies. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { DownloadProgress } from '../src/data/download.ts'
import type { Log } from '../src/log.ts'
import type { FieldError } from '../src/spec/errors.ts'
import type {
  EngineDescription,
  Reply,
  Request,
  Result,
  StoredSegment,
  Task,
  TaskFailure,
} from './protocol.ts'

/** Why a task did not end well; `kind` as in TaskFailure. */
export class TaskError extends Error {
  readonly kind: TaskFailure['kind']
  readonly errors: FieldError[] | undefined
  constructor({ kind, message, errors }: TaskFailure) {
    super(message)
    this.name = 'TaskError'
    this.kind = kind
    this.errors = errors
  }
}

export type Compute = {
  /** Starts the child if none runs; resolves to what it computes on. Rejects where it cannot start. */
  ready(): Promise<EngineDescription>
  /**
   * Runs one task; calls must not overlap. Rejects with a TaskError: what the child says, 'transient' where it dies,
   * 'aborted' after the signal (a child that does not obey is killed).
   */
  run<K extends Task['kind']>(
    task: Extract<Task, { kind: K }>,
    onProgress: (done: number, stored?: StoredSegment) => void,
    signal: AbortSignal,
  ): Promise<Extract<Result, { kind: K }>>
  /** Ends the child, whatever it is doing. */
  close(): Promise<void>
}

export type ComputeOptions = {
  /** The compiled script. */
  entry: string
  env: NodeJS.ProcessEnv
  log: Log
  /** How long an aborted child may go on before it is killed. */
  patience?: number
  /** How long the engine may take to load. */
  startTimeout?: number
}

type Child = { process: ChildProcess; engine: EngineDescription; last: () => string }
type Started = { process: ChildProcess; ready: Promise<Child> }

/** A compute child that starts when first needed. */
export function openCompute({
  entry,
  env,
  log,
  patience = 10_000,
  startTimeout = 120_000,
}: ComputeOptions): Compute {
  let current: Started | undefined
  let closed = false
  let tasks = 0

  const start = (): Started => {
    const child = fork(entry, [], {
      // Typed arrays travel as they are.
      serialization: 'advanced',
      // Gradients are a megabyte each, and V8 would look through a heap this small for garbage several times a second, on
      // threads beside the computing. It holds half a gigabyte of tensors and data anyway.
      execArgv: ['--initial-old-space-size=256'],
      env,
      // A group of its own: a Ctrl-C in the terminal is for the worker, which ends the child when its task is put away.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const started = { process: child, ready: awaitReady(child) }
    child.once('exit', (code, signal) => {
      if (current === started) current = undefined
      if (!closed) log.warn({ code, signal }, 'the compute process ended')
    })
    // Whoever asks hears of it; nobody might.
    started.ready.catch(() => {})
    return started
  }
  const awaitReady = async (child: ChildProcess): Promise<Child> => {
    const last = collectOutput(child, log)
    const timer = setTimeout(() => child.kill('SIGKILL'), startTimeout)
    try {
      const exit = once(child, 'close').then(() => undefined)
      const message = await Promise.race([once(child, 'message') as Promise<[Reply]>, exit])
      if (message?.[0].type !== 'ready') {
        throw new TaskError({ kind: 'transient', message: obituary(child, last()) })
      }
      log.info({ engine: message[0].engine }, 'the compute process is ready')
      return { process: child, engine: message[0].engine, last }
    } finally {
      clearTimeout(timer)
    }
  }
  const running = (): Promise<Child> => {
    if (closed) throw new Error('the compute process is closed')
    current ??= start()
    return current.ready
  }

  return {
    ready: async () => (await running()).engine,

    async run(task, onProgress, signal) {
      if (signal.aborted) throw new TaskError({ kind: 'aborted', message: 'the task was aborted' })
      const { process: child, last } = await running()
      const id = ++tasks
      const { promise, resolve, reject } = withResolvers<Result>()
      let killer: NodeJS.Timeout | undefined
      const onMessage = (reply: Reply) => {
        if (reply.type === 'ready' || reply.id !== id) return
        if (reply.type === 'progress') onProgress(reply.done, reply.stored)
        else if (reply.type === 'download') logDownload(log, task.experimentId, reply.progress)
        else if (reply.type === 'done') resolve(reply.result)
        else reject(new TaskError(reply.error))
      }
      const onExit = () => {
        const kind = signal.aborted ? 'aborted' : 'transient'
        reject(new TaskError({ kind, message: obituary(child, last()) }))
      }
      const onAbort = () => {
        tell(child, { type: 'abort' })
        killer = setTimeout(() => child.kill('SIGKILL'), patience)
      }
      child.on('message', onMessage)
      child.once('close', onExit)
      signal.addEventListener('abort', onAbort)
      try {
        tell(child, { type: 'run', id, task })
        // It may have aborted while the child was starting.
        if (signal.aborted) onAbort()
        // What a task returns has the task's kind.
        return (await promise) as never
      } finally {
        clearTimeout(killer)
        child.off('message', onMessage)
        child.off('close', onExit)
        signal.removeEventListener('abort', onAbort)
      }
    },

    async close() {
      closed = true
      const child = current?.process
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      // It holds nothing that could be lost: objects are whole or not there.
      if (child.connected) child.disconnect()
      const killer = setTimeout(() => child.kill('SIGKILL'), 1000)
      await exit
      clearTimeout(killer)
    },
  }
}

// A child that is gone has said so by its exit.
const tell = (child: ChildProcess, request: Request) => child.connected && child.send(request, () => {})

/** Until it is there, training does not begin: whoever waits for that shall see why. */
function logDownload(log: Log, experiment: string, { url, bytes, received }: DownloadProgress): void {
  const percent = Math.floor((100 * received) / bytes)
  const message = received === bytes ? 'downloaded' : `downloading: ${percent} %`
  log.info({ experiment, url, received, bytes }, message)
}

/** Logs what the child prints (TensorFlow is talkative) at debug, and remembers the end of it. */
function collectOutput(child: ChildProcess, log: Log): () => string {
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream! }).on('line', line => {
      log.debug({ line }, 'compute')
      lines.push(line)
      if (lines.length > 10) lines.shift()
    })
  }
  return () => lines.join('\n').trim()
}

function obituary(child: ChildProcess, output: string): string {
  const end = child.signalCode === null ? `with code ${child.exitCode}` : `by ${child.signalCode}`
  return `the compute process ended ${end}${output === '' ? '' : `; its last words:\n${output}`}`
}

/** Promise.withResolvers, which Node 20 does not have. */
export function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
