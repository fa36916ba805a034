/** Runs the compute tasks of an experiment in this process, without queue or Postgres: for tests of the numbers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { EngineName } from '../../src/engine/description.ts'
import { loadEngine } from '../../src/engine/engine.ts'
import type { AllocationColumns, IterationColumns } from '../../src/lca/aggregate.ts'
import type { ColumnsKind, SegmentColumns } from '../../src/lca/columns.ts'
import type { Evaluation } from '../../src/lca/ends.ts'
import { weightsName } from '../../src/objects/names.ts'
import { npyHeaderBytes } from '../../src/objects/npy.ts'
import { objectKey } from '../../src/objects/objects.ts'
import { openObjects } from '../../src/objects/open.ts'
import { facts } from '../../src/plan.ts'
import { resolveSpec } from '../../src/spec/resolve.ts'
import type { ExperimentSpec, ResolvedSpec } from '../../src/spec/schema.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import { makeContext } from '../../workers/context.ts'
import type { StoredObject } from '../../workers/protocol.ts'
import { allocateSegment } from '../../workers/tasks/allocate.ts'
import { trainSegments } from '../../workers/tasks/train.ts'

export type Run = {
  spec: ResolvedSpec
  /** What Postgres is to hold, segment after segment. */
  segments: { from: number; to: number; columns: SegmentColumns[] }[]
  objects: StoredObject[]
  evaluations: Evaluation[]
  gradients: number
  /** Where the experiment's objects lie. */
  directory: string
  /** The elements of an object, as numpy would have them, row after row. */
  floats: (name: string) => Float32Array
}

const directory = mkdtempSync(path.join(tmpdir(), 'loss-ledger-test-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

/** Trains and allocates on an engine; the objects live until the process ends. */
export async function runExperiment(input: ExperimentSpec, name?: EngineName): Promise<Run> {
  const spec = resolveSpec(input, facts)
  const objectsDir = mkdtempSync(path.join(directory, 'objects-'))
  const engine = await loadEngine({ name })
  const context = makeContext({ datasetsDir: directory }, engine, await openObjects({ objectsDir }))
  const signal = new AbortController().signal
  const task = { experimentId: 'x', spec }
  const quietly = () => {}

  const segments = segmentsOf(spec).map(({ index }) => index)
  const trained = await trainSegments(context, { kind: 'train', ...task, segments }, quietly, signal)
  if (trained.kind !== 'train') throw new Error('unreachable')
  const run: Run = {
    spec,
    segments: [],
    objects: trained.objects,
    evaluations: [],
    gradients: 0,
    directory: path.join(objectsDir, 'experiments/x'),
    floats: object => {
      const bytes = readFileSync(path.join(objectsDir, 'experiments/x', object))
      return new Float32Array(
        bytes.buffer.slice(bytes.byteOffset + npyHeaderBytes, bytes.byteOffset + bytes.length),
      )
    },
  }
  for (const { from, to } of segmentsOf(spec)) {
    const { name, ...object } = trained.objects.find(({ name }) => name === weightsName({ from, to }))!
    const known = { ...object, key: objectKey('x', name) }
    const result = await allocateSegment(
      context,
      { kind: 'allocate', ...task, from, to, known },
      quietly,
      signal,
    )
    if (result.kind !== 'allocate') throw new Error('unreachable')
    run.segments.push({ from, to, columns: result.columns })
    run.objects.push(...result.objects)
    run.evaluations.push(...result.evaluations)
    run.gradients += result.gradients
  }
  return run
}

/** The columns of one table of a segment. */
export function columnsOf(run: Run, segment: number, kind: 'iterations', split: string): IterationColumns
export function columnsOf(run: Run, segment: number, kind: 'allocations', split: string): AllocationColumns
export function columnsOf(run: Run, segment: number, kind: ColumnsKind, split: string): unknown {
  const found = run.segments[segment].columns.find(table => table.kind === kind && table.split === split)
  if (found === undefined) throw new Error(`segment ${segment} has no ${kind} on ${split}`)
  return found.columns
}

/** Σ of a column over the rows of all segments that match. */
export function total(
  run: Run,
  column: 'lca' | 'helping' | 'hurting' | 'squared' | 'moved' | 'helped' | 'hurt',
  matches: (row: { split: string; iteration: number; variable: number }) => boolean,
): number {
  let sum = 0
  for (const { from, to, columns } of run.segments)
    for (const { kind, split, columns: table } of columns) {
      if (kind !== 'allocations') continue
      const variables = table.lca.length / (to - from)
      for (const [row, value] of table[column].entries()) {
        const iteration = from + Math.floor(row / variables)
        if (matches({ split, iteration, variable: row % variables })) sum += value
      }
    }
  return sum
}
