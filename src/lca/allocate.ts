/**
 * The ledger's loop: for each iteration, the change of the loss along the step θ_t → θ_{t+1}, allocated to parameters.
 *
 *     LCA_{t,i} = (∫_0^1 ∇L(θ_t + αΔ_t; S) dα)_i · Δ_{t,i},   Δ_t = θ_{t+1} − θ_t
 *     residual  = (L(θ_{t+1}) − L(θ_t)) − Σ_i LCA_{t,i}
 *
 * (Lan, Liu, Zhou, Yosinski, NeurIPS 2019, eq. 3 and 4.) It yields what it knows of a step; aggregates, raw tensors and
 * diagnostics are consumers of that, beside each other, and none of them is known here.
 */

import { hostLoops } from '../host-loops.ts'
import type { DeviceSplit, Model } from '../nn/model.ts'
import { addFullGradients } from '../nn/model.ts'
import type { AllocationSpec, MethodName, SplitName } from '../spec/schema.ts'
import { NotFiniteError } from './not-finite.ts'
import {
  integrate,
  type Method,
  makeSums,
  methods,
  newPoints,
  nextLevel,
  type Sums,
  startSums,
} from './quadrature.ts'

/** What an iteration did to the loss of one split. Vectors are over parameters and valid until the next iteration. */
export type SplitStep = {
  split: SplitName
  lossBefore: number
  lossAfter: number
  /** The fraction of examples classified as labelled, where the options ask for it. */
  accuracyBefore?: number
  accuracyAfter?: number
  gradientBefore: Float64Array
  gradientAfter: Float64Array
  /** ∫_0^1 ∇L(θ_t + αΔ_t) dα */
  meanGradient: Float64Array
  /** The allocations as they are stored: float32, so that every aggregate is exactly a sum over them. */
  lca: Float32Array
  residual: number
  /**
   * Where a sample of the split is allocated, or the options ask for it: what each of its chunks has for an allocation,
   * Σ over each variable of (∫_0^1 ∇L_c(θ_t + αΔ_t) dα)_i Δ_{t,i}, by the same quadrature: [variables, chunks].
   */
  chunkLca?: Float64Array
}

export type Step = {
  iteration: number
  theta: Float32Array
  delta: Float64Array
  /** n: parts the quadrature split the step into. */
  splits: number
  perSplit: SplitStep[]
}

export type AllocationOptions = Required<Pick<AllocationSpec, 'maxError' | 'maxSplits'>> & {
  method: MethodName
  from: number
  to: number
  signal?: AbortSignal
  /** Whether the chunks of whole splits are allocated beside them, as those of samples always are. */
  wantsChunks?: boolean
  /** Whether the accuracy at θ_iteration is wanted; from the pass that is made anyway. */
  wantsAccuracy?: (iteration: number) => boolean
  /** Called with the number of full-split gradients after each of them. */
  onGradients?: (count: number) => void
}

/** What the loop keeps for one split: end points, quadrature sums, results. A handful of vectors, whatever n is. */
type Workspace = SplitStep & { device: DeviceSplit; sums: Sums; chunks?: ChunkSlopes }

/** The slopes along the step of a split's chunks at the step's ends, and their sums between. [variables, chunks] */
type ChunkSlopes = { sums: Sums; before: Float64Array; after: Float64Array }

/**
 * Yields iterations from … to−1, given θ_t for t in [from, to] by `weightsAt` (float32 [parameters]).
 *
 * Where a split's chunks are told apart, their slopes along the step are integrated beside their mean, by the same sums: so at
 * an end that two steps share the weights after the second must be known, and each row is asked for one step ahead.
 *
 * Per iteration and split: the end point's gradient (the start is the last end) and the method's inner points; while
 * |residual| > maxError on any split and n < maxSplits, n doubles on all, which adds the new points only. Memory is
 * a handful of float64 vectors a split. Throws NotFiniteError; the signal's reason within one chunk of its abort.
 */
