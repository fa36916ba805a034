/** The queue as routes use it. */
import type { FastifyBaseLogger } from 'fastify'
import type { ExperimentQueue } from '../queue/queue.ts'

/**
 * The queue for one request, which never fails: what Postgres has accepted stands, a lost job is queued again from
 * there (src/queue/reconcile.ts), and the worker of a needless one finds that out. What fails is logged with `about`.
 */
export function tolerantQueue(
  queue: ExperimentQueue,
  log: Pick<FastifyBaseLogger, 'error'>,
  about: Record<string, string>,
): Pick<ExperimentQueue, 'submit' | 'submitAll' | 'remove'> {
  let away = false
  const attempt = (work: () => Promise<void>) =>
    work().catch((error: unknown) => {
      away = true
      log.error({ err: error, ...about }, 'stored, but the queue could not be told')
    })
  return {
    submit: id => attempt(() => queue.submit(id)),
    submitAll: ids => attempt(() => queue.submitAll(ids)),
    // A sweep takes a thousand jobs back: waiting for the queue once is enough.
    remove: async id => {
      if (!away) await attempt(() => queue.remove(id))
    },
  }
}
