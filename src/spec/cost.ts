/**
 * What an experiment costs the workers, in floating-point operations: how long one job may keep one, and how much of them
 * it takes in all. Full gradients are nearly all of it (preview.ts has the rest).
 */
import type { CostFacts } from '../lca/diagnostics/diagnostic.ts'
import type { FieldError } from './errors.ts'
import type { NetworkFacts } from './facts.ts'
import { judgingCosts } from './judging.ts'
import { recordedBy } from './recording.ts'
import { sampleOf } from './sample.ts'
import type { MethodName, ResolvedSpec } from './schema.ts'
import { segmentCount } from './segments.ts'
import { layerUnits } from './units.ts'

/** What turns are taken by (queue/turns.ts), in TFLOP: of training, of one whole segment, and how many there are. */
export type Cost = { training: number; segment: number; segments: number }

/** Gradients an iteration adds on a split while it is one part: the points of the quadrature that no neighbour shares. */
export const pointsPerIteration: Record<MethodName, number> = { left: 1, trapezoid: 1, simpson: 2, boole: 4 }

const tera = 1e12
/** TFLOP: what it costs a worker to take a segment up and to hand it in, whatever is in it. */
const leastSegment = 0.1
const peta = 1e15

type Costly = Pick<ResolvedSpec, 'dataset' | 'training' | 'allocation'>
type Network = Pick<
  NetworkFacts,
  'gradientFlops' | 'variables' | 'parameters' | 'batchNorm' | 'classes' | 'targets'
>

const examplesOf = (spec: Costly) =>
  spec.allocation.splits.reduce((sum, split) => sum + sampleOf(spec, split).examples, 0)

/** What a diagnostic adds: full gradients, passes without one, their FLOP, rows of its tables, and their bytes. */
export type DiagnosticCost = {
  gradients: number
  forwardPasses: number
  flops: number
  rows: number
  bytes: number
  /** What of it there will not be, and what would have to be set for it. */
  note?: string
}

/** A forward pass is a third of what a loss and its gradient take. */
const forwardShare = 1 / 3

/** What of a run is looked at: so many iterations, in so many segments, each step cut into so many parts. */
type Stretch = { iterations: number; segments: number; parts: number }

const wholeRun = (spec: Costly): Stretch => ({
  iterations: spec.training.iterations,
  segments: segmentCount(spec),
  parts: 1,
})

/** What each diagnostic that a spec asks for adds over the whole run, or a stretch of it, and all of its splits, by name. */
export function diagnosticCosts(
  spec: Costly,
  network: Network,
  { iterations, segments, parts }: Stretch = wholeRun(spec),
): Record<string, DiagnosticCost> {
  const layers = layerUnits(network.variables)
  const { splits, method, chunkSize, segmentIterations } = spec.allocation
  return Object.fromEntries(
    recordedBy(spec).map(({ diagnostic, options }) => {
      const cost: DiagnosticCost = { gradients: 0, forwardPasses: 0, flops: 0, rows: 0, bytes: 0 }
      for (const split of splits) {
        const { examples } = sampleOf(spec, split)
        const facts: CostFacts = {
          variables: network.variables.length,
          layers: layers.length,
          units: layers.reduce((sum, { units }) => sum + units, 0),
          ...{ parameters: network.parameters, batchNorm: network.batchNorm, classes: network.classes },
          ...{ targets: network.targets ?? 1, iterations, segments },
          segmentIterations: Math.min(iterations, segmentIterations),
          ...{ examples, chunkSize, chunks: Math.ceil(examples / chunkSize) },
          points: pointsPerIteration[method] * parts,
          // Of a training that happened elsewhere no batch is gone through again.
          batchSize: spec.training.trajectory === undefined ? spec.training.batchSize : 0,
          splits: splits.length,
          judged: judgingCosts(spec, iterations).intervention.iterations,
        }
        const { gradients, forwardPasses } = diagnostic.work?.(facts, options) ?? {
          gradients: 0,
          forwardPasses: 0,
        }
        const lack = diagnostic.lacks?.(facts, options)
        if (lack !== undefined)
          cost.note = `${cost.note === undefined ? '' : `${cost.note}; `}${split}: ${lack}`
        cost.gradients += gradients
        cost.forwardPasses += forwardPasses
        cost.flops += (gradients + forwardShare * forwardPasses) * facts.examples * network.gradientFlops
        for (const { of, rows = () => 0, expected, rowBytes } of diagnostic.tables) {
          const times = { iterations, segment: facts.segments, run: 1 }[of]
          const count = expected?.(facts, options) ?? rows(facts) * times
          cost.rows += count
          cost.bytes += count * rowBytes
        }
      }
      return [diagnostic.name, cost]
    }),
  )
}

