/** The allocate step of one segment: reads its weights, runs the ledger's loop, and feeds its consumers. */
import { makeAggregator } from '../../src/lca/aggregate.ts'
import { allocate, type Step } from '../../src/lca/allocate.ts'
import type { SegmentColumns } from '../../src/lca/columns.ts'
import type { Diagnostic } from '../../src/lca/diagnostics/diagnostic.ts'
import { followDiagnostics, networkOf, seamVectors } from '../../src/lca/diagnostics/follow.ts'
import type { Probes } from '../../src/lca/diagnostics/probes.ts'
import { makeEnds } from '../../src/lca/ends.ts'
import { makeNeurons } from '../../src/lca/neurons.ts'
import { makeSampling } from '../../src/lca/sampling.ts'
import type { DeviceSplit } from '../../src/nn/model.ts'
import { rateAt } from '../../src/nn/optimizers.ts'
import { makeProbes } from '../../src/nn/probes.ts'
import { allocationsName, leftName, neuronsName, seamsName, weightsName } from '../../src/objects/names.ts'
import { MissingObjectError, type Objects, objectKey } from '../../src/objects/objects.ts'
import { resolveLayers } from '../../src/spec/layers.ts'
import { recordedBy } from '../../src/spec/recording.ts'
import type { SplitName } from '../../src/spec/schema.ts'
import type { Context } from '../context.ts'
import type { Result, Task } from '../protocol.ts'
import { originOf } from './branch.ts'
import { replaySegment } from './replay.ts'
import { openRows, type RowWriter, readRows } from './rows.ts'
import { readTable } from './sealed.ts'

/** What takes part in the loop: sees every step, then ends in objects in storage or gives up what it has written. */
type Consumer = { step(step: Step): void | Promise<void> }

/**
 * Allocates iterations [from, to). Writes allocations/{split}/{from}-{to}.npy, float32 [to − from, parameters], where
 * the spec keeps them, and neurons/{split}/{from}-{to}.npy, float32 [to − from, units], and what diagnostics leave for
 * the end; returns the aggregates, the diagnostics, and how good the network was where the run begins or ends in the segment. A function of the spec and the weights: doing it twice changes nothing.
 */
