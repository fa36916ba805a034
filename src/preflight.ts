/** The services that the configuration names, asked before anything is built on them: a mistake is one sentence, at once. */
import type { Config } from './config.ts'
import { reachRedis } from './queue/reach.ts'
import { reachDatabase } from './store/reach.ts'

/**
 * Throws a ServiceError where Postgres or Redis cannot be used as they are configured. The embedded Postgres is not asked:
 * it is ours. The object store is asked when it is claimed (src/store/claim.ts).
 */
export async function checkServices({
  databaseUrl,
  redisUrl,
}: Pick<Config, 'databaseUrl' | 'redisUrl'>): Promise<void> {
  if (databaseUrl !== undefined) await reachDatabase(databaseUrl, { queue: redisUrl === undefined })
  if (redisUrl !== undefined) await reachRedis(redisUrl)
}
