/** What training does by its ledger: when it must act, and when it must not; and that it decides the same however often it is killed. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { networkOf } from '../src/lca/diagnostics/follow.ts'
import { makePolicy, policyTypes, sumWithInterval } from '../src/lca/policies.ts'
import { leftName, weightsName } from '../src/objects/names.ts'
import { objectKey } from '../src/objects/objects.ts'
import { openObjects } from '../src/objects/open.ts'
import { facts } from '../src/plan.ts'
import { SpecError } from '../src/spec/errors.ts'
import { judgingCosts } from '../src/spec/judging.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ResolvedLayer, ResolvedPolicy } from '../src/spec/resolved.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { segmentsOf } from '../src/spec/segments.ts'
import { makeContext } from '../workers/context.ts'
import { readTable } from '../workers/tasks/sealed.ts'
import { trainSegments } from '../workers/tasks/train.ts'
import { isClose } from './support/diagnostics.ts'

// ---------------------------------------------------------------------------------------- constructed ledgers

const network = networkOf([
  { name: 'a/bias', layer: 'a', shape: [1], offset: 0, size: 1 },
  { name: 'b/bias', layer: 'b', shape: [1], offset: 1, size: 1 },
])
const layers = network.layers.map(
  (layer): ResolvedLayer => ({
    ...{ layer, parameters: 1, freeze: null, l2: 0 },
    optimizer: {
      ...{ name: 'sgd', learningRate: 1, momentum: 0.9, nesterov: false },
      schedule: { name: 'constant' },
    },
  }),
)
const policyOf = (over: Partial<ResolvedPolicy>): ResolvedPolicy => ({
  judge: { split: 'validation', method: 'left' },
  every: 1,
  ...over,
})

/** Steps of 1 in both layers, along which the loss rises by these; `pushed`: how much of the step momentum is. */
async function lives(policy: ResolvedPolicy, lca: [a: number, b: number][], pushed = [0, 0]) {
  let t = 0
  const governing = makePolicy(network, policy, layers, {
    async addGradient(_, into) {
      into.set(lca[Math.min(t, lca.length - 1)])
      return 0
    },
    loss: async () => 0,
  })
  const frozen: boolean[] = []
  const [from, to] = [new Float32Array(2), Float32Array.of(1, 1)]
  for (; t < lca.length && !governing.memory.stopped; t++) {
    frozen.push(governing.isFrozen('a', t))
    const step = { iteration: t, position: t, from, to, momentum: Float64Array.from(pushed) }
    // As the last, it keeps no gradient for the next.
    await governing.judge(step, true)
  }
  const columns = governing.rows()
  const rows = Array.from(columns.iteration, (_, r) =>
    Object.fromEntries(Object.keys(policyTypes).map(name => [name, columns[name][r]])),
  )
  return { rows, frozen, governing }
}

const rising = [0.5, 0.7, 0.6, 0.4, 0.8, 0.6, 0.5]
const noise = [0.5, -0.7, 0.6, -0.4, 0.8, -0.6, 0.5, -0.4, 0.5, -0.6]
const pairs = (a: number[], b: number[]) => a.map((x, i): [number, number] => [x, b[i]])

test('an interval is that of Student’s t', () => {
  const { sum, low, high } = sumWithInterval([1, 2, 3, 4, 5])
  // s = √2.5, t = 2.7764 with 4 degrees of freedom.
  assert.equal(sum, 15)
  assert.ok(
    isClose(high - sum, 2.7764451 * Math.sqrt(2.5 * 5), 1e-6) && isClose(sum - low, high - sum, 1e-12),
  )
})

test('freezeHurting freezes the layer that hurts, for as long as it says, and no other', async () => {
  const steps = 5
  const { rows, frozen } = await lives(policyOf({ freezeHurting: { steps, for: 2 } }), pairs(rising, noise))
  const [{ low, sum, ...row }, ...others] = rows
  assert.deepEqual(others, [])
  const told = { iteration: 4, layer: 0, rule: 0, action: 0, steps, until: 7 }
  for (const [name, value] of Object.entries(told)) assert.equal(row[name], value, name)
  assert.ok(isClose(sum, 3, 1e-6) && low > 0)
  assert.deepEqual(frozen, [false, false, false, false, false, true, true])
  const forever = await lives(policyOf({ freezeHurting: { steps } }), pairs(rising, noise))
  assert.ok(Number.isNaN(forever.rows[0].until) && forever.governing.isFrozen('a', 1e6))
  // Noise, what helps, and too few steps.
  for (const lca of [noise, noise.map(x => x - 0.2), rising.map(x => -x), rising.slice(0, 4)])
    assert.deepEqual((await lives(policyOf({ freezeHurting: { steps } }), pairs(lca, lca))).rows, [])
})

