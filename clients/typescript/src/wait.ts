/** Waiting for what takes its time, also while the API is away for a moment. */

import { ApiError, type Http, jsonOf, UnreachableError } from './http.ts'
import type { Experiment } from './schemas.ts'

const finished: readonly string[] = ['succeeded', 'failed', 'cancelled']

export const isFinished = (status: Experiment['status']): boolean => finished.includes(status)

export type WaitOptions<T> = {
  signal?: AbortSignal
  /** Called with every look. */
  onProgress?: (seen: T) => void
  /**
   * Milliseconds between looks at the least: 500 if absent, 2,000 for sweeps. At an experiment the API itself looks
   * meanwhile, and answers when something changes.
   */
  interval?: number
  /**
   * Milliseconds that the API may be away (no answer, or 429, or 5xx), once it has answered, before this throws: 120,000
   * if absent. An address that never answers is told at once.
   */
  patience?: number
}

/** Looks at something; `before`: what the last look saw. */
type Look<T> = (before: T | undefined, signal: AbortSignal) => Promise<T>

/** Seconds that the API is asked to hold an answer, and how long one may take before it counts as none. */
const held = 30
const lost = 45_000
const longestPause = 5000

/** Looks until `done`. Throws what a look throws, as far as that does not pass within the patience. */
export async function waitUntil<T>(
  look: Look<T>,
  done: (seen: T) => boolean,
  { signal, onProgress, interval = 500, patience = 120_000 }: WaitOptions<T>,
): Promise<T> {
  let seen: T | undefined
  let away: number | undefined
  for (let rest = interval; ; await pause(rest, signal)) {
    signal?.throwIfAborted()
    try {
      const timeout = AbortSignal.timeout(lost)
      seen = await look(seen, signal ? AbortSignal.any([signal, timeout]) : timeout)
    } catch (error) {
      signal?.throwIfAborted()
      away ??= Date.now()
      if (seen === undefined || !passes(error) || Date.now() - away >= patience) throw error
      rest = Math.min(longestPause, 2 * Math.max(rest, 1))
      continue
    }
    away = undefined
    rest = interval
    onProgress?.(seen)
    if (done(seen)) return seen
  }
}

/** Whether trying again may help; a look that took too long ends with a TimeoutError. */
const passes = (error: unknown): boolean =>
  error instanceof UnreachableError ||
  (error instanceof ApiError && (error.status === 429 || error.status >= 500)) ||
  (error as Error).name === 'TimeoutError'

/** Looks at an experiment: at once the first time, from then on when it is no longer as it was. */
export function lookAt(http: Http, path: string): Look<Experiment> {
  let etag: string | undefined
  return async (before, signal) => {
    const headers = before && { prefer: `wait=${held}`, 'if-none-match': etag }
    const response = await http.send(path, { headers, signal })
    if (before && response.status === 304) return before
    const seen = await jsonOf<Experiment>(response, { signal, has: ['status'] })
    etag = response.headers.get('etag') ?? undefined
    return seen
  }
}

/** Resolves after so many milliseconds; rejects at once when the signal aborts. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const end = () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    const abort = () => {
      clearTimeout(timer)
      reject(signal!.reason as Error)
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}
