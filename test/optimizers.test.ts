/**
 * Fifty steps on the quadratic f(θ) = Σ_i c_i·(θ_i − a_i)²/2 against closed forms where there are any, and against the
 * update as a sum over all past gradients where there are none: nothing is carried from step to step there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rateAt, slotsOf, update } from '../src/nn/optimizers.ts'
import { isFrozen, stateOf, updatesBefore } from '../src/nn/training/state.ts'
import type { ResolvedLayer, ResolvedOptimizer, ResolvedSchedule } from '../src/spec/schema.ts'

const curvature = [0.5, 1, 3]
const minimum = [1, -2, 0.5]
const start = [3, 1, -1]
const steps = 50
const constant: ResolvedSchedule = { name: 'constant' }

/** θ_0 … θ_50 as the optimizer makes them, with no update while the layer is frozen. */
function run(
  optimizer: ResolvedOptimizer,
  decays = false,
  freeze: ResolvedLayer['freeze'] = null,
): number[][] {
  const layer: ResolvedLayer = { layer: 'fc_1', parameters: 3, optimizer, freeze, l2: 0 }
  const theta = Float32Array.from(start)
  const state = Array.from({ length: slotsOf(optimizer) }, () => new Float64Array(3))
  const gradient = new Float64Array(3)
  const path = [[...theta]]
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < 3; i++) gradient[i] = curvature[i] * (theta[i] - minimum[i])
    if (!isFrozen(layer, t))
      update(optimizer, { offset: 0, size: 3, decays }, theta, gradient, state, t, updatesBefore(layer, t))
    path.push([...theta])
  }
  return path
}

function near(found: number[][], expected: (t: number, i: number) => number) {
  for (let t = 0; t <= steps; t++)
    for (let i = 0; i < 3; i++) {
      const wanted = expected(t, i)
      assert.ok(
        Math.abs(found[t][i] - wanted) < 1e-5 * Math.max(1, Math.abs(wanted)),
        `θ_${i} after ${t} steps is ${found[t][i]}, expected ${wanted}`,
      )
    }
}

const sgd = (options: Partial<Extract<ResolvedOptimizer, { name: 'sgd' }>>): ResolvedOptimizer => ({
  name: 'sgd',
  learningRate: 0.1,
  momentum: 0,
  nesterov: false,
  schedule: constant,
  ...options,
})

test('sgd: θ_t − a = (1 − η·c)^t·(θ_0 − a)', () => {
  near(run(sgd({})), (t, i) => minimum[i] + (1 - 0.1 * curvature[i]) ** t * (start[i] - minimum[i]))
})

const rateOf: Record<string, { schedule: ResolvedSchedule; rate: (t: number) => number }> = {
  step: {
    schedule: { name: 'step', boundaries: [10, 30], factor: 0.5 },
    rate: t => (t < 10 ? 0.1 : t < 30 ? 0.05 : 0.025),
  },
  cosine: {
    schedule: { name: 'cosine', iterations: 40, final: 0.1 },
    // cos²(x/2) = (1 + cos x)/2
    rate: t => 0.1 * (t >= 40 ? 0.1 : 0.1 + 0.9 * Math.cos((Math.PI * t) / 80) ** 2),
  },
  warmup: { schedule: { name: 'warmup', iterations: 20 }, rate: t => (t < 20 ? 0.005 * (t + 1) : 0.1) },
  'warmup-cosine': {
    schedule: { name: 'warmup-cosine', warmup: 10, iterations: 40, final: 0.2 },
    rate: t =>
      0.1 * (t < 10 ? (t + 1) / 10 : t >= 40 ? 0.2 : 0.2 + 0.8 * Math.cos((Math.PI * (t - 10)) / 60) ** 2),
  },
}
for (const [name, { schedule, rate }] of Object.entries(rateOf))
  test(`sgd with the ${name} schedule: θ_t − a = Π_s (1 − η_s·c)·(θ_0 − a)`, () => {
    for (let t = 0; t < steps; t++)
      assert.ok(Math.abs(rateAt(sgd({ schedule }), t) - rate(t)) < 1e-12, `the rate at ${t}`)
    near(run(sgd({ schedule })), (t, i) => {
      const shrunk = Array.from({ length: t }, (_, s) => 1 - rate(s) * curvature[i])
      return minimum[i] + shrunk.reduce((a, b) => a * b, start[i] - minimum[i])
    })
  })

/**
 * Momentum on a quadratic is a linear recurrence e_{t+1} = p·e_t − q·e_{t−1} of the error e = θ − a, whose solution is
 * (e_1 − r₂·e_0)/(r₁ − r₂)·r₁^t − (e_1 − r₁·e_0)/(r₁ − r₂)·r₂^t with r the roots of r² = p·r − q.
 */
