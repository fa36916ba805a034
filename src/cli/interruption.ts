/** What a command owes when Ctrl-C, a SIGTERM or a terminal that is closed ends it: no half files, and the cursor. */

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
const signals = Object.keys(codes) as (keyof typeof codes)[]

/** At once, for there is no waiting any more; returns what there is to say. */
type Amends = () => string | undefined

const owed: Amends[] = []

/**
 * Does some work. Where a signal ends the process meanwhile, `amends` are made first, the innermost first of all, what they
 * say is printed on stderr, and the exit code is that of interrupted programs: 130, 143, 129.
 */
export async function withAmends<T>(amends: Amends, work: () => Promise<T>): Promise<T> {
  if (owed.length === 0) for (const signal of signals) process.on(signal, end)
  owed.push(amends)
  try {
    return await work()
  } finally {
    owed.splice(owed.indexOf(amends), 1)
    if (owed.length === 0) for (const signal of signals) process.off(signal, end)
  }
}

function end(signal: keyof typeof codes): never {
  const words = owed.toReversed().flatMap(make => make() ?? [])
  // Behind the ^C that a terminal shows.
  if (words.length > 0) console.error(`\n${words.join('\n')}`)
  process.exit(codes[signal])
}
