/**
 * Optimizers as rules: one step of a slice of the parameter vector, and the state it keeps. They run on the host in
 * float64 (θ itself is float32): the weights are read back every iteration anyway, for they are the trajectory, and so
 * a step is the same on every engine. What is asked for most is a loop in C++ too (host-loops.ts).
 */
import { hostLoops } from '../host-loops.ts'
import type { ResolvedOptimizer, ResolvedSchedule } from '../spec/schema.ts'

type OptimizerName = ResolvedOptimizer['name']
type Options<Name extends OptimizerName> = Extract<ResolvedOptimizer, { name: Name }>

/** The parameters [from, to) that a step is for. `decays`: decoupled weight decay applies (kernels). */
type Slice = { from: number; to: number; decays: boolean }

/** A step of a slice, in place, in one pass over memory: g the gradient, t the updates it has had before. */
type Rule<Name extends OptimizerName> = {
  /** float64 numbers of state a parameter. */
  slots: number
  update: (
    options: Options<Name>,
    step: { rate: number; t: number; slice: Slice },
    theta: Float32Array,
    g: Float64Array,
    state: Float64Array[],
  ) => void
  /**
   * What the step along g would be made of, with the state as it is before: Δ = scale·g + earlier, and decoupled decay apart
   * from it. Given the denominator a step is linear in g and in what is kept of earlier ones.
   */
  parts: (
    options: Options<Name>,
    step: { rate: number; t: number; slice: Slice },
    g: Float64Array,
    state: Float64Array[],
    into: { scale: Float64Array; earlier: Float64Array },
  ) => void
  /** g, from what the state was before an update along it and was after: `update` turned round. */
  gradient: (
    options: Options<Name>,
    slice: { from: number; to: number },
    before: Float64Array[],
    after: Float64Array[],
    g: Float64Array,
  ) => void
}

const rules: { [Name in OptimizerName]: Rule<Name> } = {
  /** v ← μ·v + g;  θ ← θ − η·v, or with Nesterov θ ← θ − η·(g + μ·v)  (Sutskever et al. 2013, as TensorFlow has it) */
  sgd: {
    slots: 1,
    update: (options, ...rest) => sgdUpdate(options, 0, ...rest),
    parts: (options, ...rest) => sgdParts(options, ...rest),
    gradient: sgdGradient,
  },

  /** sgd, and θ ← θ − η·λ·θ apart from it, on kernels  (Loshchilov and Hutter 2019, algorithm 1) */
  sgdw: {
    slots: 1,
    update: (options, ...rest) => sgdUpdate(options, options.weightDecay, ...rest),
    parts: (options, ...rest) => sgdParts(options, ...rest),
    gradient: sgdGradient,
  },

  /** θ ← θ − η·(sign(β₁·m + (1 − β₁)·g) + λ·θ), λ on kernels;  m ← β₂·m + (1 − β₂)·g  (Chen et al. 2023, algorithm 2) */
  lion: {
    slots: 1,
    update: ({ beta1, beta2, weightDecay }, { rate, slice: { from, to, decays } }, theta, g, [m]) => {
      const kept = decays ? 1 - rate * weightDecay : 1
      for (let i = from; i < to; i++) {
        theta[i] = theta[i] * kept - rate * Math.sign(beta1 * m[i] + (1 - beta1) * g[i])
        m[i] = beta2 * m[i] + (1 - beta2) * g[i]
      }
    },
    // sign(u) = u/|u|
    parts: ({ beta1 }, { rate, slice: { from, to } }, g, [m], { scale, earlier }) => {
      for (let i = from; i < to; i++) {
        const size = Math.abs(beta1 * m[i] + (1 - beta1) * g[i])
        scale[i] = size === 0 ? 0 : (-rate * (1 - beta1)) / size
        earlier[i] = size === 0 ? 0 : (-rate * beta1 * m[i]) / size
      }
    },
    gradient: ({ beta2 }, { from, to }, [m], [next], g) => {
      for (let i = from; i < to; i++) g[i] = (next[i] - beta2 * m[i]) / (1 - beta2)
    },
  },

  /** s ← ρ·s + (1 − ρ)·g²;  v ← μ·v + g/(√s + ε);  θ ← θ − η·v  (Tieleman and Hinton 2012) */
  rmsprop: {
    slots: 2,
    update: ({ decay, momentum, epsilon }, { rate, slice: { from, to } }, theta, g, [s, v]) => {
      for (let i = from; i < to; i++) {
        s[i] = decay * s[i] + (1 - decay) * g[i] * g[i]
        v[i] = momentum * v[i] + g[i] / (Math.sqrt(s[i]) + epsilon)
        theta[i] = theta[i] - rate * v[i]
      }
    },
    parts: ({ decay, momentum, epsilon }, { rate, slice: { from, to } }, g, [s, v], { scale, earlier }) => {
      for (let i = from; i < to; i++) {
        scale[i] = -rate / (Math.sqrt(decay * s[i] + (1 - decay) * g[i] * g[i]) + epsilon)
        earlier[i] = -rate * momentum * v[i]
      }
    },
    gradient: ({ momentum, epsilon }, { from, to }, [, v], [s, next], g) => {
      for (let i = from; i < to; i++) g[i] = (next[i] - momentum * v[i]) * (Math.sqrt(s[i]) + epsilon)
    },
  },

  /** m ← β₁·m + (1 − β₁)·g;  s ← β₂·s + (1 − β₂)·g²;  θ ← θ − η·m̂/(√ŝ + ε), m̂ = m/(1 − β₁^{t+1}), ŝ likewise  (Kingma and Ba 2015) */
  adam: {
    slots: 2,
    update: (options, ...rest) => adamUpdate(options, 0, ...rest),
    ...{ parts: adamParts, gradient: adamGradient },
  },

  /** Adam, and θ ← θ − η·λ·θ apart from it, on kernels  (Loshchilov and Hutter 2019) */
  adamw: {
    slots: 2,
    update: (options, ...rest) => adamUpdate(options, options.weightDecay, ...rest),
    ...{ parts: adamParts, gradient: adamGradient },
  },
}

