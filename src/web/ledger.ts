/** The API as the pages see it: one client, and the key that it sends. begin.ts needs it, so it is kept small. */
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

/** Gets what is at a path of the API and saves it under a name: a plain link has no key to show. */
export async function save(path: string, name: string): Promise<void> {
  const response = await ledger.http.send(path)
  saveBlob(await response.blob(), name)
}