test('stopOverfitting looks at all layers together', async () => {
  const policy = policyOf({ stopOverfitting: { steps: 5 } })
  const { rows, governing } = await lives(policy, pairs(rising, rising))
  assert.equal(rows.length, 1)
  assert.ok(governing.memory.stopped && rows[0].layer === -1 && rows[0].iteration === 4)
  assert.ok(isClose(rows[0].sum, 6, 1e-6))
  // One rises, the other falls by as much and more.
  const balanced = rising.map((x, i) => -x - Math.abs(noise[i]))
  assert.deepEqual((await lives(policy, pairs(rising, balanced))).rows, [])
  assert.deepEqual((await lives(policy, pairs(noise, noise))).rows, [])
})

test('quietMomentum goes by what momentum did alone, and lets go of it', async () => {
  const policy = policyOf({ quietMomentum: { steps: 5, factor: 0.25 } })
  const then = [...rising.slice(0, 5), ...rising.slice(0, 5).map(x => -x)]
  // Of the step in a momentum is half; in b it pushes the other way, where that hurts.
  const { rows, governing } = await lives(policy, pairs(then, then), [0.5, -0.5])
  assert.deepEqual(
    rows.map(({ iteration, layer, action, factor }) => [iteration, layer, action, factor]),
    [
      [4, 0, 2, 0.25],
      [9, 0, 3, 1],
      [9, 1, 2, 0.25],
    ],
  )
  assert.ok(isClose(rows[0].sum, 1.5, 1e-6))
  assert.deepEqual([governing.quiet('a'), governing.quiet('b')], [1, 0.25])
  assert.deepEqual(
    (await lives(policy, pairs(rising, rising))).rows,
    [],
    'the gradient’s own hurting is none',
  )
})

// ----------------------------------------------------------------------------------------------- real trainings

const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-policies-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const objects = await openObjects({ objectsDir: directory })
const context = makeContext({ datasetsDir: directory }, await loadEngine({ name: 'wasm' }), objects)

/** Twenty images, learnt by heart. */
const overfitting = (
  training: Partial<ExperimentSpec['training']>,
  optimizer?: ExperimentSpec['optimizer'],
) =>
  resolveSpec(
    {
      dataset: { name: 'synthetic-digits', trainExamples: 20, validationExamples: 60 },
      architecture: { name: 'fc', hidden: [6] },
      optimizer: optimizer ?? { name: 'sgd', learningRate: 0.3, momentum: 0.9 },
      training: { iterations: 50, batchSize: 5, seed: 1, ...training },
      allocation: { segmentIterations: 8 },
    },
    facts,
  )

/** Trains, killed at these iterations one after the other, as a worker does that begins again. */
async function trained(id: string, spec: ReturnType<typeof overfitting>, kills: number[] = []) {
  const spans = segmentsOf(spec)
  let finished = 0
  for (const stopAt of [...kills, Number.POSITIVE_INFINITY]) {
    const controller = new AbortController()
    const task = {
      ...{ kind: 'train' as const, experimentId: id, spec },
      segments: spans.slice(finished).map(({ index }) => index),
    }
    const report = (done: number, _: number, stored?: { index: number }) => {
      if (stored) finished = stored.index + 1
      if (done === stopAt) controller.abort(new Error('killed'))
    }
    const run = trainSegments(context, task, report, controller.signal)
    if (stopAt < Number.POSITIVE_INFINITY) await assert.rejects(run, /killed/)
    else {
      const result = await run
      if (result.kind !== 'train') throw new Error('unreachable')
      return result
    }
  }
  throw new Error('unreachable')
}
const bytes = (id: string, name: string) => readFileSync(join(directory, objectKey(id, name)))

/** Decisions of every segment that there is. */
async function decisions(id: string, spans: { from: number; to: number }[]) {
  const found: number[][] = []
  for (const span of spans) {
    const columns = await readTable(objects, objectKey(id, leftName('policies', span)))
    found.push(...Array.from(columns[0], (_, r) => columns.map(column => column[r])))
  }
  return found
}

test('a training that overfits ends, at the same iteration with the same weights whenever it is killed', async () => {
  const spec = overfitting({ policy: { stopOverfitting: { steps: 6 } } })
  const { ended, objects: stored } = await trained('stop', spec)
  assert.ok(ended !== undefined && ended > 6 && ended < 50 && ended % 8 !== 0, `${ended}`)
  const short = { ...spec, training: { ...spec.training, iterations: ended } }
  const spans = segmentsOf(short)
  assert.deepEqual(
    stored.map(({ name }) => name),
    spans.map(weightsName),
  )
  const made = await decisions('stop', spans)
  assert.deepEqual(
    made.map(([iteration, layer, rule, action]) => [iteration, layer, rule, action]),
    [[ended - 1, -1, 1, 1]],
  )
  for (const [n, kills] of [[3], [8, 9], [ended - 1], [ended]].entries()) {
    const again = await trained(`stop-${n}`, spec, kills)
    assert.equal(again.ended, ended)
    for (const span of spans)
      assert.deepEqual(bytes(`stop-${n}`, weightsName(span)), bytes('stop', weightsName(span)))
    assert.deepEqual(await decisions(`stop-${n}`, spans), made)
  }
  // Once the plan is as short, it is one like any other; a lost segment is made again.
  const last = spans[spans.length - 1]
  const before = bytes('stop', weightsName(last))
  await objects.remove(objectKey('stop', weightsName(last)))
  const task = { kind: 'train' as const, experimentId: 'stop', spec: short, segments: [last.index] }
  const again = await trainSegments(context, task, () => {}, new AbortController().signal)
  assert.ok(again.kind === 'train' && again.ended === undefined)
  assert.deepEqual(bytes('stop', weightsName(last)), before)
  // What learns without is not ended.
  const learning = overfitting(
    { iterations: 12, policy: { stopOverfitting: { steps: 12 } } },
    { name: 'sgd', learningRate: 0.02 },
  )
  assert.equal((await trained('learns', learning)).ended, undefined)
})

