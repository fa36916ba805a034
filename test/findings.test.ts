/** Findings on ledgers that are made up: each rule where it must speak, with the right numbers, and where it must not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Columns } from '../src/lca/columns.ts'
import { networkOf } from '../src/lca/diagnostics/follow.ts'
import type { Study } from '../src/lca/findings/finding.ts'
import { findAll } from '../src/lca/findings/registry.ts'
import { findTrends, type Summed, type Trends } from '../src/lca/findings/trends.ts'
import { type RandomStream, randomStream } from '../src/nn/random.ts'
import type { SplitName } from '../src/spec/schema.ts'

const layers = ['fc_1', 'fc_2', 'fc_3']
const variables = layers.map((layer, i) => ({
  ...{ name: `${layer}/kernel`, layer, shape: [2, 2], offset: 4 * i, size: 4 },
}))
const network = networkOf(variables)

type Made = {
  /** LCA by split, of an iteration and layer. */
  lca: Partial<Record<SplitName, (iteration: number, layer: number) => number>>
  iterations?: number
  residual?: (iteration: number) => number
  /** Other tables of train. */
  tables?: Record<string, Columns>
  unbalanced?: ReturnType<Study['unbalanced']>
  /** The loss before the first iteration. */
  initial?: number
  sample?: { examples: number; of: number }
}

/** A study of a ledger whose losses are what LCA and residuals add up to. */
function studyOf({ lca, iterations = 200, residual = () => 0, tables = {}, ...made }: Made): Study {
  const { unbalanced, initial = 5, sample = { examples: 100, of: 100 } } = made
  const splits = Object.keys(lca) as SplitName[]
  const stored = Object.fromEntries(
    splits.map(split => {
      const own = Float64Array.from({ length: iterations * layers.length }, (_, row) =>
        lca[split]!(Math.floor(row / layers.length), row % layers.length),
      )
      const sums = Float64Array.from({ length: iterations }, (_, t) =>
        own.subarray(t * layers.length, (t + 1) * layers.length).reduce((a, b) => a + b, 0),
      )
      let loss = initial
      const before = sums.map((sum, t) => {
        const now = loss
        loss += sum + residual(t)
        return now
      })
      const after = before.map((_, t) => (t + 1 < iterations ? before[t + 1] : loss))
      const residuals = sums.map((_, t) => residual(t))
      return [
        split,
        {
          allocations: { lca: own },
          iterations: { lca: sums, residual: residuals, lossBefore: before, lossAfter: after },
          ...tables,
        } as Record<string, Columns>,
      ]
    }),
  )
  let trends: Promise<Trends> | undefined
  const find = (summed: Summed[]) => findTrends(study, summed, randomStream('test', 1), async () => {})
  const study: Study = {
    ...{ network, splits, iterations },
    balanced: unbalanced === undefined ? splits : [],
    source: split =>
      async function* (kind, { from, to } = { from: 0, to: iterations }) {
        const columns = stored[split][kind]
        if (columns === undefined) return
        // In two blocks, as a ledger of two segments is.
        const middle = Math.min(to, Math.max(from, iterations >> 1))
        for (const [start, end] of [
          [from, middle],
          [middle, to],
        ]) {
          if (kind === 'units') {
            yield { from: start, to: end, ...spellsWithin(columns, start, end) }
            continue
          }
          const each = Object.values(columns)[0].length / iterations
          const rows = (end - start) * each
          if (rows === 0) continue
          const cut = Object.entries(columns).map(([name, values]) => [
            name,
            values.subarray(start * each, end * each),
          ])
          yield { from: start, to: end, rows, columns: Object.fromEntries(cut) }
        }
      },
    facts: split => ({ ...network, split, iterations, from: 0, to: iterations, options: {} }),
    has: name => name in tables,
    trends: () =>
      (trends ??= find(study.balanced.map(split => ({ split, table: 'allocations', columns: ['lca'] })))),
    trendsOf: summed => find([summed]),
    unbalanced: () => unbalanced,
    sample: () => sample,
  }
  return study
}