export async function* allocate(
  model: Model,
  deviceSplits: Partial<Record<SplitName, DeviceSplit>>,
  weightsAt: (iteration: number) => Promise<Float32Array>,
  options: AllocationOptions,
): AsyncGenerator<Step> {
  const { parameters } = model.network
  const method = methods[options.method]
  const workspaces = Object.entries(deviceSplits).map(([split, device]) =>
    makeWorkspace(split as SplitName, device, method, model.network, options.wantsChunks ?? false),
  )
  const devices = workspaces.map(workspace => workspace.device)
  const chunked = new Set(workspaces.filter(({ chunks }) => chunks !== undefined).map(({ device }) => device))
  const wantsSlopes = (split: DeviceSplit) => chunked.has(split)
  const { signal } = options
  const at = async (
    theta: Float32Array,
    accumulators: Float64Array[],
    directions: Float64Array[],
    accuracy?: boolean,
  ) => {
    const measures = await addFullGradients(model, theta, devices, accumulators, {
      ...{ signal, accuracy, directions, wantsSlopes },
    })
    options.onGradients?.(devices.length)
    return measures
  }
  /** At the end of one step, which is the start of the next. */
  const atEnd = async (
    theta: Float32Array,
    iteration: number,
    ended?: Float64Array,
    begun?: Float64Array,
  ) => {
    const gradients = workspaces.map(workspace => workspace.gradientAfter)
    const steps = [ended, begun].filter(step => step !== undefined)
    const measures = await at(theta, gradients, steps, options.wantsAccuracy?.(iteration))
    workspaces.forEach((workspace, s) => {
      workspace.lossAfter = measures[s].loss
      workspace.accuracyAfter = measures[s].accuracy
    })
    const slopes = measures.map(measure => measure.slopes ?? [])
    return {
      ended: slopes.map(([first]) => (ended ? first : undefined)),
      begun: slopes.map(([first, second]) => (ended ? second : first)),
    }
  }

  let theta = await weightsAt(options.from)
  const node = new Float32Array(parameters)
  let next = await weightsAt(options.from + 1)
  let delta = difference(next, theta, new Float64Array(parameters))
  let spare = new Float64Array(parameters)
  let { begun } = await atEnd(theta, options.from, undefined, delta)

  for (let iteration = options.from; iteration < options.to; iteration++) {
    const following = iteration + 1 < options.to ? await weightsAt(iteration + 2) : undefined
    const nextDelta = following && difference(following, next, spare)

    for (const workspace of workspaces) {
      const { gradientBefore } = workspace
      workspace.gradientBefore = workspace.gradientAfter
      workspace.gradientAfter = gradientBefore.fill(0)
      workspace.lossBefore = workspace.lossAfter
      workspace.accuracyBefore = workspace.accuracyAfter
    }
    const slopes = await atEnd(next, iteration + 1, delta, nextDelta)
    for (const [s, { sums, gradientBefore, gradientAfter, chunks }] of workspaces.entries()) {
      startSums(sums, gradientBefore, gradientAfter)
      if (chunks === undefined) continue
      chunks.before = begun[s]!
      chunks.after = slopes.ended[s]!
      startSums(chunks.sums, chunks.before, chunks.after)
    }
    begun = slopes.begun

    const refine = async () => {
      const level = workspaces[0].sums.level + 1
      const sums = workspaces.map(workspace => nextLevel(workspace.sums))
      const chunkSums = workspaces.map(({ chunks }) => chunks && nextLevel(chunks.sums))
      for (const alpha of newPoints(level)) {
        hostLoops.combine(node, 1, theta, alpha, delta)
        const measures = await at(node, sums, [delta])
        chunkSums.forEach((sum, s) => {
          for (let i = 0; i < (sum?.length ?? 0); i++) sum![i] += measures[s].slopes![0][i]
        })
      }
    }
    for (let level = 1; level < method.coefficients.length; level++) await refine()
    let splits = 1
    settle(workspaces, method, delta, iteration)
    while (
      splits < options.maxSplits &&
      workspaces.some(({ residual }) => Math.abs(residual) > options.maxError)
    ) {
      await refine()
      splits *= 2
      settle(workspaces, method, delta, iteration)
    }
    yield { iteration, theta, delta, splits, perSplit: workspaces }
    if (following === undefined || nextDelta === undefined) return
    theta = next
    next = following
    spare = delta
    delta = nextDelta
  }
}

/** b − a, float64. */
function difference<Into extends Float64Array>(b: Float32Array, a: Float32Array, into: Into): Into {
  hostLoops.combine(into, 1, b, -1, a)
  return into
}

function makeWorkspace(
  split: SplitName,
  device: DeviceSplit,
  method: Method,
  { parameters, variables }: Pick<Model['network'], 'parameters' | 'variables'>,
  wantsChunks: boolean,
): Workspace {
  const slopes = variables.length * device.chunks.length
  const vector = () => new Float64Array(parameters)
  return {
    split,
    device,
    sums: makeSums(method, parameters),
    lossBefore: Number.NaN,
    lossAfter: Number.NaN,
    gradientBefore: vector(),
    gradientAfter: vector(),
    meanGradient: vector(),
    lca: new Float32Array(parameters),
    residual: Number.NaN,
    ...((wantsChunks || device.examples < device.of) && {
      chunks: { sums: makeSums(method, slopes), before: new Float64Array(), after: new Float64Array() },
      chunkLca: new Float64Array(slopes),
    }),
  }
}

/** Integrates what the sums hold, allocates it, and says what is left over. */
function settle(workspaces: Workspace[], method: Method, delta: Float64Array, iteration: number): void {
  for (const workspace of workspaces) {
    const { sums, gradientBefore, gradientAfter, meanGradient, lca } = workspace
    integrate(method, sums, gradientBefore, gradientAfter, meanGradient)
    const { chunks, chunkLca } = workspace
    if (chunks && chunkLca) integrate(method, chunks.sums, chunks.before, chunks.after, chunkLca)
    const total = hostLoops.allocate(lca, meanGradient, delta)
    workspace.residual = workspace.lossAfter - workspace.lossBefore - total
    if (!Number.isFinite(workspace.residual)) throw new NotFiniteError(iteration, workspace.split)
  }
}