/** FLOP that each diagnostic adds to a segment; the most where it is not computed at each iteration. */
function diagnosticFlops(
  spec: Costly,
  network: Network,
  iterations: number,
  parts: number,
): [name: string, flops: number][] {
  if (!recordedBy(spec).some(({ diagnostic }) => diagnostic.work)) return []
  const costs = diagnosticCosts(spec, network, { iterations, segments: 1, parts })
  return Object.entries(costs).map(([name, { flops }]) => [name, flops])
}

/**
 * FLOP of allocating so many iterations in one job: (points · parts · iterations + 1) gradients of every example of every
 * allocated split, where a step is cut into `parts`: 1 at the least, maxSplits at the most; and what diagnostics add.
 */
export function allocationFlops(spec: Costly, network: Network, iterations: number, parts: number): number {
  const passes = pointsPerIteration[spec.allocation.method] * parts * iterations + 1
  const added = diagnosticFlops(spec, network, iterations, parts).reduce((sum, [, flops]) => sum + flops, 0)
  return passes * examplesOf(spec) * network.gradientFlops + added
}

/**
 * FLOP of training: a gradient of a batch an iteration, and what it takes to judge steps before they are taken; none where
 * it happened elsewhere.
 */
export function trainingFlops(
  spec: Pick<Costly, 'dataset' | 'training'>,
  { gradientFlops }: Network,
  iterations = spec.training.iterations,
): number {
  const { trajectory, batchSize } = spec.training
  if (trajectory !== undefined) return 0
  let examples = iterations * batchSize
  for (const one of Object.values(judgingCosts(spec, iterations)))
    examples += (one.gradients + forwardShare * one.forwardPasses) * one.examples
  return examples * gradientFlops
}

/**
 * FLOP of repeating the training that a spec goes on with (training.initial.state), up to where it goes on: what that one had
 * to repeat itself, and so many of its own iterations. 0 where it goes on with none. At the most: a state may still be stored.
 */
export function replayFlops(
  { training: { initial } }: Pick<ResolvedSpec, 'training'>,
  earlier: { spec: Pick<ResolvedSpec, 'dataset' | 'training'>; trainingCost: number } | null,
  network: Network,
): number {
  if (!initial?.state || earlier === null) return 0
  const { spec } = earlier
  const before = Math.max(0, earlier.trainingCost * tera - trainingFlops(spec, network))
  return before + trainingFlops(spec, network, initial.iteration)
}

/** What turns are taken by: allocation at its least, for how often steps have to be split nobody knows before. */
export function costOf(spec: Costly, network: Network, replay = 0): Cost {
  const { iterations } = spec.training
  const length = Math.min(iterations, spec.allocation.segmentIterations)
  return {
    training: (trainingFlops(spec, network) + replay) / tera,
    segment: Math.max(leastSegment, allocationFlops(spec, network, length, 1) / tera),
    segments: segmentCount(spec),
  }
}

/** FLOP of one segment when every step has to be split as far as the spec lets it. */
export const worstSegment = (spec: Costly, network: Network): number =>
  allocationFlops(
    spec,
    network,
    Math.min(spec.training.iterations, spec.allocation.segmentIterations),
    spec.allocation.maxSplits,
  )

/**
 * What is wrong with the cost of a job where none may have more than so many PFLOP (0: any): a segment that could keep a
 * worker for days, and what would make it small enough; or the training, which is one job too, with the `replay` of the one
 * that it goes on with (FLOP).
 */