/** The part of spells of dead units that a segment has. */
function spellsWithin({ unit, from, to }: Columns, start: number, end: number) {
  const own = Array.from(unit, (_, row) => row).filter(row => from[row] < end && to[row] > start)
  const columns = {
    unit: Int32Array.from(own, row => unit[row]),
    from: Int32Array.from(own, row => Math.max(start, from[row])),
    to: Int32Array.from(own, row => Math.min(end, to[row])),
  }
  return { rows: own.length, columns }
}

/** Noise of this size around a mean. */
const noisy = (seed: string, size: number, mean: (iteration: number, layer: number) => number) => {
  const random = randomStream('noise', seed)
  const drawn = Array.from({ length: 3000 }, () => size * random.normal())
  return (t: number, l: number) => mean(t, l) + drawn[(3 * t + l) % drawn.length]
}
const helps = noisy('helps', 0.001, () => -0.004)
const isClose = (a: number | null, b: number) =>
  assert.ok(a !== null && Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${a} is not ${b}`)
const sumOver = (of: (t: number, l: number) => number, layer: number, from: number, to: number) => {
  let sum = 0
  for (let t = from; t < to; t++) sum += of(t, layer)
  return sum
}

test('of a run in which every layer helps there is nothing to say', async () => {
  assert.deepEqual(await findAll(studyOf({ lca: { train: helps, validation: helps } })), [])
  // Too short for blocks, and even of nothing.
  assert.deepEqual(await findAll(studyOf({ lca: { train: helps }, iterations: 1 })), [])
  assert.deepEqual(await findAll(studyOf({ lca: { train: () => 0 } })), [])
})

test('a layer that hurts over a span, with the sum over that span and an interval above 0; the same bits again', async () => {
  // Strata of 200 iterations are [0, 67), [67, 133) and [133, 200).
  const train = noisy('hurts', 0.002, (t, l) => (l === 1 && t >= 67 && t < 133 ? 0.005 : -0.004))
  const made = { lca: { train, validation: helps } }
  const [found, ...more] = await findAll(studyOf(made))
  assert.deepEqual(more, [])
  const sum = sumOver(train, 1, 67, 133)
  assert.deepEqual(
    [found.rule, found.split, found.layer, found.from, found.to, found.table],
    ['hurting', 'train', 'fc_2', 67, 133, 'allocations'],
  )
  const [{ estimate, low, high, level }] = found.figures
  isClose(estimate, sum)
  isClose(found.atStake, sum)
  // 66 iterations of sd 0.002: a s.e. of 0.016; the interval is wider for all that was looked at, and not without end.
  assert.ok(low! > 0 && sum - low! > 2 * 0.016 && sum - low! < 20 * 0.016, `${low}`)
  isClose(low! + high!, 2 * sum)
  assert.equal(level, 0.95)
  assert.match(
    found.statement,
    /^fc_2 raised the train loss in iterations 67 to 132: LCA \+0\.3\d* \(\+0\.\d+ to \+0\.\d+\)$/,
  )
  assert.deepEqual(await findAll(studyOf(made)), [found])
})

test('a layer that overfits: train helped and validation hurt from then on, which is not said twice', async () => {
  const late = noisy('late', 0.001, (t, l) => (l === 2 && t >= 133 ? 0.006 : -0.004))
  const found = await findAll(studyOf({ lca: { train: helps, validation: late } }))
  assert.deepEqual(
    found.map(({ rule, layer, split, from, to }) => [rule, layer, split, from, to]),
    [['overfitting', 'fc_3', 'validation', 133, 200]],
  )
  const [{ figures, atStake }] = found
  assert.deepEqual(
    figures.map(({ name }) => name),
    ['validation.lca', 'train.lca'],
  )
  isClose(figures[0].estimate, sumOver(late, 2, 133, 200))
  isClose(figures[1].estimate, sumOver(helps, 2, 133, 200))
  assert.ok(figures[0].low! > 0 && figures[1].high! < 0)
  isClose(atStake, figures[0].estimate!)
})

test('pure noise, also noise with a memory, is said to hurt in less than 5 of 100 ledgers', async () => {
  const runs = 120
  const told = { hurting: 0, overfitting: 0, rising: 0, overshooting: 0, damage: 0, momentum: 0 } as Record<
    string,
    number
  >
  for (let run = 0; run < runs; run++) {
    const random = randomStream('pure noise', run)
    const memory = run % 2 === 0 ? 0 : 0.5
    const series = (own: RandomStream) => {
      const values = layers.map(() => 0)
      const drawn = Array.from({ length: 200 }, () =>
        values.map((_, l) => (values[l] = memory * values[l] + 0.001 * own.normal())),
      )
      return (t: number, l: number) => drawn[t][l]
    }
    const first = Float64Array.from({ length: 600 }, () => random.normal())
    const end = Float64Array.from({ length: 600 }, () => random.normal())
    const lca = { train: series(random), validation: series(random) }
    const components = partsOf(lca.train, series(random))
    const found = await findAll(studyOf({ lca, tables: { curvature: { first, end }, components } }))
    for (const rule of new Set(found.map(({ rule }) => rule))) told[rule]++
  }
  // Of 120 runs at 0.05 more than 12 would be a chance of 1 in 100.
  for (const [rule, count] of Object.entries(told)) assert.ok(count <= 12, `${rule} in ${count} of ${runs}`)
})

test('steps that overshoot, with what it cost; not where half of them do', async () => {
  const curvature = (isOver: (t: number) => boolean) => ({
    first: Float64Array.from({ length: 600 }, () => -1),
    // Of three variables together: E = 0.5 · 3 where it overshoots, F = −3.
    end: Float64Array.from({ length: 600 }, (_, row) => (isOver(Math.floor(row / 3)) ? 0.5 : -0.5)),
  })
  const random = randomStream('over')
  const over = Array.from({ length: 200 }, () => random.uniform() < 0.8)
  const [found, ...more] = await findAll(
    studyOf({ lca: { train: helps }, tables: { curvature: curvature(t => over[t]) } }),
  )
  assert.deepEqual(more, [])
  const count = over.filter(Boolean).length
  assert.equal(found.rule, 'overshooting')
  isClose(found.figures[0].estimate, count / 200)
  // Wilson with at most 200 independent iterations: ± 0.055 at least.
  assert.ok(found.figures[0].low! > 0.5 && found.figures[0].low! < count / 200 - 0.05)
  isClose(found.atStake, (count * 1.5 ** 2) / (2 * 4.5))
  const half = studyOf({ lca: { train: helps }, tables: { curvature: curvature(t => t % 20 < 11) } })
  assert.deepEqual(await findAll(half), [])
})

test('one iteration that did most of the damage, as far as residuals leave that open', async () => {
  // Ten iterations raise the loss by 0.01 a layer, and one by ten times that.
  const train = (t: number, l: number) => (t === 77 && l === 0 ? 0.5 : t % 20 === 3 ? 0.01 : -0.02)
  const spike = (residual: number) =>
    findAll(studyOf({ lca: { train }, residual: t => (t === 77 ? residual : 0), initial: 100 }))
  const [found, ...more] = await spike(0)
  assert.deepEqual(more, [])
  assert.deepEqual([found.rule, found.from, found.to], ['damage', 77, 78])
  const lca = 0.5 - 0.04
  isClose(found.figures[0].estimate, lca / (lca + 0.3))
  isClose(found.figures[0].low, lca / (lca + 0.3))
  isClose(found.atStake, lca)
  const [open] = await spike(0.1)
  isClose(open.figures[0].low, (lca - 0.1) / (lca - 0.1 + 0.3))
  isClose(open.figures[0].high, (lca + 0.1) / (lca + 0.1 + 0.3))
  // A residual that could be more than what it did beyond the others.
  assert.deepEqual(await spike(0.2), [])
})

/** The parts of LCA, of which momentum has this and the batch's gradient the rest. */
function partsOf(
  lca: (t: number, l: number) => number,
  momentum: (t: number, l: number) => number,
  rest = 0,
): Columns {
  const column = (of: (t: number, l: number) => number) =>
    Float64Array.from({ length: 600 }, (_, row) => of(Math.floor(row / 3), row % 3))
  return {
    lca: column(lca),
    momentum: column(momentum),
    gradient: column((t, l) => lca(t, l) - momentum(t, l) - rest * lca(t, l)),
    rest: column((t, l) => rest * lca(t, l)),
  }
}

test('momentum that takes back what the gradients win: of the network, or of a layer; not where it helps', async () => {
  const pays = noisy('pays', 0.001, () => 0.003)
  const study = (momentum: (t: number, l: number) => number, rest?: number) =>
    studyOf({ lca: { train: helps }, tables: { components: partsOf(helps, momentum, rest) } })
  const [found, ...more] = await findAll(study(pays))
  assert.deepEqual(more, [])
  const whole = (of: (t: number, l: number) => number) =>
    [0, 1, 2].reduce((sum, l) => sum + sumOver(of, l, 0, 200), 0)
  assert.deepEqual(
    [found.rule, found.split, found.layer, found.from, found.to, found.table],
    ['momentum', 'train', null, 0, 200, 'components'],
  )
  const [paid, earned, ratio] = found.figures
  isClose(paid.estimate, whole(pays))
  isClose(earned.estimate, whole(helps) - whole(pays))
  isClose(ratio.estimate, whole(pays) / (whole(pays) - whole(helps)))
  isClose(found.atStake, whole(pays))
  // Three layers of noise with sd 0.001 over 200 iterations: s.e. 0.0245, and wider for all that was looked at.
  assert.ok(paid.low! > 0 && paid.estimate! - paid.low! > 2 * 0.0245 && paid.estimate! - paid.low! < 0.25)
  assert.ok(earned.high! < 0 && ratio.low! > 0.3 && ratio.low! < ratio.estimate! && ratio.high! < 0.6)
  assert.match(found.statement, /^momentum raised the train loss over all 200 iterations by 1\.\d+ \(/)
  assert.match(
    found.statement,
    /, [3-5]\d\.?\d* % \(\d+\.?\d* % to [45]\d\.?\d* %\) of what the batches’ gradients lowered it by/,
  )
  // More than they won is no share of it.
  const more8 = await findAll(
    studyOf({
      lca: { train: (t, l) => -helps(t, l) / 8 },
      tables: {
        components: partsOf(
          (t, l) => -helps(t, l) / 8,
          (t, l) => (-9 / 8) * helps(t, l),
        ),
      },
    }),
  )
  const undone = more8.find(({ rule }) => rule === 'momentum')!
  isClose(undone.figures[2].estimate, 9 / 8)
  assert.match(
    undone.statement,
    /, 1\.1[23]\d? times \(\d\.?\d* to \d\.?\d*\) what the batches’ gradients lowered it by/,
  )
  // In one layer, over a third of the run, where the network's helps.
  const inOne = noisy('in one', 0.0005, (t, l) => (l === 2 && t >= 133 ? 0.004 : -0.003))
  const [ofLayer, ...others] = await findAll(study(inOne))
  assert.deepEqual(others, [])
  assert.deepEqual([ofLayer.layer, ofLayer.from, ofLayer.to], ['fc_3', 133, 200])
  isClose(ofLayer.atStake, sumOver(inOne, 2, 133, 200))
  // It helps; it does nothing but noise; the gradients hurt as well; the parts do not say.
  assert.deepEqual(await findAll(study(noisy('helps', 0.001, () => -0.002))), [])
  assert.deepEqual(await findAll(study(noisy('nothing', 0.001, () => 0))), [])
  assert.deepEqual(await findAll(study(pays, 0.02)), [])
  const hurts = noisy('all hurt', 0.001, () => 0.004)
  const both = await findAll(studyOf({ lca: { train: hurts }, tables: { components: partsOf(hurts, pays) } }))
  assert.ok(both.length > 0 && both.every(({ rule }) => rule !== 'momentum'))
})

test('units that are dead to the end, over the border of segments; not those that came back, or only just died', async () => {
  const spells = (...all: [unit: number, from: number, to: number][]) => ({
    unit: Int32Array.from(all, ([unit]) => unit),
    from: Int32Array.from(all, ([, from]) => from),
    to: Int32Array.from(all, ([, , to]) => to),
  })
  const study = (units: Columns) =>
    studyOf({ lca: { train: helps }, tables: { units }, sample: { examples: 500, of: 500 } })
  // Unit 1 of fc_1 died twice; both of fc_3 are dead, the second later.
  const [first, second, ...more] = await findAll(
    study(spells([1, 10, 20], [1, 60, 200], [4, 20, 200], [5, 150, 200])),
  )
  assert.deepEqual(more, [])
  assert.deepEqual(
    [first, second].map(({ rule, split, layer, from, to, table }) => [rule, split, layer, from, to, table]),
    [
      ['dead', 'train', 'fc_1', 60, 200, 'units'],
      ['dead', 'train', 'fc_3', 150, 200, 'units'],
    ],
  )
  assert.deepEqual(first.figures[0], { name: 'units', estimate: 1, low: 1, high: 1, level: 0.95 })
  assert.equal(second.figures[0].estimate, 2)
  // None of 500 examples, for 6 units together: (1 − p)^500 = 0.05/6.
  const { low, high } = first.figures[1]
  assert.equal(low, 0)
  isClose((1 - high!) ** 500, 0.05 / 6)
  // The one that lives lowered the loss by so much; where none lives nobody knows.
  isClose(first.atStake, -sumOver(helps, 0, 60, 200))
  assert.equal(second.atStake, 0)
  assert.match(first.statement, /^1 of 2 units of fc_1 is dead from iteration 60 on: .* fewer than 0\.953 %/)
  assert.deepEqual(await findAll(study(spells([1, 0, 199], [2, 169, 200], [3, 40, 120]))), [])
})

test('training that diverged comes first; books that do not balance keep rules about LCA from speaking', async () => {
  const up = (t: number, l: number) => (t === 10 && l === 0 ? 50 : -0.001)
  const message = 'the books do not balance'
  const unbalanced = { message, absoluteResidual: 2, lossTravel: 60 }
  const found = await findAll(studyOf({ lca: { train: up }, unbalanced }))
  assert.deepEqual(
    found.map(({ rule, atStake }) => [rule, atStake]),
    [
      ['diverged', found[0].figures[0].estimate],
      ['unbalanced', 2],
    ],
  )
  assert.match(found[0].statement, /^training diverged: the train loss went from 5 to 54\.4$/)
  assert.equal(found[1].statement, `train: ${message}`)
  const broken = await findAll(
    studyOf({ lca: { train: (t, l) => (t === 30 && l === 2 ? Number.NaN : -0.01) } }),
  )
  assert.deepEqual([broken[0].rule, broken[0].from, broken[0].atStake], ['diverged', 30, null])
})

test('a loss that rises over a span, of a sample as of a sample', async () => {
  const train = noisy('rises', 0.001, t => (t >= 133 ? 0.003 : -0.004))
  const found = await findAll(studyOf({ lca: { train }, sample: { examples: 50, of: 400 } }))
  const [rising] = found.filter(({ rule }) => rule === 'rising')
  assert.deepEqual([rising.layer, rising.from, rising.to], [null, 133, 200])
  isClose(
    rising.atStake,
    [0, 1, 2].reduce((sum, l) => sum + sumOver(train, l, 133, 200), 0),
  )
  assert.match(
    rising.statement,
    /the train \(a sample of 50 of 400 examples\) loss rose from iteration 133 on/,
  )
  // Ordered by what is at stake: the network before its layers.
  assert.deepEqual(
    found.map(({ rule }) => rule),
    ['rising', 'hurting', 'hurting', 'hurting'],
  )
  const stakes = found.map(({ atStake }) => atStake!)
  assert.deepEqual(
    stakes,
    stakes.toSorted((a, b) => b - a),
  )
})
