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
 */

import { randomStream } from '../nn/random.ts'
import type { Intervening } from '../nn/training/say.ts'
import { isJudged } from '../spec/judging.ts'
import type { ResolvedIntervention } from '../spec/resolved.ts'
import type { Columns } from './columns.ts'
import type { NetworkOf } from './diagnostics/diagnostic.ts'
import { type Judge, makeJudging } from './judging.ts'
import { groupsBy, markAsMany, markBySign, sumsBy } from './masks.ts'

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
  const { parameters, layers, variables, layerOf } = network
  const groups = groupsBy(network, by)
  const judging = makeJudging(parameters, intervention.judge, judge)
  const { lca, delta } = judging
  const factors = new Float64Array(parameters)
  const marks = new Uint8Array(groups.count)
  const isDue = (position: number) => isJudged(intervention, position)
  let made: InterventionRow[] = []
  /** Rows whose step is not taken yet. */
  let open: InterventionRow[] = []

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

    async choose({ iteration, position, theta, proposed }) {
      const before = await judging.step({ iteration, position, from: theta, to: proposed })
      const judged = choose(position)
      open = rowsOf(iteration, before, judged)
      return factors
    },

    async taken({ position, theta }, last) {
      const goesOn = !last && isDue(position + 1)
      open[0].after = await judging.arrive(theta, position, { goesOn, wanted: true })
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
