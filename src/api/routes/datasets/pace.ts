/** How long an upload may take to arrive: some time for a start, and more with every byte. */
import type { IncomingMessage } from 'node:http'
import { ProblemError } from '../../problem.ts'

/** Seconds that any upload may take: as many as other requests (requestTimeout in app.ts). */
const start = 60
/** Seconds that no upload may take, at whatever rate: what is unfinished for a day is swept from the object store. */
const most = 20 * 60 * 60
/** Seconds between two looks. */
const step = 5

/** Watches a body arrive until `end` is called. The signal aborts, with the problem to tell, where it is too slow. */
export function watchPace(request: IncomingMessage, minRate: number): { signal: AbortSignal; end(): void } {
  const { socket } = request
  const before = socket.bytesRead
  const stop = new AbortController()
  const tooSlow = (detail: string) => stop.abort(new ProblemError('too-slow', detail))
  let seconds = 0
  let waited = 0
  const timer = setInterval(() => {
    if (request.complete) return
    seconds += step
    // Where bytes are here that nobody takes, it is the object store that is slow.
    if (request.readableLength === 0) waited += step
    const received = socket.bytesRead - before
    if (minRate > 0 && waited > start + received / minRate)
      tooSlow(
        `after ${waited} seconds ${received} bytes are here; beyond the first minute an upload must have ${minRate} bytes a second on average`,
      )
    else if (seconds > most) tooSlow(`an upload may take ${most / 3600} hours`)
  }, step * 1000)
  return { signal: stop.signal, end: () => clearInterval(timer) }
}
