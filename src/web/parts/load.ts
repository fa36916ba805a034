/** What a page shows of the API, and what it is waiting for. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { noteError } from '../ledger.ts'

export type Loaded<T> = { value: T | undefined; error: Error | undefined; loading: boolean; reload(): void }

/** A question that is asked of the API, as long as it is of use. */
type Asked = { what: unknown[]; abort: AbortController; isUnderWay: boolean; again: boolean }

/**
 * What `load` resolves to, again whenever one of `deps` or `version` changes or `reload` is called. Until then the old value
 * stays, but for a new `subject`, of which nothing old is true. What a load that was overtaken by other `deps` says is dropped.
 * `version` and `reload` ask the same once more: not before what is under way has answered, or nothing would ever be shown
 * where answers take longer than news.
 */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  deps: unknown[],
  subject: string = '',
  version?: unknown,
): Loaded<T> {
  const [state, set] = useState<{ value?: T; error?: Error; subject: string; loading: boolean }>({
    subject,
    loading: true,
  })
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load
  const asked = useRef<Asked>(undefined)
  // The caller names what the load depends on. Not after the next frame: what is there by now is then in that.
  useLayoutEffect(() => {
    const what = [...deps, subject]
    const before = asked.current
    const isSame = before !== undefined && what.every((one, i) => Object.is(one, before.what[i]))
    if (isSame && before.isUnderWay) {
      before.again = true
      return
    }
    if (!isSame) before?.abort.abort()
    const one: Asked = isSame
      ? before
      : { what, abort: new AbortController(), isUnderWay: false, again: false }
    asked.current = one
    const ask = () => {
      Object.assign(one, { isUnderWay: true, again: false })
      set(old => ({ ...(old.subject === subject && { value: old.value }), subject, loading: true }))
      latest.current(one.abort.signal).then(
        value => settle(() => ({ value, subject, loading: false })),
        error => {
          if (one.abort.signal.aborted) return
          const noted = noteError(error)
          settle(old => ({
            ...(old.subject === subject && { value: old.value }),
            error: noted,
            subject,
            loading: false,
          }))
        },
      )
    }
    const settle = (made: (old: typeof state) => typeof state) => {
      if (one.abort.signal.aborted) return
      one.isUnderWay = false
      set(made)
      if (one.again) ask()
    }
    ask()
  }, [...deps, subject, version, turn])
  useLayoutEffect(() => () => asked.current?.abort.abort(), [])
  const current = state.subject === subject
  return {
    value: current ? state.value : undefined,
    error: current ? state.error : undefined,
    loading: state.loading || !current,
    reload: () => setTurn(turn => turn + 1),
  }
}
