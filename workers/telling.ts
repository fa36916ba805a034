/**
 * A worker's log whose lines about an experiment are kept with it, for whoever posted it. What is kept is the message and
 * plain facts that have a name here: an error is kept by its first line, without what a URL in it may carry.
 */
import type { Log } from '../src/log.ts'
import type { Database } from '../src/store/database.ts'
import { addLogLines, type NewLine } from '../src/store/log-lines.ts'

const levels = { info: 'info', warn: 'warn', error: 'error', fatal: 'error' } as const

/** What of a line's object is kept beside the message. */
const told = [
  ...['iterations', 'segments', 'from', 'to', 'seconds', 'gradients', 'outcome', 'attempt'],
  ...['bytes', 'received', 'url', 'object', 'objects', 'damaged', 'obstacle', 'size'],
]

/** Milliseconds that lines may wait for others, and how many may wait while Postgres is away. */
const patience = 500
const mostWaiting = 500
const mostCharacters = 1000

export type Telling = {
  /** The log, to be used in the other's place. */
  log: Log
  /** Writes what there is to Postgres from now on. */
  begin(db: Database): void
  /** Writes what is still waiting. */
  close(): Promise<void>
}

/** `worker` is who says it. */
export function openTelling(log: Log, worker: string): Telling {
  let waiting: NewLine[] = []
  let db: Database | undefined
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = () => {
    timer = undefined
    const lines = waiting
    const to = db
    if (to === undefined || lines.length === 0) return
    waiting = []
    writing = writing
      .then(() => addLogLines(to, lines))
      // Not worth a task, nor a second line for every line: the worker's own log has them.
      .catch(error => log.debug({ err: error }, 'lines of a log could not be kept'))
  }
  const keep = (level: keyof typeof levels, about: unknown, message: unknown) => {
    const { experiment, err, ...facts } = Object(about) as Record<string, unknown>
    if (typeof experiment !== 'string' || typeof message !== 'string') return
    if (waiting.length >= mostWaiting) waiting.shift()
    const kept = Object.fromEntries(
      told.flatMap(name => (facts[name] === undefined ? [] : [[name, plain(facts[name])]])),
    )
    waiting.push({
      ...{ experiment, worker, level: levels[level], at: new Date().toISOString() },
      message: plainText(message),
      facts: { ...kept, ...(err !== undefined && { error: plainText(messageOf(err)) }) },
    })
    timer ??= setTimeout(write, patience).unref()
  }
  const telling: Log = Object.create(log)
  for (const level of Object.keys(levels) as (keyof typeof levels)[])
    Object.assign(telling, {
      [level]: (...said: unknown[]) => {
        ;(log[level] as (...said: unknown[]) => void)(...said)
        keep(level, said[0], said[1])
      },
    })
  return {
    log: telling,
    begin(database) {
      db = database
    },
    async close() {
      clearTimeout(timer)
      write()
      await writing
    },
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** The first line, short, and without the user, the password and the query of any URL in it. */
export function plainText(text: string): string {
  const line = text
    .slice(0, 4 * mostCharacters)
    .split('\n', 1)[0]
    .replaceAll('\0', '')
  const bare = line.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s/]*@)?([^\s?#]*)(\?[^\s#]*)?/gi, '$1$3')
  const letters = [...bare.replaceAll(/\p{Surrogate}/gu, '\ufffd')]
  return letters.length > mostCharacters
    ? `${letters.slice(0, mostCharacters - 1).join('')}…`
    : letters.join('')
}

/** A number, a text, or a few of them. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (Array.isArray(value)) return value.slice(0, 20).map(plain)
  return null
}
