/** How often what ended by itself is started again: the server by its guard, the guard by the process it works for. */

export type Patience = {
  /** Milliseconds before the second try in a row, twice as many before each further one, and the most. */
  first: number
  longest: number
  /** After how many tries in a row none is made any more. */
  tries: number
}

/** A minute and a half in all: room on a disk is made, a process that took all memory has ended, or somebody must look. */
export const patience: Patience = { first: 200, longest: 30_000, tries: 10 }

/**
 * Counts tries in a row. Called when something has ended, with how long it had run (milliseconds; 0 where it did not
 * start): which try comes next and after which pause, the first at once; undefined where there are to be no more.
 * What ran for longer than the longest pause ran well, and is counted from one again.
 */
export function countTries({ first, longest, tries }: Patience) {
  let count = 0
  return (ran: number): { count: number; pause: number } | undefined => {
    count = ran > longest ? 1 : count + 1
    if (count > tries) return undefined
    return { count, pause: count === 1 ? 0 : Math.min(first * 2 ** (count - 2), longest) }
  }
}
