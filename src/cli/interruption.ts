/** What a command owes when Ctrl-C, a SIGTERM or a terminal that is closed ends it: no half files, and the cursor. */

import { leaveTerminal } from '../terminal.ts'

/** Exit codes of what a signal has ended. */
export const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
export type Signal = keyof typeof codes
export const signals = Object.keys(codes) as Signal[]

/** At once, for there is no waiting any more; returns what there is to say. */
type Amends = () => string | undefined

const owed: Amends[] = []

/**
 * Does some work. Where a signal ends the process meanwhile, `amends` are made first, the innermost first of all, what they
 * say is printed on stderr, and the exit code is that of interrupted programs: 130, 143, 129. They are made in silence where
 * something else ends it.
 */
export async function withAmends<T>(amends: Amends, work: () => Promise<T>): Promise<T> {
  if (owed.length === 0) listen('on')
  owed.push(amends)
  try {
    return await work()
  } finally {
    owed.splice(owed.indexOf(amends), 1)
    if (owed.length === 0) listen('off')
  }
}

function listen(how: 'on' | 'off') {
  for (const signal of signals) process[how](signal, end)
  process[how]('exit', makeAmends)
}

const makeAmends = () =>
  owed
    .splice(0)
    .reverse()
    .flatMap(make => make() ?? [])

function end(signal: Signal) {
  const words = makeAmends()
  // Behind the ^C that a terminal shows.
  if (words.length > 0) console.error(`\n${words.join('\n')}`)
  leaveTerminal()
  process.exit(codes[signal])
}
