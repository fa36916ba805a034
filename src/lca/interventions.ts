/**
 * Steps of which a part is taken, by what the ledger says of them. At θ_t the optimizer proposes Δ; it is judged by
 *
 *     LCA_i = (∫_0^1 ∇L(θ_t + αΔ) dα)_i · Δ_i            of the judge's loss L, by a quadrature in one part
 *
 * and θ_{t+1} = θ_t + f∘Δ is taken, with a factor f for each parameter: 1 for those of a group whose Σ LCA is below 0
 * (helpers), or above 0 (hurters), or for as many groups of each stratum as help, drawn from the seed (random), and 0 for the
 * others; or, of all in a stratum, f = ‖helpers’ part of Δ‖/‖Δ‖ over it (shrink). What additivity predicts, and what comes:
 *
 *     predicted  = Σ_i f_i · LCA_i
 *     change     = L(θ_t + f∘Δ) − L(θ_t)
 *
 * On a quadratic with the Hessian H the two differ by −½ (f∘Δ)ᵀ H (Δ − f∘Δ), nothing where H is diagonal and f is 0 or 1: it
 * is what those that move owe to those that do not.
 *
 * Judging takes a gradient at θ_t and, but by left, one at θ_t + Δ. Where the next step is judged too, the gradient there
 * gives the loss at θ_{t+1} beside; where it is not, a forward pass does. A step of which everything is taken ends where the
 * judge has been.
 */

import { randomStream } from '../nn/random.ts'
import type { Intervening, ProposedStep } from '../nn/train.ts'
import { isJudged } from '../spec/intervention.ts'
import type { ResolvedIntervention } from '../spec/resolved.ts'
import { NotFiniteError } from './allocate.ts'
import type { Columns } from './columns.ts'
import type { NetworkOf } from './diagnostics/diagnostic.ts'
import { groupsBy, markAsMany, markBySign, sumsBy } from './masks.ts'
import { integrate, makeSums, methods, newPoints, nextLevel, startSums } from './quadrature.ts'

/** The judge's loss. θ is float32 [parameters]. */
export type Judge = {
  /** Adds the gradient at θ to float64 [parameters]; returns the loss, of the same bits as `loss`. */
  addGradient(theta: Float32Array, into: Float64Array): Promise<number>
  loss(theta: Float32Array): Promise<number>
}

/** The table of interventions: a row of the network (layer −1) and of each layer for each step that was judged. */
export const interventionTypes = {
  iteration: 'int32',
  layer: 'int32',
  parameters: 'int32',
  moved: 'int32',
  helped: 'int32',
  hurt: 'int32',
  chosen: 'int32',
  factor: 'float64',
  whole: 'float64',
  predicted: 'float64',
  before: 'float64',
  after: 'float64',
} as const
export type InterventionRow = Record<keyof typeof interventionTypes, number>

type Vector = Float64Array<ArrayBuffer>
type Point = { loss: number; gradient: Vector }

/**
 * What `train` asks at the steps of an intervention. `rows` gives what came of the steps since it was last asked, in their
 * order, by column. Throws NotFiniteError where the judge's loss or gradient is not finite.
 */
