/** `layers`: which layers a rule speaks of, and what each layer does once all rules have spoken. */
import { withDefaults } from './defaults.ts'
import type { FieldError } from './errors.ts'
import type { NetworkFacts } from './facts.ts'
import { didYouMean, formatPath, type JsonSchema } from './messages.ts'
import { type OptimizerName, optimizerNames, optimizerSchemas } from './optimizers.ts'
import type { LayerRule, ResolvedLayer, ResolvedOptimizer, ResolvedSpec } from './schema.ts'

/**
 * A pattern (* any run of characters, ? any one) as a test of names: whether it is the whole of one. Two cursors and one
 * place to fall back to, the last *: at most pattern × name steps, whatever the pattern; a name that is shorter than what
 * the pattern spells out takes none.
 */
export function glob(pattern: string): (name: string) => boolean {
  const text = pattern.replaceAll(/\*+/g, '*')
  if (!/[*?]/.test(text)) return name => name === text
  const least = text.replaceAll('*', '').length
  return name => {
    if (name.length < least) return false
    let p = 0
    let star = -1
    let resume = 0
    for (let n = 0; n < name.length; ) {
      if (text[p] === '*') {
        star = p++
        resume = n
      } else if (p < text.length && (text[p] === '?' || text[p] === name[n])) {
        p++
        n++
      } else if (star >= 0) {
        p = star + 1
        n = ++resume
      } else {
        return false
      }
    }
    if (text[p] === '*') p++
    return p === text.length
  }
}

type Rules = [pattern: string, rule: LayerRule][]

/** Which rules speak of which layers: the rules of each layer, and for each rule whether there are any. */
type Matches = { ofLayer: LayerRule[][]; patterns: string[][]; used: boolean[] }

function match(rules: Rules, layers: string[]): Matches {
  const tests = rules.map(([pattern]) => glob(pattern))
  const used = rules.map(() => false)
  const patterns: string[][] = []
  const ofLayer = layers.map(layer => {
    const own: LayerRule[] = []
    const named: string[] = []
    tests.forEach((matches, i) => {
      if (!matches(layer)) return
      used[i] = true
      named.push(rules[i][0])
      own.push(rules[i][1])
    })
    patterns.push(named)
    return own
  })
  return { ofLayer, patterns, used }
}

/**
 * Every layer that owns parameters, in network order, with its optimizer in full, its L2 and when it is frozen. Where several
 * rules match, later ones win field by field; `freeze` is one field, and `freeze: false` thaws. A rule that names another
 * optimizer leaves nothing of the options before it but the learning rate.
 */
export function resolveLayers(
  spec: Pick<ResolvedSpec, 'layers' | 'optimizer'> & { training: { l2: number } },
  network: Pick<NetworkFacts, 'layers' | 'variables'>,
): ResolvedLayer[] {
  return resolveMatched(spec, network, match(Object.entries(spec.layers), network.layers))
}

function resolveMatched(
  spec: Pick<ResolvedSpec, 'optimizer'> & { training: { l2: number } },
  network: Pick<NetworkFacts, 'layers' | 'variables'>,
  { ofLayer }: Pick<Matches, 'ofLayer'>,
): ResolvedLayer[] {
  const sizes = new Map<string, number>()
  for (const { layer, size } of network.variables) sizes.set(layer, (sizes.get(layer) ?? 0) + size)
  return network.layers.map((layer, i) => {
    const matching = ofLayer[i]
    // Written into, rule by rule: a copy for each of a thousand rules on four thousand layers takes seconds.
    let optimizer = { ...spec.optimizer }
    for (const rule of matching) {
      optimizer = named(optimizer, rule)
      Object.assign(optimizer, rule.optimizer)
    }
    return {
      layer,
      parameters: sizes.get(layer)!,
      optimizer,
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

/** Wrong rules that are told of, and those of them for which the layer that was meant is looked for. */
const mostWrong = 100
const mostHints = 20

/**
 * What is wrong with the rules beyond their form, as far as the first hundred rules that are wrong. The network and the
 * optimizer are null where they are unknown.
 */
export function checkLayers(
  layers: Record<string, LayerRule>,
  iterations: number,
  optimizer: ResolvedOptimizer | null,
  network: NetworkFacts | null,
): FieldError[] {
  const errors: FieldError[] = []
  const report = (path: string[], message: string) =>
    errors.push({ path: formatPath(['layers', ...path]), message })
  const rules = Object.entries(layers)
  const matches = network && match(rules, network.layers)
  const stilled = optimizer && network && matches ? stillLayers(optimizer, network, matches) : new Map()
  let hints = 0

  for (const [i, [pattern, rule]] of rules.entries()) {
    if (errors.length >= mostWrong) return errors
    if (network && !matches?.used[i]) {
      const hint = hints++ < mostHints ? didYouMean(pattern, network.layers) : ''
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
    const still = stilled.get(pattern)
    if (still === undefined) continue
    if (nesterov) report([pattern, 'optimizer', 'nesterov'], `needs momentum > 0, which ${still} has not`)
    else
      report(
        [pattern, 'optimizer', 'momentum'],
        `must be > 0 where nesterov is on, as it is for ${still}; set nesterov to false beside it`,
      )
  }
  if (optimizer && network && matches) errors.push(...misplacedOptions(optimizer, network, matches))
  return errors
}

/** By pattern, the first layer of it that ends up with nesterov and without momentum. */
function stillLayers(
  optimizer: ResolvedOptimizer,
  network: NetworkFacts,
  matches: Matches,
): Map<string, string> {
  const found = new Map<string, string>()
  const resolved = resolveMatched({ optimizer, training: { l2: 0 } }, network, matches)
  resolved.forEach(({ layer, optimizer: own }, i) => {
    if (!('nesterov' in own) || !own.nesterov || own.momentum !== 0) return
    for (const pattern of matches.patterns[i]) if (!found.has(pattern)) found.set(pattern, layer)
  })
  return found
}

/** Options that the optimizer of a layer does not have when it is their rule's turn. */
function misplacedOptions(
  optimizer: ResolvedOptimizer,
  network: NetworkFacts,
  { ofLayer, patterns }: Matches,
): FieldError[] {
  const found = new Map<string, FieldError>()
  // The same options of the same rule are wrong on layer after layer, and told once.
  const told = new Map<LayerRule, Set<string>>()
  for (const [i, layer] of network.layers.entries()) {
    let current = optimizer
    for (const [n, rule] of ofLayer[i].entries()) {
      if (rule.optimizer === undefined) continue
      if (rule.optimizer.name !== undefined) current = named(current, rule)
      for (const key in rule.optimizer) {
        if (key in current || told.get(rule)?.has(key)) continue
        told.set(rule, (told.get(rule) ?? new Set()).add(key))
        const path = formatPath(['layers', patterns[i][n], 'optimizer', key])
        const whose = current.name === optimizer.name ? '' : `, the optimizer of ${layer}`
        const has = Object.keys(current).filter(known => known !== 'name' && known !== 'schedule')
        const message = `is not a hyperparameter of ${current.name}${whose}; it has ${has.join(', ')}`
        found.set(path, { path, message })
      }
      if (found.size >= mostWrong) return [...found.values()]
    }
  }
  return [...found.values()]
}

const listed = (names: string[]) =>
  names.length > 40 ? `${names.slice(0, 40).join(', ')} and ${names.length - 40} more` : names.join(', ')
