/** `layers`: which layers a rule speaks of, and what each layer does once all rules have spoken. */
import { withDefaults } from './defaults.ts'
import type { FieldError } from './errors.ts'
import type { NetworkFacts } from './facts.ts'
import { didYouMean, formatPath, type JsonSchema } from './messages.ts'
import { type OptimizerName, optimizerNames, optimizerSchemas } from './optimizers.ts'
import type { LayerRule, ResolvedLayer, ResolvedOptimizer, ResolvedSpec } from './schema.ts'

/**
 * Whether a pattern (* any run of characters, ? any one) is the whole of a name. Two cursors and one place to fall back
 * to, the last *: at most pattern × name steps, whatever the pattern.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let p = 0
  let star = -1
  let resume = 0
  for (let n = 0; n < name.length; ) {
    if (pattern[p] === '*') {
      star = p++
      resume = n
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++resume
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/**
 * Every layer that owns parameters, in network order, with its optimizer in full, its L2 and when it is frozen. Where several
 * rules match, later ones win field by field; `freeze` is one field, and `freeze: false` thaws. A rule that names another
 * optimizer leaves nothing of the options before it but the learning rate.
 */
export function resolveLayers(
  spec: Pick<ResolvedSpec, 'layers' | 'optimizer'> & { training: { l2: number } },
  network: NetworkFacts,
): ResolvedLayer[] {
  const rules = Object.entries(spec.layers)
  const sizes = new Map<string, number>()
  for (const { layer, size } of network.variables) sizes.set(layer, (sizes.get(layer) ?? 0) + size)
  return network.layers.map(layer => {
    const matching = rules.filter(([pattern]) => matchesGlob(pattern, layer)).map(([, rule]) => rule)
    return {
      layer,
      parameters: sizes.get(layer)!,
      optimizer: matching.reduce((current, rule) => ruled(named(current, rule), rule), spec.optimizer),
      freeze: frozenSpan(matching.findLast(rule => rule.freeze !== undefined)?.freeze),
      l2: matching.findLast(rule => rule.l2 !== undefined)?.l2 ?? spec.training.l2,
    }
  })
}

/**
 * What a rule's options are put upon: the optimizer as it is before the rule, or the one that the rule names instead. That
 * has its defaults, also where it is the experiment's; the learning rate and the schedule stay.
 */
function named(current: ResolvedOptimizer, { optimizer }: LayerRule): ResolvedOptimizer {
  const name = optimizer?.name ?? current.name
  if (name === current.name) return current
  const { learningRate, schedule } = current
  return { ...defaults[name], learningRate, schedule }
}

const ruled = (optimizer: ResolvedOptimizer, rule: LayerRule) =>
  ({ ...optimizer, ...rule.optimizer }) as ResolvedOptimizer

const defaults = Object.fromEntries(
  optimizerNames.map(name => [
    name,
    withDefaults(optimizerSchemas[name] as unknown as JsonSchema, { name }, []),
  ]),
) as Record<OptimizerName, ResolvedOptimizer>

function frozenSpan(freeze: LayerRule['freeze']): ResolvedLayer['freeze'] {
  if (freeze === undefined || freeze === false) return null
  if (freeze === true) return { from: 0, until: null }
  return { from: freeze.from ?? 0, until: freeze.until ?? null }
}

/** What is wrong with the rules beyond their form. The network and the optimizer are null where they are unknown. */
export function checkLayers(
  layers: Record<string, LayerRule>,
  iterations: number,
  optimizer: ResolvedOptimizer | null,
  network: NetworkFacts | null,
): FieldError[] {
  const errors: FieldError[] = []
  const report = (path: string[], message: string) =>
    errors.push({ path: formatPath(['layers', ...path]), message })
  const resolved =
    optimizer && network ? resolveLayers({ layers, optimizer, training: { l2: 0 } }, network) : []

  for (const [pattern, rule] of Object.entries(layers)) {
    if (network && !network.layers.some(layer => matchesGlob(pattern, layer))) {
      const hint = didYouMean(pattern, network.layers)
      report(
        [pattern],
        `matches no layer of this architecture${hint || ';'} layers: ${listed(network.layers)}`,
      )
    }
    const { freeze } = rule
    if (typeof freeze === 'object') {
      const from = freeze.from ?? 0
      if (freeze.until !== undefined && freeze.until <= from) {
        report([pattern, 'freeze', 'until'], `must be > from (${from}), got ${freeze.until}`)
      }
      if (from >= iterations) {
        report(
          [pattern, 'freeze', 'from'],
          `must be < training.iterations (${iterations}), or the freeze has no effect; got ${from}`,
        )
      }
    }
    // Whichever of the two the rule has, the other may be the experiment's or another rule's.
    const { nesterov, momentum } = rule.optimizer ?? {}
    if (!nesterov && momentum !== 0) continue
    const still = resolved.find(
      ({ layer, optimizer: own }) =>
        own.name === 'sgd' && own.nesterov && own.momentum === 0 && matchesGlob(pattern, layer),
    )
    if (!still) continue
    if (nesterov)
      report([pattern, 'optimizer', 'nesterov'], `needs momentum > 0, which ${still.layer} has not`)
    else
      report(
        [pattern, 'optimizer', 'momentum'],
        `must be > 0 where nesterov is on, as it is for ${still.layer}; set nesterov to false beside it`,
      )
  }
  if (optimizer && network) errors.push(...misplacedOptions(layers, optimizer, network))
  return errors
}

/** Options that the optimizer of a layer does not have when it is their rule's turn. */
function misplacedOptions(
  layers: Record<string, LayerRule>,
  optimizer: ResolvedOptimizer,
  network: NetworkFacts,
): FieldError[] {
  const rules = Object.entries(layers).filter(([, rule]) => rule.optimizer)
  const found = new Map<string, FieldError>()
  for (const layer of network.layers) {
    let current = optimizer
    for (const [pattern, rule] of rules) {
      if (!matchesGlob(pattern, layer)) continue
      const before = named(current, rule)
      for (const key of Object.keys(rule.optimizer ?? {})) {
        if (key in before) continue
        const path = formatPath(['layers', pattern, 'optimizer', key])
        const whose = before.name === optimizer.name ? '' : `, the optimizer of ${layer}`
        const has = Object.keys(before).filter(known => known !== 'name' && known !== 'schedule')
        const message = `is not a hyperparameter of ${before.name}${whose}; it has ${has.join(', ')}`
        if (!found.has(path)) found.set(path, { path, message })
      }
      current = ruled(before, rule)
    }
  }
  return [...found.values()]
}

const listed = (names: string[]) =>
  names.length > 40 ? `${names.slice(0, 40).join(', ')} and ${names.length - 40} more` : names.join(', ')
