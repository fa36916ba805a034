/** Which of their tensors each variable of ours is. */
import type { FieldError } from '../../spec/errors.ts'
import { didYouMean } from '../../spec/messages.ts'
import type { Layout } from './layouts.ts'

/** Of a variable: layer and role (`fc_1/kernel` is the kernel of fc_1). */
type Named = { name: string; layer: string; role: string }

const torchRoles: Record<string, string> = { kernel: 'weight', gamma: 'weight', beta: 'bias' }

/**
 * The name of each variable's tensor, in their order. `map` has variables (fc_1/kernel → net.0.weight) or layers (fc_1 →
 * net.0, then .weight and .bias, or /kernel and /bias); what it has not is called as here, with dots in PyTorch.
 */
export function theirNames(
  variables: Named[],
  layout: Layout,
  map: Record<string, string>,
): { names: string[]; errors: FieldError[] } {
  const known = new Set(variables.flatMap(({ name, layer }) => [name, layer]))
  const errors = Object.keys(map)
    .filter(key => !known.has(key))
    .map(key => ({
      path: `$.map[${JSON.stringify(key.slice(0, 100))}]`,
      message: `is no variable or layer of this network${didYouMean(key, [...known])}`,
    }))
  const names = variables.map(({ name, layer, role }) => {
    if (Object.hasOwn(map, name)) return map[name]
    const prefix = Object.hasOwn(map, layer) ? map[layer] : undefined
    if (layout === 'torch') return `${prefix ?? layer.replaceAll('/', '.')}.${torchRoles[role] ?? role}`
    return prefix === undefined ? name : `${prefix}/${role}`
  })
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    errors.push({ path: '$.map', message: `has ${JSON.stringify(twice)} for more than one variable` })
  return { names, errors }
}

/** What lies beside the weights in a state_dict or a Keras model, and is none. */
export const isBeside = (name: string): boolean =>
  /(^|[./])(running_mean|running_var|num_batches_tracked|moving_mean|moving_variance|iteration|learning_rate)(:0)?$/.test(
    name,
  )
