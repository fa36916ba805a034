/**
 * The short form of `npm run chaos`: a few kills on each backend of the queue, and not one bit different from what was
 * computed undisturbed, which is what it is whatever the queue.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runChaos } from './chaos/chaos.ts'
import type { Snapshot } from './chaos/compare.ts'
import { noRedis } from './support/redis.ts'

// Fixed, so that a change is what fails the suite, and one that has kills of every kind among its first; `npm run chaos`
// draws a new one every time.
const seed = Number(process.env.CHAOS_SEED ?? 2751)

let expected: Snapshot[] | undefined

for (const [queue, skip] of [
  ['postgres', false],
  ['redis', noRedis],
] as const) {
  test(`kills at random change nothing, with the queue on ${queue}`, { skip }, async t => {
    t.diagnostic(`CHAOS_SEED=${seed}`)
    const report = await runChaos(
      {
        ...{ queue, objects: 'folder', workers: 2, seed, seconds: 3, patience: 100, experiments: 2 },
        ...{ iterations: 10, pause: [100, 800], env: { LEDGER_ENGINE: 'wasm' }, expected },
      },
      line => t.diagnostic(line),
    )
    expected = report.expected
    const { lost, extra, different, notes } = report.difference
    t.diagnostic(`${report.experiments} experiments, ${report.retries} retries`)
    assert.deepEqual({ lost, extra, different }, { lost: 0, extra: 0, different: 0 }, notes.join('; '))
    assert.deepEqual(report.leftovers, [])
    assert.ok(Object.keys(report.kills).length > 0)
  })
}
