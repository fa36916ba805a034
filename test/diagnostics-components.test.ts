/** LCA by what a step is made of: against optimizers written out as sums over all gradients before, in float64. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { loadEngine } from '../src/engine/engine.ts'
import { components } from '../src/lca/diagnostics/components.ts'
import { makeBatches } from '../src/nn/training/iteration.ts'
import { weightsName } from '../src/objects/names.ts'
import { objectKey } from '../src/objects/objects.ts'
import { openObjects } from '../src/objects/open.ts'
import { facts } from '../src/plan.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ExperimentSpec, SplitName } from '../src/spec/schema.ts'
import { checkTrajectory } from '../src/spec/trajectory.ts'
import { makeContext } from '../workers/context.ts'
import { allocateSegment } from '../workers/tasks/allocate.ts'
import { examplesOf, factsOf, isClose, sourceOf, trajectoryOf } from './support/diagnostics.ts'
import { type Run, runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

type Setting = Pick<ExperimentSpec, 'optimizer' | 'layers'> & { l2?: number; clipNorm?: number }

const iterations = 6
const batchSize = 20
/** Gradients that are nothing but float32's rounding must not be made as large as all others. */
const epsilon = 1e-3

const runWith = ({ optimizer, layers, l2, clipNorm }: Setting, segmentIterations = 4) =>
  runExperiment({
    dataset: { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 },
    architecture: { name: 'fc', hidden: [3] },
    ...{ optimizer, layers },
    training: { iterations, batchSize, seed: 2, l2, clipNorm },
    allocation: {
      ...{ method: 'trapezoid', maxSplits: 1, segmentIterations },
      diagnostics: { components: true },
    },
    keep: ['weights'],
  })

/** One parameter's step: its own gradients so far, the last of them the iteration's; what it adds beside L2 and decay. */
type Split = (history: number[], eta: number) => { factor: number; earlier: number }
const sumUp = (history: number[], weight: (age: number) => number) =>
  history.reduce((sum, g, n) => sum + weight(history.length - 1 - n) * g, 0)

const sgd =
  (mu: number, nesterov = false): Split =>
  (history, eta) => ({
    factor: -eta * (nesterov ? 1 + mu : 1),
    earlier: -eta * sumUp(history, age => (age === 0 ? 0 : mu ** (age + Number(nesterov)))),
  })
const rmsprop =
  (rho: number, mu: number): Split =>
  (history, eta) => {
    const denominator = (n: number) => {
      const squares = history.slice(0, n + 1).map(g => g * g)
      return Math.sqrt(sumUp(squares, age => (1 - rho) * rho ** age)) + epsilon
    }
    const pushes = history.map((g, n) => g / denominator(n))
    return {
      factor: -eta / denominator(history.length - 1),
      earlier: -eta * sumUp(pushes, age => (age === 0 ? 0 : mu ** age)),
    }
  }
const adam: Split = (history, eta) => {
  const [beta1, beta2] = [0.9, 0.999]
  const first = 1 - beta1 ** history.length
  const second = 1 - beta2 ** history.length
  const squares = history.map(g => g * g)
  const root = Math.sqrt(sumUp(squares, age => (1 - beta2) * beta2 ** age) / second) + epsilon
  return {
    factor: (-eta * (1 - beta1)) / first / root,
    earlier: (-eta / first / root) * sumUp(history, age => (age === 0 ? 0 : (1 - beta1) * beta1 ** age)),
  }
}
const lion: Split = (history, eta) => {
  const [beta1, beta2] = [0.9, 0.99]
  const m = sumUp(history, age => (age === 0 ? 0 : (1 - beta2) * beta2 ** (age - 1)))
  const u = beta1 * m + (1 - beta1) * history[history.length - 1]
  return u === 0
    ? { factor: 0, earlier: 0 }
    : { factor: (-eta * (1 - beta1)) / Math.abs(u), earlier: (-eta * beta1 * m) / Math.abs(u) }
}

