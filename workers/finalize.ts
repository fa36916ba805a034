/** The finalize step: checks that nothing is missing, totals, manifest, and away with what is not to be kept. */

import { seamVectors } from '../src/lca/diagnostics/follow.ts'
import {
  allocationsName,
  leftName,
  manifestName,
  neuronsName,
  seamsName,
  stateName,
  weightsName,
} from '../src/objects/names.ts'
import { objectKey } from '../src/objects/objects.ts'
import { inspect } from '../src/objects/verify.ts'
import { recordedBy } from '../src/spec/recording.ts'
import type { ResolvedSpec } from '../src/spec/resolved.ts'
import { type SegmentSpan, segmentsOf } from '../src/spec/segments.ts'
import { findArtifacts, type StoredArtifact } from '../src/store/artifacts.ts'
import { coarsen } from '../src/store/coarsen.ts'
import { uploadOf } from '../src/store/datasets.ts'
import { patiently } from '../src/store/patience.ts'
import { type ExperimentState, readState } from '../src/store/state.ts'
import {
  finishExperiment,
  incompleteSegments,
  makeManifest,
  readArtifacts,
  summarise,
} from '../src/store/summary.ts'
import { isWanted, recordAgain, resetSegments } from '../src/store/training.ts'
import type { Task } from './protocol.ts'
import { isJoined, isRecoverable, joinSeams } from './seams.ts'
import { HandedBack, runTask, Unwanted, type WorkerContext } from './task.ts'

/**
 * Finalizes an experiment whose segments are all allocated. Every object that stays is read and hashed: what is lost or
 * damaged is made good where it can be here (weights that are kept), or taken back to be allocated again: then this
 * throws, and the next attempt does that. Where a segment's weights are lost that are only needed for that, whoever
 * allocates it trains it again. What had succeeded before and cannot be computed any more succeeds again without it.
 */
export async function finalize(context: WorkerContext, id: string, state: ExperimentState): Promise<void> {
  const { db, log } = context
  const { spec } = state
  const obstacle = state.finished ? await obstacleTo(context, id, spec) : undefined
  const lost: string[] = []
  const weights = spec.keep.includes('weights') ? await findLost(context, id, spec, weightsOf) : []
  if (obstacle !== undefined) lost.push(...weights.flatMap(({ names }) => names))
  else if (weights.length > 0) await restoreWeights(context, id, spec, weights)
  // Once it has succeeded what seams were needed for is made, and they are gone.
  const joins = !state.finished || !(await isJoined(context, id, spec))
  const tables = await findLost(context, id, spec, allocationsOf(spec, joins))
  if (obstacle !== undefined) lost.push(...tables.flatMap(({ names }) => names))
  const incomplete = new Set([
    ...(await incompleteSegments(db, id, spec)),
    ...(obstacle === undefined ? tables.map(({ index }) => index) : []),
  ])
  if (incomplete.size > 0) {
    const segments = [...incomplete].sort((a, b) => a - b)
    await resetSegments(db, id, segments)
    throw new Error(`the ledger was not complete, and segments ${segments.join(', ')} are allocated again`)
  }
  if (lost.length > 0) {
    log.error({ experiment: id, objects: lost, obstacle }, 'objects are lost for good')
    // What is left of them is not what it says it is.
    for (const key of lost.map(name => objectKey(id, name))) await context.objects.remove(key, [key])
  }
  if (joins) await joinSeams(context, id, spec)
  await patiently(() => coarsen(db, id, { signal: context.stopping }), log)
  const stored = await readArtifacts(db, id)
  const finished = await summarise(db, id, spec)
  const former = formerOf(stored, spec)
  const objects = stored.filter(
    one => one.name !== manifestName && isKept(one.name, state) && !former.includes(one),
  )
  const manifest = await writeManifest(context, id, state, objects, lost)
  const isFinished = await patiently(() => finishExperiment(db, id, finished, [...objects, manifest]), log)
  if (!isFinished) {
    const now = await readState(db, id)
    if (now?.status === 'allocating' && !now.cancelling)
      throw new Error('a segment was taken back while the experiment was finalized')
    // Not finished now, and succeeded all the same: it was, and only the answer was lost.
    if (now?.status !== 'succeeded') throw new Unwanted()
  }
  for (const key of former.map(({ name }) => objectKey(id, name))) await context.objects.remove(key, [key])
  await removeUnkept(context, id, state)
  const { summary } = finished
  log.info({ experiment: id, summary }, 'the experiment has succeeded')
  if (summary.unbalanced)
    log.warn({ experiment: id, unbalanced: summary.unbalanced }, 'its books do not balance')
}

