/** Runs the compute tasks of an experiment in this process, without queue or Postgres: for tests of the numbers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { EngineName } from '../../src/engine/description.ts'
import { loadEngine } from '../../src/engine/engine.ts'
import type { Tables } from '../../src/lca/aggregate.ts'
import { npyHeaderBytes } from '../../src/objects/npy.ts'
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
  /** One a segment. */
  tables: Tables[]
  objects: StoredObject[]
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
  const context = makeContext({ datasetsDir: directory }, engine, openObjects({ objectsDir }))
  const signal = new AbortController().signal
  const task = { experimentId: 'x', spec }
  const quietly = () => {}

  const segments = segmentsOf(spec).map(({ index }) => index)
  const trained = await trainSegments(context, { kind: 'train', ...task, segments }, quietly, signal)
  if (trained.kind !== 'train') throw new Error('unreachable')
  const run: Run = {
    spec,
    tables: [],
    objects: trained.objects,
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
    const result = await allocateSegment(context, { kind: 'allocate', ...task, from, to }, quietly, signal)
    if (result.kind !== 'allocate') throw new Error('unreachable')
    run.tables.push(result.tables)
    run.objects.push(...result.objects)
    run.gradients += result.gradients
  }
  return run
}

/** Σ of a column over the rows of all segments that match. */
export function total(
  run: Run,
  column: 'lca' | 'helping' | 'hurting' | 'squared' | 'moved' | 'helped' | 'hurt',
  matches: (row: { split: string; iteration: number; variable: number }) => boolean,
): number {
  let sum = 0
  for (const { allocations } of run.tables)
    allocations.split.forEach((split, row) => {
      const { iteration, variable } = allocations
      if (matches({ split, iteration: iteration[row], variable: variable[row] }))
        sum += allocations[column][row]
    })
  return sum
}
