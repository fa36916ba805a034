/** Where the queue lives: Redis when REDIS_URL is set, the same Postgres as everything else when not. Chosen here only. */
import {
  type BackendFactory,
  type ConnectionOptions,
  createPostgresBackend,
  createRedisBackend,
  type RedisQueueBackend,
} from 'bullmq'
import pg from 'pg'
import type { Config } from '../config.ts'
import { separateOptions } from '../connection-strings.ts'
import { Connection } from '../store/database.ts'

/** What BullMQ's constructors take: its connection options, and the factory as the last argument. */
export type Backend = {
  name: 'redis' | 'postgres'
  connection: ConnectionOptions
  factory: BackendFactory<RedisQueueBackend, ConnectionOptions>
  /** Closes the connections that the queues on it have shared. They are to be closed before. */
  close(): Promise<void>
}

export type BackendOptions = {
  /**
   * The milliseconds that a command to Redis may take, and it fails at once while there is no connection; undefined: it
   * waits.
   */
  patience?: number
  /** Most connections to Postgres, of all queues and workers on the backend together; a worker listens on one of them. */
  connections?: number
  /** Shows in pg_stat_activity. */
  name?: string
}

/** The backend that the configuration names. `databaseUrl` is the Postgres in use, embedded or not. */
export function chooseBackend(
  config: Pick<Config, 'redisUrl'>,
  databaseUrl: string,
  { patience, connections = 3, name = 'loss-ledger queue' }: BackendOptions = {},
): Backend {
  if (config.redisUrl !== undefined) {
    return {
      name: 'redis',
      connection: {
        url: config.redisUrl,
        // BullMQ's worker waits out a Redis that restarts: no command may give up in the meantime.
        ...(patience === undefined
          ? { maxRetriesPerRequest: null }
          : { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: patience }),
      },
      factory: createRedisBackend,
      async close() {},
    }
  }
  // BullMQ finds its tables by the search path, which options in the connection string would take the place of. One pool
  // for all, or each of its objects would make one: a fleet of hundreds has few connections to spare.
  const { url, options } = separateOptions(databaseUrl)
  const pool = new pg.Pool({
    ...{ connectionString: url, options: `${options ?? ''} -c search_path="bullmq"`.trimStart() },
    ...{ max: connections, application_name: name, keepAlive: true, Client: Connection },
  })
  // BullMQ listens as well, and tells its own listeners.
  pool.on('error', () => {})
  // Queue, Worker and Job use nothing but the interface that both backends share, while their types name one backend:
  // this is the one place that says so to the compiler.
  return {
    ...{ name: 'postgres', connection: pool, factory: createPostgresBackend },
    close: () => pool.end(),
  } as unknown as Backend
}
