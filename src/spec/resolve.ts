/** From what a user posts to what is run: every default filled in, every contradiction found. */
import { countLayers, mostLayers } from './custom.ts'
import { datasetOptions } from './dataset-options.ts'
import { findDataset, generated, type OptionName, optionsOf } from './datasets.ts'
import { withDefaults } from './defaults.ts'
import { resolveDiagnostics } from './diagnostics.ts'
import { type FieldError, SpecError } from './errors.ts'
import type { DatasetFacts, Facts, NetworkFacts } from './facts.ts'
import { checkJudge, checkSpan } from './intervention.ts'
import { checkLayers, resolveLayers } from './layers.ts'
import { checkActivations, checkParameters } from './limits.ts'
import { didYouMean, formatPath, type JsonSchema, type Path, show } from './messages.ts'
import { checkPolicy } from './policy.ts'
import { fewestChunks, type Sample } from './sample.ts'
import { ExperimentSpec, type ResolvedSpec, type SplitName, splitNames } from './schema.ts'
import { checkAverage, checkNormalization, checkRunning, checkTargets } from './targets.ts'
import { schemaViolations } from './validate.ts'

/** Each segment is a row, a job and objects; a spec of some hundred bytes must not make millions of them. */
const mostSegments = 100_000

const schema = ExperimentSpec as unknown as JsonSchema

type Report = (path: Path, message: string) => void

/** A spec with the schema's defaults but not yet those that depend on facts; where it is wrong, NaN or absent. */
type Draft = Omit<ResolvedSpec, 'dataset' | 'training' | 'allocation' | 'optimizer' | 'architecture'> & {
  dataset: Partial<ResolvedSpec['dataset']>
  architecture: Partial<ResolvedSpec['architecture']>
  optimizer: Partial<ResolvedSpec['optimizer']>
  training: ResolvedSpec['training']
  allocation: Omit<ResolvedSpec['allocation'], 'splits' | 'chunkSize'> & {
    splits?: SplitName[]
    chunkSize: number | 'auto'
  }
}

/**
 * The posted spec with every default filled in. Resolving the result again changes nothing. `input` is not changed.
 *
 * Throws SpecError with every wrong field at once: those that break the schema and, as far as the others allow, those
 * that contradict each other or the facts.
 */
export function resolveSpec(input: unknown, facts: Facts): ResolvedSpec {
  refuseHuge(input)
  const violations = schemaViolations(input)
  if (violations.some(({ at }) => at.length === 0)) throw new SpecError(violations.map(fieldError))
  const draft = withDefaults(schema, input, violations) as Draft
  const contradictions: FieldError[] = []
  const report: Report = (path, message) => contradictions.push({ path: formatPath(path), message })
  const isBroken = (field: string) => violations.some(({ at }) => at[0] === field)

  const known = checkDataset(draft, facts, report)
  checkTraining(draft, input, report)
  if (known) {
    checkAugmentation(draft, known, report)
    checkTargets(draft, known, report)
    checkNormalization(draft.dataset.normalization, known, report)
  }
  const network = known && !isBroken('architecture') ? layOut(draft, known, facts, contradictions) : null
  if (network?.runningStatistics) checkRunning(draft, report)
  checkAverage(draft, report)
  checkOptimizer(draft, report)
  const optimizer = draft.optimizer.name === undefined ? null : (draft.optimizer as ResolvedSpec['optimizer'])
  contradictions.push(...checkLayers(draft.layers ?? {}, lastPosition(draft.training), optimizer, network))
  checkAllocation(draft, network, facts, report)
  checkJudged(draft, network, report)
  if (draft.training.policy && !isBroken('optimizer') && !isBroken('layers') && !isBroken('training'))
    checkPolicy(
      draft.training.policy,
      network && optimizer && resolveLayers({ ...draft, optimizer }, network),
      (path, message) => report(['training', 'policy', ...path], message),
    )
  if (network)
    contradictions.push(...checkActivations(network, draft.training.batchSize, draft.allocation.chunkSize))
  checkTags(draft, report)
  checkNotify(draft, report)

  // A contradiction with a field that is itself wrong, or that lies in one, says nothing new.
  const news = contradictions.filter(
    ({ path }) =>
      !violations.some(
        wrong =>
          path === wrong.path || path.startsWith(wrong.path + '.') || path.startsWith(wrong.path + '['),
      ),
  )
  const errors = [...violations.map(fieldError), ...news]
  if (errors.length > 0) throw new SpecError(errors)
  // Once more, for the order of the keys: equal specs are equal as JSON text.
  return withDefaults(schema, draft, []) as ResolvedSpec
}

