/** The end of a server's process, whatever brings it. */
import closeWithGrace from 'close-with-grace'
import type { Log } from '../log.ts'
import { leaveTerminal } from '../terminal.ts'
import type { Server } from './serve.ts'

/** Of native code: a handler would return to what has failed, which fails again, for ever, on a whole core. */
const faults: closeWithGrace.AllEvents[] = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT']

/**
 * Keeps the server until the process is told to stop (Ctrl-C, SIGTERM, a terminal that is closed) or the server can do no more: then closes it and
 * ends the process, in the latter case with code 1 and the reason in the log.
 */
export function closeInTheEnd(server: Pick<Server, 'broken' | 'close'>, log: Log): { close(): void } {
  let failure: Error | undefined
  const graceful = closeWithGrace({ delay: 20_000, logger: false, skip: faults }, async ({ err, signal }) => {
    if (err) log.fatal({ err }, 'an error nobody expected: stopping')
    else if (failure === undefined) log.info({ signal }, 'stopping')
    await server.close()
    leaveTerminal()
    // What close-with-grace takes as a code that is not 0.
    if (failure !== undefined) throw failure
    log.info('stopped')
  })
  server.broken.then(error => {
    failure = error
    log.fatal({ reason: error.message }, 'stopping: there is no database any more')
    graceful.close()
  })
  return graceful
}
