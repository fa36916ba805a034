/** What every command that talks to the API starts from: where it is, the key, and how to print. */
import type { Command } from 'commander'
import { connect, type LedgerClient } from '../../clients/typescript/src/index.ts'
import { MissingError, UsageError } from './exit.ts'
import { checkName } from './files.ts'
import { printableData, printableJson } from './printable.ts'

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
  if (!/^https?:$/.test(protocolOf(url)))
    throw new UsageError(`${JSON.stringify(url)} is not a URL of an API: http://host:port`)
  return {
    ledger: connect({ url, ...(apiKey && { apiKey }) }),
    url: url.replace(/\/+$/, ''),
    json,
    print: printer(command),
  }
}

const protocolOf = (url: string) => (URL.canParse(url) ? new URL(url).protocol : '')

/** The id of an experiment as typed: `last` is the newest. */
export async function experimentId(ledger: LedgerClient, typed: string): Promise<string> {
  if (typed !== 'last') return typed
  for await (const { id } of ledger.list()) return idAnswered(id)
  throw new MissingError('there is no experiment yet, so there is no last one')
}

/** The same for sweeps. */
export async function sweepId(ledger: LedgerClient, typed: string): Promise<string> {
  if (typed !== 'last') return typed
  for await (const { id } of ledger.listSweeps()) return idAnswered(id)
  throw new MissingError('there is no sweep yet, so there is no last one')
}

/** An id that the API gave: it becomes part of paths, and of what is printed. */
function idAnswered(id: string): string {
  const [only, ...more] = checkName(id)
  if (more.length > 0) throw new UsageError('the API answers with an id that is none')
  return only
}

export const idHelp = 'its id, or "last" for the newest'

/** For an option that may be repeated. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** For an option that is a whole number. */
export function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${JSON.stringify(text)} is not a whole number`)
  return Number(text)
}