function secondOrder(p: number, q: number, e0: number, e1: number, t: number): number {
  const discriminant = p * p - 4 * q
  if (discriminant > 0) {
    const root = Math.sqrt(discriminant)
    const [r1, r2] = [(p + root) / 2, (p - root) / 2]
    return ((e1 - r2 * e0) * r1 ** t - (e1 - r1 * e0) * r2 ** t) / root
  }
  const modulus = Math.sqrt(q)
  const angle = Math.acos(p / (2 * modulus))
  const sine = (e1 - e0 * modulus * Math.cos(angle)) / (modulus * Math.sin(angle))
  return modulus ** t * (e0 * Math.cos(angle * t) + sine * Math.sin(angle * t))
}

for (const momentum of [0.2, 0.9]) {
  test(`sgd with momentum ${momentum}: e_{t+1} = (1 + μ − η·c)·e_t − μ·e_{t−1}, solved`, () => {
    near(run(sgd({ momentum })), (t, i) => {
      const [c, e0] = [curvature[i], start[i] - minimum[i]]
      return minimum[i] + secondOrder(1 + momentum - 0.1 * c, momentum, e0, (1 - 0.1 * c) * e0, t)
    })
  })

  test(`sgd with Nesterov’s momentum ${momentum}: the point looked ahead from obeys the same with less friction`, () => {
    // In φ = θ + η·μ·v, which is where θ was before it looked ahead: v ← μ·v + c·e, φ_t = φ_{t−1} − η·v_t, θ_t = φ_t − η·μ·v_t.
    // So e_{t+1} = (1 + μ)·(1 − η·c)·e_t − μ·(1 − η·c)·e_{t−1}, with v_0 = 0 and thus e_1 = (1 − η·c·(1 + μ))·e_0.
    near(run(sgd({ momentum, nesterov: true })), (t, i) => {
      const [kept, e0] = [1 - 0.1 * curvature[i], start[i] - minimum[i]]
      const first = (1 - 0.1 * curvature[i] * (1 + momentum)) * e0
      return minimum[i] + secondOrder((1 + momentum) * kept, momentum * kept, e0, first, t)
    })
  })
}

/** Σ_{s ≤ t} weight^{t−s}·values_s */
const decayed = (values: number[], weight: number) =>
  values.reduce((sum, value, s) => sum + weight ** (values.length - 1 - s) * value, 0)

/** A path by a rule that sees all gradients up to now, the learning rate left to it. */
function unrolled(step: (theta: number, gradients: number[], t: number) => number): number[][] {
  const paths = start.map((first, i) => {
    const path = [first]
    const gradients: number[] = []
    for (let t = 0; t < steps; t++) {
      gradients.push(curvature[i] * (path[t] - minimum[i]))
      path.push(step(path[t], gradients, t))
    }
    return path
  })
  return Array.from({ length: steps + 1 }, (_, t) => paths.map(path => path[t]))
}
const against = (found: number[][], expected: number[][]) => near(found, (t, i) => expected[t][i])

test('rmsprop: every g divided by the root of the average of the squares before it', () => {
  for (const momentum of [0, 0.5]) {
    const optimizer: ResolvedOptimizer = {
      name: 'rmsprop',
      learningRate: 0.01,
      decay: 0.9,
      momentum,
      epsilon: 1e-7,
      schedule: constant,
    }
    const scaled = (gradients: number[]) => {
      const average =
        0.1 *
        decayed(
          gradients.map(g => g * g),
          0.9,
        )
      return gradients[gradients.length - 1] / (Math.sqrt(average) + 1e-7)
    }
    against(
      run(optimizer),
      unrolled((theta, gradients) => {
        const velocity = decayed(
          gradients.map((_, s) => scaled(gradients.slice(0, s + 1))),
          momentum,
        )
        return theta - 0.01 * velocity
      }),
    )
  }
})

