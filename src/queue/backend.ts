/** Where the queue lives: Redis when REDIS_URL is set, the same Postgres as everything else when not. Chosen here only. */
import {
  type BackendFactory,
  type ConnectionOptions,
  createPostgresBackend,
  createRedisBackend,
  type RedisQueueBackend,
} from 'bullmq'
import type { Config } from '../config.ts'
import { Connection } from '../store/database.ts'

/** What BullMQ's constructors take: its connection options, and the factory as the last argument. */
export type Backend = {
  name: 'redis' | 'postgres'
  connection: ConnectionOptions
  factory: BackendFactory<RedisQueueBackend, ConnectionOptions>
}

/** The backend that the configuration names. `databaseUrl` is the Postgres in use, embedded or not. */
export function chooseBackend(config: Pick<Config, 'redisUrl'>, databaseUrl: string): Backend {
  if (config.redisUrl !== undefined) {
    return {
      name: 'redis',
      // BullMQ waits out a Redis that restarts; a command must not give up in the meantime.
      connection: { url: config.redisUrl, maxRetriesPerRequest: null },
      factory: createRedisBackend,
    }
  }
  // Queue, Worker and Job use nothing but the interface that both backends share, while their types name one backend:
  // this is the one place that says so to the compiler. A few connections are enough for one process.
  return {
    name: 'postgres',
    connection: { connectionString: databaseUrl, max: 3, Client: Connection },
    factory: createPostgresBackend,
  } as unknown as Backend
}
