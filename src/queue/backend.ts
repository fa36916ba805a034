/** Where the queue lives: Redis when REDIS_URL is set, the same Postgres as everything else when not. Chosen here only. */
import {
  type BackendFactory,
  type ConnectionOptions,
  createPostgresBackend,
  createRedisBackend,
  type RedisQueueBackend,
} from 'bullmq'
import type { Config } from '../config.ts'
import { separateOptions } from '../connection-strings.ts'
import { Connection } from '../store/database.ts'

/** What BullMQ's constructors take: its connection options, and the factory as the last argument. */
export type Backend = {
  name: 'redis' | 'postgres'
  connection: ConnectionOptions
  factory: BackendFactory<RedisQueueBackend, ConnectionOptions>
}

/**
 * The backend that the configuration names. `databaseUrl` is the Postgres in use, embedded or not. `patience`: the
 * milliseconds that a command to Redis may take, and it fails at once while there is no connection; undefined: it waits.
 */
export function chooseBackend(
  config: Pick<Config, 'redisUrl'>,
  databaseUrl: string,
  patience?: number,
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
    }
  }
  // BullMQ finds its tables by an option of its own, which options in the connection string would take the place of.
  const { url, options } = separateOptions(databaseUrl)
  // Queue, Worker and Job use nothing but the interface that both backends share, while their types name one backend:
  // this is the one place that says so to the compiler. A few connections are enough for one process.
  return {
    name: 'postgres',
    connection: { connectionString: url, options, max: 3, Client: Connection },
    factory: createPostgresBackend,
  } as unknown as Backend
}
