/** Forms whose files do not fit in memory: as they arrive, as long as they keep up a pace. */
import type { IncomingMessage } from 'node:http'
import type { Room } from '../data/uploads/source.ts'
import { bePatient } from './plugins/app/problems.ts'
import { ProblemError } from './problem.ts'
import { watchPace } from './routes/datasets/pace.ts'

/** Milliseconds for which the rest of a refused form is read, so that its sender gets to read why. */
const lingering = 5000

export const roomOf = (total: number): Room => ({ left: total, total })

/** The same items, until the signal aborts. Not for many: a promise holds on to every race that it is in. */
export async function* until<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  const iterator = items[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await Promise.race([iterator.next(), aborted])
    if (done) return
    yield value
  }
}

/** The same items; what is wrong with the form itself, or with the connection, is said as what it is. */
export async function* wellFormed<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    signal.throwIfAborted()
    throw new ProblemError('malformed-request', `the form cannot be read: ${(error as Error).message}`)
  }
}

/**
 * Lets a body take its time, but not any; the signal says when it has taken too long. Where `work` on it fails, reads
 * what is left for a while, and then hangs up.
 */
export async function unhurried<T>(
  request: IncomingMessage,
  minRate: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const noLonger = bePatient(request.socket)
  const pace = watchPace(request, minRate)
  try {
    return await work(pace.signal)
  } catch (error) {
    if (!request.complete) {
      request.unpipe()
      request.resume()
      const timer = setTimeout(() => request.complete || request.socket.destroy(), lingering)
      request.once('close', () => clearTimeout(timer))
    }
    throw error
  } finally {
    pace.end()
    noLonger()
  }
}
