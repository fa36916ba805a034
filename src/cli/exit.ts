/** How a command ends: what it says of an error, and the exit code that a script can rely on. */
import { CommanderError } from 'commander'
import { ApiError, UnreachableError } from '../../clients/typescript/src/index.ts'
import { ConfigError } from '../config.ts'
import { NothingToShow } from '../figures/nothing.ts'
import { printableData } from '../printable.ts'
import { ServiceError } from '../service-error.ts'
import { fileFault } from './file-faults.ts'

export const exitCodes = {
  done: 0,
  /** Something that nobody expected. */
  fault: 1,
  /** Wrong arguments, an unreadable file, an unusable configuration. */
  usage: 2,
  /** The API refused: an invalid spec, a state that does not allow it. */
  refused: 3,
  /** There is no such experiment, sweep or artifact. */
  missing: 4,
  /** No API key, a wrong one, or one that may not. */
  forbidden: 5,
  /** No answer from the API, or one that says to try again; none from Postgres, Redis or the object store. */
  unavailable: 6,
  /** The experiment that was waited for failed. */
  failed: 10,
  /** It was cancelled. */
  cancelled: 11,
  /** It succeeded, and its books do not balance: what it says of the layers is not to be believed. */
  unbalanced: 12,
} as const

export const exitHelp = `
Exit codes: 0 done, 1 a fault, 2 wrong usage, 3 refused by the API, 4 not found, 5 not allowed, 6 no API there
(or busy; or no database), 10 the experiment failed, 11 it was cancelled, 12 its books do not balance (the ledger is
not to be believed), 130 interrupted (143 by SIGTERM, 129 by a terminal that was closed).`

/** The arguments, a file or an answer are not what they ought to be; the message says how to do better. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What was named is not there, as the answers so far show; the message says what is. */
export class MissingError extends Error {
  override readonly name = 'MissingError'
}

/** A command that did its work and still has bad news; the news has been told. */
export class ExitWith extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit with ${code}`)
    this.code = code
  }
}

/** The exit code of an error, and what to print of it; nothing where it has been told already. */
export function explain(error: unknown, debug: boolean): { code: number; words?: unknown } {
  if (error instanceof ExitWith) return { code: error.code }
  // Commander has printed it.
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? 0 : exitCodes.usage }
  if (error instanceof UsageError || error instanceof ConfigError || error instanceof NothingToShow)
    return { code: exitCodes.usage, words: error.message }
  if (error instanceof ServiceError)
    return { code: error.passing ? exitCodes.unavailable : exitCodes.usage, words: error.message }
  if (error instanceof MissingError) return { code: exitCodes.missing, words: error.message }
  if (error instanceof UnreachableError)
    return {
      code: exitCodes.unavailable,
      words: `${error.message}\nIs Loss Ledger running there? \`npm start\` (or \`ledger serve\`) starts it; LEDGER_URL or --url says where it is.`,
    }
  if (error instanceof ApiError) {
    const { status, problem } = error
    // Line by line, of which an API could say more than it has fields.
    const { message } =
      problem.detail === undefined ? error : new ApiError(status, printableData(problem), '')
    const hint =
      status === 401
        ? '\nSet LEDGER_API_KEY to an API key.'
        : status === 403
          ? '\nThe API key lacks a scope for this.'
          : ''
    return { code: codeOf(status), words: message + hint }
  }
  if (!(error instanceof Error)) return { code: exitCodes.fault, words: error }
  const { code, port, ...of } = error as NodeJS.ErrnoException & { port?: number; dest?: string }
  // What was to be, where something was moved there.
  const path = of.dest ?? of.path
  if (code === 'EADDRINUSE')
    return {
      code: exitCodes.usage,
      words: `port ${port} is in use by another process: stop that one, or set PORT`,
    }
  const fault = path === undefined ? undefined : fileFault(code)
  if (fault) return { code: exitCodes.usage, words: `${path} ${fault.words}${fault.advice} (${code})` }
  return { code: exitCodes.fault, words: error.constructor === Error && !debug ? error.message : error }
}

function codeOf(status: number): number {
  if (status === 401 || status === 403) return exitCodes.forbidden
  if (status === 404) return exitCodes.missing
  return status === 429 || status >= 500 ? exitCodes.unavailable : exitCodes.refused
}