/** Before anything that takes the longer the larger a spec is: a sweep may hold a thousand such. */
function refuseHuge(input: unknown): void {
  const layers = countLayers(Object(input).architecture)
  if (layers <= mostLayers) return
  const message = `must have at most ${mostLayers} layers, those in blocks counted one by one; has ${layers}`
  throw new SpecError([{ path: '$.architecture.layers', message }])
}

const fieldError = ({ path, message }: FieldError): FieldError => ({ path, message })

/** Fills in the sizes of the splits. Returns the dataset's facts, null where it is unknown. */
function checkDataset({ dataset, allocation }: Draft, facts: Facts, report: Report): DatasetFacts | null {
  const names = facts.datasets.map(({ name }) => name)
  const isSound = fillOptions(dataset, report)
  const known = isSound ? findDataset(facts, dataset) : undefined
  if (!isSound && names.includes(dataset.name!)) return null
  if (!known) {
    const hint = didYouMean(dataset.name, names)
    report(
      ['dataset', 'name'],
      `is not a dataset here, got ${show(dataset.name)}${hint || ';'} datasets: ${names.join(', ')}`,
    )
    return null
  }
  if (dataset.sha256 !== undefined && dataset.sha256 !== known.sha256)
    report(
      ['dataset', 'sha256'],
      known.sha256 === undefined
        ? `must be left out: ${known.name} is built in`
        : `must be ${known.sha256}, the digest of ${known.name} as it is here; got ${dataset.sha256}`,
    )
  dataset.sha256 = known.sha256
  const { trainFile, testFile } = known
  checkFraction(dataset, known, report)
  const more = known.more ? ` (${known.more})` : ''
  dataset.trainExamples ??= known.defaults.trainExamples
  dataset.validationExamples ??= validationLeft(dataset.trainExamples, allocation.splits, known, report)
  const { trainExamples: train, validationExamples: validation } = dataset
  if (train > trainFile) {
    report(
      ['dataset', 'trainExamples'],
      `must be ≤ ${trainFile}, the training examples of ${known.name}; got ${train}${more}`,
    )
  } else if (train + validation > trainFile && validation > testFile) {
    report(
      ['dataset', 'validationExamples'],
      `must be ≤ ${trainFile - train} to come from the training examples of ${known.name} (${trainFile}) beside the ` +
        `${train} to train on, or ≤ ${testFile} to come from its test examples; got ${validation}${more}`,
    )
  }
  return known
}

/** Fills in the options of a generated dataset. Whether they are sound; what is wrong with them is reported. */
function fillOptions(dataset: Draft['dataset'], report: Report): boolean {
  const { name = '' } = dataset
  const own = optionsOf(name)
  for (const option of Object.keys(datasetOptions) as OptionName[])
    if (dataset[option] !== undefined && !own.includes(option)) {
      const has = own.length > 0 ? `; it has ${own.join(', ')}` : ''
      report(['dataset', option], `is not an option of ${name}${has}`)
    }
  if (own.length === 0) return true
  const { options, check } = generated[name]
  // Of all pairs, what trainExamples says already.
  const fallbacks = dataset.trainExamples === undefined ? options : { ...options, fraction: undefined }
  for (const option of own)
    if (dataset[option] === undefined && fallbacks[option] !== undefined)
      Object.assign(dataset, { [option]: fallbacks[option] })
  if (own.some(option => Number.isNaN(dataset[option]))) return false
  const wrong = check?.(dataset)
  if (wrong) report(['dataset', wrong[0]], wrong[1])
  return wrong === undefined
}

function checkFraction(
  { fraction, trainExamples }: Draft['dataset'],
  { trainFile, defaults }: DatasetFacts,
  report: Report,
): void {
  if (fraction === undefined || trainExamples === undefined || trainExamples === defaults.trainExamples)
    return
  report(
    ['dataset', 'trainExamples'],
    `must be ${defaults.trainExamples}, which is ${fraction} (fraction) of ${trainFile}; or leave one of the two out; got ${trainExamples}`,
  )
}

/** What is validated on where the spec does not say: the default, or what is left. NaN where that is reported as wrong. */
function validationLeft(
  train: number,
  splits: SplitName[] | undefined,
  { name, trainFile, testFile, defaults }: DatasetFacts,
  report: Report,
): number {
  if (train > trainFile) return Number.NaN
  const left = Math.min(defaults.validationExamples, Math.max(trainFile - train, testFile))
  if (left > 0 || !splits?.includes('validation')) return left
  report(
    ['dataset', 'trainExamples'],
    `must be ≤ ${trainFile - 1}, to leave any of the training examples of ${name} (${trainFile}) for validation, which ` +
      `allocation.splits asks for; got ${train}`,
  )
  return Number.NaN
}

