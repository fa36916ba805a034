/** The finalize step: checks that nothing is missing, totals, manifest, and away with what is not to be kept. */

import { allocationsName, manifestName, neuronsName, stateName, weightsName } from '../src/objects/names.ts'
import { objectKey } from '../src/objects/objects.ts'
import { type SegmentSpan, segmentsOf } from '../src/spec/segments.ts'
import type { StoredArtifact } from '../src/store/artifacts.ts'
import { patiently } from '../src/store/patience.ts'
import { type ExperimentState, readState } from '../src/store/state.ts'
import {
  finishExperiment,
  incompleteSegments,
  makeManifest,
  readArtifacts,
  summarise,
} from '../src/store/summary.ts'
import { recordAgain, resetSegments } from '../src/store/training.ts'
import type { Task } from './protocol.ts'
import { runTask, Unwanted, type WorkerContext } from './task.ts'

/**
 * Finalizes an experiment whose segments are all allocated. What is missing is made good where it can be here (weights
 * that are kept), or taken back to be allocated again: then this throws, and the next attempt does that. Where a segment's
 * weights are lost that are only needed for that, whoever allocates it trains it again.
 */
export async function finalize(context: WorkerContext, id: string, state: ExperimentState): Promise<void> {
  const { db, log } = context
  const { spec } = state
  if (spec.keep.includes('weights')) await restoreWeights(context, id, state)
  const stored = await readArtifacts(db, id)
  const incomplete = new Set([
    ...(await incompleteSegments(db, id, spec)),
    ...(await lostAllocations(context, id, state, stored)),
  ])
  if (incomplete.size > 0) {
    const segments = [...incomplete].sort((a, b) => a - b)
    await resetSegments(db, id, segments)
    throw new Error(`the ledger was not complete, and segments ${segments.join(', ')} are allocated again`)
  }
  const finished = await summarise(db, id, spec)
  const objects = stored.filter(({ name }) => name !== manifestName && isKept(name, state))
  const manifest = await writeManifest(context, id, state, objects)
  const isFinished = await patiently(() => finishExperiment(db, id, finished, [...objects, manifest]), log)
  if (!isFinished) {
    const now = await readState(db, id)
    if (now?.status === 'allocating' && !now.cancelling)
      throw new Error('a segment was taken back while the experiment was finalized')
    // Not finished now, and succeeded all the same: it was, and only the answer was lost.
    if (now?.status !== 'succeeded') throw new Unwanted()
  }
  await removeUnkept(context, id, state)
  const { summary } = finished
  log.info({ experiment: id, summary }, 'the experiment has succeeded')
  if (summary.unbalanced)
    log.warn({ experiment: id, unbalanced: summary.unbalanced }, 'its books do not balance')
}

/** Removes the objects that were only needed on the way. Doing it again removes nothing. */
export async function removeUnkept(
  { objects }: WorkerContext,
  id: string,
  { spec }: ExperimentState,
): Promise<void> {
  const remove = (folder: string, name: (segment: SegmentSpan) => string) =>
    objects.remove(
      objectKey(id, folder),
      segmentsOf(spec).map(segment => objectKey(id, name(segment))),
    )
  await remove('state', ({ to }) => stateName(to))
  if (!spec.keep.includes('weights')) await remove('weights', weightsName)
}

const isKept = (name: string, { spec }: ExperimentState) =>
  spec.keep.includes('weights') || !name.startsWith('weights/')

/** Trains the segments again whose weights are not in storage as Postgres has them. */
async function restoreWeights(context: WorkerContext, id: string, { spec }: ExperimentState): Promise<void> {
  const { db, log } = context
  const known = bytesByName(await readArtifacts(db, id))
  const lost: number[] = []
  for (const segment of segmentsOf(spec))
    if (!(await isStored(context, id, weightsName(segment), known))) lost.push(segment.index)
  if (lost.length === 0) return
  log.warn({ experiment: id, segments: lost }, 'weights are lost and trained again')
  const task: Extract<Task, { kind: 'train' }> = { kind: 'train', experimentId: id, spec, segments: lost }
  const { objects } = await runTask(context, task, { phase: 'allocating' })
  await recordAgain(db, id, { segments: lost, objects }, await context.computer())
}

/** The segments whose allocations are to be kept and are not in storage as Postgres has them. */
async function lostAllocations(
  context: WorkerContext,
  id: string,
  { spec }: ExperimentState,
  stored: StoredArtifact[],
): Promise<number[]> {
  const known = bytesByName(stored)
  const lost: number[] = []
  const { splits } = spec.allocation
  const kept = spec.keep.includes('allocations') ? splits : []
  for (const segment of segmentsOf(spec)) {
    const expected = [
      ...kept.map(split => allocationsName(split, segment)),
      ...splits.map(split => neuronsName(split, segment)),
    ]
    for (const name of expected)
      if (!(await isStored(context, id, name, known))) {
        lost.push(segment.index)
        break
      }
  }
  return lost
}

const bytesByName = (stored: StoredArtifact[]) => new Map(stored.map(({ name, bytes }) => [name, bytes]))

async function isStored(
  { objects }: WorkerContext,
  id: string,
  name: string,
  known: Map<string, number>,
): Promise<boolean> {
  const bytes = known.get(name)
  return bytes !== undefined && (await objects.stat(objectKey(id, name)))?.bytes === bytes
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
