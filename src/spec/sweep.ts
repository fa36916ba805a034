/**
 * From a sweep to its experiments. A variant is everything but training.seed: two experiments whose resolved specs differ
 * in nothing else belong to one variant, however they were written, and are what its means are over.
 */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type FieldError, SpecError } from './errors.ts'
import { isDeeperThan, isObject, leaves, mergePatch, parsePath, setAt } from './json-path.ts'
import { didYouMean, formatPath, type Path } from './messages.ts'
import type { ResolvedSpec } from './resolved.ts'
import { segmentCount } from './segments.ts'
import { mostExperiments, type SweepSpec } from './sweep-schema.ts'
import { sweepViolations } from './validate.ts'

/** Rows of `segments` that one request may make. */
const mostSegments = 1_000_000
/** MiB of the resolved specs of one sweep, as JSON: they are held in memory, and stored in one transaction. */
const mostMebibytes = 64
/** Deeper than any spec is. */
const mostDepth = 32

export type ExpandedSweep = {
  name?: string
  /** In the order in which they first come up. */
  variants: string[]
  /** Index into variants. */
  baseline: number
  experiments: { variant: number; spec: ResolvedSpec }[]
}

/** One change to the base: `covers` says where in the sweep a field of the result was written, if here. */
type Edit = {
  apply(document: unknown): unknown
  covers(path: Path): Path | undefined
  /** What it changes but for the seed, in words; no longer than what is shown. */
  label: string
  name?: unknown
}

/**
 * Every experiment of a posted sweep, resolved by `resolve`. Throws SpecError with every wrong field at its place in the
 * sweep, and in which variant it is wrong where that is not all of them. Nothing is left to fail later. The event loop
 * gets its turn after each experiment.
 */
export async function expandSweep(
  input: unknown,
  resolve: (spec: unknown) => ResolvedSpec,
): Promise<ExpandedSweep> {
  if (isDeeperThan(input, mostDepth)) fail(['base'], `must not be nested deeper than ${mostDepth} levels`)
  const violations = sweepViolations(input)
  if (violations.length > 0) throw new SpecError(violations.map(({ path, message }) => ({ path, message })))
  const sweep = input as SweepSpec
  const combinations = product([...variations(sweep), ...seeds(sweep)])

  const wrong = new Map<string, FieldError & { labels: Set<string> }>()
  const report = (at: Path, message: string, label: string) => {
    const path = formatPath(at)
    const known = wrong.get(`${path} ${message}`) ?? { path, message, labels: new Set() }
    known.labels.add(label)
    wrong.set(`${path} ${message}`, known)
  }
  const variants = new Map<string, { index: number; names: Set<string>; label: string }>()
  const seen = new Set<string>()
  const labels = new Set<string>()
  const drafts: { key: string; spec: ResolvedSpec }[] = []
  let bytes = 0
  for (const [position, edits] of combinations.entries()) {
    await setImmediate()
    const label = labelOf(edits)
    labels.add(label)
    let document: unknown = sweep.base
    for (const edit of edits) document = edit.apply(document)
    let spec: ResolvedSpec
    try {
      spec = resolve(document)
    } catch (error) {
      if (!(error instanceof SpecError)) throw error
      for (const { path, message } of error.errors) report(placeOf(path, edits), message, label)
      continue
    }
    bytes += Buffer.byteLength(JSON.stringify(spec))
    if (bytes > mostMebibytes * 2 ** 20) {
      const reached = `the first ${position + 1} of ${combinations.length} exceed that`
      fail(
        [sweep.vary === undefined ? 'seeds' : 'vary'],
        `makes too much: at most ${mostMebibytes} MiB of specs, and ${reached}`,
      )
    }
    const { name: _name, tags: _tags, ...numbers } = spec
    const whole = digest(numbers)
    const place: Path = Array.isArray(sweep.vary)
      ? ['vary', Math.floor(position / (sweep.seeds?.length ?? 1))]
      : ['vary']
    if (seen.has(whole))
      report(place, 'is the same experiment as another of this sweep: equal seeds give equal bits', label)
    seen.add(whole)
    const key = digest({ ...numbers, training: { ...numbers.training, seed: 0 } })
    const variant = variants.get(key) ?? { index: variants.size, names: new Set<string>(), label }
    for (const { name } of edits) if (typeof name === 'string') variant.names.add(name)
    variants.set(key, variant)
    drafts.push({ key, spec })
  }
  if (wrong.size > 0) throw new SpecError([...wrong.values()].map(error => explain(error, labels.size)))

  const segments = drafts.reduce((sum, { spec }) => sum + segmentCount(spec), 0)
  if (segments > mostSegments) fail(['vary'], `makes ${segments} segments in all; at most ${mostSegments}`)
  const names = distinct(
    [...variants.values()].map(({ names, label }) => (names.size === 1 ? [...names][0] : label)),
  )
  const baseline = sweep.baseline === undefined ? 0 : names.indexOf(sweep.baseline)
  if (baseline < 0)
    fail(
      ['baseline'],
      `is not a variant of this sweep${didYouMean(sweep.baseline, names) || ';'} variants: ${names.slice(0, 20).join(' | ')}`,
    )
  return {
    ...(sweep.name !== undefined && { name: sweep.name }),
    variants: names,
    baseline,
    experiments: drafts.map(({ key, spec }) => {
      const variant = variants.get(key)!.index
      // The base's own name is no longer in a spec whose variant has one.
      const study = sweep.name ?? (spec.name === sweep.base.name ? spec.name : undefined)
      const parts = [study, names[variant], `seed ${spec.training.seed}`]
      const name = parts.filter(part => part !== undefined).join(' · ')
      return { variant, spec: { ...spec, name: shorten(name, 200) } }
    }),
  }
}

