/** What every command that talks to the API starts from: where it is, the key, and how to print. */
import type { Command } from 'commander'
import { connect, type LedgerClient } from '../../clients/typescript/src/index.ts'
import { printable, printableData, printableJson } from '../printable.ts'
import { MissingError, UsageError } from './exit.ts'
import { checkName } from './files.ts'

export type Globals = { url?: string; json?: boolean }

export type Session = {
  ledger: LedgerClient
  url: string
  json: boolean
  print: Print
}

/**
 * Prints the JSON if that was asked for, else the words. They are to be made of the value as it is given to them: there
 * every text prints, and cannot move a cursor.
 */
export type Print = <T>(value: T, words: (shown: T) => string) => void

export function printer(command: Command): Print {
  const { json = false } = command.optsWithGlobals<Globals>()
  return (value, words) => console.log(json ? printableJson(value) : words(printableData(value)))
}

/** Opens a session from the options of a command (--url has LEDGER_URL in it) and LEDGER_API_KEY. */
export function open(command: Command): Session {
  const { url = '', json = false } = command.optsWithGlobals<Globals>()
  const { LEDGER_API_KEY: apiKey } = process.env
  if (apiKey !== undefined && !/^[\x20-\x7e\s]*$/.test(apiKey))
    throw new UsageError('LEDGER_API_KEY must be printable ASCII characters')
  let ledger: LedgerClient
  try {
    ledger = connect({ url, ...(apiKey && { apiKey }) })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  return {
    ledger,
    url: url.replace(/\/+$/, ''),
    json,
    print: printer(command),
  }
}

/** The id of an experiment as typed: `last` is the newest, and the beginning of an id is the one that begins so. */
export const experimentId = (ledger: LedgerClient, typed: string): Promise<string> =>
  idOf('experiment', () => ledger.list(), typed)

/** The same for sweeps. */
export const sweepId = (ledger: LedgerClient, typed: string): Promise<string> =>
  idOf('sweep', () => ledger.listSweeps(), typed)

async function idOf(
  what: string,
  list: () => AsyncIterable<{ id: string; name: string | null }>,
  typed: string,
): Promise<string> {
  if (typed === 'last') {
    for await (const { id } of list()) return idAnswered(id)
    throw new MissingError(`there is no ${what} yet, so there is no last one`)
  }
  const prefix = typed.toLowerCase()
  if (/^[0-9a-f]{1,3}$/.test(prefix))
    throw new UsageError(`${typed} is too little of an id: its first 4 digits at least`)
  if (!isPrefix(prefix)) {
    if (isId(prefix)) return typed
    throw new UsageError(
      `${JSON.stringify(printable(typed))} is no id of ${what === 'sweep' ? 'a sweep' : 'an experiment'}: wanted is ${idHelp}; ledger ${what === 'sweep' ? 'sweep list' : 'list'} shows them`,
    )
  }
  const found: { id: string; name: string | null }[] = []
  // Newest first, and ids sort by age: behind the first that is smaller there is none.
  for await (const one of list()) {
    const start = one.id.slice(0, prefix.length)
    if (start === prefix) found.push(one)
    if (start < prefix || found.length > mostTold) break
  }
  if (found.length === 0) throw new MissingError(`there is no ${what} whose id begins with ${typed}`)
  if (found.length === 1) return idAnswered(found[0].id)
  const told = found
    .slice(0, mostTold)
    .map(({ id, name }) => `  ${printable(id)}  ${printable(name ?? '')}`.trimEnd())
  const more = found.length > mostTold ? ['  …'] : []
  throw new UsageError(
    [`more than one ${what} has an id that begins with ${typed}:`, ...told, ...more].join('\n'),
  )
}

const isId = (typed: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(typed)
/** The beginning of a UUID, and not all of it. */
const isPrefix = (typed: string) => typed.length < 36 && /^[0-9a-f]{4}[0-9a-f-]*$/.test(typed)
const mostTold = 5

/** An id that the API gave: it becomes part of paths, and of what is printed. */
function idAnswered(id: string): string {
  const [only, ...more] = checkName(id)
  if (more.length > 0) throw new UsageError('the API answers with an id that is none')
  return only
}

export const idHelp = 'its id, the beginning of it (4 hexadecimal digits or more), or "last" for the newest'

/** For an option that may be repeated. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** For an option that is how many of something, one at least. */
export function positive(text: string): number {
  if (whole(text) === 0) throw new UsageError(`${JSON.stringify(text)} is not a number from 1`)
  return Number(text)
}

/** For an option that is a whole number. */
export function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${JSON.stringify(text)} is not a whole number`)
  return Number(text)
}
