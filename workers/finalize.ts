/** The finalize step: checks that nothing is missing, totals, manifest, and away with what is not to be kept. */

import type { SplitName } from '../src/spec/schema.ts'
import { segmentsOf } from '../src/spec/segments.ts'
import type { ExperimentState, StoredArtifact } from '../src/store/ledger.ts'
import { objectKey } from '../src/store/objects.ts'
import {
  findMissingRows,
  finishExperiment,
  makeManifest,
  readArtifacts,
  type SplitSummary,
  type Summary,
  totals,
} from '../src/store/summary.ts'
import { allocationsName, manifestName, neuronsName, weightsName } from './artifacts.ts'
import { TaskError } from './child.ts'
import type { Result } from './protocol.ts'
import { runTask, Unwanted, type WorkerContext } from './task.ts'

/** Finalizes an experiment whose segments are all allocated. Throws a permanent TaskError where something is missing. */
export async function finalize(context: WorkerContext, id: string, state: ExperimentState): Promise<void> {
  const { db, log } = context
  const { spec } = state
  const stored = await readArtifacts(db, id)
  const missing = [
    ...(await findMissingRows(db, id, spec)),
    ...(await findMissingObjects(context, id, state, stored)),
  ]
  if (missing.length > 0) {
    const shown =
      missing.slice(0, 5).join('; ') + (missing.length > 5 ? `; and ${missing.length - 5} more` : '')
    throw new TaskError({ kind: 'permanent', message: `the ledger is not complete: ${shown}` })
  }
  const { evaluations } = await runTask(
    context,
    { kind: 'evaluate', experimentId: id, spec },
    { phase: 'allocating' },
  )
  const summary = summarise(await totals(db, id), evaluations)

  const objects = stored.filter(({ name }) => name !== manifestName && isKept(name, state))
  const manifest = await writeManifest(context, id, state, objects)
  if (!(await finishExperiment(db, id, summary, [...objects, manifest]))) throw new Unwanted()
  await removeUnkept(context, id, state)
  log.info({ experiment: id, summary }, 'the experiment has succeeded')
}

/** Removes the objects that were only needed on the way. Doing it again removes nothing. */
export async function removeUnkept(
  { objects }: WorkerContext,
  id: string,
  { spec }: ExperimentState,
): Promise<void> {
  if (!spec.keep.includes('weights')) await objects.remove(objectKey(id, 'weights'))
}

const isKept = (name: string, { spec }: ExperimentState) =>
  spec.keep.includes('weights') || !name.startsWith('weights/')

async function findMissingObjects(
  { objects }: WorkerContext,
  id: string,
  { spec }: ExperimentState,
  stored: StoredArtifact[],
): Promise<string[]> {
  const kept = spec.keep.includes('allocations') ? spec.allocation.splits : []
  const expected = segmentsOf(spec).flatMap(segment => [
    weightsName(segment),
    ...kept.map(split => allocationsName(split, segment)),
    ...spec.allocation.splits.map(split => neuronsName(split, segment)),
  ])
  const known = new Map(stored.map(object => [object.name, object]))
  const missing: string[] = []
  for (const name of expected) {
    const object = known.get(name)
    const found = await objects.stat(objectKey(id, name))
    if (object === undefined || found === undefined) missing.push(`${name} is missing`)
    else if (found.bytes !== object.bytes)
      missing.push(`${name} has ${found.bytes} bytes, not ${object.bytes}`)
  }
  return missing
}

async function writeManifest(
  { db, objects }: WorkerContext,
  id: string,
  state: ExperimentState,
  kept: StoredArtifact[],
): Promise<StoredArtifact> {
  const manifest = await makeManifest(db, id, state, kept)
  const writer = await objects.write(objectKey(id, manifestName), 'application/json')
  try {
    await writer.append(new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`))
    const { bytes, sha256, contentType } = await writer.commit()
    return { name: manifestName, bytes, sha256, contentType }
  } catch (error) {
    await writer.abort()
    throw error
  }
}

function summarise(
  { splits, ...rest }: Awaited<ReturnType<typeof totals>>,
  { initial, final }: Extract<Result, { kind: 'evaluate' }>['evaluations'],
): Summary {
  const complete = Object.entries(splits).map(([split, sums]): [string, SplitSummary] => {
    const before = initial[split as SplitName]
    const after = final[split as SplitName]
    if (before === undefined || after === undefined) throw new Error(`split ${split} was not evaluated`)
    return [
      split,
      {
        loss: { initial: before.loss, final: after.loss },
        accuracy: { initial: before.accuracy, final: after.accuracy },
        ...sums,
      },
    ]
  })
  return { ...rest, splits: Object.fromEntries(complete) }
}
