/** Events as server-sent events have them on the wire. */
import type { Found } from '../experiments/query.ts'

/** One event. JSON has no line breaks, so its data is one line. */
export const frame = (event: string, id: string, data: unknown): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`

/** Told first: how long a client should wait before it comes back. */
export const greeting = 'retry: 2000\n\n'

/** A comment: keeps connections and what lies between from thinking that nobody is there. */
export const heartbeat = Buffer.from(':\n\n')

export function statusFrame({ experiment }: Found, id: string): string {
  const { status, progress, summary, worker, attempts, error, updatedAt } = experiment
  const data = { id: experiment.id, status, progress, summary, worker, attempts, error, updatedAt }
  return frame('status', id, data)
}

export const progressFrame = ({ experiment }: Found, id: string): string =>
  frame('progress', id, experiment.progress)
