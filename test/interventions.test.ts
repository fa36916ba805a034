/** Steps of which a part is taken: what is chosen, what comes of it, what optimizers remember, and what it costs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSplits } from '../src/data/registry.ts'
import { defaultEngine } from '../src/engine/binding.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { networkOf } from '../src/lca/diagnostics/follow.ts'
import { interventions } from '../src/lca/diagnostics/interventions.ts'
import { makeIntervention } from '../src/lca/interventions.ts'
import { makeModel } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import { makeBatches } from '../src/nn/training/iteration.ts'
import type { Intervening } from '../src/nn/training/say.ts'
import { train } from '../src/nn/training/train.ts'
import { facts } from '../src/plan.ts'
import { checkCost, trainingFlops } from '../src/spec/cost.ts'
import { SpecError } from '../src/spec/errors.ts'
import { isJudged, timesJudged } from '../src/spec/judging.ts'
import { resolveLayers } from '../src/spec/layers.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ResolvedIntervention } from '../src/spec/resolved.ts'
import type { ExperimentSpec } from '../src/spec/schema.ts'
import { counting } from './support/counting.ts'
import { isClose, rowsOfRun, trajectoryOf } from './support/diagnostics.ts'
import { runExperiment } from './support/experiment.ts'
import { lossAndGradient } from './support/reference.ts'

// ------------------------------------------------------------------------------------------------ a quadratic

const variables = [
  { name: 'a/kernel', layer: 'a', shape: [4, 3], offset: 0, size: 12 },
  { name: 'a/bias', layer: 'a', shape: [3], offset: 12, size: 3 },
  { name: 'b/kernel', layer: 'b', shape: [3, 2], offset: 15, size: 6 },
]
const network = networkOf(variables)
const size = network.parameters
const product = (H: number[][], v: ArrayLike<number>) =>
  H.map(row => row.reduce((sum, h, j) => sum + h * v[j], 0))
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0)

const stream = randomStream('a quadratic')
const eigenvalues = Array.from({ length: size }, () => 0.2 + 2 * stream.uniform())
const diagonal = eigenvalues.map((h, i) => eigenvalues.map((_, j) => (i === j ? h : 0)))
/** The same spectrum along other axes: I − 2uuᵀ on both sides. */
const rotated = (() => {
  const u = eigenvalues.map(() => stream.normal())
  const norm = Math.sqrt(dot(u, u))
  const R = u.map((x, i) => u.map((y, j) => Number(i === j) - (2 * x * y) / norm / norm))
  return R.map(row => R.map(other => row.reduce((sum, r, k) => sum + r * eigenvalues[k] * other[k], 0)))
})()

type Over = Partial<Omit<ResolvedIntervention, 'judge'>> & { method?: 'left' | 'trapezoid' | 'simpson' }
const asked = ({ method = 'trapezoid', ...over }: Over): ResolvedIntervention => ({
  ...{
    update: 'helpers',
    by: 'parameter',
    judge: { split: 'train', method },
    from: 0,
    every: 1,
    state: 'whole',
  },
  ...over,
})

/** Goes down ½θᵀHθ by noisy gradients, with an intervention; what its table says, and each step. */
async function descend(H: number[][], over: Over, steps = 8) {
  const counts = { gradients: 0, losses: 0 }
  const loss = (theta: ArrayLike<number>) => 0.5 * dot(theta, product(H, theta))
  const made = makeIntervention(network, asked(over), 5, {
    async addGradient(theta, into) {
      counts.gradients++
      for (const [i, g] of product(H, theta).entries()) into[i] += g
      return loss(theta)
    },
    async loss(theta) {
      counts.losses++
      return loss(theta)
    },
  })
  const noise = randomStream('noise')
  let theta = Float32Array.from({ length: size }, () => noise.normal())
  const taken: { theta: Float32Array; delta: number[]; part: number[] }[] = []
  for (let t = 0; t < steps; t++) {
    const gradient = product(H, theta)
    const proposed = theta.map((w, i) => w - 0.3 * (gradient[i] + noise.normal()))
    if (!made.isDue(t)) {
      theta = proposed
      continue
    }
    const factors = await made.choose({ iteration: t, position: t, theta, proposed })
    const next = theta.map((w, i) => w + factors[i] * (proposed[i] - w))
    await made.taken({ iteration: t, position: t, theta: next, proposed }, t + 1 === steps)
    const from = theta
    const deltaOf = (to: Float32Array) => Array.from(to, (w, i) => w - from[i])
    taken.push({ theta, delta: deltaOf(proposed), part: deltaOf(next) })
    theta = next
  }
  const columns = made.rows()
  const rows = Array.from(columns.iteration, (_, r) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[r]])),
  )
  return { rows, taken, counts, of: (layer: number) => rows.filter(row => row.layer === layer) }
}