function checkTraining({ dataset, training, optimizer }: Draft, input: unknown, report: Report): void {
  const train = dataset.trainExamples ?? Number.NaN
  const given = (input as { training?: { batchSize?: number } } | null)?.training?.batchSize
  if (given === undefined && train < training.batchSize) training.batchSize = train
  if (training.batchSize > train) {
    report(['training', 'batchSize'], `must be ≤ dataset.trainExamples (${train}), got ${training.batchSize}`)
  }
  // Half a period that ends with the training is what a cosine schedule without a length means.
  const { schedule } = optimizer
  if (schedule?.name !== 'cosine' && schedule?.name !== 'warmup-cosine') return
  if (schedule.iterations === undefined && training.initial?.state) {
    const message =
      'must be said where training goes on with another’s (training.initial.state): as long as that is cooling down'
    report(['optimizer', 'schedule', 'iterations'], message)
  }
  schedule.iterations ??= training.iterations
  if (schedule.name === 'warmup-cosine' && schedule.warmup >= schedule.iterations)
    report(
      ['optimizer', 'schedule', 'warmup'],
      `must be < iterations (${schedule.iterations}), where the half period ends; got ${schedule.warmup}`,
    )
}

function checkAugmentation({ training }: Draft, { name, shape }: DatasetFacts, report: Report): void {
  if (training.augmentation === undefined) return
  if (shape.length !== 3)
    report(['training', 'augmentation'], `must be left out: ${name} has no images, but [${shape.join(', ')}]`)
  else if (training.augmentation.crop >= Math.min(shape[0], shape[1]))
    report(
      ['training', 'augmentation', 'crop'],
      `must be < ${Math.min(shape[0], shape[1])}, the side of an image; got ${training.augmentation.crop}`,
    )
}

/** The iteration that freezes are to begin before: none where nobody here knows how long the training has been going on. */
const lastPosition = ({ iterations, initial }: Draft['training']): number =>
  initial?.state ? Number.POSITIVE_INFINITY : iterations

/** The network of the architecture over the dataset, null where the two do not fit. */
function layOut(
  draft: Draft,
  dataset: DatasetFacts,
  facts: Facts,
  errors: FieldError[],
): NetworkFacts | null {
  try {
    const network = facts.network(draft.architecture as ResolvedSpec['architecture'], dataset)
    const wrong = checkParameters(network)
    if (wrong.length === 0) return network
    errors.push(...wrong)
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    errors.push(...error.errors)
  }
  return null
}

function checkOptimizer({ optimizer }: Draft, report: Report): void {
  if ('nesterov' in optimizer && optimizer.nesterov && optimizer.momentum === 0) {
    report(['optimizer', 'nesterov'], 'needs momentum > 0; set momentum, or leave nesterov out')
  }
  if (optimizer.schedule?.name !== 'step') return
  const { boundaries } = optimizer.schedule
  boundaries?.forEach((boundary, i) => {
    if (i > 0 && boundary <= boundaries[i - 1]) {
      const message = `must be > the boundary before it (${boundaries[i - 1]}), got ${boundary}`
      report(['optimizer', 'schedule', 'boundaries', i], message)
    }
  })
}

function checkTags({ tags }: Draft, report: Report): void {
  for (const key of Object.keys(tags ?? {}))
    if (key.includes(':')) report(['tags', key], 'must have a key without ":", for ?tag=key:value to find it')
}

function checkNotify({ notify = [] }: Draft, report: Report): void {
  notify.forEach(({ url }, i) => {
    if (url === undefined) return
    const parsed = URL.canParse(url) ? new URL(url) : undefined
    if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol))
      report(['notify', i, 'url'], 'must be a URL that starts with http:// or https://')
    else if (parsed.username !== '' || parsed.password !== '')
      report(['notify', i, 'url'], 'must not have a user name or a password in it')
  })
}

