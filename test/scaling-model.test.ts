/** The model that bench/scaling.ts fits: it finds the costs that made the points, and what they say of other fleets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitModel, workersOn } from '../bench/scaling/model.ts'

test('costs a worker and a segment are found from fleets of several sizes and paces', () => {
  const points = [
    [10, 5],
    [200, 100],
    [200, 10],
    [1000, 50],
  ].map(([workers, segmentsPerSecond]) => ({
    ...{ workers, segmentsPerSecond, cores: 0.002 * workers + 0.007 * segmentsPerSecond },
  }))
  const model = fitModel(points)
  assert.ok(Math.abs(model.perWorker - 0.002) < 1e-12 && Math.abs(model.perSegment - 0.007) < 1e-12)
  assert.ok(model.worstError < 1e-9)
  // A worker with segments of 7 s costs 2 + 1 thousandths of a core.
  assert.ok(Math.abs(workersOn(model, 3, 7) - 1000) < 1e-6)
})
