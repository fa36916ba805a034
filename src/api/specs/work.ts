/**
 * What is done with a posted spec or sweep. It may take long, so large bodies come here in a thread of their own
 * (thread.ts); what it has to know of the world it asks for once.
 */
import { setImmediate } from 'node:timers/promises'
import { checkCost, costOf, replayFlops } from '../../spec/cost.ts'
import { findDataset } from '../../spec/datasets.ts'
import { type FieldError, SpecError } from '../../spec/errors.ts'
import type { DatasetFacts, Facts, NetworkFacts } from '../../spec/facts.ts'
import { checkInitial, type Earlier } from '../../spec/initial.ts'
import { preview } from '../../spec/preview.ts'
import type { ResolvedSpec } from '../../spec/schema.ts'
import { type StoredSpec, type StoredSweep, storedSpec } from '../../spec/stored.ts'
import { expandSweep } from '../../spec/sweep.ts'
import { checkTrajectory, type TrajectoryFacts, withTrajectory } from '../../spec/trajectory.ts'
import { ProblemError } from '../problem.ts'
import { isForbidden } from '../webhooks/address.ts'
import { hashOf, idsIn, specOf, unstorable } from './body.ts'

export type Kind = 'experiment' | 'preview' | 'sweep'

export type Work = {
  kind: Kind
  /** Whether to tell what tells the body from others. */
  hashed: boolean
  webhooksToPrivate: boolean
  /** PFLOP of one job; 0: any. */
  maxJobPetaflop: number
}

/** What the body says before it is looked at: the ids in it, and its hash. */
export type Question = { ids: string[]; hash: string | undefined }

/** The datasets of the caller and of the place, and of the experiments that were asked for those that are the caller's. */
export type World = {
  datasets: DatasetFacts[]
  /** `spec` as JSON. */
  earlier: [id: string, { status: string; spec: string; trainingCost: number }][]
  /** The caller's trajectories among what was asked for. */
  trajectories: [id: string, TrajectoryFacts][]
}

/** What became of the body: what is to be stored, or for a preview the text of the answer. */
export type Outcome =
  | { kind: 'experiment'; spec: StoredSpec }
  | { kind: 'preview'; text: string }
  | { kind: 'sweep'; sweep: StoredSweep; request: string }

/**
 * Resolves a body. Throws SpecError and ProblemError. `ask` may say that nothing is to be done, by undefined, which is then
 * the outcome.
 */
export async function resolveBody(
  body: unknown,
  work: Work,
  place: Pick<Facts, 'network' | 'chunkSize'>,
  ask: (question: Question) => Promise<World | undefined>,
): Promise<Outcome | undefined> {
  const world = await ask({ ids: [...idsIn(body)], hash: work.hashed ? hashOf(body) : undefined })
  if (world === undefined) return undefined
  const earlier = new Map(world.earlier)
  const trajectories = new Map(world.trajectories)
  const earlierOf = (id: string): Earlier => {
    const found = earlier.get(id)
    return found === undefined ? null : { ...found, spec: JSON.parse(found.spec) }
  }
  const facts: Facts = { network: place.network, chunkSize: place.chunkSize, datasets: world.datasets }
  let last: { spec: ResolvedSpec; network: NetworkFacts } | undefined
  const networkOf = (spec: ResolvedSpec) => {
    const dataset = findDataset(facts, spec.dataset)!
    if (last?.spec !== spec) last = { spec, network: facts.network(spec.architecture, dataset) }
    return last.network
  }
  /** FLOP. Of what cannot be gone on with, which is told elsewhere, none. */
  const replayOf = (spec: ResolvedSpec): number => {
    const { initial } = spec.training
    return initial?.state ? replayFlops(spec, earlierOf(initial.experiment), networkOf(spec)) : 0
  }
  const resolve = (document: unknown): ResolvedSpec => {
    const spec = specOf(
      withTrajectory(document, id => trajectories.get(id)),
      facts,
    )
    const { initial, trajectory } = spec.training
    const errors = [
      ...(initial ? checkInitial(spec, earlierOf(initial.experiment), facts) : []),
      ...checkTrajectory(spec, trajectory === undefined ? undefined : trajectories.get(trajectory), facts),
      ...(work.webhooksToPrivate ? [] : checkNotify(spec)),
      ...checkCost(spec, networkOf(spec), work.maxJobPetaflop, replayOf(spec)),
    ]
    if (errors.length > 0) throw new SpecError(errors)
    return spec
  }
  const stored = (spec: ResolvedSpec) => storedSpec(spec, costOf(spec, networkOf(spec), replayOf(spec)))

  if (work.kind === 'experiment') return { kind: 'experiment', spec: stored(resolve(body)) }
  if (work.kind === 'preview') {
    const spec = resolve(body)
    return { kind: 'preview', text: JSON.stringify({ spec, ...preview(spec, facts, replayOf(spec)) }) }
  }
  const wrong = unstorable({ name: Object(body).name })
  const sweep = await expandSweep(body, resolve)
  if (wrong.length > 0) throw new ProblemError('invalid-spec', '1 field is wrong', { errors: wrong })
  const experiments: StoredSweep['experiments'] = []
  for (const { variant, spec } of sweep.experiments) {
    experiments.push({ variant, spec: stored(spec) })
    await setImmediate()
  }
  return { kind: 'sweep', sweep: { ...sweep, experiments }, request: JSON.stringify(body) }
}

/** What would never be delivered, as far as the URL itself says so. */
function checkNotify({ notify = [] }: ResolvedSpec): FieldError[] {
  return notify.flatMap(({ url }, i) => {
    const message =
      'must lead to a public address; others only where LEDGER_WEBHOOKS_TO_PRIVATE=yes lets them'
    return isForbidden(new URL(url)) ? [{ path: `$.notify[${i}].url`, message }] : []
  })
}