test('helpers on a quadratic with a diagonal Hessian improve every step, exactly as predicted', async () => {
  for (const by of ['parameter', 'unit', 'layer'] as const) {
    const { of } = await descend(diagonal, { by })
    assert.equal(of(-1).length, 8)
    for (const { before, after, predicted, whole } of of(-1)) {
      assert.ok(after <= before && predicted <= Math.min(0, whole))
      assert.ok(Math.abs(after - before - predicted) < 1e-6 * before, `${after - before} for ${predicted}`)
    }
  }
  for (const { before, after, predicted } of (await descend(diagonal, { update: 'hurters' })).of(-1))
    assert.ok(predicted > 0 && Math.abs(after - before - predicted) < 1e-6 * before)
})

test('with a rotated one what is missing is −½ (f∘Δ)ᵀ H (Δ − f∘Δ)', async () => {
  for (const update of ['helpers', 'hurters', 'random', 'shrink'] as const) {
    const { of, taken } = await descend(rotated, { update, by: update === 'random' ? 'unit' : 'parameter' })
    let largest = 0
    for (const [n, { before, after, predicted }] of of(-1).entries()) {
      const { delta, part } = taken[n]
      const rest = delta.map((d, i) => d - part[i])
      const interaction = -0.5 * dot(part, product(rotated, rest))
      assert.ok(Math.abs(after - before - predicted - interaction) < 1e-6 * before)
      largest = Math.max(largest, Math.abs(interaction))
    }
    assert.ok(largest > 0.01, 'there is something to be told')
  }
})

test('random keeps exactly as many, and shrink is exactly as long, as the helpers', async () => {
  const seen = new Set<string>()
  for (const by of ['parameter', 'unit', 'layer'] as const) {
    const { rows, of, taken } = await descend(rotated, { update: 'random', by })
    const layers = [network.variables.slice(0, 2), network.variables.slice(2)]
    if (by === 'layer')
      for (const t of taken.keys()) {
        const both = rows.filter(({ iteration, layer }) => iteration === t && layer >= 0)
        const count = (column: string) => both.filter(row => row[column] === row.parameters).length
        assert.equal(count('chosen'), count('helped'))
      }
    else for (const { chosen, helped } of rows) assert.equal(chosen, helped)
    assert.ok(of(-1).some(({ chosen }) => chosen > 0 && chosen < size))
    for (const { part } of taken) seen.add(part.map(d => Number(d !== 0)).join(''))
    const shrunk = await descend(rotated, { update: 'shrink', by })
    const helpers = await descend(rotated, { by }, 1)
    for (const own of by === 'layer' ? [layers.flat()] : layers) {
      const length = (v: number[]) =>
        Math.sqrt(
          own
            .flatMap(({ offset, size }) => v.slice(offset, offset + size))
            .reduce((sum, x) => sum + x * x, 0),
        )
      assert.ok(isClose(length(shrunk.taken[0].part), length(helpers.taken[0].part), 1e-6))
    }
  }
  assert.ok(seen.size > 10, 'another draw at every step')
})

test('judging takes two gradients a step, one where all is taken, and a forward pass where none is judged next', async () => {
  const T = 8
  assert.deepEqual((await descend(rotated, {}, T)).counts, { gradients: 2 * T, losses: 1 })
  assert.deepEqual((await descend(rotated, { every: 2 }, T)).counts, { gradients: T, losses: T / 2 })
  assert.deepEqual((await descend(rotated, { method: 'left' }, T)).counts, { gradients: T, losses: 1 })
  assert.deepEqual((await descend(rotated, { method: 'simpson' }, T)).counts, { gradients: 3 * T, losses: 1 })
  for (const over of [{}, { from: 3 }, { until: 5, every: 3 }, { from: 2, until: 7, every: 2 }]) {
    const times = Array.from({ length: 12 }, (_, p) => isJudged(asked(over), p))
    for (const begin of [0, 4])
      assert.equal(timesJudged(asked(over), 12 - begin, begin), times.slice(begin).filter(Boolean).length)
  }
})

