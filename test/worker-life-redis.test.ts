/** The worker's life once more, with the queue on Redis: where the jobs travel must make no difference. */
import { after, test } from 'node:test'
import { noRedis, startRedis } from './support/redis.ts'

if (noRedis === false) {
  const redis = await startRedis()
  after(redis.stop)
  process.env.TEST_REDIS_URL = redis.url
  await import('./worker-life.test.ts')
  await import('./worker-repairs.test.ts')
} else {
  test('the worker’s life with the queue on Redis', { skip: noRedis }, () => {})
}
