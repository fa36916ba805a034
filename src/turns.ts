/**
 * Turns of the event loop. Whoever reads a page of the ledger, or makes a piece of a table, asks for one first: of all that wait, one goes in each turn
 * of the loop, so that between two pieces, whosever they are, everything else is served.
 */

const waiting: (() => void)[] = []

const next = () => {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(next)
}

/** Resolves when it is the caller's turn to work for a few milliseconds. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    if (waiting.push(resolve) === 1) setImmediate(next)
  })
}