/** g = v' − μ·v */
function sgdGradient(
  { momentum }: Pick<Options<'sgd'>, 'momentum'>,
  { from, to }: { from: number; to: number },
  [v]: Float64Array[],
  [next]: Float64Array[],
  g: Float64Array,
): void {
  for (let i = from; i < to; i++) g[i] = next[i] - momentum * v[i]
}

/** g = (m' − β₁·m)/(1 − β₁) */
function adamGradient(
  { beta1 }: Pick<Options<'adam'>, 'beta1'>,
  { from, to }: { from: number; to: number },
  [m]: Float64Array[],
  [next]: Float64Array[],
  g: Float64Array,
): void {
  for (let i = from; i < to; i++) g[i] = (next[i] - beta1 * m[i]) / (1 - beta1)
}

/** v' = g + μ·v, and with Nesterov g + μ·v' = (1 + μ)·g + μ²·v. */
function sgdParts(
  { momentum, nesterov }: Pick<Options<'sgd'>, 'momentum' | 'nesterov'>,
  { rate, slice: { from, to } }: { rate: number; slice: Slice },
  _: Float64Array,
  [v]: Float64Array[],
  { scale, earlier }: { scale: Float64Array; earlier: Float64Array },
): void {
  const kept = nesterov ? momentum * momentum : momentum
  scale.fill(-rate * (nesterov ? 1 + momentum : 1), from, to)
  for (let i = from; i < to; i++) earlier[i] = -rate * kept * v[i]
}

function adamParts(
  { beta1, beta2, epsilon }: Pick<Options<'adam'>, 'beta1' | 'beta2' | 'epsilon'>,
  { rate, t, slice: { from, to } }: { rate: number; t: number; slice: Slice },
  g: Float64Array,
  [m, s]: Float64Array[],
  { scale, earlier }: { scale: Float64Array; earlier: Float64Array },
): void {
  const first = 1 - beta1 ** (t + 1)
  const second = 1 - beta2 ** (t + 1)
  for (let i = from; i < to; i++) {
    const root = Math.sqrt((beta2 * s[i] + (1 - beta2) * g[i] * g[i]) / second)
    const step = -rate / (first * (root + epsilon))
    scale[i] = step * (1 - beta1)
    earlier[i] = step * beta1 * m[i]
  }
}

const adamUpdate = (
  { beta1, beta2, epsilon }: { beta1: number; beta2: number; epsilon: number },
  weightDecay: number,
  { rate, t, slice: { from, to, decays } }: { rate: number; t: number; slice: Slice },
  theta: Float32Array,
  g: Float64Array,
  [m, s]: Float64Array[],
) => {
  const first = 1 - beta1 ** (t + 1)
  const second = 1 - beta2 ** (t + 1)
  const kept = decays ? 1 - rate * weightDecay : 1
  const own = <Vector extends Float32Array | Float64Array>(of: Vector) => of.subarray(from, to) as Vector
  hostLoops.adam(own(theta), own(g), own(m), own(s), { beta1, beta2, epsilon, first, second, rate, kept })
}

