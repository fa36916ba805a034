/**
 * The guard: a process of its own, in a session of its own, that runs PostgreSQL for its parent and stops it cleanly
 * when the parent asks or is gone, whatever became of it. Started by embedded.ts, never by hand.
 */
import { preparePostgresBinaries } from './binaries.ts'
import { InUseError, takeLock } from './lock.ts'
import { markOf, type ProcessMark } from './processes.ts'
import { initialise, type PostgresServer, startServer } from './server.ts'

export type GuardSetup = { directory: string; parent: ProcessMark }

export type GuardMessage =
  | { type: 'ready'; port: number; pid: number }
  /** The server ended by itself; a 'ready' with the same port follows, or 'failed'. */
  | { type: 'restarting'; reason: string }
  | { type: 'failed'; inUse: boolean; message: string }

export type GuardRequest = { type: 'stop' }

const setup = JSON.parse(process.argv[2]) as GuardSetup
const stopping = new AbortController()
const say = (message: GuardMessage) => {
  // The parent may be gone: there is nobody to tell then, and the disconnect is on its way.
  if (process.connected) process.send!(message, undefined, undefined, () => {})
}

process.on('disconnect', () => stopping.abort())
process.on('message', (request: GuardRequest) => {
  if (request.type === 'stop') stopping.abort()
})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())

try {
  const own = { guard: markOf(process.pid)!, parent: setup.parent }
  const release = await takeLock(setup.directory, own, stopping.signal)
  try {
    await serve()
  } finally {
    release()
  }
} catch (error) {
  // Being asked to stop while starting is no failure.
  if (!stopping.signal.aborted) {
    process.exitCode = 1
    say({ type: 'failed', inUse: error instanceof InUseError, message: (error as Error).message })
  }
} finally {
  // Lets the process end: the channel is what keeps it.
  if (process.connected) process.disconnect()
}

async function serve(): Promise<void> {
  const { directory } = setup
  const binaries = preparePostgresBinaries()
  await initialise(directory, binaries, stopping.signal)
  const stopped = new Promise<'stop'>(resolve => {
    if (stopping.signal.aborted) resolve('stop')
    stopping.signal.addEventListener('abort', () => resolve('stop'), { once: true })
  })
  let server: PostgresServer | undefined
  let failures = 0
  while (!stopping.signal.aborted) {
    try {
      // The same port after a crash: the parent's connections find their way back.
      server = await startServer(directory, binaries, server?.port)
      failures = 0
    } catch (error) {
      // One that ran before can run again: it may have been killed once more while it recovered.
      failures += 1
      if (server === undefined || failures > 5) throw error
      await Promise.race([stopped, new Promise(resolve => setTimeout(resolve, 100 * 2 ** failures))])
      continue
    }
    say({ type: 'ready', port: server.port, pid: server.pid })
    const reason = await Promise.race([stopped, server.ended])
    // A parent that asks has put its own things in order. One that was killed may have left workers, which hand back
    // their jobs now, if they are let.
    if (stopping.signal.aborted) await server.stop(process.connected ? 0 : 3000)
    else say({ type: 'restarting', reason })
  }
}
