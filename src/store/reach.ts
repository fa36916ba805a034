/** Whether the Postgres of DATABASE_URL can be used, asked once before anything is built on it; what is wrong, in a sentence. */
import pg from 'pg'
import { separateOptions } from '../connection-strings.ts'
import { connectionFailure, ServiceError } from '../service-error.ts'
import { errorCode } from './patience.ts'

/** Milliseconds that a server may take to answer. */
const patience = 15_000

/** What the queue on Postgres needs, and a pooler between does not pass on: any setting of the connection. */
const sign = 'loss_ledger.sign'

/** What a database is like. `settings`: whether settings that come with a connection count; a pooler's clients have none. */
export type Reached = { settings: boolean }

/**
 * Connects once. `queue`: whether the queue shall live there, which a pooler like PgBouncer cannot carry. Throws a
 * ServiceError. What the URL leaves out the PG* variables fill in, as libpq has it.
 */
export async function reachDatabase(url: string, { queue }: { queue: boolean }): Promise<Reached> {
  const client = await openOnce(url)
  try {
    await client.query('SELECT 1')
  } catch (error) {
    throw postgresError(error, client)
  } finally {
    await client.end().catch(() => {})
  }
  // Where even the asking for it is refused, the client has just been let in without.
  const { url: rest, options } = separateOptions(url)
  const probe = clientOf(rest, { options: [options, `-c ${sign}=here`].filter(Boolean).join(' ') })
  const kept = await probe
    .connect()
    .then(() => probe.query<{ kept: string | null }>('SELECT current_setting($1, true) AS kept', [sign]))
    .then(({ rows }) => rows[0].kept === 'here')
    .catch(error => {
      if (connectionFailure(error) !== undefined) throw postgresError(error, probe)
      return false
    })
    .finally(() => probe.end().catch(() => {}))
  if (queue && !kept)
    throw new ServiceError(
      `DATABASE_URL leads to a connection pooler (PgBouncer) at ${placeOf(probe)}, which the queue cannot work through, for it listens and sets its search path: set REDIS_URL, so that the queue is there, or name Postgres itself`,
    )
  return { settings: kept }
}

async function openOnce(url: string): Promise<pg.Client> {
  const client = clientOf(url, {})
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw postgresError(error, client)
  }
}

function clientOf(url: string, more: pg.ClientConfig): pg.Client {
  try {
    const client = new pg.Client({
      ...{ connectionString: url, application_name: 'loss-ledger start', ...more },
      connectionTimeoutMillis: patience,
    })
    client.on('error', () => {})
    return client
  } catch (error) {
    // The files that sslrootcert, sslcert and sslkey name are read here.
    const { code, path } = error as NodeJS.ErrnoException
    if (path === undefined) throw new ServiceError(`DATABASE_URL: ${(error as Error).message}`)
    throw new ServiceError(`DATABASE_URL names the file ${path}, which cannot be read (${code})`)
  }
}

const placeOf = ({ host, port }: pg.Client) => (host.startsWith('/') ? host : `${host}:${port}`)

/** SQLSTATE: too many connections to the server, or more than a role or database may have. */
const noConnectionLeft = '53300'

/**
 * What to throw where starting on a Postgres that had answered has failed: a sentence where the connections have run out
 * since, as where many workers start at once; any other error as it is.
 */
export function startFailure(error: unknown, url: string): unknown {
  if (errorCode(error) !== noConnectionLeft) return error
  const { message } = error as Error
  return postgresError(
    Object.assign(new Error(message, { cause: error }), { code: noConnectionLeft }),
    clientOf(url, {}),
  )
}

/** A driver's or server's error as a sentence with what to do about it. */
export function postgresError(error: unknown, client: pg.Client): ServiceError {
  const { user, database } = client
  const at = `Postgres at ${placeOf(client)}`
  const { code, message } = error as { code?: string; message: string }
  const say = (words: string, passing = false) => new ServiceError(words, { passing, cause: error })
  if (/does not support SSL/i.test(message))
    return say(`${at} (DATABASE_URL) does not offer TLS: write sslmode=disable, or turn ssl on there`)
  const failure = connectionFailure(error)
  if (failure !== undefined) {
    const unchecked = failure.words.includes('NODE_EXTRA_CA_CERTS')
      ? ', as does sslrootcert=/path/to/ca.pem in DATABASE_URL; sslmode=no-verify goes without'
      : failure.words.includes('another name')
        ? ': name it in DATABASE_URL as its certificate does, or write sslmode=no-verify'
        : ''
    return say(`${at} (DATABASE_URL) cannot be reached: ${failure.words}${unchecked}`, failure.passing)
  }
  if (/timeout expired|Connection terminated/i.test(message))
    return say(`${at} (DATABASE_URL) does not answer`, true)
  // Without a password in the URL, the driver finds that out by itself.
  if (/password must be a (non-empty )?string/i.test(message))
    return say(`${at} wants a password for user ${user}: write it into DATABASE_URL, or set PGPASSWORD`)
  if (code === '28P01') return say(`${at} does not accept the password in DATABASE_URL for user ${user}`)
  if (code === '28000') return say(`${at} does not let user ${user} in: ${message}`)
  if (code === '3D000')
    return say(`there is no database ${database} on ${at}: make it (createdb ${database}), or name another`)
  if (code === noConnectionLeft)
    return say(
      `${at} has no connection left (${message}): raise its max_connections, or run fewer workers (a worker may take 4, and docs/scaling.md has the sum)`,
      true,
    )
  if (code === '42501')
    return say(
      `user ${user} may not do what is needed in database ${database} on ${at} (${message}): run \`ledger migrate\` once with a DATABASE_URL whose user may create there, and GRANT this one the use of its tables (docs/operating.md)`,
    )
  if (code === '25006') return say(`${at} is read-only, a standby perhaps: name the primary`)
  if (code?.startsWith('57P') || code?.startsWith('08'))
    return say(`${at} (DATABASE_URL) does not take connections: ${message}`, true)
  return say(`${at} (DATABASE_URL) cannot be used: ${message}`)
}
