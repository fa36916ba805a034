/** The services that the configuration names, asked before anything is built on them: a mistake is one sentence, at once. */
import type { Config } from './config.ts'
import { reachRedis } from './queue/reach.ts'
import { type Reached, reachDatabase } from './store/reach.ts'

/**
 * Resolves to what Postgres is like. Throws a ServiceError where Postgres or Redis cannot be used as they are configured. The embedded Postgres is not asked:
 * it is ours. The object store is asked when it is claimed (src/store/claim.ts).
 */
export async function checkServices({
  databaseUrl,
  redisUrl,
}: Pick<Config, 'databaseUrl' | 'redisUrl'>): Promise<Reached> {
  const ours = { settings: true }
  const reached =
    databaseUrl === undefined ? ours : await reachDatabase(databaseUrl, { queue: redisUrl === undefined })
  if (redisUrl !== undefined) await reachRedis(redisUrl)
  return reached
}
