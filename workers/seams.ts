/** What diagnostics make of a whole run, of the vectors that its segments left: the last thing before the summary. */
import type { Columns } from '../src/lca/columns.ts'
import type { Diagnostic, NetworkOf } from '../src/lca/diagnostics/diagnostic.ts'
import { type AskedDiagnostic, networkOf, seamVectors } from '../src/lca/diagnostics/follow.ts'
import { allocationsName, seamsName, weightsName } from '../src/objects/names.ts'
import { parseNpyHeader } from '../src/objects/npy.ts'
import { objectKey } from '../src/objects/objects.ts'
import { readVerified } from '../src/objects/verify.ts'
import { recordedBy } from '../src/spec/recording.ts'
import type { ResolvedSpec } from '../src/spec/resolved.ts'
import type { SplitName } from '../src/spec/schema.ts'
import { type SegmentSpan, segmentsOf } from '../src/spec/segments.ts'
import { findArtifacts, type StoredArtifact } from '../src/store/artifacts.ts'
import { findRunTables, replaceRunTables } from '../src/store/blocks.ts'
import { transaction } from '../src/store/database.ts'
import { patiently } from '../src/store/patience.ts'
import { readVariables } from '../src/store/summary.ts'
import type { WorkerContext } from './task.ts'
import { readRows } from './tasks/rows.ts'

/** Those that are asked for and have seams. */
const seamed = (spec: ResolvedSpec) =>
  recordedBy(spec).filter(({ diagnostic }) => diagnostic.seams !== undefined)

/** Whether everything is made that spans segments: then their vectors are not needed any more. */
export async function isJoined({ db }: WorkerContext, id: string, spec: ResolvedSpec): Promise<boolean> {
  const wanted = seamed(spec)
  if (wanted.length === 0) return true
  const found = await findRunTables(db.pool, id)
  return spec.allocation.splits.every(split =>
    wanted.every(({ diagnostic }) =>
      found.some(table => table.split === split && table.kind === diagnostic.seams!.kind),
    ),
  )
}

type VectorsOf = (diagnostic: Diagnostic) => Record<string, Float32Array>

/** What a segment left. */
async function readSeams(
  { objects }: WorkerContext,
  id: string,
  {
    known,
    layout,
    parameters,
  }: { known: StoredArtifact; layout: ReturnType<typeof seamVectors>; parameters: number },
): Promise<VectorsOf> {
  const { name } = known
  const bytes = await readVerified(objects, { ...known, key: objectKey(id, name) })
  const { offset } = parseNpyHeader(bytes)
  const vectorBytes = 4 * parameters
  if (bytes.length !== offset + layout.length * vectorBytes)
    throw new Error(`${name} has ${bytes.length} bytes, which are not ${layout.length} vectors`)
  const vectorAt = (row: number) =>
    new Float32Array(
      Uint8Array.prototype.slice.call(bytes, offset + row * vectorBytes, offset + (row + 1) * vectorBytes)
        .buffer,
    )
  return diagnostic =>
    Object.fromEntries(
      layout.flatMap((one, row) => (one.diagnostic === diagnostic ? [[one.vector, vectorAt(row)]] : [])),
    )
}

/** What a segment left once, of a run that has succeeded since and goes on: out of its raw tensors. */
async function recoverSeams(
  { db, objects, stopping }: WorkerContext,
  id: string,
  {
    split,
    segment,
    wanted,
    network,
  }: { split: SplitName; segment: SegmentSpan; wanted: AskedDiagnostic[]; network: NetworkOf },
): Promise<VectorsOf> {
  const { from, to } = segment
  const names = { weights: weightsName(segment), lca: allocationsName(split, segment) }
  const recorded = await findArtifacts(db, id, Object.values(names))
  const rowsOf = async (name: string) => {
    const known = recorded.get(name)
    if (known === undefined)
      throw new Error(`there is no record of ${name}, nor of ${seamsName(split, segment)}`)
    const rowAt = await readRows(
      objects,
      { ...known, key: objectKey(id, name) },
      network.parameters,
      stopping,
    )
    return (iteration: number) => {
      stopping.throwIfAborted()
      return rowAt(iteration - from)
    }
  }
  const tensors = { from, to, weights: await rowsOf(names.weights), lca: await rowsOf(names.lca) }
  const found = new Map<Diagnostic, Record<string, Float32Array>>()
  for (const { diagnostic } of wanted)
    found.set(diagnostic, await diagnostic.seams!.recover(network, tensors))
  return diagnostic => found.get(diagnostic)!
}

/** Whether what a segment leaves for its seams can be had of its raw tensors. */
export const isRecoverable = ({ keep }: Pick<ResolvedSpec, 'keep'>): boolean =>
  keep.includes('weights') && keep.includes('allocations')

/**
 * Makes the tables of the whole run, split by split and segment by segment in their order, of objects that are there and
 * whole. Making them again makes the same. Throws MissingObjectError and DamagedObjectError as readVerified does.
 */
export async function joinSeams(context: WorkerContext, id: string, spec: ResolvedSpec): Promise<void> {
  const { db, log, stopping } = context
  const asked = recordedBy(spec)
  const wanted = seamed(spec)
  if (wanted.length === 0) return
  const { iterations } = spec.training
  const network = networkOf(await readVariables(db, id))
  const layout = seamVectors(asked)
  const made: { kind: string; split: string; columns: Columns }[] = []
  for (const split of spec.allocation.splits) {
    const joiners = wanted.map(({ diagnostic, options }) => ({
      diagnostic,
      joiner: diagnostic.seams!.join({ ...network, split, iterations, from: 0, to: iterations, options }),
    }))
    const segments = segmentsOf(spec)
    const recorded = await findArtifacts(
      db,
      id,
      segments.map(segment => seamsName(split, segment)),
    )
    for (const segment of segments) {
      stopping.throwIfAborted()
      const known = recorded.get(seamsName(split, segment))
      const vectorsOf = known
        ? await readSeams(context, id, { known, layout, parameters: network.parameters })
        : await recoverSeams(context, id, { split, segment, wanted, network })
      for (const { diagnostic, joiner } of joiners) {
        joiner.add({ from: segment.from, to: segment.to, vectors: vectorsOf(diagnostic) })
      }
    }
    for (const { diagnostic, joiner } of joiners)
      made.push({ kind: diagnostic.seams!.kind, split, columns: joiner.columns() })
  }
  await patiently(() => transaction(db.pool, client => replaceRunTables(client, id, iterations, made)), log)
}