export function checkCost(spec: Costly, network: Network, mostPetaflop: number, replay = 0): FieldError[] {
  if (mostPetaflop === 0) return []
  const most = mostPetaflop * peta
  const errors: FieldError[] = []
  const limit = `at most ${mostPetaflop} PFLOP (LEDGER_MAX_JOB_PFLOP)`
  const trained = trainingFlops(spec, network)
  if (replay > most)
    errors.push({
      path: '$.training.initial.state',
      message: `must be left out, or go on earlier: to repeat the training that it goes on with costs ${petas(replay)}, and training may cost ${limit}`,
    })
  else if (trained + replay > most) {
    const { iterations } = spec.training
    // What judges: where it would do without, that is what is too much.
    const [judges] = (['intervention', 'policy'] as const).filter(name => spec.training[name] !== undefined)
    const fitting = largest(iterations, n => trainingFlops(spec, network, n) + replay <= most)
    const plain = { ...spec.training, intervention: undefined, policy: undefined }
    const judged = judges && trainingFlops({ ...spec, training: plain }, network) + replay <= most
    errors.push(
      fitting > 0
        ? {
            path: '$.training.iterations',
            message: `must be ≤ ${fitting} with this network${judges ? `, ${judges}` : ''} and batch size, for training to cost ${limit}; ${spec.training.iterations} cost ${petas(trained)}${replay > 0 ? `, and to repeat what they go on with ${petas(replay)}` : ''}`,
          }
        : judged
          ? {
              path: `$.training.${judges}.judge.examples`,
              message: `must be fewer with this network, for training to cost ${limit}; judging one step costs ${petas(trainingFlops(spec, network, 1))}`,
            }
          : {
              path: '$.training.batchSize',
              message: `must be smaller with this network, for training to cost ${limit}; one iteration costs ${petas(trained / spec.training.iterations)}`,
            },
    )
  }
  const worst = worstSegment(spec, network)
  if (worst <= most) return errors
  const { maxSplits, segmentIterations } = spec.allocation
  const length = Math.min(segmentIterations, spec.training.iterations)
  const examples = examplesOf(spec)
  const why = `for a segment to cost ${limit}`
  const gradients = `${examples} examples, ${network.gradientFlops} FLOP each, for every gradient`
  const added = diagnosticFlops(spec, network, length, maxSplits).filter(([, flops]) => flops > 0)
  const more = added.map(([name, flops]) => `${name} ${petas(flops)}`)
  const costs = `may cost ${petas(worst)}: ${gradients}${more.length > 0 ? `; of it diagnostics ${more.join(', ')}` : ''}`
  const fitting = largest(length, n => allocationFlops(spec, network, n, maxSplits) <= most)
  if (fitting > 0) {
    const message = `must be ≤ ${fitting} with this network, dataset and maxSplits (${maxSplits}), ${why}; ${length} iterations ${costs}`
    return [...errors, { path: '$.allocation.segmentIterations', message }]
  }
  const parts = largest(maxSplits, n => allocationFlops(spec, network, 1, n) <= most)
  if (parts > 0) {
    const message = `must be ≤ ${2 ** Math.floor(Math.log2(parts))}, with segmentIterations 1, ${why}; ${length === 1 ? 'one iteration' : `${length} iterations`} ${costs}`
    return [...errors, { path: '$.allocation.maxSplits', message }]
  }
  const without = { ...spec, allocation: { ...spec.allocation, diagnostics: {} } }
  if (added.length > 0 && allocationFlops(without, network, 1, 1) <= most) {
    const one = diagnosticFlops(spec, network, 1, 1).filter(([, flops]) => flops > 0)
    const [name, flops] = one.reduce((most, next) => (next[1] > most[1] ? next : most))
    const message = `costs ${petas(flops)} at a single iteration, and must be left out or ask for less with this network and dataset, ${why}`
    return [...errors, { path: `$.allocation.diagnostics.${name}`, message }]
  }
  const message = `must be smaller with this network, ${why}: a single gradient costs ${petas(examples * network.gradientFlops)}`
  return [...errors, { path: '$.dataset.trainExamples', message }]
}

/** The largest n from 1 to `most` that fits, where all below one that fits do; 0 where none does. */
function largest(most: number, fits: (n: number) => boolean): number {
  let low = 0
  let high = most + 1
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle
  }
  return low
}

const petas = (flops: number) =>
  `${(flops / peta).toLocaleString('en', { maximumSignificantDigits: 3 })} PFLOP`
