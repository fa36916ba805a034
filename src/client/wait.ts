/** Waiting for what takes its time. */
import type { Experiment } from '../api/schemas/experiments.ts'

const finished: readonly string[] = ['succeeded', 'failed', 'cancelled']

export const isFinished = (status: Experiment['status']): boolean => finished.includes(status)

export type WaitOptions<T> = {
  signal?: AbortSignal
  /** Called with every look. */
  onProgress?: (seen: T) => void
  /** Milliseconds between looks at the most; they begin at a fifth of a second. 2,000 if absent. */
  interval?: number
}

/** Looks until `done`, less and less often. */
export async function poll<T>(
  look: (signal: AbortSignal | undefined) => Promise<T>,
  done: (seen: T) => boolean,
  { signal, onProgress, interval = 2000 }: WaitOptions<T>,
): Promise<T> {
  for (let wait = 200; ; wait = Math.min(interval, wait * 1.25)) {
    const seen = await look(signal)
    onProgress?.(seen)
    if (done(seen)) return seen
    await pause(Math.min(wait, interval), signal)
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