/** Fills in the splits and the chunk. */
function checkAllocation(draft: Draft, network: NetworkFacts | null, facts: Facts, report: Report): void {
  const { dataset, allocation } = draft
  const { iterations } = draft.training
  if (iterations > mostSegments * allocation.segmentIterations) {
    report(
      ['allocation', 'segmentIterations'],
      `must be ≥ ${Math.ceil(iterations / mostSegments)}, for training.iterations (${iterations}) to make at most ` +
        `${mostSegments} segments; got ${allocation.segmentIterations}`,
    )
  }
  const sizes = {
    train: dataset.trainExamples ?? Number.NaN,
    validation: dataset.validationExamples ?? Number.NaN,
  }
  const splits = allocation.splits ?? splitNames.filter(split => split === 'train' || sizes.validation !== 0)
  if (splits.includes('validation') && sizes.validation === 0) {
    report(
      ['allocation', 'splits', splits.indexOf('validation')],
      'must not be validation when dataset.validationExamples is 0; leave it out, or ask for validation examples',
    )
  }
  if (!Number.isNaN(allocation.maxSplits) && !Number.isInteger(Math.log2(allocation.maxSplits))) {
    report(
      ['allocation', 'maxSplits'],
      `must be a power of two (1, 2, 4, … 1024), got ${allocation.maxSplits}`,
    )
  }
  // A smaller split is simply one chunk; larger than every split, the chunk cannot be meant.
  const largest = Math.max(...splits.map(split => sizes[split]))
  if (allocation.chunkSize !== 'auto' && allocation.chunkSize > largest) {
    report(
      ['allocation', 'chunkSize'],
      `must be ≤ the examples of the largest split that is allocated (${largest}), got ${allocation.chunkSize}`,
    )
  }
  const { examples } = allocation
  if (examples !== undefined && examples > largest) {
    report(
      ['allocation', 'examples'],
      `must be ≤ the examples of the largest split that is allocated (${largest}), got ${examples}`,
    )
  }
  if (allocation.chunkSize === 'auto' && network && largest > 0) {
    allocation.chunkSize =
      examples !== undefined && examples < largest && !network.batchNorm
        ? Math.min(facts.chunkSize(network, examples), Math.floor(examples / fewestChunks))
        : facts.chunkSize(network, largest)
  }
  allocation.splits = splits
  if (allocation.diagnostics) allocation.diagnostics = resolveDiagnostics(allocation.diagnostics)
  if (network && examples !== undefined && allocation.chunkSize !== 'auto')
    for (const split of splits)
      if (examples < sizes[split])
        checkSample({ split, of: sizes[split], examples, chunkSize: allocation.chunkSize }, network, report)
}

/** What training judges steps by, before it takes them or after. */
function checkJudged(
  { dataset, training, allocation }: Draft,
  network: NetworkFacts | null,
  report: Report,
): void {
  const { intervention, policy } = training
  if (intervention)
    checkSpan(intervention, lastPosition(training), (path, message) =>
      report(['training', 'intervention', ...path], message),
    )
  const sizes = {
    train: dataset.trainExamples ?? Number.NaN,
    validation: dataset.validationExamples ?? Number.NaN,
  }
  for (const [name, asked] of Object.entries({ intervention, policy }))
    if (asked?.judge?.split !== undefined)
      checkJudge(asked.judge, sizes, { chunkSize: allocation.chunkSize, network }, (path, message) =>
        report(['training', name, 'judge', ...path], message),
      )
}

/** Whether a sample makes chunks enough, and with batch norm, whose loss is over chunks, whole chunks of its split. */
function checkSample(
  { split, of, examples, chunkSize }: Sample & { split: SplitName; chunkSize: number },
  { batchNorm }: NetworkFacts,
  report: Report,
): void {
  const most = Math.floor(examples / fewestChunks)
  const why = `for allocation.examples (${examples}) to make ${fewestChunks} chunks, whose spread gives the standard errors`
  if (!batchNorm) {
    if (chunkSize > most) report(['allocation', 'chunkSize'], `must be ≤ ${most}, ${why}; got ${chunkSize}`)
    return
  }
  const whole = 'with batch norm, whose loss is over chunks, whole chunks are drawn'
  if (of % chunkSize !== 0) {
    report(
      ['allocation', 'chunkSize'],
      `must divide the ${of} examples of the ${split} split for a sample of it: ${whole}; got ${chunkSize}`,
    )
  } else if (examples % chunkSize !== 0 || examples < fewestChunks * chunkSize) {
    const next = Math.max(fewestChunks, Math.ceil(examples / chunkSize)) * chunkSize
    const right = next < of ? `${next} would do` : `or leave it out`
    report(
      ['allocation', 'examples'],
      `must be a multiple of allocation.chunkSize (${chunkSize}), ${fewestChunks} times it or more: ${whole}; got ${examples}; ${right}`,
    )
  }
}