// -------------------------------------------------------------------------------------------------- one masked step

const dataset = { name: 'synthetic-digits', trainExamples: 60, validationExamples: 20 }
const widths = [784, 3, 10]
const optimizers: Record<string, ExperimentSpec['optimizer'] & object> = {
  'sgd, nesterov': { name: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true },
  sgdw: { name: 'sgdw', learningRate: 0.1, weightDecay: 0.05 },
  rmsprop: { name: 'rmsprop', learningRate: 0.01, momentum: 0.5, epsilon: 0.01 },
  adam: { name: 'adam', learningRate: 0.01, epsilon: 0.01 },
  adamw: { name: 'adamw', learningRate: 0.01, weightDecay: 0.1, epsilon: 0.01 },
  lion: { name: 'lion', learningRate: 0.01, weightDecay: 0.1 },
}

/** Each optimizer written out, in float64: the step that it proposes with a memory, and the memory that a gradient leaves. */
type Memory = { a: number; b: number }
const written: Record<
  string,
  { step(m: Memory, g: number, w: number, n: number): number; remember(m: Memory, g: number): Memory }
> = {
  'sgd, nesterov': {
    remember: ({ a }, g) => ({ a: 0.9 * a + g, b: 0 }),
    step: ({ a }, g) => -0.1 * (g + 0.9 * a),
  },
  sgdw: {
    remember: ({ a }, g) => ({ a: 0.9 * a + g, b: 0 }),
    step: ({ a }, _, w) => -0.1 * a - 0.1 * 0.05 * w,
  },
  rmsprop: {
    remember({ a, b }, g) {
      const squares = 0.9 * a + 0.1 * g * g
      return { a: squares, b: 0.5 * b + g / (Math.sqrt(squares) + 0.01) }
    },
    step: ({ b }) => -0.01 * b,
  },
  ...Object.fromEntries(
    [0, 0.1].map(decay => [
      decay ? 'adamw' : 'adam',
      {
        remember: ({ a, b }: Memory, g: number) => ({ a: 0.9 * a + 0.1 * g, b: 0.999 * b + 0.001 * g * g }),
        step: ({ a, b }: Memory, _: number, w: number, n: number) =>
          (-0.01 * a) / (1 - 0.9 ** n) / (Math.sqrt(b / (1 - 0.999 ** n)) + 0.01) - 0.01 * decay * w,
      },
    ]),
  ),
  lion: {
    remember: ({ a }, g) => ({ a: 0.99 * a + 0.01 * g, b: a }),
    // With the memory before: b.
    step: ({ b }, g, w) => -0.01 * Math.sign(0.9 * b + 0.1 * g) - 0.01 * 0.1 * w,
  },
}

