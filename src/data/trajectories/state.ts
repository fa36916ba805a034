/** The optimizer's state beside recorded weights: what its tensors are called, and what has to be said of it. */
import { isKernel } from '../../nn/layers.ts'
import type { FieldError } from '../../spec/errors.ts'
import { isObject } from '../../spec/json-path.ts'
import { didYouMean, show } from '../../spec/messages.ts'
import type { ResolvedOptimizer } from '../../spec/resolved.ts'
import type { RecordedState } from './about.ts'
import type { Layout } from './layouts.ts'
import type { Wanted } from './parts.ts'

/** What PyTorch calls the slots of an optimizer's state, in the order of ours (nn/optimizers.ts). */
const slots: Record<ResolvedOptimizer['name'], string[]> = {
  sgd: ['momentum_buffer'],
  sgdw: ['momentum_buffer'],
  lion: ['exp_avg'],
  rmsprop: ['square_avg', 'momentum_buffer'],
  adam: ['exp_avg', 'exp_avg_sq'],
  adamw: ['exp_avg', 'exp_avg_sq'],
}
const all = new Set(Object.values(slots).flat())

/** Whether a tensor is called as state is. */
export const isState = (name: string): boolean => all.has(name.split(/[./]/).at(-1)!)

export const ratesName = 'learning_rate'

/** The tensors of state for those of weights: slot by slot, shaped as the weights are; and the learning rates, a number a row. */
export function stateWanted(weights: Wanted[], optimizer: ResolvedOptimizer, layout: Layout): Wanted[] {
  const separator = layout === 'torch' ? '.' : '/'
  const ofSlots = slots[optimizer.name].flatMap(slot =>
    weights.map(({ ours, theirs, shape }) => ({
      ...{ ours: `${slot} of ${ours}`, theirs: `${theirs}${separator}${slot}`, shape },
    })),
  )
  return [...ofSlots, { ours: ratesName, theirs: ratesName, shape: [] }]
}

const fields = ['updates', 'weightDecay']
const most = 1e9

/**
 * Reads `optimizerState` of a trajectory: true, or { updates, weightDecay }. undefined where there is none, or it is wrong, which
 * `wrong` is then told.
 */
export function readState(
  given: unknown,
  {
    every,
    optimizer,
    runningStatistics,
  }: { every: unknown; optimizer: ResolvedOptimizer | undefined; runningStatistics?: boolean },
  variables: { name: string; layer: string; role: string }[],
  wrong: (path: string, message: string) => void,
): RecordedState | undefined {
  if (given === undefined || given === false) return undefined
  const path = 'optimizerState'
  if (given !== true && !isObject(given)) {
    wrong(path, `must be true, or an object of ${fields.join(', ')}; got ${show(given)}`)
    return undefined
  }
  const errors: FieldError[] = []
  const note = (at: string, message: string) => void errors.push({ path: `${path}${at}`, message })
  const { updates = 0, weightDecay, ...others } = given === true ? {} : given
  for (const key of Object.keys(others))
    note(
      `.${key.slice(0, 100)}`,
      `is not a field here${didYouMean(key, fields) || ';'} fields: ${fields.join(', ')}`,
    )
  if (!Number.isInteger(updates) || Number(updates) < 0 || Number(updates) > most)
    note('.updates', `must be an integer ≥ 0, the updates before the first row; got ${show(updates)}`)
  if (every !== 1)
    note(
      '',
      'must be left out unless every is 1: what a step is made of follows from the state before it and after it',
    )
  if (optimizer === undefined) note('', 'needs the optimizer that it is of: trajectory.optimizer')
  else if ('momentum' in optimizer && optimizer.momentum === 0)
    note(
      '',
      `must be left out with ${optimizer.name} without momentum, which keeps none that says what its gradients were`,
    )
  if (runningStatistics) note('', 'must be left out with running statistics, which no optimizer moves')
  const decays = decaysOf(weightDecay, optimizer, variables, note)
  for (const error of errors) wrong(error.path, error.message)
  return errors.length > 0 ? undefined : { updates: Number(updates), decays }
}

/** λ of each variable: one number for all, or by variable or layer; if absent what the optimizer has, on kernels. */
function decaysOf(
  given: unknown,
  optimizer: ResolvedOptimizer | undefined,
  variables: { name: string; layer: string; role: string }[],
  note: (at: string, message: string) => void,
): number[] {
  const isDecay = (one: unknown): one is number => typeof one === 'number' && Number.isFinite(one) && one >= 0
  if (given === undefined) {
    const own = optimizer && 'weightDecay' in optimizer ? optimizer.weightDecay : 0
    return variables.map(({ role }) => (isKernel(role) ? own : 0))
  }
  if (isDecay(given)) return variables.map(() => given)
  if (!isObject(given)) {
    note(
      '.weightDecay',
      `must be a number ≥ 0, or an object of such by variable or layer; got ${show(given)}`,
    )
    return []
  }
  const known = new Set(variables.flatMap(({ name, layer }) => [name, layer]))
  for (const [key, value] of Object.entries(given)) {
    const at = `.weightDecay[${JSON.stringify(key.slice(0, 100))}]`
    if (!known.has(key)) note(at, `is no variable or layer of this network${didYouMean(key, [...known])}`)
    else if (!isDecay(value)) note(at, `must be a number ≥ 0, got ${show(value)}`)
  }
  const of = new Map(Object.entries(given))
  return variables.map(({ name, layer }) => Number(of.get(name) ?? of.get(layer) ?? 0))
}
