/**
 * The guard: a process of its own, in a session of its own, that runs PostgreSQL for its parent and stops it cleanly
 * when the parent asks or is gone, whatever became of it. Started by embedded.ts, never by hand.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { onParentGone } from '../children.ts'
import { preparePostgresBinaries } from './binaries.ts'
import { initialise, layout } from './cluster.ts'
import { takeLock } from './lock.ts'
import { databaseOwner } from './owner.ts'
import { countTries, type Patience } from './patience.ts'
import { markOf, type ProcessMark } from './processes.ts'
import { type PostgresServer, startServer } from './server.ts'

export type GuardSetup = {
  directory: string
  parent: ProcessMark
  patience: Patience
  /** That of the server of a guard that was killed, whose place this one takes. */
  port?: number
}

export type GuardMessage =
  | { type: 'ready'; port: number; pid: number }
  /** The server ended by itself, or did not start again: it is tried (the how manieth time in a row) after the pause. */
  | { type: 'restarting'; reason: string; count: number; pause: number }
  /** Nothing but this guard's own care keeps others from the directory, and why. */
  | { type: 'unlocked'; reason: string }
  | { type: 'failed'; message: string }

export type GuardRequest = { type: 'stop' }

const setup = JSON.parse(process.argv[2]) as GuardSetup
const stopping = new AbortController()
const say = (message: GuardMessage) => {
  // The parent may be gone: there is nobody to tell then, and the disconnect is on its way.
  if (process.connected) process.send!(message, undefined, undefined, () => {})
}

onParentGone(() => stopping.abort())
process.on('message', (request: GuardRequest) => {
  if (request.type === 'stop') stopping.abort()
})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())

try {
  const own = { guard: markOf(process.pid)!, parent: setup.parent }
  const lock = await takeLock(setup.directory, own, stopping.signal)
  if (lock.weak !== undefined) say({ type: 'unlocked', reason: lock.weak.message })
  try {
    await serve(lock.fd)
  } finally {
    lock.release()
  }
} catch (error) {
  // Being asked to stop while starting is no failure.
  if (!stopping.signal.aborted) {
    process.exitCode = 1
    say({ type: 'failed', message: (error as Error).message })
  }
} finally {
  // Lets the process end: the channel is what keeps it.
  if (process.connected) process.disconnect()
}

async function serve(lock: number): Promise<void> {
  const { directory, patience } = setup
  const { signal } = stopping
  const binaries = preparePostgresBinaries(directory, databaseOwner(layout(directory).data))
  // Where there was a cluster a moment ago, a new and empty one would only hide that it is gone.
  if (setup.port === undefined) await initialise(directory, binaries, lock, signal)
  const stopped = new Promise<'stop'>(resolve => {
    if (signal.aborted) resolve('stop')
    signal.addEventListener('abort', () => resolve('stop'), { once: true })
  })
  // The same port after a crash: the parent's connections find their way back.
  let server: PostgresServer | undefined = await startServer(directory, binaries, setup.port, lock, signal)
  const { port } = server
  const nextTry = countTries(patience)
  for (let reason = ''; ; ) {
    let ran = 0
    if (server !== undefined) {
      const began = Date.now()
      say({ type: 'ready', port, pid: server.pid })
      reason = `PostgreSQL ended by itself (${await Promise.race([stopped, server.ended])})`
      // A parent that asks has put its own things in order. One that was killed may have left workers, which hand back
      // their jobs now, if they are let.
      if (signal.aborted) return server.stop(process.connected ? 0 : 3000)
      ran = Date.now() - began
    }
    const next = nextTry(ran)
    if (next === undefined) throw new Error(`${reason} (${patience.tries} times in a row)`)
    say({ type: 'restarting', reason, ...next })
    await sleep(next.pause, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
    // One that ran before can run again: whatever it lacks (room on the disk, memory) may be there soon.
    server = await startServer(directory, binaries, port, lock, signal).catch(error => {
      reason = error.message
      return undefined
    })
    if (server === undefined) signal.throwIfAborted()
  }
}
