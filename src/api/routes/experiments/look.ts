/** GET of one experiment: sent as text that is made once for all who ask at the same moment, or after a change. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Reader } from '../../../store/experiments.ts'
import { jsonWith, sendJson } from '../../http/json.ts'
import type { Watch } from '../../plugins/app/watch.ts'
import { isFinished } from '../../status.ts'
import type { FoundWhole } from './query.ts'

// Whoever asks while a query runs shares its result (api/batch.ts), and this.
const texts = new WeakMap<FoundWhole, string>()

export function sendExperiment(reply: FastifyReply, found: FoundWhole): FastifyReply {
  let text = texts.get(found)
  if (text === undefined) {
    const { experiment, notes, place: queue, branches, specText } = found
    text = jsonWith({ ...experiment, notes, queue, branches }, 'spec', specText)
    texts.set(found, text)
  }
  return sendJson(reply, text)
}

const mostSeconds = 60

/** What `Prefer: wait=seconds` (RFC 7240) asks for, within bounds; 0 where it does not. */
export function secondsToWait(prefer: string | undefined): number {
  const match = /(?:^|,)\s*wait\s*=\s*(\d{1,9})\s*(?:;|,|$)/i.exec(prefer ?? '')
  return match ? Math.min(mostSeconds, Number(match[1])) : 0
}

/** The experiment when it is no longer as it was found, when the seconds are over, or when the client has gone. */
export function waitForChange(
  watch: Watch,
  found: FoundWhole,
  seconds: number,
  { signal }: Pick<FastifyRequest, 'signal'>,
  reader: Reader,
): Promise<FoundWhole> {
  const { id, status } = found.experiment
  if (isFinished(status) || signal.aborted) return Promise.resolve(found)
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      stop()
      signal.removeEventListener('abort', end)
      watch.find(id, reader).then(resolve, reject)
    }
    const stop = watch.follow(id, now => {
      if (now?.etag !== found.etag) end()
    })
    const timer = setTimeout(end, seconds * 1000)
    signal.addEventListener('abort', end)
  })
}
