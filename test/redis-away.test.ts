/** The API with its queue on a Redis that is away: what Postgres has accepted is accepted, and queued when it is back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { buildApp } from '../src/api/app.ts'
import { readConfig } from '../src/config.ts'
import { openObjects } from '../src/objects/open.ts'
import { openQueue } from '../src/queue/queue.ts'
import { reconcile } from '../src/queue/reconcile.ts'
import { minimalSpec } from './support/api.ts'
import { testDatabase } from './support/database.ts'
import { facts } from './support/facts.ts'
import { noRedis, startRedis } from './support/redis.ts'

test('posts, cancels, retries and deletions go on while Redis is away or stuck', {
  skip: noRedis,
  timeout: 60_000,
}, async t => {
  const redis = await startRedis()
  t.after(redis.stop)
  const database = await testDatabase()
  t.after(() => database.close())
  const { db } = database
  const config = readConfig({ REDIS_URL: redis.url, LEDGER_DIR: '/nowhere' })
  const queue = await openQueue(config, database.url, db, () => {}, 200)
  // Whatever has happened, and while Redis is away: connections that go on trying would keep this process.
  t.after(() => queue.close())
  const objects = { ...(await openObjects(config)), remove: async () => {} }
  const log = pino({ level: 'silent' })
  const app = await buildApp({ config, db, ledgerDb: db, queue, objects, facts, log })
  t.after(() => app.close())

  const call = async (method: 'POST' | 'DELETE', url: string, payload?: object) => {
    const start = performance.now()
    const { statusCode, body } = await app.inject({ method, url: `/v1/${url}`, payload })
    const seconds = (performance.now() - start) / 1000
    assert.ok(seconds < 8, `${method} ${url} took ${seconds} s`)
    assert.ok(statusCode === 202 || statusCode === 204, `${method} ${url}: ${statusCode} ${body}`)
    return body === '' ? undefined : JSON.parse(body)
  }
  const post = async () => (await call('POST', 'experiments', minimalSpec())).id as string
  const seeds = Array.from({ length: 60 }, (_, i) => i)
  const sweep = { base: minimalSpec(), vary: { 'optimizer.learningRate': [0.1] }, seeds }

  const before = await post()
  assert.equal(await queue.holds(before), true)
  const steer = async () => {
    const stays = await post()
    const [cancelled, goes] = [await post(), await post()]
    assert.equal((await call('POST', `experiments/${cancelled}/cancel`)).status, 'cancelled')
    assert.equal((await call('POST', `experiments/${cancelled}/retry`)).status, 'queued')
    await call('DELETE', `experiments/${goes}`)
    // Sixty jobs to take back: the queue is waited for once, not 200 ms for each.
    await call('POST', `sweeps/${(await call('POST', 'sweeps', sweep)).id}/cancel`)
    return [stays, cancelled]
  }
  process.kill(redis.pid(), 'SIGSTOP')
  const whileStuck = await steer()
  await redis.kill()
  const whileAway = await steer()

  await redis.start()
  const posted = [...whileStuck, ...whileAway]
  for (let tries = 0; ; tries++) {
    // The connection comes back by itself.
    const lost = await reconcile(db, queue).catch(error => assert.ok(tries < 50, error))
    if (lost) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  assert.deepEqual(await queue.lost([before, ...posted]), [])
})