/** Tensors of the segment that was the last, and shorter, before the experiment was extended: those of its whole take their place. */
function formerOf(stored: StoredArtifact[], spec: ResolvedSpec): StoredArtifact[] {
  const ends = new Map(segmentsOf(spec).map(({ from, to }) => [from, to]))
  return stored.filter(({ name }) => {
    const [, from, to] = /\/(\d+)-(\d+)\.npy$/.exec(name) ?? []
    return from !== undefined && ends.get(Number(from)) !== Number(to)
  })
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
  for (const { diagnostic } of recordedBy(spec))
    if (diagnostic.left) await remove('training', segment => leftName(diagnostic.name, segment))
  for (const split of spec.allocation.splits) await remove('seams', segment => seamsName(split, segment))
  if (!spec.keep.includes('weights')) await remove('weights', weightsName)
}

const isKept = (name: string, { spec }: ExperimentState) =>
  !name.startsWith('seams/') && (spec.keep.includes('weights') || !name.startsWith('weights/'))

/** The objects of a segment that are to stay, or are still needed. */
type Expected = (segment: SegmentSpan) => string[]
const weightsOf: Expected = segment => [weightsName(segment)]
const allocationsOf = (spec: ResolvedSpec, withSeams: boolean): Expected => {
  const { splits } = spec.allocation
  const kept = spec.keep.includes('allocations') ? splits : []
  return segment => [
    ...kept.map(split => allocationsName(split, segment)),
    ...splits.map(split => neuronsName(split, segment)),
    ...(withSeams && seamVectors(recordedBy(spec)).length > 0 ? splits : []).map(split =>
      seamsName(split, segment),
    ),
  ]
}

type Lost = { index: number; names: string[] }

/** Objects that are read at once. */
const atOnce = 4
/** Milliseconds between two looks whether anybody still wants the result. */
const askEvery = 1000

/** The segments of which objects are not in storage as Postgres has them: gone, cut short, or with another digest. */
async function findLost(
  { db, objects, log, stopping }: WorkerContext,
  id: string,
  spec: ResolvedSpec,
  expected: Expected,
): Promise<Lost[]> {
  const segments = segmentsOf(spec)
  const known = new Map((await readArtifacts(db, id)).map(object => [object.name, object]))
  // Of a run that had succeeded before it went on, nobody keeps them.
  const isRecovered = (name: string) => name.startsWith('seams/') && isRecoverable(spec)
  const lost: Lost[] = []
  let asked = Date.now()
  for (let i = 0; i < segments.length; i += atOnce) {
    if (Date.now() - asked > askEvery) {
      asked = Date.now()
      if (!(await isWanted(db, id, 'allocating'))) throw new Unwanted()
    }
    await Promise.all(
      segments.slice(i, i + atOnce).map(async segment => {
        const names: string[] = []
        for (const name of expected(segment)) {
          const object = known.get(name)
          if (object === undefined && isRecovered(name)) continue
          const found =
            object === undefined
              ? 'missing'
              : await inspect(objects, { ...object, key: objectKey(id, name) }, stopping).catch(error => {
                  throw stopping.aborted ? new HandedBack() : error
                })
          if (found === 'whole') continue
          log.warn({ experiment: id, object: name }, `an object is ${found}`)
          names.push(name)
        }
        if (names.length > 0) lost.push({ index: segment.index, names })
      }),
    )
  }
  return lost.sort((a, b) => a.index - b.index)
}

/** Why nothing of an experiment can be computed again; undefined where it can. */
async function obstacleTo(
  { db }: WorkerContext,
  id: string,
  { dataset, training: { initial } }: ResolvedSpec,
): Promise<string | undefined> {
  if (dataset.sha256 !== undefined && (await uploadOf(db, id)) === undefined)
    return `the dataset ${dataset.name} (${dataset.sha256}) has been deleted`
  if (initial === undefined) return undefined
  const { experiment } = initial
  const found = await findArtifacts(db, experiment, [manifestName])
  return found.size > 0 ? undefined : `experiment ${experiment}, which it starts from, has been deleted`
}

/** Trains segments again whose weights are lost. */
async function restoreWeights(
  context: WorkerContext,
  id: string,
  spec: ResolvedSpec,
  lost: Lost[],
): Promise<void> {
  const { db, log } = context
  const segments = lost.map(({ index }) => index)
  log.warn({ experiment: id, segments }, 'weights are lost and trained again')
  const task: Extract<Task, { kind: 'train' }> = { kind: 'train', experimentId: id, spec, segments }
  const { objects } = await runTask(context, task, { phase: 'allocating' })
  await recordAgain(db, id, { segments, objects }, await context.computer())
}

async function writeManifest(
  { db, objects }: WorkerContext,
  id: string,
  state: ExperimentState,
  kept: StoredArtifact[],
  lost: string[],
): Promise<StoredArtifact> {
  const manifest = await makeManifest(db, id, state, kept, lost)
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