/** What each layer does at an iteration: undefined where it keeps still. */
type Doing = { split: Split; eta: number; decay?: number }
const settings: Record<string, Setting & { does: (layer: string, t: number) => Doing | undefined }> = {
  'sgd with momentum, L2, clipping and a layer that freezes': {
    optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
    layers: { fc_2: { freeze: { from: 2, until: 4 } } },
    ...{ l2: 0.01, clipNorm: 1 },
    does: (layer, t) => (layer === 'fc_2' && t >= 2 && t < 4 ? undefined : { split: sgd(0.9), eta: 0.1 }),
  },
  'Nesterov’s momentum with a schedule': {
    optimizer: {
      ...{ name: 'sgd', learningRate: 0.1, momentum: 0.5, nesterov: true },
      schedule: { name: 'step', boundaries: [3] },
    },
    does: (_, t) => ({ split: sgd(0.5, true), eta: t < 3 ? 0.1 : 0.01 }),
  },
  'rmsprop, and a layer with sgd and decay': {
    optimizer: { name: 'rmsprop', learningRate: 0.002, momentum: 0.5, epsilon },
    layers: { fc_2: { optimizer: { name: 'sgdw', learningRate: 0.05, weightDecay: 0.1, momentum: 0 } } },
    does: layer =>
      layer === 'fc_2' ? { split: sgd(0), eta: 0.05, decay: 0.1 } : { split: rmsprop(0.9, 0.5), eta: 0.002 },
  },
  'adam with L2': {
    optimizer: { name: 'adam', learningRate: 0.002, epsilon },
    l2: 0.01,
    does: () => ({ split: adam, eta: 0.002 }),
  },
  'adamw, and a layer with lion': {
    optimizer: { name: 'adamw', learningRate: 0.002, weightDecay: 0.1, epsilon },
    layers: { fc_2: { optimizer: { name: 'lion', learningRate: 0.001, weightDecay: 0.2 } } },
    does: layer =>
      layer === 'fc_2' ? { split: lion, eta: 0.001, decay: 0.2 } : { split: adam, eta: 0.002, decay: 0.1 },
  },
}

const names = ['gradient', 'momentum', 'l2', 'decay'] as const
const rowsOf = async (run: Run, split: SplitName) => {
  const { variables } = factsOf(run, split, components)
  const rows: Record<string, number>[] = []
  for await (const { rows: count, columns } of sourceOf(run, split)('components'))
    for (let row = 0; row < count; row++)
      rows.push(Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]])))
  assert.equal(rows.length, iterations * variables.length)
  return rows
}

for (const [called, setting] of Object.entries(settings))
  test(`${called}: parts and noise are those in float64, and the parts sum to LCA`, async () => {
    const run = await runWith(setting)
    const trajectory = trajectoryOf(run)
    const train = await examplesOf(run, 'train')
    const batchOf = makeBatches(60, batchSize, 2)
    const { variables } = factsOf(run, 'train', components)
    const l2 = setting.l2 ?? 0
    const batches = trajectory.slice(0, iterations).map((theta, t) => {
      const indices = [...batchOf(t)]
      const labels = indices.map(i => train.labels[i])
      return lossAndGradient(
        theta,
        [784, 3, 10],
        indices.map(i => train.examples[i]),
        labels,
      ).gradient
    })
    const kernel = (name: string) => name.endsWith('/kernel')
    // Parts of Δ at each iteration: [parameters].
    const histories = Array.from(trajectory[0], (): number[] => [])
    const parts = batches.map((b, t) => {
      const made = Object.fromEntries(names.map(name => [name, new Float64Array(b.length)]))
      const moving = variables.filter(({ layer }) => setting.does(layer, t) !== undefined)
      const total = b.map((g, i) => {
        const own = variables.find(({ offset, size }) => i >= offset && i < offset + size)!
        return g + (kernel(own.name) ? 2 * l2 * trajectory[t][i] : 0)
      })
      let squares = 0
      for (const { offset, size } of moving)
        for (let i = offset; i < offset + size; i++) squares += total[i] ** 2
      const clipped = Math.min(1, (setting.clipNorm ?? Number.POSITIVE_INFINITY) / Math.sqrt(squares))
      for (const { name, layer, offset, size } of moving) {
        const { split, eta, decay = 0 } = setting.does(layer, t)!
        for (let i = offset; i < offset + size; i++) {
          histories[i].push(total[i] * clipped)
          const { factor, earlier } = split(histories[i], eta)
          made.gradient[i] = factor * clipped * b[i]
          made.momentum[i] = earlier
          made.l2[i] = kernel(name) ? factor * clipped * 2 * l2 * trajectory[t][i] : 0
          made.decay[i] = kernel(name) ? -eta * decay * trajectory[t][i] : 0
        }
      }
      return made
    })
    for (const split of ['train', 'validation'] as const) {
      const { examples, labels } = await examplesOf(run, split)
      const gradients = trajectory.map(
        theta => lossAndGradient(theta, [784, 3, 10], examples, labels).gradient,
      )
      for (const [row, found] of (await rowsOf(run, split)).entries()) {
        const t = Math.floor(row / variables.length)
        const { name, offset, size } = variables[row % variables.length]
        const sum = (of: (i: number) => number) => {
          let total = 0
          for (let i = offset; i < offset + size; i++) total += of(i)
          return total
        }
        const mean = (i: number) => (gradients[t][i] + gradients[t + 1][i]) / 2
        const [b, g] = [batches[t], gradients[t]]
        const expected: Record<string, number> = {
          ...Object.fromEntries(names.map(part => [part, sum(i => mean(i) * parts[t][part][i])])),
          dot: sum(i => b[i] * g[i]),
          batch: sum(i => b[i] ** 2),
          full: sum(i => g[i] ** 2),
          noise: split === 'train' ? (sum(i => (b[i] - g[i]) ** 2) * 20) / (1 - 20 / 60) : Number.NaN,
        }
        // Sums of parts that cancel are as exact as the parts are large.
        const size1 = names.reduce((most, part) => most + sum(i => Math.abs(mean(i) * parts[t][part][i])), 0)
        for (const [column, value] of Object.entries(expected)) {
          const floor = names.includes(column as 'l2')
            ? size1
            : column === 'dot'
              ? sum(i => Math.abs(b[i] * g[i]))
              : 0
          const fits = Number.isNaN(value)
            ? Number.isNaN(found[column])
            : isClose(found[column], value, 1e-4, floor)
          assert.ok(fits, `${split} ${column} of ${name} at ${t}: ${found[column]} for ${value}`)
        }
        const { lca, rest } = found
        const all = names.reduce((sum, part) => sum + found[part], 0) + rest
        assert.ok(Math.abs(all - lca) < 1e-12 * (1 + size1), `${name} at ${t}: ${all} for ${lca}`)
        // Half a unit in the last place of every weight, and of every allocation.
        const rounding =
          sum(i => Math.abs(mean(i)) * Math.abs(trajectory[t + 1][i])) / 2 ** 24 + size1 / 2 ** 20
        assert.ok(Math.abs(rest) <= rounding, `${name} at ${t}: rest ${rest}, rounding ${rounding}`)
      }
    }
  })

