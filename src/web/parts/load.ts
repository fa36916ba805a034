/** What a page shows of the API, and what it is waiting for. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { noteError } from '../ledger.ts'

export type Loaded<T> = { value: T | undefined; error: Error | undefined; loading: boolean; reload(): void }

/**
 * What `load` resolves to, again whenever one of `deps` changes or `reload` is called. Until then the old value stays, but
 * for a new `subject`, of which nothing old is true. What a load that was overtaken says is dropped.
 */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  deps: unknown[],
  subject: string = '',
): Loaded<T> {
  const [state, set] = useState<{ value?: T; error?: Error; subject: string; loading: boolean }>({
    subject,
    loading: true,
  })
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load
  // The caller names what the load depends on. Not after the next frame: what is there by now is then in that.
  useLayoutEffect(() => {
    const abort = new AbortController()
    set(old => ({ ...(old.subject === subject && { value: old.value }), subject, loading: true }))
    latest.current(abort.signal).then(
      value => abort.signal.aborted || set({ value, subject, loading: false }),
      error => {
        if (abort.signal.aborted) return
        const noted = noteError(error)
        set(old => ({
          ...(old.subject === subject && { value: old.value }),
          error: noted,
          subject,
          loading: false,
        }))
      },
    )
    return () => abort.abort()
  }, [...deps, subject, turn])
  const current = state.subject === subject
  return {
    value: current ? state.value : undefined,
    error: current ? state.error : undefined,
    loading: state.loading || !current,
    reload: () => setTurn(turn => turn + 1),
  }
}