test('layers freeze and momentum is lowered alike after kills, and in a branch', async () => {
  const policy = {
    freezeHurting: { steps: 9, for: 4 },
    quietMomentum: { steps: 5, factor: 0.2 },
  }
  const layers = { fc_2: { optimizer: { name: 'adam', learningRate: 0.02 } } } as const
  const at = (iterations: number, initial?: { experiment: string; iteration: number; state: true }) => {
    const spec = overfitting({ iterations, policy }, { name: 'sgd', learningRate: 0.3, momentum: 0.97 })
    return resolveSpec(
      { ...spec, layers, training: { ...spec.training, ...(initial && { initial }) } },
      facts,
    )
  }
  const spec = at(32)
  await trained('acts', spec)
  const spans = segmentsOf(spec)
  const made = await decisions('acts', spans)
  const did = (action: number) => made.filter(row => row[3] === action).length
  assert.ok(did(0) > 0 && did(2) > 0, JSON.stringify(made))
  await trained('acts-killed', spec, [3, 11, 12, 25])
  for (const span of spans)
    assert.deepEqual(bytes('acts-killed', weightsName(span)), bytes('acts', weightsName(span)))
  assert.deepEqual(await decisions('acts-killed', spans), made)

  // Frozen, it keeps its bits; Adam's clock waits, which the weights after it depend on.
  const id = '0195d3a0-7c3e-7000-8000-aaaaaaaaaaaa'
  const parent = await trained(id, spec)
  const manifest = await objects.write(objectKey(id, 'manifest.json'), 'application/json')
  await manifest.append(
    Buffer.from(JSON.stringify({ spec, variables: parent.variables, objects: parent.objects })),
  )
  const known = await manifest.commit()
  await objects.remove(objectKey(id, 'state'))
  const begin = (made.find(row => row[3] === 0)?.[0] ?? 0) + 2
  const branch = at(32 - begin, { experiment: id, iteration: begin, state: true })
  const task = {
    kind: 'train' as const,
    experimentId: 'branch',
    spec: branch,
    known,
    ancestors: [{ id, spec }],
  }
  const segments = segmentsOf(branch).map(({ index }) => index)
  await trainSegments(context, { ...task, segments }, () => {}, new AbortController().signal)
  const rowsOf = (id: string, spec: { from: number; to: number }[]) =>
    spec.flatMap(span => {
      const all = bytes(id, weightsName(span)).subarray(128)
      const row = all.length / (span.to - span.from + 1)
      return Array.from({ length: span.to - span.from }, (_, t) =>
        all.subarray(t * row, (t + 1) * row).toString('base64'),
      )
    })
  assert.deepEqual(rowsOf('branch', segmentsOf(branch)), rowsOf(id, spans).slice(begin))
  const later = made.filter(([iteration]) => iteration >= begin)
  assert.deepEqual(
    (await decisions('branch', segmentsOf(branch))).map(([iteration, ...row]) => [
      iteration + begin,
      ...row.slice(0, 7),
      row[8],
    ]),
    later.map(([iteration, ...row]) => [iteration, ...row.slice(0, 7), row[8]]),
  )
})

test('what is wrong is said, and what it costs is known before', () => {
  const says = (policy: object, message: RegExp, optimizer?: ExperimentSpec['optimizer']) =>
    assert.throws(
      () => overfitting({ policy: policy as never }, optimizer),
      (error: unknown) =>
        error instanceof SpecError && message.test(`${error.errors[0].path} ${error.errors[0].message}`),
    )
  says({}, /^\$\.training\.policy must ask for something: freezeHurting, stopOverfitting, quietMomentum/)
  says({ quietMomentum: {} }, /^\$\.training\.policy\.quietMomentum needs an optimizer with momentum > 0/, {
    name: 'adam',
  })
  says({ stopOverfitting: { steps: 4 } }, /policy\.stopOverfitting\.steps must be .*≥ 5|from 5/)
  says(
    { stopOverfitting: {}, judge: { examples: 61 } },
    /policy\.judge\.examples must be ≤ .* \(60\), got 61/,
  )
  const { policy: cost } = judgingCosts(overfitting({ policy: { stopOverfitting: {} } }), 50)
  assert.deepEqual(cost, { iterations: 50, examples: 60, gradients: 51, forwardPasses: 0 })
})
