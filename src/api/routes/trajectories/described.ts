/** What the JSON of a trajectory says: the network its weights are of, and which of their tensors is which variable. */
import type { About } from '../../../data/trajectories/about.ts'
import { layoutNames, theirShape } from '../../../data/trajectories/layouts.ts'
import { theirNames } from '../../../data/trajectories/names.ts'
import type { Wanted } from '../../../data/trajectories/parts.ts'
import { readState, stateWanted } from '../../../data/trajectories/state.ts'
import { type FieldError, SpecError } from '../../../spec/errors.ts'
import type { Facts } from '../../../spec/facts.ts'
import { isObject } from '../../../spec/json-path.ts'
import { didYouMean, show } from '../../../spec/messages.ts'
import { specOf, unstorable } from '../../specs/body.ts'
import { invalidTrajectory } from './receive.ts'

export type Described = {
  name: string | null
  about: Omit<About, 'probe'>
  /** A tensor for each variable; and of the optimizer's state, where that comes along. */
  wanted: Wanted[]
  /** Layers that a probe may have. */
  layers: string[]
}

const fields = [
  'name',
  'dataset',
  'architecture',
  'optimizer',
  'every',
  'layout',
  'map',
  'losses',
  'optimizerState',
]
const mostLosses = 1000
const mostEvery = 10_000_000

/** Reads it. Throws a ProblemError with every wrong field. */
export function describedBy(text: string, facts: Facts): Described {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw invalidTrajectory([{ path: '$.trajectory', message: `must be JSON: ${(error as Error).message}` }])
  }
  if (!isObject(given))
    throw invalidTrajectory([{ path: '$.trajectory', message: `must be an object, got ${show(given)}` }])
  const errors: FieldError[] = unstorable({ name: given.name })
  const wrong = (path: string, message: string) => void errors.push({ path: `$.trajectory.${path}`, message })
  for (const key of Object.keys(given))
    if (!fields.includes(key))
      wrong(
        key.slice(0, 100),
        `is not a field here${didYouMean(key, fields) || ';'} fields: ${fields.join(', ')}`,
      )
  const { name = null, every = 1, layout = 'own', map = {}, losses = [] } = given
  if (name !== null && (typeof name !== 'string' || name.length === 0 || name.length > 200))
    wrong('name', `must be text of 1 to 200 characters, got ${show(name)}`)
  if (!Number.isInteger(every) || Number(every) < 1 || Number(every) > mostEvery)
    wrong(
      'every',
      `must be an integer from 1 to ${mostEvery}, the iterations between two rows; got ${show(every)}`,
    )
  const known = layoutNames.find(one => one === layout)
  if (!known) wrong('layout', `must be one of ${layoutNames.join(', ')}, got ${show(layout)}`)
  const isMap = isObject(map) && Object.values(map).every(one => typeof one === 'string' && one.length <= 500)
  if (!isMap)
    wrong('map', 'must be an object of names: a variable or layer here to a tensor or its prefix there')
  const isLoss = (one: unknown) =>
    isObject(one) && Number.isInteger(one.row) && Number(one.row) >= 0 && Number.isFinite(one.loss)
  if (!Array.isArray(losses) || losses.length > mostLosses || !losses.every(isLoss))
    wrong(
      'losses',
      `must be at most ${mostLosses} of { "row": which of the recorded weights, from 0, "loss": over the train split }`,
    )
  const spec = resolved(given, facts, errors)
  if (!spec || !known || !isMap) throw invalidTrajectory(errors)

  const { variables, runningStatistics } = facts.network(
    spec.architecture,
    facts.datasets.find(one => one.name === spec.dataset.name)!,
  )
  const named = variables.map(({ name, layer }) => ({
    name,
    layer,
    role: name.slice(layer.length + 1),
  }))
  const optimizer = given.optimizer === undefined ? undefined : spec.optimizer
  const state = readState(given.optimizerState, { every, optimizer, runningStatistics }, named, wrong)
  const theirs = theirNames(named, known, map as Record<string, string>)
  errors.push(
    ...theirs.errors.map(({ path, message }) => ({ path: path.replace('$', '$.trajectory'), message })),
  )
  if (errors.length > 0) throw invalidTrajectory(errors)
  const weights = variables.map((variable, i) => ({
    ...{ ours: variable.name, theirs: theirs.names[i], shape: theirShape(variable, known) },
  }))
  return {
    name: name as string | null,
    about: {
      dataset: { name: spec.dataset.name, sha256: spec.dataset.sha256 },
      architecture: spec.architecture,
      ...(optimizer && { optimizer }),
      ...{ every: Number(every), layout: known },
      variables: variables.map(({ name, shape }) => ({ name, shape })),
      losses: losses as About['losses'],
      ...(state && { state }),
    },
    wanted: state ? [...weights, ...stateWanted(weights, spec.optimizer, known)] : weights,
    layers: [...new Set(variables.map(({ layer }) => layer))],
  }
}

/** Dataset, architecture and optimizer as a spec has them; undefined where they are wrong, which `errors` then says. */
function resolved(
  { dataset, architecture, optimizer = { name: 'sgd' } }: Record<string, unknown>,
  facts: Facts,
  errors: FieldError[],
) {
  try {
    return specOf({ dataset, architecture, optimizer, training: { iterations: 1 } }, facts)
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    errors.push(
      ...error.errors.map(({ path, message }) => ({ path: path.replace('$', '$.trajectory'), message })),
    )
    return undefined
  }
}
