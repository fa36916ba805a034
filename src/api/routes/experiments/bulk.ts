/** One thing done with several experiments: each by itself, and each is answered for. */
import type { FastifyInstance } from 'fastify'
import { type Edit, editExperiment, mostTags } from '../../../store/edits.ts'
import {
  cancelExperiment,
  deleteExperiment,
  type Reader,
  retryExperiment,
  type Submissions,
} from '../../../store/experiments.ts'
import { countUnfinished, fits } from '../../../store/posting.ts'
import { quotaExceeded, startedFrom } from '../../problem.ts'
import type { BulkOutcome, BulkRequest } from '../../schemas/changes.ts'

type App = Pick<FastifyInstance, 'db' | 'objects' | 'config'>
type Found = { id: string; tenant: string; segments: number }
type Outcome = Omit<BulkOutcome, 'id'>
const plain = (outcome: Outcome['outcome']): Outcome => ({ outcome, detail: null })
const refused = (detail: string): Outcome => ({ outcome: 'refused', detail })

/** Experiments that are worked on at once: what deletes asks the object store, and there are ten connections to Postgres. */
const atOnce = 4

/** What became of each, in the order of the ids. `onError` hears of what nobody expected; the others go on. */
export async function actOnAll(
  app: App,
  queue: Submissions,
  { action, ids, tags }: Pick<BulkRequest, 'action' | 'ids' | 'tags'>,
  reader: Reader,
  onError: (error: unknown) => void,
): Promise<BulkOutcome[]> {
  const wanted = [...new Set(ids.map(id => id.toLowerCase()))]
  const { rows } = await app.db.pool.query<Found>(
    `SELECT id, tenant, segment_count AS segments FROM experiments
      WHERE id = ANY ($1::uuid[]) AND ($2::text IS NULL OR tenant = $2)`,
    [wanted, reader.tenant],
  )
  const found = new Map(rows.map(row => [row.id, row]))
  const outcomes = new Map<string, Outcome>()
  const act = actions[action]
  const left = wanted.values()
  const work = async () => {
    for (const id of left) {
      const one = found.get(id)
      try {
        outcomes.set(id, one === undefined ? plain('missing') : await act(app, queue, one, { tags }))
      } catch (error) {
        onError(error)
        outcomes.set(id, { outcome: 'failed', detail: 'the service failed; try again' })
      }
    }
  }
  // One after the other where each looks how many are queued by then.
  await Promise.all(Array.from({ length: action === 'retry' ? 1 : atOnce }, work))
  return wanted.map(id => ({ id, ...outcomes.get(id)! }))
}

type Act = (app: App, queue: Submissions, found: Found, edit: Edit) => Promise<Outcome>
const actions: Record<BulkRequest['action'], Act> = {
  async cancel({ db }, queue, { id }) {
    const outcome = await cancelExperiment(db, queue, id)
    return plain(outcome === 'finished' ? 'unchanged' : outcome)
  },
  async retry({ db, config }, queue, { id, tenant, segments }) {
    const quota = { experiments: config.maxUnfinished, segments: config.maxUnfinishedSegments }
    if (!fits({ experiments: 1, segments }, await countUnfinished(db.pool, tenant), quota))
      return refused(quotaExceeded(quota, 'some').message)
    const outcome = await retryExperiment(db, queue, id)
    if (outcome === 'running') return plain('unchanged')
    return plain(outcome === 'looking' ? 'allocating' : outcome)
  },
  async delete({ db, objects }, queue, { id }) {
    const deleted = await deleteExperiment(db, queue, objects, id)
    return deleted.outcome === 'in use' ? refused(startedFrom(deleted.users).message) : plain(deleted.outcome)
  },
  async tag({ db }, _, { id }, { tags }) {
    const outcome = await editExperiment(db, id, { tags })
    if (outcome === 'crowded') return refused(`it would have more than ${mostTags} tags`)
    return plain(outcome === 'edited' ? 'tagged' : outcome === 'stale' ? 'failed' : outcome)
  },
}
