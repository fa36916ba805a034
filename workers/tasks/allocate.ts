/** The allocate step of one segment: reads its weights, runs the ledger's loop, and feeds its consumers. */
import { makeAggregator } from '../../src/lca/aggregate.ts'
import { allocate, type Step } from '../../src/lca/allocate.ts'
import { makeNeurons } from '../../src/lca/neurons.ts'
import { allocationsName, neuronsName, weightsName } from '../artifacts.ts'
import type { Context } from '../context.ts'
import type { Result, Task } from '../protocol.ts'
import { openRows, readRows } from './rows.ts'

/** What takes part in the loop: sees every step, then ends in objects in storage or gives up what it has written. */
type Consumer = { step(step: Step): void | Promise<void> }

/**
 * Allocates iterations [from, to). Writes allocations/{split}/{from}-{to}.npy, float32 [to − from, parameters], where
 * the spec keeps them, and neurons/{split}/{from}-{to}.npy, float32 [to − from, units]; returns the aggregates. A function of the spec and the weights: doing it twice changes nothing.
 */
export async function allocateSegment(
  { prepare, upload, objects }: Context,
  { experimentId, spec, from, to }: Extract<Task, { kind: 'allocate' }>,
  report: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Result> {
  const start = performance.now()
  const { model } = await prepare(spec, signal)
  const { variables, parameters } = model.network
  const device = await upload(spec, signal)
  const { splits } = spec.allocation
  const rowAt = await readRows(objects, experimentId, weightsName({ from, to }), parameters)

  const aggregator = makeAggregator(variables, to - from, splits.length)
  const writers = await Promise.all(
    (spec.keep.includes('allocations') ? splits : []).map(async split => ({
      split,
      rows: await openRows(
        objects,
        experimentId,
        allocationsName(split, { from, to }),
        to - from,
        parameters,
      ),
    })),
  )
  const tensors: Consumer[] = writers.map(({ split, rows }) => ({
    step: ({ perSplit }) => rows.append(perSplit.find(one => one.split === split)!.lca),
  }))
  const neurons = makeNeurons(variables, splits)
  const matrices = await Promise.all(
    splits.map(split =>
      openRows(objects, experimentId, neuronsName(split, { from, to }), to - from, neurons.units),
    ),
  )
  const perUnit: Consumer = {
    async step(step) {
      for (const [s, row] of neurons.step(step).entries()) await matrices[s].append(row)
    },
  }
  const consumers: Consumer[] = [aggregator, ...tensors, perUnit]
  const writing = [...writers.map(({ rows }) => rows), ...matrices]

  let gradients = 0
  // Every gradient is taken on all splits at once.
  const examplesPerPass = splits.reduce((sum, split) => sum + device[split]!.examples, 0) / splits.length
  try {
    const { method, maxError, maxSplits } = spec.allocation
    const onGradients = (count: number) => {
      gradients += count
    }
    const weightsAt = (iteration: number) => rowAt(iteration - from)
    const options = { method, maxError, maxSplits, from, to, signal, onGradients }
    for await (const step of allocate(model, device, weightsAt, options)) {
      for (const consumer of consumers) await consumer.step(step)
      report(step.iteration + 1 - from, to - from)
    }
    const stored = await Promise.all(writing.map(rows => rows.commit()))
    const seconds = (performance.now() - start) / 1e3
    const { tables } = aggregator
    const examples = gradients * examplesPerPass
    return { kind: 'allocate', objects: stored, tables, neurons: neurons.sums, seconds, gradients, examples }
  } catch (error) {
    await Promise.all(writing.map(rows => rows.abort()))
    throw error
  }
}