test('the rows are the same however the run is cut, and where the optimizer’s state is gone', async () => {
  const setting = settings['adam with L2']
  const run = await runWith(setting)
  assert.deepEqual(await rowsOf(await runWith(setting, 2), 'train'), await rowsOf(run, 'train'))

  rmSync(path.join(run.directory, 'state'), { recursive: true })
  const objects = await openObjects({ objectsDir: path.join(run.directory, '../..') })
  const context = makeContext({ datasetsDir: '.' }, await loadEngine({}), objects)
  const { name, ...object } = run.objects.find(one => one.name === weightsName({ from: 4, to: 6 }))!
  const again = await allocateSegment(
    context,
    {
      ...{ kind: 'allocate', experimentId: 'x', spec: run.spec, from: 4, to: 6 },
      known: { ...object, key: objectKey('x', name) },
    },
    () => {},
    new AbortController().signal,
  )
  assert.ok(again.kind === 'allocate')
  assert.deepEqual(again.columns, run.segments[1].columns)

  // Figures are shares of Σ LCA.
  const facts = factsOf(run, 'train', components)
  const figures = await components.summarise!(sourceOf(run, 'train'), facts)
  const rows = await rowsOf(run, 'train')
  const sum = (column: string) => rows.reduce((total, row) => total + row[column], 0)
  for (const part of names) assert.ok(isClose(figures[part], sum(part) / sum('lca'), 1e-9), part)
  assert.ok(isClose(figures.noiseScale, sum('noise') / sum('full'), 1e-9))
  assert.ok(figures.rest < 1e-4 && figures.cosine > 0)
})

test('of a training that happened elsewhere there are parts where its optimizer’s state came along, and else the spec says so', () => {
  const input = {
    ...{ dataset: { name: 'synthetic-digits' }, architecture: { name: 'fc' }, optimizer: { name: 'sgd' } },
    training: { iterations: 2 },
  }
  const errorsOf = (components: boolean, optimizerState = false, more: object = {}) => {
    const spec = resolveSpec({ ...input, allocation: { diagnostics: { components } } }, facts)
    const dataset = facts.datasets.find(({ name }) => name === 'synthetic-digits')!
    const { variables } = facts.network(spec.architecture, dataset)
    const optimizer = { ...spec.optimizer, ...more }
    const recorded = { architecture: spec.architecture, iterations: 2, variables, optimizer, optimizerState }
    const training = { ...spec.training, trajectory: 'somewhere' }
    return checkTrajectory({ ...spec, training }, recorded, facts).map(({ path }) => path)
  }
  assert.deepEqual(errorsOf(false), [])
  assert.deepEqual(errorsOf(true), ['$.allocation.diagnostics.components'])
  assert.deepEqual(errorsOf(true, true), [])
  // Of another optimizer the state says nothing.
  assert.deepEqual(errorsOf(true, true, { learningRate: 0.5 }), ['$.optimizer'])
})
