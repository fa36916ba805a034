/** A tiny experiment's spec, variables and rows, made up but exact: every number is a sum of sixteenths. */
import type { SegmentColumns } from '../../src/lca/columns.ts'
import type { Evaluation } from '../../src/lca/ends.ts'
import type { VariableFacts } from '../../src/spec/facts.ts'
import type { ResolvedSpec } from '../../src/spec/resolved.ts'
import type { SplitName } from '../../src/spec/schema.ts'
import { segmentCount } from '../../src/spec/segments.ts'
import { storedSpec } from '../../src/spec/stored.ts'

export const fakeVariables: VariableFacts[] = [
  { name: 'fc_1/kernel', layer: 'fc_1', shape: [4, 3], offset: 0, size: 12 },
  { name: 'fc_1/bias', layer: 'fc_1', shape: [3], offset: 12, size: 3 },
]

/** A resolved spec of so many iterations in segments of so many. */
export function fakeSpec(
  iterations: number,
  segmentIterations: number,
  keep: ResolvedSpec['keep'],
): ResolvedSpec {
  return {
    name: 'fake',
    tags: {},
    dataset: { name: 'synthetic-digits', trainExamples: 100, validationExamples: 20, seed: 0 },
    architecture: { name: 'fc', hidden: [] },
    optimizer: {
      name: 'sgd',
      learningRate: 0.1,
      momentum: 0,
      nesterov: false,
      schedule: { name: 'constant' },
    },
    layers: {},
    training: { iterations, batchSize: 10, seed: 0, l2: 0 },
    allocation: {
      method: 'simpson',
      maxError: 0.001,
      maxSplits: 32,
      splits: ['train', 'validation'],
      chunkSize: 100,
      segmentIterations,
    },
    keep,
  }
}

/** A spec as it is stored, of which every segment takes one turn. */
export const asStored = (spec: ResolvedSpec) =>
  storedSpec(spec, { training: 0, segment: 1, segments: segmentCount(spec) })

/** Three units' sums over a segment; numbers that no binary fraction is. */
export function fakeNeurons(splits: SplitName[], from: number, to: number): SegmentColumns[] {
  const weight = { 0: 0.1, 2: 0.7, 4: 1.3 }[from] ?? to
  const units = (sign: number) => Float64Array.from([1, 2, 3], unit => sign * weight * unit)
  return splits.map(split => ({
    ...{ kind: 'neurons', split, of: 'segment' },
    columns: { lca: units(0), helping: units(-1), hurting: units(1) },
  }))
}

/** A network that learns: evaluated at the ends that are in [from, to]. */
export function fakeEvaluations(
  { training, allocation }: ResolvedSpec,
  from: number,
  to: number,
): Evaluation[] {
  const ends = [
    { iteration: 0, loss: 2.5, accuracy: 0.1 },
    { iteration: training.iterations, loss: 0.5, accuracy: 0.9 },
  ]
  return ends
    .filter(({ iteration }) => iteration === from || iteration === to)
    .flatMap(end => allocation.splits.map(split => ({ split, ...end })))
}

/** The tables of the iterations [from, to), as a compute child returns them. */
export function fakeColumns(
  splits: SplitName[],
  from: number,
  to: number,
  variables = fakeVariables.length,
): SegmentColumns[] {
  const rows = Array.from({ length: to - from }, (_, i) => from + i)
  const cells = rows.flatMap(iteration =>
    Array.from({ length: variables }, (_, variable) => ({ iteration, variable })),
  )
  const helping = cells.map(cell => -(1 + cell.variable) / 16)
  const hurting = cells.map(cell => (cell.iteration % 2) / 16)
  const lca = cells.map((_, i) => helping[i] + hurting[i])
  const floats = (values: number[]) => Float64Array.from(values)
  const integers = (values: number[]) => Int32Array.from(values)
  return splits.flatMap((split): SegmentColumns[] => [
    {
      ...{ kind: 'iterations', split, of: 'iterations' },
      columns: {
        lossBefore: floats(rows.map(() => 0.1 + 0.2)),
        lossAfter: floats(rows.map(() => 1 / 3)),
        lca: floats(
          rows.map((_, r) => lca.slice(r * variables, (r + 1) * variables).reduce((a, b) => a + b, 0)),
        ),
        residual: floats(rows.map(iteration => -iteration / 1024)),
        splits: integers(rows.map(() => 2)),
        helped: integers(rows.map(() => 6)),
        hurt: integers(rows.map(() => 3)),
      },
    },
    {
      ...{ kind: 'allocations', split, of: 'iterations' },
      columns: {
        lca: floats(lca),
        helping: floats(helping),
        hurting: floats(hurting),
        squared: floats(lca.map(value => value * value)),
        moved: floats(cells.map(() => 5e-324)),
        helped: integers(cells.map(() => 3)),
        hurt: integers(cells.map(() => 1)),
      },
    },
  ])
}
