/** What an experiment will cost, before anything runs: arithmetic over the resolved spec and the shape of the network. */
import { seamVectors } from '../lca/diagnostics/follow.ts'
import {
  type DiagnosticCost,
  diagnosticCosts,
  pointsPerIteration,
  trainingFlops,
  worstSegment,
} from './cost.ts'
import { findDataset } from './datasets.ts'
import { SpecError } from './errors.ts'
import type { Facts, VariableFacts } from './facts.ts'
import { type JudgingCosts, judgingCosts } from './judging.ts'
import { resolveLayers } from './layers.ts'
import { recordedBy } from './recording.ts'
import { type Sample, sampleOf } from './sample.ts'
import type { ResolvedLayer, ResolvedSpec, SplitName } from './schema.ts'
import { segmentsOf } from './segments.ts'
import { layerUnits } from './units.ts'

export type Preview = {
  layers: ResolvedLayer[]
  variables: VariableFacts[]
  parameters: number
  segments: number
  /** Full gradients over each allocated split, the least: every iteration that has to be split adds more. */
  gradientPasses: Partial<Record<SplitName, number>>
  /** Of each allocated split: how many of its examples each of them takes. */
  examples: Partial<Record<SplitName, Sample>>
  /** What `allocation.examples` spares: examples' gradients, and floating-point operations. 0 where it is not given. */
  saved: { gradients: number; flops: number }
  /** What training takes to judge steps, where it does; at the most. */
  judging: JudgingCosts
  /** Floating-point operations, 2 per multiply-add: training, allocation at the least, one segment at the most. */
  flops: { training: number; allocation: number; segment: number }
  /** In object storage at the end, and at most on the way: allocation reads the weights, kept or not. */
  bytes: { weights: number; allocations: number; neurons: number; kept: number; peak: number }
  /** Rows of the database's tables. */
  rows: { iterations: number; allocations: number; total: number }
  /** What each diagnostic adds, by name, over all splits and the whole run. */
  diagnostics: Record<string, DiagnosticCost>
}

/** A .npy of format 1.0 pads its header to a multiple of 64 bytes; for two dimensions of float32 that is 128. */
const npyHeader = 128

/** The cost of a spec; `replay` is what it takes to repeat what it goes on with, FLOP. Throws SpecError where `facts` no longer has its dataset. */
export function preview(spec: ResolvedSpec, facts: Facts, replay = 0): Preview {
  const dataset = findDataset(facts, spec.dataset)
  if (!dataset)
    throw new SpecError([
      { path: '$.dataset.name', message: `is not a dataset here, got ${spec.dataset.name}` },
    ])
  const network = facts.network(spec.architecture, dataset)
  const segments = segmentsOf(spec)
  const { iterations } = spec.training
  const { method, splits } = spec.allocation
  const samples = splits.map(split => sampleOf(spec, split))
  const taken = samples.reduce((sum, { examples }) => sum + examples, 0)
  const spared = samples.reduce((sum, { examples, of }) => sum + of - examples, 0)

  // Segments are jobs of their own, so the gradient at a shared boundary is computed in both.
  const passes = pointsPerIteration[method] * iterations + segments.length
  const row = network.parameters * 4
  const weights = segments.reduce((sum, { from, to }) => sum + npyHeader + (to - from + 1) * row, 0)
  const allocations =
    splits.length * segments.reduce((sum, { from, to }) => sum + npyHeader + (to - from) * row, 0)
  const units = layerUnits(network.variables).reduce((sum, layer) => sum + layer.units, 0)
  const neurons =
    splits.length * segments.reduce((sum, { from, to }) => sum + npyHeader + (to - from) * units * 4, 0)
  // Until all segments are there, and then gone.
  const vectors = seamVectors(recordedBy(spec)).length
  const seams = vectors === 0 ? 0 : splits.length * segments.length * (npyHeader + vectors * row)
  const kept = {
    weights: spec.keep.includes('weights') ? weights : 0,
    allocations: spec.keep.includes('allocations') ? allocations : 0,
  }
  const rows = {
    iterations: splits.length * iterations,
    allocations: splits.length * iterations * network.variables.length,
  }
  return {
    layers: resolveLayers(spec, network),
    variables: network.variables.map(({ name, layer, shape, offset, size }) => ({
      name,
      layer,
      shape,
      offset,
      size,
    })),
    parameters: network.parameters,
    segments: segments.length,
    gradientPasses: Object.fromEntries(splits.map(split => [split, passes])),
    examples: Object.fromEntries(splits.map((split, s) => [split, samples[s]])),
    saved: { gradients: passes * spared, flops: passes * spared * network.gradientFlops },
    judging: judgingCosts(spec, iterations),
    flops: {
      training: trainingFlops(spec, network) + replay,
      allocation: passes * taken * network.gradientFlops,
      segment: worstSegment(spec, network),
    },
    bytes: {
      ...kept,
      neurons,
      kept: kept.weights + kept.allocations + neurons,
      peak: weights + kept.allocations + neurons + seams,
    },
    rows: { ...rows, total: rows.iterations + rows.allocations },
    diagnostics: diagnosticCosts(spec, network),
  }
}