const sgdUpdate = (
  { momentum, nesterov }: Pick<Options<'sgd'>, 'momentum' | 'nesterov'>,
  weightDecay: number,
  { rate, slice: { from, to, decays } }: { rate: number; slice: Slice },
  theta: Float32Array,
  g: Float64Array,
  [v]: Float64Array[],
) => {
  const kept = decays ? 1 - rate * weightDecay : 1
  const own = <Vector extends Float32Array | Float64Array>(of: Vector) => of.subarray(from, to) as Vector
  hostLoops.sgd(own(theta), own(g), own(v), { momentum, nesterov, rate, kept })
}

const schedules: {
  [Name in ResolvedSchedule['name']]: (
    schedule: Extract<ResolvedSchedule, { name: Name }>,
    t: number,
  ) => number
} = {
  constant: () => 1,
  /** factor^(number of boundaries ≤ t) */
  step: ({ boundaries, factor }, t) => factor ** boundaries.filter(boundary => boundary <= t).length,
  /** final + (1 − final)·(1 + cos(π·t/T))/2 up to T, then final  (Loshchilov and Hutter 2017) */
  cosine: ({ iterations, final }, t) =>
    t >= iterations ? final : final + ((1 - final) * (1 + Math.cos((Math.PI * t) / iterations))) / 2,
  /** min(1, (t + 1)/T) */
  warmup: ({ iterations }, t) => Math.min(1, (t + 1) / iterations),
  /** (t + 1)/W for t < W, then the cosine of T − W iterations from there */
  'warmup-cosine': ({ warmup, iterations, final }, t) =>
    t < warmup
      ? (t + 1) / warmup
      : schedules.cosine({ name: 'cosine', iterations: iterations - warmup, final }, t - warmup),
}

/** The learning rate at iteration t. */
export function rateAt({ learningRate, schedule }: ResolvedOptimizer, t: number): number {
  return (
    learningRate *
    (schedules[schedule.name] as (schedule: ResolvedSchedule, t: number) => number)(schedule, t)
  )
}

/** float64 numbers of state that an optimizer keeps a parameter. */
export function slotsOf(optimizer: ResolvedOptimizer): number {
  return rules[optimizer.name].slots
}

/** The parameters of a variable. `decays`: decoupled weight decay applies (kernels). */
type Updated = { offset: number; size: number; decays: boolean }

const stepOf = (
  optimizer: ResolvedOptimizer,
  { offset, size, decays }: Updated,
  iteration: number,
  updates: number,
) => ({
  rate: rateAt(optimizer, iteration),
  t: updates,
  slice: { from: offset, to: offset + size, decays },
})

/**
 * One update, in place, of theta[offset, offset + size) along gradient (float64, whole vector).
 * `iteration` sets the learning rate; `updates` is how many updates these parameters have had before (Adam's bias
 * correction counts those, so a frozen layer's clock waits).
 */
export function update(
  optimizer: ResolvedOptimizer,
  slice: Updated,
  theta: Float32Array,
  gradient: Float64Array,
  state: Float64Array[],
  iteration: number,
  updates: number,
): void {
  const rule = rules[optimizer.name] as unknown as Rule<'sgd'>
  const step = stepOf(optimizer, slice, iteration, updates)
  rule.update(optimizer as Options<'sgd'>, step, theta, gradient, state)
}

/**
 * What that update is made of, before it is made: Δ = scale·gradient + earlier + decay for each of the parameters, into
 * vectors (float64, whole). Returns η·λ, by which decoupled decay is −η·λ·θ.
 */
export function updateParts(
  optimizer: ResolvedOptimizer,
  slice: Updated,
  gradient: Float64Array,
  state: Float64Array[],
  iteration: number,
  updates: number,
  into: { scale: Float64Array; earlier: Float64Array },
): number {
  const rule = rules[optimizer.name] as unknown as Rule<'sgd'>
  const step = stepOf(optimizer, slice, iteration, updates)
  rule.parts(optimizer as Options<'sgd'>, step, gradient, state, into)
  return slice.decays && 'weightDecay' in optimizer ? step.rate * optimizer.weightDecay : 0
}

/**
 * The gradient that an update went along, of the parameters [offset, offset + size), from the optimizer's state before and after
 * it (float64, whole vectors), into `gradient`. To the rounding of the state: of momentum β kept as a mean, divided by 1 − β.
 */
export function gradientBetween(
  optimizer: ResolvedOptimizer,
  { offset, size }: Pick<Updated, 'offset' | 'size'>,
  before: Float64Array[],
  after: Float64Array[],
  gradient: Float64Array,
): void {
  const rule = rules[optimizer.name] as unknown as Rule<'sgd'>
  const slice = { from: offset, to: offset + size }
  rule.gradient(optimizer as Options<'sgd'>, slice, before, after, gradient)
}
