/** Whether the Redis of REDIS_URL can carry the queue, asked once before it does; what is wrong, in a sentence. */
import { Redis } from 'ioredis'
import { connectionFailure, ServiceError } from '../service-error.ts'

/** Milliseconds that a server may take to answer. */
const patience = 10_000

/** Connects and asks once. Throws a ServiceError. */
export async function reachRedis(url: string): Promise<void> {
  const redis = new Redis(url, {
    ...{ lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false },
    ...{ connectTimeout: patience, commandTimeout: patience, connectionName: 'loss-ledger start' },
  })
  // ioredis says what went wrong with a connection here, and of the command only that there is none.
  let broke: Error | undefined
  redis.on('error', error => {
    broke ??= error
  })
  const { host, port, path } = redis.options
  const at = `Redis at ${path ?? `${host}:${port}`}`
  try {
    await redis.connect()
    const info = await redis.info()
    const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
    if (field('cluster_enabled') === '1')
      throw new ServiceError(
        `${at} (REDIS_URL) is part of a cluster, over which the queue's keys cannot be spread: name a Redis that is none, or leave REDIS_URL out, and the queue is on Postgres`,
      )
    if (field('role') === 'slave')
      throw new ServiceError(`${at} (REDIS_URL) is a replica, which takes no writes: name the primary`)
  } catch (error) {
    if (error instanceof ServiceError) throw error
    // What the server answered says more than that it hung up afterwards.
    throw redisError((error as Error).name === 'ReplyError' ? error : (broke ?? error), at, url)
  } finally {
    redis.disconnect()
  }
}

function redisError(error: unknown, at: string, url: string): ServiceError {
  const message = (error as Error).message
  const tls = url.startsWith('rediss:')
  const say = (words: string, passing = false) => new ServiceError(words, { passing, cause: error })
  if (/^NOAUTH|HELLO must be called with/.test(message))
    return say(`${at} wants a password: write REDIS_URL=redis${tls ? 's' : ''}://:password@host:port`)
  if (/^WRONGPASS|invalid (username-password|password)/i.test(message))
    return say(`${at} does not accept the user and password in REDIS_URL`)
  if (/^NOPERM/.test(message))
    return say(`the user in REDIS_URL may not do what is needed on ${at}: ${message}`)
  if (/^DENIED/.test(message))
    return say(`${at} (REDIS_URL) is in protected mode, for itself alone: give it a password (requirepass)`)
  if (/^LOADING/.test(message)) return say(`${at} (REDIS_URL) is loading its data`, true)
  const failure = connectionFailure(error)
  if (failure === undefined && !/timed out|closed/i.test(message))
    return say(`${at} (REDIS_URL) cannot be used: ${message}`)
  const { words, passing } = failure ?? { words: 'there is no answer', passing: true }
  // A server that is spoken to in the wrong of the two ways hangs up, or waits for more.
  const mute = /the connection was cut|there is no answer|does not speak TLS/.test(words)
  const hint = mute
    ? `; if it ${tls ? 'does not speak TLS, write redis' : 'speaks TLS, write rediss'}://`
    : ''
  return say(`${at} (REDIS_URL) cannot be reached: ${words}${hint}`, passing)
}