for (const [called, optimizer] of Object.entries(optimizers))
  test(`${called}: a masked step, and the one after it, by either memory, as in float64`, async () => {
    const spec = resolveSpec(
      {
        ...{ dataset, optimizer, architecture: { name: 'fc', hidden: [3] } },
        training: { iterations: 3, batchSize: 20, seed: 2 },
      },
      facts,
    )
    const model = makeModel(
      buildNetwork(spec.architecture, { shape: [28, 28, 1], classes: 10 }),
      (await loadEngine({ name: 'wasm' })).kernels,
    )
    const data = (await loadSplits(spec.dataset, { directory: '.' })).train
    const pixels = (n: number) =>
      Float64Array.from(data.images.subarray(n * 784, (n + 1) * 784), v => v / 255)
    const batches = makeBatches(60, 20, 2)
    for (const masksState of [false, true])
      for (const shrunk of [undefined, 0.25]) {
        const draw = randomStream('mask')
        const factors = Float64Array.from(
          { length: model.network.parameters },
          () => shrunk ?? draw.integer(2),
        )
        // At the second step, when there is something to remember.
        const intervening: Intervening = {
          ...{ isDue: position => position === 1, masksState },
          choose: async () => factors,
          taken: async () => {},
        }
        const thetas: Float32Array[] = []
        for await (const { theta } of train(
          model,
          spec,
          resolveLayers(spec, model.network),
          data,
          undefined,
          undefined,
          { intervening },
        ))
          thetas.push(theta.slice())
        let memory = Array.from(factors, (): Memory => ({ a: 0, b: 0 }))
        for (let t = 0; t < 3; t++) {
          const indices = [...batches(t)]
          const { gradient } = lossAndGradient(
            thetas[t],
            widths,
            indices.map(pixels),
            indices.map(n => data.labels[n]),
          )
          const kernels = new Set(model.network.variables.filter(({ role }) => role === 'kernel'))
          const decays = (i: number) =>
            [...kernels].some(({ offset, size }) => i >= offset && i < offset + size) ? 1 : 0
          const { remember, step } = written[called]
          let worst = 0
          memory = memory.map((before, i) => {
            const f = t === 1 ? factors[i] : 1
            const proposed = remember(before, gradient[i])
            const delta = f * step(proposed, gradient[i], decays(i) * thetas[t][i], t + 1)
            const moved = thetas[t + 1][i] - thetas[t][i]
            // Lion's sign is nobody's where what it is of is nothing but rounding.
            if (called !== 'lion' || Math.abs(gradient[i]) > 1e-6 || gradient[i] === 0)
              worst = Math.max(worst, Math.abs(moved - delta))
            return t === 1 && masksState ? remember(before, f * gradient[i]) : proposed
          })
          assert.ok(worst < 2e-6, `${masksState ? 'masked' : 'whole'} ${shrunk} at ${t}: ${worst}`)
        }
      }
  })

// --------------------------------------------------------------------------------------------------------- a run

const spec = (
  training: Partial<ExperimentSpec['training']>,
  more: Partial<ExperimentSpec> = {},
): ExperimentSpec => ({
  ...{ dataset, architecture: { name: 'fc', hidden: [4] } },
  optimizer: { name: 'sgd', learningRate: 0.2, momentum: 0.9 },
  training: { iterations: 6, batchSize: 20, seed: 2, ...training },
  allocation: { method: 'trapezoid', maxSplits: 1, segmentIterations: 4 },
  keep: ['weights', 'allocations'],
  ...more,
})

test('where everything helps, and where nothing is judged, it is the plain run, bit for bit', async () => {
  const gently = { batchSize: 60, iterations: 5 }
  const optimizer = { name: 'sgd', learningRate: 0.02, momentum: 0.5 } as const
  const plain = trajectoryOf(await runExperiment(spec(gently, { optimizer })))
  for (const intervention of [
    { update: 'helpers', by: 'layer' },
    { update: 'helpers', by: 'layer', state: 'masked' },
    { update: 'shrink', by: 'layer', state: 'masked' },
    { update: 'hurters', from: 4, every: 10, until: 5 },
  ] as const) {
    const run = await runExperiment(spec({ ...gently, intervention }, { optimizer }))
    const last = intervention.update === 'hurters' ? 4 : 5
    assert.deepEqual(trajectoryOf(run).slice(0, last + 1), plain.slice(0, last + 1))
    const network = (await rowsOfRun(interventions, run, 'train')).filter(({ layer }) => layer === null)
    assert.deepEqual(
      network.map(({ iteration }) => iteration),
      last === 4 ? [4] : [0, 1, 2, 3, 4],
    )
    if (last === 4) continue
    for (const { factor, change, interaction } of network) {
      assert.equal(factor, 1)
      assert.ok(Math.abs(interaction as number) < 0.1 * Math.abs(change as number))
    }
  }
})

