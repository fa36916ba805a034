/** The rows of the table: fetched page after page as they come into view, and followed while they run. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { ledger, noteError } from '../../ledger.ts'
import type { Item } from './columns.tsx'

const pageSize = 200

/** Plain words are looked for everywhere; what has an operator in it is an expression. */
export const whereOf = (words: string): string | undefined => {
  const text = words.trim()
  if (text === '') return undefined
  return /[=<>~]/.test(text) ? text : `any ~ ${JSON.stringify(text)}`
}

/** The rows that a query has, as far as they have been asked for. */
export type Rows = ReturnType<typeof useRows>

export function useRows(query: Record<string, string | string[] | undefined>) {
  const asked = JSON.stringify(query)
  const [state, set] = useState<{ asked: string; items: Item[]; cursor?: string | null; error?: Error }>({
    asked,
    items: [],
  })
  const busy = useRef<AbortController>(undefined)
  const [turn, setTurn] = useState(0)
  const fetchPage = async (cursor: string | undefined, before: Item[]) => {
    busy.current?.abort()
    const abort = new AbortController()
    busy.current = abort
    try {
      const page = await ledger.http.json<{ items: Item[]; nextCursor: string | null }>('/v1/experiments', {
        query: { ...query, limit: pageSize, cursor },
        signal: abort.signal,
      })
      if (!abort.signal.aborted) set({ asked, items: [...before, ...page.items], cursor: page.nextCursor })
    } catch (error) {
      if (!abort.signal.aborted) set({ asked, items: before, cursor: null, error: noteError(error) })
    } finally {
      if (busy.current === abort) busy.current = undefined
    }
  }
  // Fetched anew for another query, or when it is asked for.
  useEffect(() => {
    void fetchPage(undefined, [])
    return () => busy.current?.abort()
  }, [asked, turn])
  const current = state.asked === asked
  return {
    items: current ? state.items : [],
    loading: !current || state.cursor === undefined,
    complete: current && state.cursor === null,
    error: current ? state.error : undefined,
    more() {
      if (current && state.cursor && !busy.current) void fetchPage(state.cursor, state.items)
    },
    reload: () => setTurn(turn => turn + 1),
    /** Changes rows that are there, by id. */
    update(changes: ReadonlyMap<string, Partial<Item>>) {
      set(state => ({
        ...state,
        items: state.items.map(item => {
          const change = changes.get(item.id)
          return change === undefined ? item : { ...item, ...change }
        }),
      }))
    },
  }
}

/** What one stream of events tells of, and how often what it tells is shown. */
const mostFollowed = 100
const pace = 250

/** Follows what runs or waits, the first hundred of it, by one stream of events. */
export function useFollowed(rows: Rows) {
  const running = rows.items.filter(({ status }) => status === 'training' || status === 'allocating')
  // The oldest first: they are next.
  const waiting = rows.items.filter(({ status }) => status === 'queued').reverse()
  const ids = [...running, ...waiting].slice(0, mostFollowed).map(({ id }) => id)
  const latest = useRef(rows)
  latest.current = rows
  useEffect(() => {
    if (ids.length === 0) return
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let changes = new Map<string, Partial<Item>>()
    const show = () => {
      timer = undefined
      latest.current.update(changes)
      changes = new Map()
    }
    const follow = async () => {
      const statuses = ledger.statuses(ids, { signal: abort.signal, attempts: 1000 })
      for await (const { id, status, progress, summary, worker, attempts, error } of statuses) {
        changes.set(id, { status, progress, summary, worker, attempts, error })
        timer ??= setTimeout(show, pace)
      }
    }
    follow().catch(error => abort.signal.aborted || noteError(error))
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
    // In any order: what begins to run is followed already.
  }, [[...ids].sort().join()])
}