const adam = { learningRate: 0.02, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
/** Weighted means over all past gradients: Σ β^{t−s}·g_s/Σ β^{t−s}, which is what the bias correction makes of m. */
const adamStep = (gradients: number[], rate: number) => {
  const mean = (values: number[], beta: number) =>
    decayed(values, beta) /
    decayed(
      values.map(() => 1),
      beta,
    )
  const second = mean(
    gradients.map(g => g * g),
    adam.beta2,
  )
  return (rate * mean(gradients, adam.beta1)) / (Math.sqrt(second) + adam.epsilon)
}

test('adam: the weighted mean gradient over the root of the weighted mean square', () => {
  for (const { schedule, rate } of [{ schedule: constant, rate: () => 0.1 }, ...Object.values(rateOf)])
    against(
      run({ name: 'adam', ...adam, schedule }),
      unrolled((theta, gradients, t) => theta - adamStep(gradients, 0.2 * rate(t))),
    )
})

test('adamw: decay apart from the gradient, on kernels alone', () => {
  const optimizer: ResolvedOptimizer = { name: 'adamw', ...adam, weightDecay: 0.3, schedule: constant }
  against(
    run(optimizer, true),
    unrolled((theta, gradients) => theta - 0.02 * 0.3 * theta - adamStep(gradients, 0.02)),
  )
  assert.deepEqual(run(optimizer, false), run({ name: 'adam', ...adam, schedule: constant }))
})

test('sgdw: decay apart from momentum and gradient, on kernels alone', () => {
  for (const nesterov of [false, true]) {
    const momentum = 0.8
    const optimizer: ResolvedOptimizer = {
      ...{ name: 'sgdw', learningRate: 0.1, momentum, nesterov, weightDecay: 0.3, schedule: constant },
    }
    const direction = (gradients: number[]) => {
      const velocity = decayed(gradients, momentum)
      return nesterov ? gradients[gradients.length - 1] + momentum * velocity : velocity
    }
    against(
      run(optimizer, true),
      unrolled((theta, gradients) => theta - 0.1 * 0.3 * theta - 0.1 * direction(gradients)),
    )
    assert.deepEqual(run(optimizer, false), run(sgd({ momentum, nesterov })))
  }
})

test('lion: steps of the rate’s length along the sign of what momentum and gradient say together', () => {
  const optimizer: ResolvedOptimizer = {
    ...{ name: 'lion', learningRate: 0.03, beta1: 0.6, beta2: 0.9, weightDecay: 0.2, schedule: constant },
  }
  against(
    run(optimizer, true),
    unrolled((theta, gradients) => {
      const before = 0.1 * decayed(gradients.slice(0, -1), 0.9)
      const sign = Math.sign(0.6 * before + 0.4 * gradients[gradients.length - 1])
      return theta - 0.03 * (sign + 0.2 * theta)
    }),
  )
  run({ ...optimizer, weightDecay: 0 }, true).forEach((theta, t, path) => {
    for (const [i, value] of t > 0 ? theta.entries() : [])
      assert.ok(Math.abs(Math.abs(value - path[t - 1][i]) - 0.03) < 1e-6)
  })
})

test('frozen: nothing moves, the state waits, and the schedule goes on', () => {
  const freeze = { from: 12, until: 31 }
  const moves = (t: number) => t < freeze.from || t >= freeze.until
  const { schedule, rate } = rateOf.step
  // Momentum as the sum over the gradients of the iterations that moved.
  const [sgdPath, adamPath] = [
    (gradients: number[], t: number) => rate(t) * decayed(gradients, 0.8),
    (gradients: number[], t: number) => adamStep(gradients, 0.2 * rate(t)),
  ].map(step =>
    start.reduce<number[][]>((paths, first, i) => {
      const path = [first]
      const seen: number[] = []
      for (let t = 0; t < steps; t++) {
        if (moves(t)) seen.push(curvature[i] * (path[t] - minimum[i]))
        path.push(moves(t) ? path[t] - step(seen, t) : path[t])
      }
      paths.push(path)
      return paths
    }, []),
  )
  near(run(sgd({ momentum: 0.8, schedule }), false, freeze), (t, i) => sgdPath[i][t])
  near(run({ name: 'adam', ...adam, schedule }, false, freeze), (t, i) => adamPath[i][t])
  const forever = run(sgd({ momentum: 0.8 }), false, { from: 5, until: null })
  for (let t = 5; t <= steps; t++) assert.deepEqual(forever[t], forever[5])
})

test('layers with optimizers of their own step as they would alone, in one vector and one state', () => {
  const optimizers: ResolvedOptimizer[] = [
    sgd({ momentum: 0.9, nesterov: true }),
    { name: 'adam', ...adam, schedule: constant },
    sgd({ schedule: rateOf.step.schedule }),
    {
      name: 'rmsprop',
      learningRate: 0.01,
      decay: 0.9,
      momentum: 0.5,
      epsilon: 1e-7,
      schedule: constant,
    },
  ]
  const layers = optimizers.map(
    (optimizer, l): ResolvedLayer => ({ layer: `fc_${l}`, parameters: 3, optimizer, freeze: null, l2: 0 }),
  )
  const theta = Float32Array.from(layers.flatMap(() => start))
  const state = stateOf(layers, theta.length)
  const gradient = new Float64Array(theta.length)
  const paths = optimizers.map((): number[][] => [[...Float32Array.from(start)]])
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < theta.length; i++) gradient[i] = curvature[i % 3] * (theta[i] - minimum[i % 3])
    for (const [l, optimizer] of optimizers.entries()) {
      update(optimizer, { offset: 3 * l, size: 3, decays: false }, theta, gradient, state, t, t)
      paths[l].push([...theta.subarray(3 * l, 3 * l + 3)])
    }
  }
  for (const [l, optimizer] of optimizers.entries()) assert.deepEqual(paths[l], run(optimizer))
})
