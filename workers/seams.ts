/** What diagnostics make of a whole run, of the vectors that its segments left: the last thing before the summary. */
import type { Columns } from '../src/lca/columns.ts'
import { networkOf, seamVectors } from '../src/lca/diagnostics/follow.ts'
import { seamsName } from '../src/objects/names.ts'
import { parseNpyHeader } from '../src/objects/npy.ts'
import { objectKey } from '../src/objects/objects.ts'
import { readVerified } from '../src/objects/verify.ts'
import { recordedBy } from '../src/spec/diagnostics.ts'
import type { ResolvedSpec } from '../src/spec/resolved.ts'
import { segmentsOf } from '../src/spec/segments.ts'
import { findArtifacts } from '../src/store/artifacts.ts'
import { findRunTables, replaceRunTables } from '../src/store/blocks.ts'
import { transaction } from '../src/store/database.ts'
import { patiently } from '../src/store/patience.ts'
import { readVariables } from '../src/store/summary.ts'
import type { WorkerContext } from './task.ts'

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

/**
 * Makes the tables of the whole run, split by split and segment by segment in their order, of objects that are there and
 * whole. Making them again makes the same. Throws MissingObjectError and DamagedObjectError as readVerified does.
 */
export async function joinSeams(context: WorkerContext, id: string, spec: ResolvedSpec): Promise<void> {
  const { db, objects, log, stopping } = context
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
      const name = seamsName(split, segment)
      const known = recorded.get(name)
      if (known === undefined) throw new Error(`there is no record of ${name}`)
      const bytes = await readVerified(objects, { ...known, key: objectKey(id, name) })
      const { offset } = parseNpyHeader(bytes)
      const vectorBytes = 4 * network.parameters
      if (bytes.length !== offset + layout.length * vectorBytes)
        throw new Error(`${name} has ${bytes.length} bytes, which are not ${layout.length} vectors`)
      const vectorAt = (row: number) =>
        new Float32Array(
          Uint8Array.prototype.slice.call(bytes, offset + row * vectorBytes, offset + (row + 1) * vectorBytes)
            .buffer,
        )
      for (const { diagnostic, joiner } of joiners) {
        const vectors = layout.flatMap((one, row) =>
          one.diagnostic === diagnostic ? [[one.vector, vectorAt(row)] as const] : [],
        )
        joiner.add({ from: segment.from, to: segment.to, vectors: Object.fromEntries(vectors) })
      }
    }
    for (const { diagnostic, joiner } of joiners)
      made.push({ kind: diagnostic.seams!.kind, split, columns: joiner.columns() })
  }
  await patiently(() => transaction(db.pool, client => replaceRunTables(client, id, iterations, made)), log)
}
