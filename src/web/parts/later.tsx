/**
 * Pages and tabs that come as a program of their own: what is looked at first, experiments and their ledgers, is then read and
 * run in half the time. It is fetched when the first page has nothing else to do, or when one of them is wanted.
 */
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Failed } from './small.tsx'

type Others = typeof import('../others.ts')
let loaded: Others | undefined
const load = async (): Promise<Others> => {
  loaded = await import('../others.ts')
  return loaded
}

/** Milliseconds that what is looked at first has for itself. */
const own = 2000

export function prefetch(): void {
  const fetch = () => void load().catch(() => {})
  // Not every browser says when it is idle.
  setTimeout(() => ('requestIdleCallback' in window ? requestIdleCallback(fetch) : fetch()), own)
}

/** One of them, as soon as it is there. */
export function later<P extends object>(pick: (others: Others) => ComponentType<P>): ComponentType<P> {
  return props => {
    const [others, set] = useState(loaded)
    const [failed, setFailed] = useState<Error>()
    useEffect(() => {
      if (others) return
      load().then(
        others => {
          set(others)
          // As where a page is shown at once (main.tsx).
          requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus())
        },
        () =>
          setFailed(
            new Error('This part of the pages could not be loaded. They may be newer now: reload them.'),
          ),
      )
    }, [])
    if (!others) return failed ? <Failed error={failed} /> : <p class="muted">Loading …</p>
    const Page = pick(others)
    return <Page {...props} />
  }
}
