/** GET of one experiment: sent as text that is made once for all who ask at the same moment, or after a change. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Reader } from '../../../store/experiments.ts'
import type { Watch } from '../../plugins/app/watch.ts'
import { isFinished } from '../../status.ts'
import type { Found } from './query.ts'

// Whoever asks while a query runs shares its result (api/batch.ts), and this.
const texts = new WeakMap<Found, string>()

export function sendExperiment(reply: FastifyReply, found: Found): FastifyReply {
  let text = texts.get(found)
  if (text === undefined) {
    text = JSON.stringify(found.experiment)
    texts.set(found, text)
  }
  return reply.type('application/json; charset=utf-8').send(text)
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
  found: Found,
  seconds: number,
  { signal }: Pick<FastifyRequest, 'signal'>,
  reader: Reader,
): Promise<Found> {
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
