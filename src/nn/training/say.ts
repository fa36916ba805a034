/**
 * What has a say in a training beside its spec: interventions take part of a step, policies judge steps that were taken and freeze
 * layers, quieten momentum or end it. How they judge is theirs (lca/interventions.ts, lca/policies.ts).
 */
import type { Memory } from './state.ts'

/** What acts on the steps that were taken (lca/policies.ts). */
export type Governing = {
  memory: NonNullable<Memory['policy']>
  /** Whether the step at this position is judged. */
  isDue(position: number): boolean
  isFrozen(layer: string, position: number): boolean
  /** What the momentum of a layer is multiplied by: 1 where nothing is wrong with it. */
  quiet(layer: string): number
  wantsMomentum: boolean
  /**
   * Judges the step from θ_t to θ_{t+1} and decides; `momentum`, float64 [parameters], is what of it earlier gradients
   * pushed. `last`: there is none after it.
   */
  judge(
    step: {
      iteration: number
      position: number
      from: Float32Array
      to: Float32Array
      momentum?: Float64Array
    },
    last: boolean,
  ): Promise<void>
}

/** A step that the optimizer proposes: from θ_t to `proposed`, float32 [parameters]; its position is what schedules go by. */
export type ProposedStep = {
  iteration: number
  position: number
  theta: Float32Array
  proposed: Float32Array
}

/** What has a say in which part of a step is taken (lca/interventions.ts). */
export type Intervening = {
  /** Whether it has at this position. */
  isDue(position: number): boolean
  /** Whether optimizers remember the gradient only as far as its step is taken. */
  masksState: boolean
  /** How much of each parameter’s step is taken, from 0 to 1: float64 [parameters], valid until the next. */
  choose(step: ProposedStep): Promise<Float64Array>
  /**
   * Is told of the step that was taken: `theta` is θ_{t+1}, `proposed` where the whole step would have led; `last`: there is
   * none after it.
   */
  taken(step: ProposedStep, last: boolean): Promise<void>
}

/** What has a say in a training beside its spec. */
export type Say = { intervening?: Intervening; governing?: Governing }

/** θ_t + f∘Δ: to the bit the one end where f is 1, the other where it is 0. */
export function takePart(before: Float32Array, factors: Float64Array, theta: Float32Array): void {
  for (let i = 0; i < theta.length; i++) {
    const f = factors[i]
    if (f === 0) theta[i] = before[i]
    else if (f !== 1) theta[i] = before[i] + f * (theta[i] - before[i])
  }
}

/** The memory that training goes on with, which the policy, where there is one, writes its part of. */
export function memoryOf(before: Memory | undefined, governing: Governing | undefined): Memory | undefined {
  if (before === undefined && governing === undefined) return undefined
  return { skipped: { ...before?.skipped }, ...(governing && { policy: governing.memory }) }
}
