/**
 * What training does by the ledger of the steps that it has taken. Each judged step has, on the judge's split, Σ LCA of every
 * layer and of the network, and of every layer what momentum did of it: Σ ḡ·(what earlier gradients still push). Of the last n
 * of such numbers x
 *
 *     Σx ± t · s · √n,   s their standard deviation, t Student's at 95 % with n − 1 degrees of freedom
 *
 * is the interval of what n steps like these sum to, were they independent. A layer, or the network, hurts where all of it is
 * above 0. Everything that decisions depend on is in `memory`, plain data that is stored with the training's state.
 */
import type { Governing } from '../nn/training/say.ts'
import type { Memory } from '../nn/training/state.ts'
import { hasMomentum, isPoliced } from '../spec/judging.ts'
import type { ResolvedLayer, ResolvedPolicy } from '../spec/resolved.ts'
import { studentQuantile } from '../statistics/student.ts'
import type { Columns } from './columns.ts'
import type { NetworkOf } from './diagnostics/diagnostic.ts'
import { type Judge, makeJudging } from './judging.ts'

export const rules = ['freezeHurting', 'stopOverfitting', 'quietMomentum'] as const
export const actions = ['freeze', 'stop', 'quiet', 'restore'] as const

/** The table of policies: a row a decision, made after an iteration; layer −1 is the network. NaN where there is nothing to say. */
export const policyTypes = {
  iteration: 'int32',
  layer: 'int32',
  rule: 'int32',
  action: 'int32',
  steps: 'int32',
  sum: 'float64',
  low: 'float64',
  high: 'float64',
  until: 'float64',
  factor: 'float64',
} as const
export type PolicyRow = Record<keyof typeof policyTypes, number>

/** Σ of the values and its interval of 95 %. */
export function sumWithInterval(values: number[]): { sum: number; low: number; high: number } {
  const n = values.length
  const sum = values.reduce((total, x) => total + x, 0)
  const mean = sum / n
  const variance = values.reduce((total, x) => total + (x - mean) ** 2, 0) / (n - 1)
  const half = studentQuantile(0.95, n - 1) * Math.sqrt(variance * n)
  return { sum, low: sum - half, high: sum + half }
}

/**
 * What `train` asks of a policy. `memory` goes on where another attempt, or the training that this one goes on with, was.
 * `rows` gives the decisions since it was last asked, by column.
 */
export function makePolicy(
  network: NetworkOf,
  policy: ResolvedPolicy,
  layers: ResolvedLayer[],
  judge: Judge,
  memory: NonNullable<Memory['policy']> = emptyMemory(),
): Governing & { rows(): Columns } {
  const { freezeHurting, stopOverfitting, quietMomentum } = policy
  const { variables, layerOf } = network
  const judging = makeJudging(network.parameters, policy.judge, judge)
  const isDue = (position: number) => isPoliced(policy, position)
  const isFrozen = (layer: string, position: number) => {
    const until = memory.frozen[layer]
    return until !== undefined && (until === null || position < until)
  }
  let made: PolicyRow[] = []

  /** Adds a number to a window; its interval once there are n of the last. */
  const look = (windows: Record<string, number[]>, name: string, value: number, n: number) => {
    const window = [...(windows[name] ?? []), value].slice(-n)
    windows[name] = window
    return window.length === n ? sumWithInterval(window) : undefined
  }
  const isAble = new Map(layers.map(layer => [layer.layer, hasMomentum(layer)]))

  const decide = (iteration: number, position: number, momentum: Float64Array | undefined) => {
    const lca = network.layers.map(() => 0)
    const pushed = network.layers.map(() => 0)
    for (const [v, { offset, size }] of variables.entries())
      for (let i = offset; i < offset + size; i++) {
        lca[layerOf[v]] += judging.lca[i]
        if (momentum) pushed[layerOf[v]] += judging.meanGradient[i] * momentum[i]
      }
    const row = (
      layer: number,
      rule: PolicyRow['rule'],
      action: (typeof actions)[number],
      found: { sum: number; low: number; high: number },
      more: Partial<PolicyRow> = {},
    ) =>
      made.push({
        ...{ iteration, layer, rule, action: actions.indexOf(action), ...found },
        ...{ steps: 0, until: Number.NaN, factor: Number.NaN, ...more },
      })
    for (const [l, layer] of network.layers.entries()) {
      // Statistics of batch norm are no layer that is trained.
      if (!isAble.has(layer) || isFrozen(layer, position)) continue
      if (quietMomentum && isAble.get(layer)) {
        const { steps, factor } = quietMomentum
        const found = look(memory.momentum, layer, pushed[l], steps)
        const isQuiet = layer in memory.quiet
        if (found && found.low > 0 !== isQuiet) {
          if (isQuiet) delete memory.quiet[layer]
          else memory.quiet[layer] = factor
          row(l, 2, isQuiet ? 'restore' : 'quiet', found, { steps, factor: isQuiet ? 1 : factor })
          // What was before says nothing of what is from now on.
          delete memory.momentum[layer]
        } else if (found && isQuiet) delete memory.momentum[layer]
      }
      if (!freezeHurting) continue
      const { steps, for: length } = freezeHurting
      const found = look(memory.layers, layer, lca[l], steps)
      if (found === undefined || found.low <= 0) continue
      memory.frozen[layer] = length === undefined ? null : position + 1 + length
      delete memory.layers[layer]
      delete memory.momentum[layer]
      row(l, 0, 'freeze', found, { steps, until: length === undefined ? Number.NaN : iteration + 1 + length })
    }
    if (!stopOverfitting) return
    const total = lca.reduce((sum, x) => sum + x, 0)
    const found = look(memory.network, 'network', total, stopOverfitting.steps)
    if (found === undefined || found.low <= 0) return
    memory.stopped = true
    delete memory.network.network
    row(-1, 1, 'stop', found, { steps: stopOverfitting.steps })
  }

  return {
    ...{ memory, isDue, isFrozen },
    wantsMomentum: quietMomentum !== undefined,
    quiet: layer => memory.quiet[layer] ?? 1,

    async judge({ iteration, position, from, to, momentum }, last) {
      await judging.step({ iteration, position, from, to })
      decide(iteration, position, momentum)
      const goesOn = !last && !memory.stopped && isDue(position + 1)
      await judging.arrive(to, position, { goesOn, wanted: false })
    },

    rows() {
      const columns = Object.entries(policyTypes).map(([name, type]) => {
        const values = made.map(row => row[name as keyof PolicyRow])
        return [name, type === 'int32' ? Int32Array.from(values) : Float64Array.from(values)]
      })
      made = []
      return Object.fromEntries(columns)
    },
  }
}

const emptyMemory = (): NonNullable<Memory['policy']> => ({
  ...{ frozen: {}, quiet: {}, layers: {}, momentum: {}, network: {}, stopped: false },
})