/** The dimensions of `vary`: each a list of edits of which an experiment has one. */
function variations({ vary = {}, base }: SweepSpec): Edit[][] {
  if (Array.isArray(vary)) return [vary.map((patch, i) => patchEdit(patch, ['vary', i]))]
  return Object.entries(vary).map(([text, values]) => {
    const path = parsePath(text)
    const at: Path = ['vary', text]
    if (path === undefined || path.length === 0)
      return fail(
        at,
        "must be a JSON path that names one field, such as $.optimizer.learningRate or $.layers['fc_*'].freeze",
      )
    return values.map((value, i) => {
      if (setAt(base, path, value) === undefined)
        fail(at, 'leads through a value of the base that is not an object')
      return fieldEdit(path, value, [...at, i])
    })
  })
}

const seeds = ({ seeds }: SweepSpec): Edit[][] =>
  seeds === undefined ? [] : [seeds.map((seed, i) => fieldEdit(['training', 'seed'], seed, ['seeds', i]))]

function fieldEdit(field: Path, value: unknown, source: Path): Edit {
  return {
    // An earlier edit may have put something else in the way: the experiment is then wrong there, and says so.
    apply: document => setAt(document, field, value) ?? document,
    covers: path => {
      if (field.every((key, i) => path[i] === key)) return [...source, ...path.slice(field.length)]
      return path.length > 0 && path.every((key, i) => field[i] === key) ? source.slice(0, 2) : undefined
    },
    label: labelled(leaves(value, field)),
  }
}

function patchEdit(patch: Record<string, unknown>, source: Path): Edit {
  return {
    apply: document => mergePatch(document, patch),
    covers: path => {
      let value: unknown = patch
      for (const key of path) {
        if (!isObject(value)) break
        if (!Object.hasOwn(value, key)) return undefined
        value = value[key]
      }
      return [...source, ...path]
    },
    label: labelled(
      leaves(patch).filter(({ path }) => path.length > 0 && path[0] !== 'name' && path[0] !== 'tags'),
    ),
    name: patch.name,
  }
}

/** Every combination of one edit from each dimension; the last dimension changes fastest. */
function product(dimensions: Edit[][]): Edit[][] {
  const count = dimensions.reduce((total, { length }) => total * length, 1)
  if (count > mostExperiments) fail(['vary'], `makes ${count} experiments; at most ${mostExperiments}`)
  return dimensions.reduce<Edit[][]>(
    (combinations, edits) => combinations.flatMap(combination => edits.map(edit => [...combination, edit])),
    [[]],
  )
}

const mostLabel = 200

/** The changes of an edit but for the seed. Cut short here, for an edit may be long and in a thousand experiments. */
function labelled(changes: { path: Path; text: string }[]): string {
  const texts = changes.filter(({ path }) => path.join('.') !== 'training.seed').map(({ text }) => text)
  return texts.join(', ').slice(0, mostLabel + 1)
}

/** What an experiment changes about the base, but for its seed. */
function labelOf(edits: Edit[]): string {
  const parts = edits.map(({ label }) => label).filter(label => label !== '')
  const text = parts.join(', ') || 'base'
  return text.length > mostLabel ? `${shorten(text, mostLabel - 10)}…` : text
}

const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64')

/** The text as far as its limit, without half a surrogate pair at the end. */
const shorten = (text: string, most: number) => text.slice(0, most).replace(/\p{Surrogate}$/u, '')

/** Labels made different where shortening has made them equal. */
function distinct(labels: string[]): string[] {
  const used = new Set<string>()
  return labels.map(label => {
    let unique = label
    for (let n = 2; used.has(unique); n++) unique = `${label} (${n})`
    used.add(unique)
    return unique
  })
}

/** Where a wrong field of a resolved document was written: in the last edit that touched it, else in the base. */
function placeOf(path: string, edits: Edit[]): Path {
  const at = parsePath(path) ?? []
  for (const edit of [...edits].reverse()) {
    const place = edit.covers(at)
    if (place) return place
  }
  return ['base', ...at]
}

function explain(
  { path, message, labels }: FieldError & { labels: Set<string> },
  variants: number,
): FieldError {
  if (labels.size === variants || variants === 1) return { path, message }
  const shown = [...labels].slice(0, 3).join(' | ')
  const more = labels.size > 3 ? ` and ${labels.size - 3} more` : ''
  return { path, message: `${message} (in variant ${shown}${more})` }
}

function fail(at: Path, message: string): never {
  throw new SpecError([{ path: formatPath(at), message }])
}