test('the ledger is of the steps that were taken, and the parts of these add up', async () => {
  for (const [update, state] of [
    ['helpers', 'masked'],
    ['shrink', 'whole'],
  ] as const) {
    const intervention = {
      update,
      state,
      judge: { split: 'validation', examples: 15 },
      every: 2,
      from: 1,
    } as const
    const run = await runExperiment(
      spec(
        { intervention, l2: 0.01 },
        {
          allocation: {
            method: 'left',
            maxSplits: 1,
            segmentIterations: 4,
            diagnostics: { components: true },
          },
        },
      ),
    )
    const trajectory = trajectoryOf(run)
    const rows = await rowsOfRun(interventions, run, 'train')
    assert.deepEqual(await rowsOfRun(interventions, run, 'validation'), rows)
    assert.deepEqual(new Set(rows.map(({ iteration }) => iteration)), new Set([1, 3, 5]))
    for (const { iteration, layer, chosen } of rows) {
      if (layer !== null || update === 'shrink') continue
      const t = iteration as number
      const moved = trajectory[t].filter((w, i) => w !== trajectory[t + 1][i]).length
      assert.ok(moved <= (chosen as number) && moved > 0.9 * (chosen as number), `${moved} of ${chosen}`)
    }
    for (const { columns, from, to } of run.segments) {
      const table = columns.find(({ kind, split }) => kind === 'components' && split === 'train')!.columns
      for (let t = from; t < to; t++) {
        const sum = (name: string) =>
          [0, 1, 2, 3].reduce((total, v) => total + table[name][(t - from) * 4 + v], 0)
        assert.ok(Math.abs(sum('rest')) < 1e-6, `${update} at ${t}: ${sum('rest')} of ${sum('lca')}`)
      }
    }
  }
})

test('a full training of fc takes 2.3 gradients an iteration at the most', {
  skip: defaultEngine() === 'wasm' && 'native TensorFlow is not built here',
}, async () => {
  const T = 6
  const passes = async (training: Partial<ExperimentSpec['training']>) => {
    const run = spec(
      { iterations: T, ...training },
      { allocation: { splits: ['train'], method: 'left', maxSplits: 1, chunkSize: 10 } },
    )
    const { byName } = await counting(() => runExperiment(run))
    // Dense layers are gone through as one.
    return (byName.LedgerDenseChain ?? 0) + byName.LedgerDenseChainGradients
  }
  // A gradient of the train split is six chunks.
  const more = (await passes({ intervention: { update: 'helpers' } })) - (await passes({}))
  assert.ok(more > 0 && more <= 6 * 2.3 * T, `${more} passes`)
  assert.equal(more, 6 * (2 * T + 1))
})

test('what is wrong is said, and what it costs is known before', () => {
  const wrong = (training: object, more: Partial<ExperimentSpec> = {}) => {
    try {
      resolveSpec(spec(training as never, more), facts)
    } catch (error) {
      if (error instanceof SpecError) return error.errors.map(({ path, message }) => `${path} ${message}`)
      throw error
    }
    return []
  }
  const one = (intervention: object, message: RegExp, more: Partial<ExperimentSpec> = {}) => {
    const found = wrong({ intervention }, more)
    assert.equal(found.length, 1, found.join())
    assert.match(found[0], message)
  }
  one({ update: 'helper' }, /^\$\.training\.intervention\.update must be one of .* did you mean helpers/)
  one({}, /^\$\.training\.intervention\.update is required/)
  one({ update: 'random', from: 6 }, /intervention\.from must be < training\.iterations \(6\)/)
  one({ update: 'random', from: 3, until: 3 }, /intervention\.until must be > from \(3\)/)
  one(
    { update: 'random', judge: { examples: 61 } },
    /judge\.examples must be ≤ .* train split \(60\), got 61/,
  )
  one(
    { update: 'random', judge: { method: 'boole' } },
    /judge\.method must be one of left, trapezoid, simpson/,
  )
  one({ update: 'random', judge: { split: 'validation' } }, /judge\.split must not be validation/, {
    dataset: { ...dataset, validationExamples: 0 },
  })
  one(
    { update: 'random', judge: { examples: 30 } },
    /must be a multiple of allocation\.chunkSize \(20\): with batch norm/,
    {
      architecture: {
        name: 'custom',
        layers: [
          { kind: 'flatten' },
          { kind: 'dense', units: 4 },
          { kind: 'batch_norm' },
          { kind: 'dense', units: 10 },
        ],
      },
      allocation: { chunkSize: 20 },
    },
  )
  const costly = resolveSpec(spec({ iterations: 100, intervention: { update: 'helpers' } }), facts)
  const shape = { ...networkOf([]), gradientFlops: 1e12, batchNorm: false, classes: 10 }
  // 200 gradients of 60 examples, a forward pass of them, and 100 batches of 20.
  assert.equal(trainingFlops(costly, shape), (200 * 60 + 60 / 3 + 100 * 20) * 1e12)
  const [error] = checkCost(costly, shape, 1)
  assert.match(error.message, /^must be ≤ 7 with this network, intervention and batch size/)
})
