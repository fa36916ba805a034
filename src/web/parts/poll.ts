/** Looks again and again at what has no events, only while somebody can see it. */
import { useEffect } from 'preact/hooks'

export function usePolling(look: () => void, milliseconds: number, wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return
    const timer = setInterval(() => document.visibilityState === 'visible' && look(), milliseconds)
    return () => clearInterval(timer)
  })
}
