/** What a terminal shows while an experiment is followed. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { Experiment } from '../clients/typescript/src/index.ts'
import { bars } from '../src/cli/progress.ts'

/** An experiment of 40 iterations, as far as bars look at it. */
const at = (status: Experiment['status'], done: number, etaSeconds: number | null = null) =>
  ({
    status,
    progress: { phase: status, done, total: 40, etaSeconds },
    spec: { training: { iterations: 40 } },
  }) as Experiment

/** Everything that is written to a terminal of 100 columns while this is shown. */
function written(...seen: Experiment[]): string {
  const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 100 })
  const show = bars(terminal)
  for (const experiment of seen) show.update(experiment)
  show.stop()
  return String(terminal.read())
}

test('bars say how long it will take as the API says it, and nothing where it does not know', () => {
  const early = written(at('queued', 0), at('training', 0))
  assert.match(early, /training +░{40} 0\/40 /)
  assert.doesNotMatch(early, /NULL|INF|NaN|undefined|\{/)
  assert.doesNotMatch(early, /allocating/)
  assert.match(written(at('training', 10, 95)), /training +█{10}░{30} 10\/40 {2}\S.* left/)
})

test('while it is queued its place is there, and gone when it begins', () => {
  const ahead = { experiments: 2, segments: 40, seconds: 90 }
  const waiting = { ...at('queued', 0), queue: { position: 3, ahead } }
  const place = 'queued     place 3; 2 experiments with 40 segments before it, about 1 min 30 s'
  assert.ok(written(waiting).includes(place))
  const all = written(waiting, at('training', 10))
  assert.doesNotMatch(all.slice(all.lastIndexOf(place) + place.length), /queued/)
  assert.match(all, /training +█{10}░{30} 10\/40 /)
})

test('a phase is full once a later one has begun', () => {
  const all = written(at('training', 10, 5), at('allocating', 20, 7), at('succeeded', 40))
  assert.match(all, /training +█{40} 40\/40 /)
  assert.match(all, /allocating +█{40} 40\/40 /)
  // One that is cancelled keeps what it had.
  assert.doesNotMatch(written(at('training', 10), at('cancelled', 10)), /40\/40/)
})
