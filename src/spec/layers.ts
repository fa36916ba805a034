/** `layers`: which layers a rule speaks of, and what each layer does once all rules have spoken. */
import type { FieldError } from './errors.ts'
import type { NetworkFacts } from './facts.ts'
import { didYouMean, formatPath } from './messages.ts'
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
 * rules match, later ones win field by field; `freeze` is one field, and `freeze: false` thaws.
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
      optimizer: Object.assign(
        { ...spec.optimizer },
        ...matching.map(rule => rule.optimizer),
      ) as ResolvedOptimizer,
      freeze: frozenSpan(matching.findLast(rule => rule.freeze !== undefined)?.freeze),
      l2: matching.findLast(rule => rule.l2 !== undefined)?.l2 ?? spec.training.l2,
    }
  })
}

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
    if (!optimizer) continue
    const hyperparameters = Object.keys(optimizer).filter(key => key !== 'name' && key !== 'schedule')
    for (const key of Object.keys(rule.optimizer ?? {})) {
      if (hyperparameters.includes(key)) continue
      report(
        [pattern, 'optimizer', key],
        `is not a hyperparameter of ${optimizer.name}; it has ${hyperparameters.join(', ')}`,
      )
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
  return errors
}

const listed = (names: string[]) =>
  names.length > 40 ? `${names.slice(0, 40).join(', ')} and ${names.length - 40} more` : names.join(', ')
