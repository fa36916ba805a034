/** The API as the pages see it: one client, and the key that it sends. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiError, connect, type LedgerClient } from '../../clients/typescript/src/index.ts'
import { saveBlob } from './parts/save.ts'

/** The API is beside the pages, under whatever path they are. */
export const base = new URL('.', document.baseURI).href.replace(/\/$/, '')

const stored = 'loss-ledger-key'
/** The key, for as long as the tab is open and for this tab only; null: none was needed so far. */
export const readKey = (): string | null => sessionStorage.getItem(stored)
export function keepKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(stored)
  else sessionStorage.setItem(stored, key)
}

export const connectWith = (apiKey: string | null): LedgerClient =>
  connect({ url: base, ...(apiKey !== null && { apiKey }), fetch: fetch.bind(globalThis) })

/** Set by main.tsx, once for every key: the pages are made anew with it. */
export let ledger: LedgerClient = connectWith(readKey())
let onRefused: (error: ApiError) => void = () => {}
export function useLedgerOf(key: string | null, refused: (error: ApiError) => void): void {
  ledger = connectWith(key)
  onRefused = refused
}

/** Tells who asks for keys where the error is that there was none, or a wrong one. */
export function noteError(error: unknown): Error {
  if (error instanceof ApiError && error.status === 401) onRefused(error)
  return error instanceof Error ? error : new Error(String(error))
}

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

/** Gets what is at a path of the API and saves it under a name: a plain link has no key to show. */
export async function save(path: string, name: string): Promise<void> {
  const response = await ledger.http.send(path)
  saveBlob(await response.blob(), name)
}
