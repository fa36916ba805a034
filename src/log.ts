/** One logger a process: JSON lines, or readable ones on a terminal. One line per thing that happened. */
import { createRequire } from 'node:module'
import { type Logger, pino } from 'pino'
import type { LogLevel } from './config.ts'

export type Log = Logger

// Where a secret could ride along in a logged object; the value is replaced before the line is made.
const redacted = [
  'password',
  'databaseUrl',
  'redisUrl',
  'connectionString',
  'req.headers.authorization',
  'req.headers.cookie',
  'secretAccessKey',
  '*.secretAccessKey',
  '*.*.secretAccessKey',
  '*.password',
  '*.databaseUrl',
  '*.redisUrl',
  '*.connectionString',
]

/** An error without what drivers hang on it: whole connections, with all that is in them. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message, stack, cause } = error
  const { code } = error as { code?: unknown }
  return { type: name, message, code, stack, cause: cause === undefined ? undefined : plainError(cause) }
}

/**
 * A logger for one process. `process` names it in every line (api, worker). `terminal` picks the readable form; by
 * default it is whether stdout is a terminal.
 */
export function createLog(
  process: string,
  level: LogLevel,
  terminal: boolean = globalThis.process.stdout.isTTY === true,
): Log {
  const options = {
    level,
    base: { process },
    serializers: { err: plainError },
    redact: { paths: redacted, censor: '[secret]' },
  }
  if (!terminal) return pino(options)
  // Read where somebody looks. As a stream in this very process, not a worker thread: lines written just before an exit are
  // not lost.
  const { build } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty')
  const destination = pino.destination({ sync: true })
  // A terminal that was closed while what it showed goes on, or is being stopped.
  destination.on('error', () => Object.assign(destination, { write: () => true, flushSync: () => {} }))
  return pino(options, build({ destination, ignore: 'pid,hostname', singleLine: true }))
}