export function makeIntervention(
  network: NetworkOf,
  intervention: ResolvedIntervention,
  seed: number,
  judge: Judge,
): Intervening & { rows(): Columns } {
  const { update, by, state } = intervention
  const { split, method: name } = intervention.judge
  const { parameters, layers, variables, layerOf } = network
  const method = methods[name]
  const groups = groupsBy(network, by)
  const vector = () => new Float64Array(parameters)
  const sums = makeSums(method, parameters)
  const meanGradient = vector()
  const delta = vector()
  const factors = vector()
  const lca = new Float32Array(parameters)
  const marks = new Uint8Array(groups.count)
  const node = new Float32Array(parameters)
  const isDue = (position: number) => isJudged(intervention, position)

  /** Two points at most are known at a time; vectors go round. */
  const spare = [vector(), vector()]
  const visit = async (theta: Float32Array): Promise<Point> => {
    const gradient = spare.pop()!.fill(0)
    return { loss: await judge.addGradient(theta, gradient), gradient }
  }
  let start: (Point & { position: number }) | undefined
  let end: Point | undefined
  let made: InterventionRow[] = []
  /** Rows whose step is not taken yet. */
  let open: InterventionRow[] = []

  /** Judges the proposal into `lca`; returns L(θ_t). */
  const judgeStep = async ({ iteration, position, theta, proposed }: ProposedStep): Promise<number> => {
    for (let i = 0; i < parameters; i++) delta[i] = proposed[i] - theta[i]
    if (start?.position !== position) {
      if (start) spare.push(start.gradient)
      start = { ...(await visit(theta)), position }
    }
    // By left the end is not looked at.
    end = name === 'left' ? undefined : await visit(proposed)
    startSums(sums, start.gradient, end?.gradient ?? start.gradient)
    for (let level = 1; level < method.coefficients.length; level++) {
      const into = nextLevel(sums)
      for (const alpha of newPoints(level)) {
        for (let i = 0; i < parameters; i++) node[i] = theta[i] + alpha * delta[i]
        await judge.addGradient(node, into)
      }
    }
    integrate(method, sums, start.gradient, end?.gradient ?? start.gradient, meanGradient)
    let total = start.loss
    for (let i = 0; i < parameters; i++) {
      lca[i] = meanGradient[i] * delta[i] + 0
      total += lca[i]
    }
    if (!Number.isFinite(total)) throw new NotFiniteError(iteration, split)
    return start.loss
  }

  const choose = (position: number) => {
    const judged = sumsBy(groups, lca)
    markBySign(judged, update === 'hurters' ? 1 : -1, marks)
    if (update === 'random') {
      const stream = randomStream(seed, 'intervention', position)
      markAsMany(groups, judged, stream, marks)
    }
    for (let i = 0; i < parameters; i++) factors[i] = marks[groups.of?.[i] ?? i]
    if (update === 'shrink') shrink()
    return judged
  }
  /** In place of the helpers’ mask, what makes the whole step as short as theirs, by layer or over the network. */
  const shrink = () => {
    const layerwise = by !== 'layer'
    const whole = new Float64Array(layerwise ? layers.length : 1)
    const kept = whole.slice()
    for (const [v, { offset, size }] of variables.entries()) {
      const of = layerwise ? layerOf[v] : 0
      for (let i = offset; i < offset + size; i++) {
        const square = delta[i] * delta[i]
        whole[of] += square
        kept[of] += factors[i] * square
      }
    }
    for (const [v, { offset, size }] of variables.entries()) {
      const of = layerwise ? layerOf[v] : 0
      // Where all of it helps it is the whole step, to the bit.
      factors.fill(whole[of] === 0 ? 1 : Math.sqrt(kept[of] / whole[of]), offset, offset + size)
    }
  }

  const rowsOf = (iteration: number, before: number, judged: ArrayLike<number>): InterventionRow[] => {
    const row = (layer: number): InterventionRow => ({
      ...{ iteration, layer, parameters: 0, moved: 0, helped: 0, hurt: 0, chosen: 0 },
      ...{ factor: 0, whole: 0, predicted: 0, before: Number.NaN, after: Number.NaN },
    })
    const network = { ...row(-1), before }
    const each = layers.map((_, l) => row(l))
    const squares = [network, ...each].map(() => ({ whole: 0, taken: 0 }))
    for (const [v, { offset, size }] of variables.entries()) {
      const l = layerOf[v]
      for (const [r, one] of [
        [0, network],
        [l + 1, each[l]],
      ] as const) {
        one.parameters += size
        for (let i = offset; i < offset + size; i++) {
          const f = factors[i]
          const sum = judged[groups.of?.[i] ?? i]
          if (delta[i] !== 0) one.moved++
          if (sum < 0) one.helped++
          else if (sum > 0) one.hurt++
          if (f > 0) one.chosen++
          one.whole += lca[i]
          one.predicted += f * lca[i]
          squares[r].whole += delta[i] * delta[i]
          squares[r].taken += f * f * delta[i] * delta[i]
        }
      }
    }
    for (const [r, one] of [network, ...each].entries())
      one.factor = squares[r].whole === 0 ? Number.NaN : Math.sqrt(squares[r].taken / squares[r].whole)
    return [network, ...each]
  }

  return {
    isDue,
    masksState: state === 'masked',

    async choose(step) {
      const before = await judgeStep(step)
      const judged = choose(step.position)
      open = rowsOf(step.iteration, before, judged)
      return factors
    },

    async taken({ position, theta, proposed }, last) {
      const goesOn = !last && isDue(position + 1)
      if (start) spare.push(start.gradient)
      start = undefined
      let reached = end
      end = undefined
      if (reached && !isSame(theta, proposed)) {
        spare.push(reached.gradient)
        reached = undefined
      }
      if (reached === undefined && goesOn) reached = await visit(theta)
      const after = reached?.loss ?? (await judge.loss(theta))
      if (reached && goesOn) start = { ...reached, position: position + 1 }
      else if (reached) spare.push(reached.gradient)
      open[0].after = after
      made.push(...open)
      open = []
    },

    rows() {
      const names = Object.keys(interventionTypes) as (keyof typeof interventionTypes)[]
      const columns = names.map(name => {
        const values = made.map(row => row[name])
        return [
          name,
          interventionTypes[name] === 'int32' ? Int32Array.from(values) : Float64Array.from(values),
        ]
      })
      made = []
      return Object.fromEntries(columns)
    },
  }
}

const isSame = (a: Float32Array, b: Float32Array) => a.every((value, i) => Object.is(value, b[i]))
