/**
 * What a recorded step is made of, from the optimizer's state before and after it: no batch of it is needed. The gradient that
 * the optimizer got follows from the two (v′ − μ·v; (m′ − β₁·m)/(1 − β₁)), and whether the step and the rest of the state follow
 * from that is looked at.
 */
import type { StepParts } from '../lca/diagnostics/probes.ts'
import type { ResolvedOptimizer } from '../spec/schema.ts'
import type { Network } from './network.ts'
import { gradientBetween, update, updateParts } from './optimizers.ts'

/** A recorded row: θ, float32 [parameters], the optimizer's slots, float64 [slots][parameters], and the rate of the step to it. */
export type RecordedRow = { theta: Float32Array; state: Float64Array[]; rate: number }

/** What trained: λ of each variable, and the updates that there had been before row 0. */
export type RecordedBy = { optimizer: ResolvedOptimizer; decays: number[]; updates: number }

/** Largest relative error that the types which weights and state were stored as leave: 2⁻²⁴ of float32. */
export type Rounding = { weights: number; state: number }

/** A step that does not follow from the state: in words, behind "the step". */
export class OtherStepError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'OtherStepError'
  }
}

/** Of the largest of a variable. Float32 leaves 10⁻⁶; a rate that is 1 % wrong leaves 10⁻². */
const tolerance = 1e-4
/** Below it float32 has few digits or none: squares of gradients of 10⁻²³ are 0 there. */
const smallest = 2 ** -120

/**
 * The parts of recorded steps, in vectors that are used again for the next: of the step from row t to row t + 1. Decay is
 * decoupled where the optimizer has it, else λ·θ is in the gradient and apart as `l2`. The batch gradient is what the
 * optimizer got, less that: clipped or summed up as it was. Throws OtherStepError with the first variable whose step, or
 * whose state, is not what the optimizer makes of that gradient:
 *
 *     |Δ − Δ′| ≤ 10⁻⁴·max |Δ| + what the rounding of θ and of the state lets differ
 */
export function makeRecordedParts(
  { variables, parameters }: Pick<Network, 'variables' | 'parameters'>,
  { optimizer, decays, updates }: RecordedBy,
  examples: number,
): (t: number, before: RecordedRow, after: RecordedRow, rounding: Rounding) => StepParts {
  const vector = () => new Float64Array(parameters)
  const parts: StepParts = {
    ...{ batchGradient: vector(), gradient: vector(), momentum: vector(), l2: vector(), decay: vector() },
    ...{ batchSize: Number.NaN, examples },
  }
  const [total, scale] = [vector(), vector()]
  return (t, before, after, rounding) => {
    const { batchGradient, gradient, momentum, l2, decay } = parts
    const { theta } = before
    const moved = theta.slice()
    const state = before.state.map(slot => slot.slice())
    for (const [v, variable] of variables.entries()) {
      const { offset, size } = variable
      const decoupled = 'weightDecay' in optimizer
      // With the rate that the step had; the slice decays, by as much as the variable does.
      const own: ResolvedOptimizer = {
        ...optimizer,
        ...{ learningRate: after.rate, schedule: { name: 'constant' } },
        ...(decoupled && { weightDecay: decays[v] }),
      }
      const slice = { offset, size, decays: true }
      const lambda = decoupled ? 0 : decays[v]
      gradientBetween(own, slice, before.state, after.state, total)
      const into = { scale, earlier: momentum }
      const taken = updateParts(own, slice, total, before.state, t, updates + t, into)
      for (let i = offset; i < offset + size; i++) {
        batchGradient[i] = total[i] - lambda * theta[i]
        gradient[i] = scale[i] * batchGradient[i]
        l2[i] = scale[i] * lambda * theta[i]
        decay[i] = -taken * theta[i]
      }
      update(own, slice, moved, total, state, t, updates + t)
      compare(variable, { theta: moved, state }, before, after, rounding)
    }
    return parts
  }
}

/** Throws OtherStepError where a variable's step or state is not what was recorded. */
function compare(
  { name, offset, size }: Network['variables'][number],
  made: { theta: Float32Array; state: Float64Array[] },
  before: RecordedRow,
  after: RecordedRow,
  rounding: Rounding,
): void {
  // What is derived from a difference of states has their rounding many times over.
  const relative = tolerance + 32 * rounding.state
  let [worst, beyond, longest] = [0, false, 0]
  for (let i = offset; i < offset + size; i++)
    longest = Math.max(longest, Math.abs(after.theta[i] - before.theta[i]))
  for (let i = offset; i < offset + size; i++) {
    const off = Math.abs(made.theta[i] - after.theta[i])
    const rounded = 2 * rounding.weights * (Math.abs(before.theta[i]) + Math.abs(after.theta[i])) + smallest
    // Of what is not finite, too.
    if (!(off <= relative * longest + rounded)) beyond = true
    worst = off <= worst ? worst : off
  }
  if (beyond)
    throw new OtherStepError(
      `of ${name} differs by ${worst.toExponential(1)} from what the optimizer’s state makes of it, and the largest of it is ${longest.toExponential(1)}: optimizer, learning_rate, updates or weightDecay are not those that trained`,
    )
  for (const [s, slot] of made.state.entries()) {
    let [largest, worst] = [0, 0]
    for (let i = offset; i < offset + size; i++) {
      const off = Math.abs(slot[i] - after.state[s][i])
      largest = Math.max(largest, Math.abs(after.state[s][i]))
      worst = off <= worst ? worst : off
    }
    if (!(worst <= relative * largest + smallest))
      throw new OtherStepError(
        `of ${name} leaves a state that differs by ${worst.toExponential(1)} from the recorded, whose largest is ${largest.toExponential(1)}: its optimizer’s coefficients are not those that trained`,
      )
  }
}