export async function allocateSegment(
  context: Context,
  task: Extract<Task, { kind: 'allocate' }>,
  report: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Result> {
  const { prepare, upload, objects } = context
  const { experimentId, spec, from, to, known } = task
  const start = performance.now()
  if (known === undefined) throw new MissingObjectError(objectKey(experimentId, weightsName({ from, to })))
  const { model, data } = await prepare(task, signal)
  const { variables, parameters } = model.network
  const rowAt = await readRows(objects, known, parameters, signal)
  const asked = recordedBy(spec)
  const left: SegmentColumns[] = []
  for (const { diagnostic } of asked)
    if (diagnostic.left) left.push(...(await readLeft(objects, task, diagnostic)))
  const device = await upload(task, signal)
  const { splits } = spec.allocation

  const aggregator = makeAggregator(variables, to - from, splits)
  const neurons = makeNeurons(variables, splits)
  const writing: RowWriter[] = []
  const open = async (name: string, columns: number) => {
    const rows = await openRows(objects, experimentId, name, to - from, columns)
    writing.push(rows)
    return rows
  }

  let gradients = 0
  let probes: Probes | undefined
  const closers: (() => void)[] = []
  // Every gradient is taken on all splits at once.
  const examplesPerPass = splits.reduce((sum, split) => sum + device[split]!.examples, 0) / splits.length
  try {
    const ends = makeEnds(spec.training.iterations, data.train.normalization)
    const sampling = makeSampling(variables, to - from, samplesOf(device))
    const { method, maxError, maxSplits } = spec.allocation
    const replay = replaySegment(context, task, signal)
    closers.push(replay.dispose)
    const training = {
      seed: spec.training.seed,
      // Schedules go by where an iteration stands in the training that this one may go on with.
      learningRate: (iteration: number) => {
        if (spec.training.trajectory !== undefined) return Number.NaN // Nobody knows what made its steps.
        const layers = resolveLayers(spec, model.network)
        return rateAt(spec.optimizer, originOf(spec, task.ancestors ?? [], layers).position + iteration)
      },
      parts: replay.parts,
    }
    probes = makeProbes(model, device, { method, training, signal })
    const diagnostics = followDiagnostics(asked, {
      ...{ network: networkOf(variables), splits, from, to, iterations: spec.training.iterations },
      ...{ probes: probes, signal },
    })
    const consumers: Consumer[] = [aggregator, ends, sampling, diagnostics]
    for (const split of spec.keep.includes('allocations') ? splits : []) {
      const rows = await open(allocationsName(split, { from, to }), parameters)
      consumers.push({
        step: ({ perSplit }) => rows.append(perSplit.find(one => one.split === split)!.lca),
      })
    }
    const matrices: RowWriter[] = []
    for (const split of splits) matrices.push(await open(neuronsName(split, { from, to }), neurons.units))
    consumers.push({
      async step(step) {
        for (const [s, row] of neurons.step(step).entries()) await matrices[s].append(row)
      },
    })

    const onGradients = (count: number) => {
      gradients += count
    }
    const weightsAt = (iteration: number) => rowAt(iteration - from)
    const { wantsAccuracy, evaluations } = ends
    const wantsChunks = asked.some(({ diagnostic }) => diagnostic.takesChunks)
    const options = { method, maxError, maxSplits, from, to, signal, wantsAccuracy, wantsChunks, onGradients }
    for await (const step of allocate(model, device, weightsAt, options)) {
      for (const consumer of consumers) await consumer.step(step)
      report(step.iteration + 1 - from, to - from)
    }
    const vectors = seamVectors(asked).length
    for (const split of vectors > 0 ? splits : []) {
      const rows = await openRows(objects, experimentId, seamsName(split, { from, to }), vectors, parameters)
      writing.push(rows)
      for (const vector of diagnostics.seams(split)) await rows.append(vector)
    }
    const stored = await Promise.all(writing.map(rows => rows.commit()))
    const seconds = (performance.now() - start) / 1e3
    const columns = [
      ...aggregator.columns,
      ...neurons.columns,
      ...sampling.columns,
      ...diagnostics.columns(),
      ...left,
    ]
    const examples = gradients * examplesPerPass
    return {
      ...{ kind: 'allocate', objects: stored, columns, evaluations },
      ...{ seconds, gradients, examples },
    }
  } catch (error) {
    await Promise.all(writing.map(rows => rows.abort()))
    throw error
  } finally {
    probes?.dispose()
    for (const close of closers) close()
  }
}

/** What training left of the segment, the same for every split. */
async function readLeft(
  objects: Objects,
  { experimentId, spec, from, to }: Extract<Task, { kind: 'allocate' }>,
  { name, left, tables }: Diagnostic,
): Promise<SegmentColumns[]> {
  const rows = await readTable(objects, objectKey(experimentId, leftName(name, { from, to })))
  const columns = Object.fromEntries(
    Object.entries(left!.types).map(([column, type], c) => [
      column,
      type === 'int32' ? Int32Array.from(rows[c]) : rows[c],
    ]),
  )
  const [{ kind, of }] = tables
  if (of === 'run') throw new Error(`${kind} is no table of segments`)
  return spec.allocation.splits.map(split => ({ kind, split, of, columns }))
}

/** The splits of which a sample is allocated, with the sizes of their chunks. */
const samplesOf = (device: Partial<Record<SplitName, DeviceSplit>>) =>
  Object.entries(device)
    .filter(([, { examples, of }]) => examples < of)
    .map(([split, { chunks, of }]) => ({
      split: split as SplitName,
      examples: chunks.map(chunk => chunk.examples),
      of,
    }))
